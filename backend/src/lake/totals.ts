import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteQualified, quoteString } from '../core/index.js';
import { archiveTable } from './archive.js';
import { INTERNAL_SCHEMA, LAKE_CATALOG } from './migrations.js';
import type { Table } from './schema.js';
import { tableName } from './schema.js';
import { countedTables } from './tables.js';
import { transaction } from './transaction.js';

/**
 * `internal.totals`: what was added to the running totals of each table, in the transaction of the rows themselves.
 * appended − expired − lost = rows in the file + rows in the archive: whoever takes rows by another way is found out.
 */
export const totalsTable = quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA, 'totals');

/** Rows that are not known by table, only by their seq. */
export const ANY_TABLE = '*';

/** What event rows are told by besides their number; of a difference both are added, the sum with its sign. */
export interface SeqSet {
  /** Of all their seq. */
  readonly sum: bigint;
  /** All their seq, by exclusive or. */
  readonly xor: bigint;
}

export const noSeqs: SeqSet = { sum: 0n, xor: 0n };

/** Of rows whose seq follow each other. */
export function seqsFrom(first: number, rows: number): SeqSet {
  const [low, count] = [BigInt(first), BigInt(rows)];
  const high = low + count - 1n;
  return { sum: (count * (low + high)) / 2n, xor: xorUpTo(high) ^ xorUpTo(low - 1n) };
}

/** 0 ^ 1 ^ … ^ n. */
function xorUpTo(n: bigint): bigint {
  return [n, 1n, n + 1n, 0n][Number(n & 3n)] ?? 0n;
}

/** What takes one set to the other. */
export function seqsBetween(from: SeqSet, to: SeqSet): SeqSet {
  return { sum: to.sum - from.sum, xor: to.xor ^ from.xor };
}

/** One addition to the totals. */
export interface TotalsDelta {
  /** `schema.name`, or ANY_TABLE. */
  readonly table: string;
  readonly appended?: number;
  /** Taken by retention: deleted, or with an archive file; ledger rows summed up. */
  readonly expired?: number;
  /** Gone otherwise: damaged, or nobody knows how. */
  readonly lost?: number;
  /** No row appended has an earlier time; µs since 1970. */
  readonly minTimeMicros?: number | null;
  /** Event rows that came into the lake file, less those that left it, for the archive too. */
  readonly seqs?: SeqSet;
}

/** The running totals of one table. */
export interface TableTotals {
  readonly table: string;
  readonly appended: number;
  readonly expired: number;
  readonly lost: number;
  readonly seqs: SeqSet;
  /** No row ever appended has an earlier time; µs since 1970, null when there was none. */
  readonly minTimeMicros: number | null;
}

/** The totals beside what the lake holds of the table. */
export interface HeldTotals extends TableTotals {
  /** Rows in the file and, by the manifest, in the archive. */
  readonly held: number;
  /** Of the rows in the file. */
  readonly heldSeqs: SeqSet;
  /** False when there is no entry of the table at all, as no lake has it. */
  readonly known: boolean;
}

/** Rows that are missing from what was appended and not taken; negative: rows that nobody appended. */
export function missingRows({ appended, expired, lost, held }: HeldTotals): number {
  return appended - expired - lost - held;
}

const sums =
  'coalesce(sum(appended), 0)::DOUBLE, coalesce(sum(expired), 0)::DOUBLE, coalesce(sum(lost), 0)::DOUBLE, ' +
  'coalesce(sum(seq_sum), 0)::HUGEINT, coalesce(bit_xor(seq_xor), 0), epoch_us(min(min_time))::DOUBLE';

function totalsOf(row: readonly unknown[]): TableTotals {
  const [table, appended, expired, lost, sum, xor, minTime] = row;
  return {
    table: String(table),
    appended: Number(appended),
    expired: Number(expired),
    lost: Number(lost),
    seqs: { sum: BigInt(String(sum)), xor: BigInt(String(xor)) },
    minTimeMicros: minTime == null ? null : Number(minTime),
  };
}

/** The totals as they are written, of every table and ANY_TABLE. */
export async function readTotals(connection: DuckDBConnection): Promise<readonly TableTotals[]> {
  const read = await connection.runAndReadAll(
    `SELECT table_name, ${sums} FROM ${totalsTable} GROUP BY table_name ORDER BY table_name`,
  );
  return read.getRowsJS().map(totalsOf);
}

