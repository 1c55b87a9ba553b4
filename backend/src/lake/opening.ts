import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { ArmorlakeError, messageOf, quoteQualified, quoteString } from '../core/index.js';
import type { Clock, Logger } from '../core/index.js';
import { Database } from '../engine/host.js';
import type { CommitMark } from './commit-mark.js';
import { copyOut } from './copy-out.js';
import { isDiskFull } from './disk.js';
import { syncFolder, unusedPath } from './identity.js';
import { INTERNAL_SCHEMA, LAKE_CATALOG, STATE_CATALOG } from './migrations.js';
import type { Migration } from './migrations.js';
import type { LakeSettings } from './settings.js';

/** Something was put aside so that the lake could open. */
export interface Quarantine {
  /** copied: what could be read of the file was taken into a new one, and the rest is booked there. */
  readonly what: 'wal' | 'file' | 'copied';
  readonly path: string;
  readonly reason: string;
}

export interface OpenedDatabase {
  readonly database: Database;
  readonly quarantined: readonly Quarantine[];
}

export interface OpenConditions {
  readonly settings: LakeSettings;
  /** Where the archive's files may lie. */
  readonly archiveFolders: readonly string[];
  readonly steps: readonly Migration[];
  /** Why the lake file must not be opened any more; null when nothing is known against it. */
  readonly damaged: string | null;
  /** What was told to others as committed. */
  readonly acknowledged: CommitMark;
  /** How often DuckDB itself crashed at opening just before. */
  readonly openCrashes: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly lockWaitMs: number;
}

const LOCK_POLL_MS = 100;
/** After so many crashes at opening the WAL is put aside, and after more of them the file. */
const WAL_CRASHES = 2;
const FILE_CRASHES = 4;

export function lakePath(dataFolder: string): string {
  return join(dataFolder, 'lake.duckdb');
}

export function walPath(dataFolder: string): string {
  return `${lakePath(dataFolder)}.wal`;
}

type FileSettings = Parameters<typeof Database.open>[0] & {
  readonly file: NonNullable<Parameters<typeof Database.open>[0]['file']>;
};

function databaseSettings({ settings, archiveFolders }: OpenConditions): FileSettings {
  return {
    file: { path: lakePath(settings.dataFolder), catalog: LAKE_CATALOG, rowGroupRows: rowGroupRows(settings) },
    threads: settings.threads,
    memoryLimitBytes: settings.memoryLimitBytes,
    temporaryFolder: settings.temporaryFolder,
    spillBytes: settings.spillBytes,
    folders: archiveFolders,
    memoryCatalogs: [STATE_CATALOG],
    searchPath: [`${LAKE_CATALOG}.armorlake`, `${STATE_CATALOG}.armorlake`],
  };
}

/**
 * A checkpoint writes each row group it touches anew, and holds it in memory: small enough for the memory limit (1 KiB a row
 * and a quarter of it) and for the processor's cache (a third less time than DuckDB's 122,880), large enough to compress.
 */
function rowGroupRows({ memoryLimitBytes }: LakeSettings): number {
  return Math.max(2048, Math.min(30_720, Math.floor(memoryLimitBytes / 4 / 1024 / 2048) * 2048));
}

/**
 * Opens the lake file: waits for its lock, puts a damaged WAL (or a damaged file) aside and opens what is left.
 * Throws CONFLICT when another process holds the lock, and BAD_CONFIG for a lake of a newer schema.
 */
