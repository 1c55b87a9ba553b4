import { copyFileSync, existsSync, renameSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { ArmorlakeError, messageOf, quoteString } from '../core/index.js';
import type { Clock, Logger } from '../core/index.js';
import { Database } from '../engine/host.js';
import { syncFolder } from './identity.js';
import { LAKE_CATALOG, STATE_CATALOG } from './migrations.js';
import type { LakeSettings } from './settings.js';

/** Something was put aside so that the lake could open. */
export interface Quarantine {
  readonly what: 'wal' | 'file';
  readonly path: string;
  readonly reason: string;
}

export interface OpenedDatabase {
  readonly database: Database;
  readonly quarantined: readonly Quarantine[];
}

export interface OpenConditions {
  readonly settings: LakeSettings;
  /** Why the lake file must not be opened any more; null when nothing is known against it. */
  readonly damaged: string | null;
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

function databaseSettings(settings: LakeSettings): Parameters<typeof Database.open>[0] {
  return {
    file: { path: lakePath(settings.dataFolder), catalog: LAKE_CATALOG, rowGroupRows: rowGroupRows(settings) },
    threads: settings.threads,
    memoryLimitBytes: settings.memoryLimitBytes,
    temporaryFolder: settings.temporaryFolder,
    spillBytes: settings.spillBytes,
    folders: settings.archive === null ? [] : [settings.archive.folder],
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
  if (conditions.damaged !== null || conditions.openCrashes >= FILE_CRASHES) {
    put('file', conditions.damaged ?? `DuckDB crashed ${conditions.openCrashes} times when opening it`);
  } else if (conditions.openCrashes >= WAL_CRASHES) {
    put('wal', `DuckDB crashed ${conditions.openCrashes} times when replaying it`);
  }
  for (;;) {
    try {
      const database = await openLocked(conditions);
      const reason = await missingEnd(database, dataFolder);
      if (reason === null) return { database, quarantined };
      database.close();
      put('file', reason);
    } catch (thrown) {
      const reason = messageOf(thrown);
      if (thrown instanceof ArmorlakeError || !looksDamaged(reason)) throw openError(thrown);
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

/** Waits for the file's lock; each attempt opens the file anew. */
async function openLocked(conditions: OpenConditions): Promise<Database> {
  const { clock, lockWaitMs, settings } = conditions;
  const deadline = clock.monotonicMs() + lockWaitMs;
  for (;;) {
    try {
      return await Database.open(databaseSettings(settings));
    } catch (thrown) {
      const message = messageOf(thrown);
      if (!/could not set lock/i.test(message)) throw thrown;
      if (clock.monotonicMs() >= deadline) throw lockedError(settings.dataFolder, message);
      await delay(LOCK_POLL_MS);
    }
  }
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

function openError(thrown: unknown): ArmorlakeError {
  if (thrown instanceof ArmorlakeError) return thrown;
  return new ArmorlakeError('NOT_READY', `The lake can't be opened: ${messageOf(thrown)}`, { cause: thrown });
}

function putAside(conditions: OpenConditions, what: Quarantine['what']): string | null {
  const { dataFolder } = conditions.settings;
  const stamp = new Date(conditions.clock.wallMs()).toISOString().replaceAll(/[-:]/g, '');
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

function unusedPath(path: string): string {
  let candidate = path;
  for (let number = 2; existsSync(candidate); number++) candidate = `${path}-${number}`;
  return candidate;
}

/** DuckDB names the byte where a WAL goes wrong: what stands before it is whole and is kept. */
function keepWholeEntries(conditions: OpenConditions, aside: string | undefined, reason: string): void {
  const position = /entry at byte position (\d+)/.exec(reason)?.[1];
  if (position === undefined || aside === undefined) return;
  const wal = walPath(conditions.settings.dataFolder);
  copyFileSync(aside, wal);
  truncateSync(wal, Number(position));
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