/** Totals and rows of all counted tables, in one statement: one snapshot. Of the rows only `seq` is read. */
export async function readHeld(connection: DuckDBConnection): Promise<readonly HeldTotals[]> {
  const held = countedTables.map((table) => {
    const name = quoteString(tableName(table));
    const rows = qualified(table);
    return table.kind === 'event'
      ? `SELECT ${name} AS table_name, count(*) + (SELECT coalesce(sum(rows), 0) FROM ${archiveTable} WHERE table_name = ${name}) ` +
          `AS held, coalesce(sum(seq), 0)::HUGEINT AS held_sum, coalesce(bit_xor(seq), 0) AS held_xor FROM ${rows}`
      : `SELECT ${name}, count(*), 0, 0 FROM ${rows}`;
  });
  const read = await connection.runAndReadAll(
    `SELECT table_name, ${sums}, any_value(held)::DOUBLE, any_value(held_sum), any_value(held_xor), count(appended)::DOUBLE ` +
      `FROM (${held.join(' UNION ALL ')}) LEFT JOIN ${totalsTable} USING (table_name) GROUP BY table_name ORDER BY table_name`,
  );
  return read.getRowsJS().map((row) => {
    const [rows, sum, xor, entries] = row.slice(7);
    return {
      ...totalsOf(row),
      held: Number(rows),
      heldSeqs: { sum: BigInt(String(sum)), xor: BigInt(String(xor)) },
      known: Number(entries) > 0,
    };
  });
}

/** Event rows of the file whose seq is not above those of all rows before: copies, mostly, as rows lie in the order of seq. */
export async function countCopies(connection: DuckDBConnection, table: string): Promise<number> {
  const rows = countedTables.find((each) => tableName(each) === table && each.kind === 'event');
  if (rows === undefined) return 0;
  const read = await connection.runAndReadAll(
    // Both windows stream: counting distinct ones would take memory without bound.
    'SELECT count(*)::DOUBLE FROM (SELECT seq, lag(seq) OVER () AS before, ' +
      `max(seq) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS highest FROM ${qualified(rows)}) ` +
      'WHERE seq < highest OR seq <= before',
  );
  return Number(read.getRowsJS()[0]?.[0] ?? 0);
}

/** Rows lost by table, and by ANY_TABLE events known by their seq alone. */
export async function readLost(connection: DuckDBConnection): Promise<Readonly<Record<string, number>>> {
  return Object.fromEntries((await readTotals(connection)).map(({ table, lost }) => [table, lost]));
}

/** Adds to the totals, in the transaction open on the connection. */
export async function addToTotals(connection: DuckDBConnection, delta: TotalsDelta): Promise<void> {
  const { table, appended = 0, expired = 0, lost = 0, minTimeMicros = null, seqs = noSeqs } = delta;
  await connection.run(
    `INSERT INTO ${totalsTable} (table_name, appended, expired, lost, min_time, seq_sum, seq_xor) ` +
      'VALUES (?, ?::BIGINT, ?::BIGINT, ?::BIGINT, make_timestamp(?::BIGINT), ?::HUGEINT, ?::BIGINT)',
    [table, appended, expired, lost, minTimeMicros, String(seqs.sum), String(seqs.xor)],
  );
}

/**
 * Deletes rows and takes them off the totals, in the transaction open on the connection; returns how many.
 * `archived` rows are still held.
 */
export async function deleteCounted(
  connection: DuckDBConnection,
  table: Table,
  condition: string,
  why: 'expired' | 'archived',
): Promise<number> {
  const from = `FROM ${qualified(table)} WHERE ${condition}`;
  const facts = table.kind === 'event' ? 'coalesce(sum(seq), 0)::HUGEINT, coalesce(bit_xor(seq), 0)' : '0, 0';
  const [sum, xor] = (await connection.runAndReadAll(`SELECT ${facts} ${from}`)).getRowsJS()[0] ?? [];
  const { rowsChanged: rows } = await connection.run(`DELETE ${from}`);
  if (rows === 0) return 0;
  await addToTotals(connection, {
    table: tableName(table),
    expired: why === 'expired' ? rows : 0,
    seqs: { sum: -BigInt(String(sum)), xor: BigInt(String(xor)) },
  });
  return rows;
}

/** Each commit adds a row or two: so many are left, that a checkpoint for their sake is seldom. */
const COMPACT_ROWS = 10_000;

/** Sums the additions up to one row a table, on a connection that is the only writer now; returns rows saved. */
export async function compactTotals(connection: DuckDBConnection): Promise<number> {
  const counted = await connection.runAndReadAll(
    `SELECT (count(*) - count(DISTINCT table_name))::DOUBLE FROM ${totalsTable}`,
  );
  const saved = Number(counted.getRowsJS()[0]?.[0] ?? 0);
  if (saved < COMPACT_ROWS) return 0;
  await transaction(connection, async () => {
    const totals = await readTotals(connection);
    await connection.run(`DELETE FROM ${totalsTable}`);
    for (const each of totals) await addToTotals(connection, each);
  });
  return saved;
}

function qualified(table: Table): string {
  return quoteQualified(LAKE_CATALOG, table.schema, table.name);
}