export async function openDatabase(conditions: OpenConditions): Promise<OpenedDatabase> {
  const { dataFolder } = conditions.settings;
  const quarantined: Quarantine[] = [];
  const put = (what: Quarantine['what'], reason: string): void => {
    const aside = putAside(conditions, what);
    if (aside === null) return;
    quarantined.push({ what, path: aside, reason });
    conditions.logger.error({ path: aside, reason }, 'A damaged part of the lake was put aside.');
  };
  const replace = async (reason: string): Promise<void> => {
    const copied = await copyDamaged(conditions, reason);
    if (copied === null) put('file', reason);
    else quarantined.push(...copied);
  };
  finishCopy(dataFolder);
  if (conditions.openCrashes >= FILE_CRASHES) {
    put('file', conditions.damaged ?? `DuckDB crashed ${conditions.openCrashes} times when opening it`);
  } else {
    if (conditions.openCrashes >= WAL_CRASHES) {
      put('wal', `DuckDB crashed ${conditions.openCrashes} times when replaying it`);
    }
    if (conditions.damaged !== null) await replace(conditions.damaged);
  }
  for (;;) {
    try {
      const database = await openLocked(conditions);
      const reason = await missingEnd(database, dataFolder);
      if (reason !== null) {
        database.close();
        await replace(reason);
        continue;
      }
      const unread = await unreadWal(database, conditions).catch((thrown: unknown) => {
        database.close();
        throw thrown;
      });
      if (unread !== null) {
        // What was read of it stays; what follows would be overwritten by the next commit.
        const aside = keepCopy(conditions);
        if (aside.path !== null) quarantined.push({ what: 'wal', path: aside.path, reason: unread });
        conditions.logger.error({ ...aside, reason: unread }, 'A damaged part of the lake was put aside.');
      }
      return { database, quarantined };
    } catch (thrown) {
      const reason = messageOf(thrown);
      if (thrown instanceof ArmorlakeError || isDiskFull(thrown) || !looksDamaged(reason)) throw openError(thrown);
      const wal = existsSync(walPath(dataFolder));
      const first = !quarantined.some((each) => each.what === 'wal');
      if (wal && first) {
        put('wal', reason);
        keepWholeEntries(conditions, quarantined.at(-1)?.path, reason);
      } else if (wal && /replaying WAL/i.test(reason)) {
        put('wal', reason);
      } else {
        if (quarantined.some((each) => each.what === 'file')) throw openError(thrown);
        put('file', reason);
      }
    }
  }
}

/** Where what can be read of a damaged file is copied to, and where the copy stands when it is whole. */
function copyPaths(dataFolder: string): { readonly growing: string; readonly whole: string } {
  return { growing: `${lakePath(dataFolder)}.copying`, whole: `${lakePath(dataFolder)}.copied` };
}

/** A crash came between putting the damaged file aside and putting its copy in its place. */
function finishCopy(dataFolder: string): void {
  const { whole } = copyPaths(dataFolder);
  if (!existsSync(whole)) return;
  if (existsSync(lakePath(dataFolder))) rmSync(whole);
  else renameSync(whole, lakePath(dataFolder));
}

/** Puts what can be read of the damaged file in its place; null when nothing can. Throws DISK_FULL. */
async function copyDamaged(conditions: OpenConditions, reason: string): Promise<readonly Quarantine[] | null> {
  const { settings, steps, clock, logger } = conditions;
  const from = lakePath(settings.dataFolder);
  if (!existsSync(from)) return null;
  const { growing, whole } = copyPaths(settings.dataFolder);
  logger.warn({ file: from, reason }, 'The lake file is damaged: what can be read of it is copied to a new one.');
  let losses: readonly string[];
  try {
    const database = databaseSettings(conditions);
    losses = await copyOut({
      ...{ from, to: growing, steps, node: settings.node, clock, logger },
      checkpointWalBytes: settings.checkpointWalBytes,
      database: { ...database, file: { ...database.file, path: growing }, memoryCatalogs: [] },
    });
  } catch (thrown) {
    if (thrown instanceof ArmorlakeError && thrown.code === 'DISK_FULL') throw thrown;
    if (isLocked(thrown)) throw lockedError(settings.dataFolder, messageOf(thrown));
    logger.error({ file: from, error: messageOf(thrown) }, 'The damaged lake file could not be copied.');
    return null;
  }
  renameSync(growing, whole);
  const path = putAside(conditions, 'file') ?? from;
  finishCopy(settings.dataFolder);
  syncFolder(settings.dataFolder);
  logger.error({ path, reason }, 'A damaged lake file was put aside; what could be read of it was copied.');
  return [{ what: 'copied', path, reason: [reason, ...losses].join(' ') }];
}

/** Waits for the file's lock; each attempt opens the file anew. */
async function openLocked(conditions: OpenConditions): Promise<Database> {
  const { clock, lockWaitMs, settings } = conditions;
  const deadline = clock.monotonicMs() + lockWaitMs;
  for (;;) {
    try {
      return await Database.open(databaseSettings(conditions));
    } catch (thrown) {
      const message = messageOf(thrown);
      if (!isLocked(thrown)) throw thrown;
      if (clock.monotonicMs() >= deadline) throw lockedError(settings.dataFolder, message);
      await delay(LOCK_POLL_MS);
    }
  }
}

