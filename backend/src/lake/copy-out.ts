import { rmSync, statSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { ArmorlakeError, messageOf, quoteIdentifier, quoteQualified } from '../core/index.js';
import type { Clock, Logger } from '../core/index.js';
import { Database } from '../engine/host.js';
import { isDiskFull } from './disk.js';
import type { Migration } from './migrations.js';
import { INTERNAL_SCHEMA, LAKE_CATALOG, latestVersion, migrate, versionOf } from './migrations.js';
import { tableName, timeColumn } from './schema.js';
import { countedTables, eventTables, gaps as gapsTable } from './tables.js';
import { addToTotals, missingRows, readHeld, seqsBetween } from './totals.js';

export interface CopyOutOptions {
  /** Of the instance that has the new file. */
  readonly database: Parameters<typeof Database.open>[0];
  /** The damaged file. */
  readonly from: string;
  /** The new one, of which nothing is kept unless all goes well. */
  readonly to: string;
  readonly steps: readonly Migration[];
  readonly node: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Bytes of write-ahead log at which the new file is checkpointed. */
  readonly checkpointWalBytes: number;
}

/** Rows that could not be read. */
interface LostRows {
  /** `schema.name`. */
  readonly table: string;
  /** Their row ids; null: all of the table. */
  readonly range: readonly [from: number, to: number] | null;
}

/** So many rows are copied in one statement; of those that can't be read the half is tried, down to LEAST_ROWS. */
const CHUNK_ROWS = 30_720;
const LEAST_ROWS = 2048;
const DAMAGED = 'damaged';

/**
 * Copies what can be read of a damaged lake file, and of its write-ahead log, into a new one, table by table. What can't be
 * read is booked there as lost, with a gap. Returns a sentence for each loss; throws, and leaves no new file, when the
 * damaged one can't be opened or there is no room.
 */
export async function copyOut(options: CopyOutOptions): Promise<readonly string[]> {
  const { database: settings, from, to, logger } = options;
  remove(to);
  try {
    const database = await Database.open({ ...settings, readOnly: { path: from, catalog: DAMAGED } });
    try {
      const connection = await database.connect();
      try {
        const lost = await copyTables(options, database, connection);
        const sentences = await book(options, connection, lost);
        await database.checkpoint();
        for (const sentence of sentences) logger.error({ file: from }, sentence);
        return sentences;
      } finally {
        connection.closeSync();
      }
    } finally {
      database.close();
    }
  } catch (thrown) {
    remove(to);
    if (!isDiskFull(thrown)) throw thrown;
    throw new ArmorlakeError(
      'DISK_FULL',
      `The damaged ${from} can't be copied for want of room: ${messageOf(thrown)}`,
      {
        hint: 'Make as much room as the file takes and start again, or move the file away: a new one is begun then.',
        cause: thrown,
      },
    );
  }
}

function remove(path: string): void {
  for (const each of [path, `${path}.wal`]) rmSync(each, { force: true });
}

async function copyTables(
  { steps, to, logger, checkpointWalBytes }: CopyOutOptions,
  database: Database,
  connection: DuckDBConnection,
): Promise<readonly LostRows[]> {
  const version = await versionOf(connection, DAMAGED);
  if (version === 0 || version > latestVersion(steps)) {
    throw new ArmorlakeError('INTERNAL', `A lake of version ${version} can't be copied.`);
  }
  const own = steps.filter((step) => step.version <= version);
  await migrate(connection, own);
  const lost: LostRows[] = [];
  for (const table of await columnsOf(connection)) {
    // The version is that of the new one, and its totals begin with those of the old one.
    if (table.name === `${INTERNAL_SCHEMA}.versions`) continue;
    await connection.run(`DELETE FROM ${table.to}`);
    const rows = await copyTable(connection, table, lost, async () => {
      const wal = statSync(`${to}.wal`, { throwIfNoEntry: false })?.size ?? 0;
      if (wal > checkpointWalBytes) await database.checkpoint();
    });
    logger.warn({ table: table.name, rows }, 'A table of the damaged lake file was copied.');
  }
  const totals = `${INTERNAL_SCHEMA}.totals`;
  if (lost.some(({ table }) => table === totals)) {
    await connection.run(`DELETE FROM ${quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA, 'totals')}`);
    // They begin anew with what is held.
    for (const statement of own.flatMap(({ statements }) => statements)) await connection.run(statement);
  }
  await migrate(connection, steps);
  return lost;
}

interface CopiedTable {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** Those that both have. */
  readonly columns: string;
}

async function columnsOf(connection: DuckDBConnection): Promise<readonly CopiedTable[]> {
  const read = await connection.runAndReadAll(
    'SELECT schema_name, table_name, list(column_name ORDER BY column_index) FROM duckdb_columns() AS own ' +
      'JOIN duckdb_tables() USING (database_name, schema_name, table_name) WHERE database_name = ? AND EXISTS ' +
      '(SELECT 1 FROM duckdb_columns() AS old WHERE old.database_name = ? AND old.schema_name = own.schema_name ' +
      'AND old.table_name = own.table_name AND old.column_name = own.column_name) GROUP BY ALL ORDER BY ALL',
    [LAKE_CATALOG, DAMAGED],
  );
  return read.getRowsJson().map(([schema, table, columns]) => ({
    name: `${String(schema)}.${String(table)}`,
    from: quoteQualified(DAMAGED, String(schema), String(table)),
    to: quoteQualified(LAKE_CATALOG, String(schema), String(table)),
    columns: (Array.isArray(columns) ? columns.map(String) : []).map(quoteIdentifier).join(', '),
  }));
}

/** Copies by ranges of row ids, in their order: only what a range holds is read for it. Returns the rows copied. */
async function copyTable(
  connection: DuckDBConnection,
  { name, from, to, columns }: CopiedTable,
  lost: LostRows[],
  afterChunk: () => Promise<void>,
): Promise<number> {
  let copied = 0;
  const copy = async (first: number, end: number): Promise<void> => {
    try {
      const within = `rowid >= ${first} AND rowid < ${end}`;
      const { rowsChanged } = await connection.run(
        `INSERT INTO ${to} (${columns}) SELECT ${columns} FROM ${from} WHERE ${within}`,
      );
      copied += rowsChanged;
    } catch (thrown) {
      if (!isUnreadable(thrown)) throw thrown;
      if (end - first > LEAST_ROWS) {
        const middle = first + Math.ceil((end - first) / 2 / LEAST_ROWS) * LEAST_ROWS;
        await copy(first, middle);
        await copy(middle, end);
        return;
      }
      const before = lost.at(-1);
      const adjoins = before?.table === name && before.range?.[1] === first;
      if (adjoins) lost.pop();
      lost.push({ table: name, range: [adjoins ? (before.range?.[0] ?? first) : first, end] });
    }
  };
  const end = await rowsOf(connection, from);
  if (end === null) lost.push({ table: name, range: null });
  for (let first = 0; first < (end ?? 0); first += CHUNK_ROWS) {
    await copy(first, Math.min(first + CHUNK_ROWS, end ?? 0));
    await afterChunk();
  }
  return copied;
}

/** One above the highest row id; null when that can't be read. */
async function rowsOf(connection: DuckDBConnection, from: string): Promise<number | null> {
  try {
    const read = await connection.runAndReadAll(`SELECT coalesce(max(rowid) + 1, 0)::DOUBLE FROM ${from}`);
    return Number(read.getRowsJS()[0]?.[0] ?? 0);
  } catch (thrown) {
    if (!isUnreadable(thrown)) throw thrown;
    return null;
  }
}

/** Damage that one statement meets; after a fatal error no other one would run. */
function isUnreadable(thrown: unknown): boolean {
  const message = messageOf(thrown);
  if (isDiskFull(thrown) || /out of memory|has been invalidated|FATAL/i.test(message)) return false;
  return /corrupt|checksum|could not read|serializ|not enough bytes/i.test(message);
}

/** Books what was lost in the new file: a gap for each stretch, and the totals' part. */
async function book(
  { node, clock }: CopyOutOptions,
  connection: DuckDBConnection,
  lost: readonly LostRows[],
): Promise<readonly string[]> {
  const nowMicros = Math.round(clock.wallMs() * 1000);
  const sentences: string[] = [];
  const held = lost.length === 0 ? [] : await readHeld(connection);
  for (const totals of held) {
    const missing = missingRows(totals);
    if (missing <= 0 || !lost.some(({ table }) => table === totals.table)) continue;
    const seqs = seqsBetween(totals.seqs, totals.heldSeqs);
    await addToTotals(connection, { table: totals.table, lost: missing, seqs });
  }
  for (const { table, range } of lost) {
    const only = lost.filter((each) => each.table === table).length === 1;
    const missing = held.find((each) => each.table === table);
    const facts = range === null ? null : await factsOf(connection, table, range);
    const rows = facts?.rows ?? (only && missing !== undefined ? Math.max(0, missingRows(missing)) : null);
    const fromMicros = Math.min(facts?.minTimeMicros ?? missing?.minTimeMicros ?? 0, nowMicros);
    await connection.run(
      `INSERT INTO ${quoteQualified(LAKE_CATALOG, gapsTable.schema, gapsTable.name)} VALUES ` +
        "(?, '*', ?, make_timestamp(?::BIGINT), make_timestamp(?::BIGINT), 'file', ?::BIGINT)",
      [node, table, fromMicros, facts?.maxTimeMicros ?? nowMicros, rows],
    );
    await addToTotals(connection, { table: tableName(gapsTable), appended: 1, minTimeMicros: fromMicros });
    const seqs = facts?.seqs ?? 'seq not known';
    sentences.push(`${rows ?? 'Some'} rows of ${table} (${seqs}) could not be read from the damaged lake file.`);
  }
  return sentences;
}

interface LostFacts {
  readonly rows: number;
  readonly minTimeMicros: number | null;
  readonly maxTimeMicros: number | null;
  readonly seqs: string | null;
}

/** What can still be read of rows of which a column can't; null: nothing. */
async function factsOf(
  connection: DuckDBConnection,
  name: string,
  [first, end]: readonly [number, number],
): Promise<LostFacts | null> {
  const table = countedTables.find((each) => tableName(each) === name);
  if (table === undefined) return null;
  const time = quoteIdentifier(timeColumn(table));
  const seqs = eventTables.includes(table) ? 'min(seq)::DOUBLE, max(seq)::DOUBLE' : 'NULL, NULL';
  try {
    const read = await connection.runAndReadAll(
      `SELECT count(*)::DOUBLE, epoch_us(min(${time}))::DOUBLE, epoch_us(max(${time}))::DOUBLE, ${seqs} ` +
        `FROM ${quoteQualified(DAMAGED, table.schema, table.name)} WHERE rowid >= ${first} AND rowid < ${end}`,
    );
    const [rows, minTime, maxTime, low, high] = read.getRowsJS()[0] ?? [];
    return {
      rows: Number(rows),
      minTimeMicros: minTime == null ? null : Number(minTime),
      maxTimeMicros: maxTime == null ? null : Number(maxTime),
      seqs: low == null ? null : `seq ${Number(low)} to ${Number(high)}`,
    };
  } catch (thrown) {
    if (!isUnreadable(thrown)) throw thrown;
    return null;
  }
}
