import type { DuckDBConnection } from '@duckdb/node-api';
import type { CoverageFacts } from '../engine/index.js';
import { coverageFacts } from '../engine/host.js';
import type { ArchiveEntry } from './archive.js';
import { readManifest } from './archive.js';
import type { ContentsFacts, ListedValues } from './contents.js';
import { usedBytes } from './retention.js';
import type { Table } from './schema.js';
import { tableName } from './schema.js';
import type { LakeSettings } from './settings.js';
import { eventTables, storedTables } from './tables.js';

/** What a lake says of one of its tables, hot and archived rows together. */
export interface LakeTable {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: number;
  /** Its share, by rows, of the lake file, and its archive files. */
  readonly bytes: number;
  /** No row's `time` is earlier; microseconds since 1970. Null when it is empty, and for history tables. */
  readonly minTimeMicros: number | null;
  /** Milliseconds that its rows are kept; null: no limit by age. */
  readonly retentionMs: number | null;
}

/** The answer to `metadata`. */
export interface LakeMetadata {
  readonly tables: readonly LakeTable[];
  readonly values: ListedValues;
  /** False while archive files are still read for their values. */
  readonly complete: boolean;
  /** Known gaps of the last day. */
  readonly gaps: CoverageFacts['gaps'];
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const GAPS_MS = 24 * HOUR_MS;

/** What the lake is as of now; `contents` must be no older than the connection's next transaction needs them. */
export async function readMetadata(
  connection: DuckDBConnection,
  settings: LakeSettings,
  contents: ContentsFacts,
  archiveHere: boolean,
  walBytes: number,
  nowMs: number,
): Promise<LakeMetadata> {
  const hot = await hotRows(connection);
  const allHot = [...hot.values()].reduce((sum, rows) => sum + rows, 0);
  const hotBytes = (await usedBytes(connection)) + walBytes;
  const files = await readManifest(connection);
  const tables = storedTables.map((table): LakeTable => {
    const name = tableName(table);
    const rows = hot.get(name) ?? 0;
    const own = files.filter((file) => file.table === name);
    return {
      name,
      columns: table.columns.map((column) => ({ name: column.name, type: column.type })),
      rows: own.reduce((sum, file) => sum + file.rows, rows),
      bytes: own.reduce((sum, file) => sum + file.bytes, allHot === 0 ? 0 : Math.round((hotBytes * rows) / allHot)),
      minTimeMicros: contents.minTimes.get(name) ?? null,
      retentionMs: keptMs(table, settings),
    };
  });
  const { values, complete } = contents;
  return { tables, values, complete, gaps: await recentGaps(connection, archiveHere ? [] : files, nowMs) };
}

async function hotRows(connection: DuckDBConnection): Promise<ReadonlyMap<string, number>> {
  const names = storedTables.map(tableName);
  const counts = names.map((name) => `(SELECT count(*) FROM ${name})::DOUBLE`).join(', ');
  const read = await connection.runAndReadAll(`SELECT ${counts}`);
  const [row = []] = read.getRowsJS();
  return new Map(names.map((name, index) => [name, Number(row[index] ?? 0)]));
}

/** By whole hours and minutes, so that the same gaps read the same the next time. */
async function recentGaps(
  connection: DuckDBConnection,
  away: readonly ArchiveEntry[],
  nowMs: number,
): Promise<CoverageFacts['gaps']> {
  const from = Math.floor(nowMs / HOUR_MS) * HOUR_MS - GAPS_MS;
  const to = Math.ceil(nowMs / MINUTE_MS) * MINUTE_MS;
  const facts = await coverageFacts(
    connection,
    eventTables,
    { from: BigInt(from) * 1000n, to: null },
    BigInt(to) * 1000n,
    () => Promise.resolve(null),
    away.flatMap(({ table, minTimeMicros, maxTimeMicros, rows }) => {
      const recent = Number(maxTimeMicros) >= from * 1000;
      return recent ? [{ table, from: minTimeMicros, to: maxTimeMicros, rows }] : [];
    }),
  );
  return facts.gaps;
}

function keptMs(table: Table, { retention, archive }: LakeSettings): number | null {
  if (table.retention === undefined || table.name === 'archive') return null;
  const ms = { logs: retention.logsMs, alerts: retention.alertsMs, ledger: retention.ledgerMs }[table.retention];
  if (table.kind !== 'event' || archive === null) return ms;
  return archive.ageMs === null ? null : ms + archive.ageMs;
}