function isLocked(thrown: unknown): boolean {
  return /could not set lock/i.test(messageOf(thrown));
}

function lockedError(dataFolder: string, message: string): ArmorlakeError {
  const pid = /PID (\d+)/.exec(message)?.[1];
  const holder = pid === undefined ? 'another process' : `process ${pid}`;
  return new ArmorlakeError('CONFLICT', `The lake in ${dataFolder} is in use by ${holder}.`, {
    hint: 'Stop that node, or give this one a folder of its own with --data.',
  });
}

/** Messages that speak of content; locks, permissions, full disks and missing files are not damage. */
function looksDamaged(message: string): boolean {
  return /replaying WAL|corrupt|not a valid DuckDB database|checksum|serializ|could not read enough bytes|INTERNAL Error|Fatal Error/i.test(
    message,
  );
}

/** True for what DuckDB says when a statement meets a damaged block of the file; want of room or memory is none. */
export function isFileDamage(thrown: unknown): boolean {
  const message = messageOf(thrown);
  if (isDiskFull(thrown) || /out of memory/i.test(message)) return false;
  return (
    /corrupt database file/i.test(message) ||
    (/has been invalidated|FATAL/i.test(message) && /corrupt|checksum/i.test(message))
  );
}

function openError(thrown: unknown): ArmorlakeError {
  if (thrown instanceof ArmorlakeError) return thrown;
  if (isDiskFull(thrown)) {
    return new ArmorlakeError('DISK_FULL', `The lake can't be opened for want of room: ${messageOf(thrown)}`, {
      hint: 'Make room on the disk of the data folder and start again. Nothing was lost.',
      cause: thrown,
    });
  }
  return new ArmorlakeError('NOT_READY', `The lake can't be opened: ${messageOf(thrown)}`, { cause: thrown });
}

function putAside(conditions: OpenConditions, what: Quarantine['what']): string | null {
  const { dataFolder } = conditions.settings;
  const stamp = stampOf(conditions.clock);
  const wal = walPath(dataFolder);
  const file = lakePath(dataFolder);
  let aside: string | null = null;
  if (existsSync(wal)) {
    aside = unusedPath(`${wal}.damaged-${stamp}`);
    renameSync(wal, aside);
  }
  if (what === 'file' && existsSync(file)) {
    aside = unusedPath(`${file}.damaged-${stamp}`);
    renameSync(file, aside);
  }
  syncFolder(dataFolder);
  return aside;
}

function stampOf(clock: Clock): string {
  return new Date(clock.wallMs()).toISOString().replaceAll(/[-:]/g, '');
}

/** DuckDB names the byte where a WAL goes wrong: what stands before it is whole and is kept. */
function keepWholeEntries(conditions: OpenConditions, aside: string | undefined, reason: string): void {
  const position = /entry at byte position (\d+)/.exec(reason)?.[1];
  if (position === undefined || aside === undefined) return;
  const wal = walPath(conditions.settings.dataFolder);
  try {
    copyFileSync(aside, wal);
    truncateSync(wal, Number(position));
  } catch (thrown) {
    // For want of room: what is whole of it is kept by the next start.
    renameSync(aside, wal);
    throw openError(thrown);
  }
}

/** How each WAL of DuckDB begins: the entry that says its version. */
const WAL_BEGINNING = Buffer.from([0x64, 0x00, 0x62, 0x65, 0x00]);

/**
 * DuckDB takes a WAL whose beginning or an entry's length is damaged for one that was cut off while it was written: it reads
 * what precedes, and overwrites the rest. Says why the WAL is damaged, or null when all of it that counted was read.
 */
async function unreadWal(database: Database, { settings, acknowledged }: OpenConditions): Promise<string | null> {
  const wal = walPath(settings.dataFolder);
  if ((statSync(wal, { throwIfNoEntry: false })?.size ?? 0) === 0) return null;
  const end = await committedEnd(database);
  if (end !== null && (end.lastSeq < acknowledged.lastSeq || end.lastBatch < acknowledged.lastBatch)) {
    return (
      `it ends with batch ${end.lastBatch} and seq ${end.lastSeq}, ` +
      `but batch ${acknowledged.lastBatch} and seq ${acknowledged.lastSeq} had been committed`
    );
  }
  const beginning = readBeginning(wal, WAL_BEGINNING.length);
  // A first write that was cut off is no damage.
  return WAL_BEGINNING.subarray(0, beginning.length).equals(beginning) ? null : 'its first bytes are damaged';
}

