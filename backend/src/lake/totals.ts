import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteQualified, quoteString } from '../core/index.js';
import { archiveTable } from './archive.js';
import { INTERNAL_SCHEMA, LAKE_CATALOG } from './migrations.js';
import { tableName } from './schema.js';
import { eventTables } from './tables.js';
import { transaction } from './transaction.js';

/**
 * `internal.totals`: what was added to the running totals of each event table, in the transaction of the rows themselves.
 * appended − expired − lost = rows in the file + rows in the archive: whoever takes rows by another way is found out.
 */
export const totalsTable = quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA, 'totals');

/** Rows that are not known by table, only by their seq. */
export const ANY_TABLE = '*';

/** One addition to the totals. */
export interface TotalsDelta {
  /** `schema.name`, or ANY_TABLE. */
  readonly table: string;
  readonly appended?: number;
  /** Taken by retention: deleted, or with an archive file. */
  readonly expired?: number;
  /** Gone otherwise: damaged, or nobody knows how. */
  readonly lost?: number;
  /** No row appended has an earlier `time`; µs since 1970. */
  readonly minTimeMicros?: number | null;
}

/** The running totals of one table, beside what the lake holds of it. */
export interface TableTotals {
  readonly table: string;
  readonly appended: number;
  readonly expired: number;
  readonly lost: number;
  /** Rows in the file and, by the manifest, in the archive. */
  readonly held: number;
  /** No row ever appended has an earlier `time`; µs since 1970, null when there was none. */
  readonly minTimeMicros: number | null;
}

/** Rows that are missing from what was appended and not taken; negative: rows that nobody appended. */
export function missingRows({ appended, expired, lost, held }: TableTotals): number {
  return appended - expired - lost - held;
}

/** Totals and rows of all event tables, in one statement: one snapshot. */
export async function readTotals(connection: DuckDBConnection): Promise<readonly TableTotals[]> {
  const held = eventTables.map(
    (table) =>
      `SELECT ${quoteString(tableName(table))} AS table_name, ` +
      `(SELECT count(*) FROM ${quoteQualified(LAKE_CATALOG, table.schema, table.name)}) + ` +
      `(SELECT coalesce(sum(rows), 0) FROM ${archiveTable} WHERE table_name = ${quoteString(tableName(table))}) AS held`,
  );
  const read = await connection.runAndReadAll(
    'SELECT table_name, coalesce(sum(appended), 0)::DOUBLE, coalesce(sum(expired), 0)::DOUBLE, ' +
      'coalesce(sum(lost), 0)::DOUBLE, any_value(held)::DOUBLE, epoch_us(min(min_time))::DOUBLE ' +
      `FROM (${held.join(' UNION ALL ')}) LEFT JOIN ${totalsTable} USING (table_name) GROUP BY ALL ORDER BY ALL`,
  );
  return read.getRowsJS().map(([table, appended, expired, lost, rows, minTime]) => ({
    table: String(table),
    appended: Number(appended),
    expired: Number(expired),
    lost: Number(lost),
    held: Number(rows),
    minTimeMicros: minTime == null ? null : Number(minTime),
  }));
}

/** Events lost by table, and by ANY_TABLE those known by their seq alone. */
export async function readLost(connection: DuckDBConnection): Promise<Readonly<Record<string, number>>> {
  const read = await connection.runAndReadAll(
    `SELECT table_name, sum(lost)::DOUBLE FROM ${totalsTable} GROUP BY ALL ORDER BY ALL`,
  );
  return Object.fromEntries(read.getRowsJS().map(([table, lost]) => [String(table), Number(lost)]));
}

/** Adds to the totals, in the transaction open on the connection. */
export async function addToTotals(connection: DuckDBConnection, delta: TotalsDelta): Promise<void> {
  const { table, appended = 0, expired = 0, lost = 0, minTimeMicros = null } = delta;
  await connection.run(
    `INSERT INTO ${totalsTable} VALUES (?, ?::BIGINT, ?::BIGINT, ?::BIGINT, make_timestamp(?::BIGINT))`,
    [table, appended, expired, lost, minTimeMicros],
  );
}

/** Each commit adds a row: so many are left, that a checkpoint for their sake is seldom. */
const COMPACT_ROWS = 5000;

/** What a difference means, for the log and those who ask for warnings. */
export function differenceSentence(totals: TableTotals): string {
  const { table, appended, expired, lost, held } = totals;
  const rows = missingRows(totals);
  const what =
    rows > 0
      ? `${rows} rows of ${table} are missing, and neither retention nor known damage took them`
      : `${table} has ${-rows} rows that this node never appended`;
  return `${what}: ${appended} appended, ${expired} expired, ${lost} lost before, ${held} held.`;
}

/** Sums the additions up to one row a table, on a connection that is the only writer now; returns rows saved. */
export async function compactTotals(connection: DuckDBConnection): Promise<number> {
  const read = await connection.runAndReadAll(
    'SELECT table_name, sum(appended)::DOUBLE, sum(expired)::DOUBLE, sum(lost)::DOUBLE, ' +
      `epoch_us(min(min_time))::DOUBLE, count(*)::DOUBLE FROM ${totalsTable} GROUP BY ALL ORDER BY ALL`,
  );
  const sums = read.getRowsJS();
  const saved = sums.reduce((total, row) => total + Number(row[5]) - 1, 0);
  if (saved < COMPACT_ROWS) return 0;
  await transaction(connection, async () => {
    await connection.run(`DELETE FROM ${totalsTable}`);
    for (const [table, appended, expired, lost, minTime] of sums) {
      await addToTotals(connection, {
        table: String(table),
        appended: Number(appended),
        expired: Number(expired),
        lost: Number(lost),
        minTimeMicros: minTime == null ? null : Number(minTime),
      });
    }
  });
  return saved;
}
