import type { DuckDBConnection } from '@duckdb/node-api';
import { messageOf, quoteQualified } from '../core/index.js';
import type { Clock, Logger } from '../core/index.js';
import type { Archive, ArchiveEntry } from './archive.js';
import { addToManifest, readManifest, readUnlinks } from './archive.js';
import type { Gap } from './batch/layout.js';
import { LAKE_CATALOG } from './migrations.js';
import { isFileDamage } from './opening.js';
import { ALL } from './recovery.js';
import type { Table } from './schema.js';
import { tableName } from './schema.js';
import { addToTotals, missingRows, readHeld } from './totals.js';
import { transaction } from './transaction.js';

/** What the archive folder holds and the manifest does not list. */
export interface Unlisted {
  /** Files to be adopted. */
  readonly entries: readonly ArchiveEntry[];
  /** A sentence for each that was put aside. */
  readonly warnings: readonly string[];
  /** For what those held. */
  readonly gaps: readonly Gap[];
}

/**
 * Files that the manifest doesn't know: what a crash left before its rows were deleted goes; what only the files hold (the
 * lake file was replaced) is to be adopted. One that can't be read is put aside and told, with a gap unless its rows are in
 * the lake file still.
 */
export async function readUnlisted(
  archive: Archive,
  connection: DuckDBConnection,
  logger: Logger,
  clock: Clock,
): Promise<Unlisted> {
  // In this order: a file that is put aside meanwhile was in the folder or is in the manifest no more.
  const files = await archive.files();
  const listed = await readManifest(connection);
  const known = new Set([
    ...listed.map((entry) => entry.file),
    // Their rows have expired, and they were to be removed by the run before.
    ...(await readUnlinks(connection)),
  ]);
  const entries: ArchiveEntry[] = [];
  const warnings: string[] = [];
  const gaps: Gap[] = [];
  // Of two with the same rows the longer one is taken.
  for (const { file, table } of longestFirst(files)) {
    if (known.has(file)) continue;
    try {
      const entry = await archive.describe(connection, file, table);
      if (entry === null) continue;
      if (await hasRows(connection, table, entry.firstSeq, entry.lastSeq)) await archive.remove(file);
      else if ([...listed, ...entries].some((other) => overlap(entry, other))) {
        // What was written when its rows could not be deleted: a later file has them, too.
        logger.warn({ file: archive.path(file) }, 'An archive file is not read: another one holds its rows.');
      } else entries.push(entry);
    } catch (thrown) {
      // The lake file's damage is no reason against the archive's.
      if (isFileDamage(thrown)) throw thrown;
      const reason = messageOf(thrown);
      const aside = await archive.putAside(file);
      if (aside === null) continue;
      warnings.push(`${aside} was put aside: ${reason}`);
      logger.error({ file: aside, reason }, 'A damaged archive file was put aside.');
      const [first = 0, last = 0] = seqsIn(file);
      if (await hasRows(connection, table, first, last)) continue;
      // Of which time its rows were is not known.
      const gap = { connector: ALL, stream: tableName(table), cause: 'archive', estimated: null };
      gaps.push({ ...gap, fromMicros: 0, toMicros: Math.round(clock.wallMs() * 1000) });
    }
  }
  return { entries, warnings, gaps };
}

/** Takes files into the manifest, all or none. */
export async function adopt(entries: readonly ArchiveEntry[], connection: DuckDBConnection): Promise<void> {
  if (entries.length === 0) return;
  const missing = new Map((await readHeld(connection)).map((totals) => [totals.table, missingRows(totals)]));
  await transaction(connection, async () => {
    for (const entry of entries) {
      // What the totals miss is what only fell out of the manifest; all else comes anew.
      const returned = Math.min(entry.rows, Math.max(0, missing.get(entry.table) ?? 0));
      missing.set(entry.table, (missing.get(entry.table) ?? 0) - returned);
      await addToManifest(connection, entry);
      const { rows, minTimeMicros } = entry;
      await addToTotals(connection, {
        table: entry.table,
        appended: rows - returned,
        minTimeMicros: Number(minTimeMicros),
      });
    }
  });
}

type Found = Awaited<ReturnType<Archive['files']>>;

function longestFirst(files: Found): Found {
  const length = ({ file }: Found[number]): number => {
    const [first = 0, last = 0] = seqsIn(file);
    return last - first;
  };
  return files.toSorted((one, other) => length(other) - length(one));
}

function overlap(one: ArchiveEntry, other: ArchiveEntry): boolean {
  return one.table === other.table && one.firstSeq <= other.lastSeq && other.firstSeq <= one.lastSeq;
}

/** First and last seq, as the name of an archive file says. */
function seqsIn(file: string): readonly number[] {
  return (/-(\d+)-(\d+)\.parquet$/.exec(file) ?? []).slice(1).map(Number);
}

async function hasRows(connection: DuckDBConnection, table: Table, first: number, last: number): Promise<boolean> {
  const read = await connection.runAndReadAll(
    `SELECT 1 FROM ${quoteQualified(LAKE_CATALOG, table.schema, table.name)} ` +
      `WHERE seq BETWEEN ${first} AND ${last} LIMIT 1`,
  );
  return read.currentRowCount > 0;
}