function readBeginning(path: string, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  const file = openSync(path, 'r');
  try {
    return buffer.subarray(0, readSync(file, buffer, 0, bytes, 0));
  } finally {
    closeSync(file);
  }
}

async function hasBatches(connection: DuckDBConnection): Promise<boolean> {
  const read = await connection.runAndReadAll(
    "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND schema_name = ? AND table_name = 'batches'",
    [LAKE_CATALOG, INTERNAL_SCHEMA],
  );
  return read.currentRowCount > 0;
}

/** The last commit that the lake file and its WAL hold; null before the first migration. */
async function committedEnd(database: Database): Promise<CommitMark | null> {
  const connection = await database.connect();
  try {
    // Who deleted them took no WAL: the start tells it.
    if (!(await hasBatches(connection))) return null;
    const read = await connection.runAndReadAll(
      `SELECT coalesce(max(last_seq), 0)::DOUBLE, coalesce(max(batch), 0)::DOUBLE FROM ${quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA, 'batches')}`,
    );
    const [lastSeq, lastBatch] = read.getRowsJS()[0] ?? [];
    return { lastSeq: Number(lastSeq ?? 0), lastBatch: Number(lastBatch ?? 0) };
  } finally {
    connection.closeSync();
  }
}

/** A copy of the WAL beside it, for those who want to look what was in it; why there is none, when it can't be made. */
function keepCopy(conditions: OpenConditions): { readonly path: string | null; readonly notKept?: string } {
  const { dataFolder } = conditions.settings;
  const path = unusedPath(`${walPath(dataFolder)}.damaged-${stampOf(conditions.clock)}`);
  try {
    copyFileSync(walPath(dataFolder), path, constants.COPYFILE_FICLONE);
    syncFolder(dataFolder);
    return { path };
  } catch (thrown) {
    rmSync(path, { force: true });
    return { path: null, notKept: messageOf(thrown) };
  }
}

const FILE_HEADER_BYTES = 3 * 4096;

/**
 * DuckDB opens a file whose end is missing, and fails later: every block in use must be there. Free blocks at the end need
 * not: a checkpoint cuts them off and still counts them.
 */
async function missingEnd(database: Database, dataFolder: string): Promise<string | null> {
  const connection = await database.connect();
  try {
    const read = await connection.runAndReadAll(
      `SELECT block_size::DOUBLE, total_blocks::DOUBLE FROM pragma_database_size() WHERE database_name = '${LAKE_CATALOG}'`,
    );
    const [blockBytes, blocks] = (read.getRowsJS()[0] ?? []).map(Number);
    const { size } = statSync(lakePath(dataFolder));
    const bytes = (count: number): number => FILE_HEADER_BYTES + count * (blockBytes ?? 0);
    if (size >= bytes(blocks ?? 0)) return null;
    const expected = bytes((await lastBlockInUse(connection)) + 1);
    return size >= expected ? null : `it has ${size} bytes where ${expected} were written: its end is missing`;
  } catch (thrown) {
    if (isDiskFull(thrown)) throw thrown;
    return messageOf(thrown);
  } finally {
    connection.closeSync();
  }
}

/** The highest number of a block that tables or their metadata lie in; -1: none. Throws when those can't be read. */
async function lastBlockInUse(connection: DuckDBConnection): Promise<number> {
  const named = await connection.runAndReadAll(
    `SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = '${LAKE_CATALOG}'`,
  );
  const tables = named
    .getRowsJS()
    .map(([schema, table]) => quoteString(`${LAKE_CATALOG}.${String(schema)}.${String(table)}`));
  const data = tables.map(
    (table) =>
      `SELECT unnest([block_id] || additional_block_ids) AS block FROM pragma_storage_info(${table}) WHERE persistent`,
  );
  const blocks = [`SELECT block_id AS block FROM pragma_metadata_info('${LAKE_CATALOG}')`, ...data];
  const read = await connection.runAndReadAll(`SELECT max(block)::DOUBLE FROM (${blocks.join(' UNION ALL ')})`);
  return Number(read.getRowsJS()[0]?.[0] ?? -1);
}
