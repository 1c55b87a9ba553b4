import type { DuckDBConnection } from '@duckdb/node-api';
import { archiveTable } from './archive.js';
import { usedBytes } from './retention.js';
import { tableName } from './schema.js';
import { storedTables } from './tables.js';
import { readLost } from './totals.js';

/** What the tables of a lake say of it. */
export interface HeldInfo {
  readonly duckdbVersion: string;
  /** Hot rows of each event and history table. */
  readonly rows: Readonly<Record<string, number>>;
  /** Events lost after they were stored, since the lake began: of each event table, and under `*` those known by seq alone. */
  readonly lost: Readonly<Record<string, number>>;
  /** Blocks of the lake file in use. */
  readonly hotBytes: number;
  readonly archiveBytes: number;
  /** What DuckDB's buffers hold. */
  readonly memoryBytes: number;
}

/** The answer to `info`. */
export interface LakeInfo extends HeldInfo {
  readonly lakeId: string;
  readonly schemaVersion: number;
  readonly lastSeq: number;
  readonly lastBatch: number;
  /** When the run before this one ended, µs since 1970; null when that was not clean, or there was none. */
  readonly closedAtMicros: number | null;
  readonly walBytes: number;
  /** What the lake file may take before the oldest rows go early. */
  readonly limitBytes: number;
  /** Free on the disk of the data folder. */
  readonly diskFreeBytes: number;
  readonly rssBytes: number;
  readonly pid: number;
  /** True while nothing is stored for want of room. */
  readonly diskFull: boolean;
  /** True while the archive folder can't be read. */
  readonly archiveAway: boolean;
  /** What is damaged or was put aside, in sentences. */
  readonly warnings: readonly string[];
}

export async function readHeldInfo(connection: DuckDBConnection): Promise<HeldInfo> {
  const counts = storedTables.map((table) => `(SELECT count(*) FROM ${tableName(table)})::DOUBLE`).join(', ');
  const facts = await connection.runAndReadAll(
    `SELECT version(), (SELECT sum(memory_usage_bytes) FROM duckdb_memory())::DOUBLE, ` +
      `(SELECT sum(bytes) FROM ${archiveTable})::DOUBLE, ${counts}`,
  );
  const [version, memory, archived, ...rows] = facts.getRowsJS()[0] ?? [];
  return {
    duckdbVersion: String(version),
    rows: Object.fromEntries(storedTables.map((table, index) => [tableName(table), Number(rows[index] ?? 0)])),
    lost: await readLost(connection),
    hotBytes: await usedBytes(connection),
    archiveBytes: Number(archived ?? 0),
    memoryBytes: Number(memory ?? 0),
  };
}
