import { quoteIdentifier, quoteString } from '../../core/index.js';
import type { ResultColumn } from './types.js';

/** Types that Parquet would change; they travel as text, which DuckDB reads back without loss. */
const textTypes = new Set(['HUGEINT', 'UHUGEINT', 'INTERVAL', 'BIT', 'TIME WITH TIME ZONE']);

export function travelsAsText(type: string): boolean {
  return textTypes.has(type);
}

/** A fragment's SQL with the columns that Parquet can't carry cast to text. */
export function outgoingSql(sql: string, columns: readonly ResultColumn[]): string {
  if (!columns.some(({ type }) => travelsAsText(type))) return sql;
  return `SELECT ${columns.map((column) => cast(column, 'VARCHAR')).join(', ')} FROM (${sql}) AS shipped`;
}

/** SQL for what arrived of a fragment, with the columns' own types again; no rows when there are no files. */
export function incomingSql(files: readonly string[], columns: readonly ResultColumn[]): string {
  if (files.length === 0) {
    const nothing = columns.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${quoteIdentifier(name)}`);
    return `SELECT ${nothing.join(', ')} LIMIT 0`;
  }
  const list = columns.map((column) => cast(column, column.type));
  return `SELECT ${list.join(', ')} FROM read_parquet([${files.map(quoteString).join(', ')}])`;
}

/** The column as it is, or cast when its type travels as text. Types are DuckDB's own spelling, never a user's. */
function cast({ name, type }: ResultColumn, to: string): string {
  const quoted = quoteIdentifier(name);
  return travelsAsText(type) ? `CAST(${quoted} AS ${to}) AS ${quoted}` : quoted;
}
