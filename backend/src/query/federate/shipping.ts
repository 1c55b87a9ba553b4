import { ArmorlakeError, quoteIdentifier, quoteString } from '../../core/index.js';
import type { ResultColumn } from './types.js';

/** Types that Parquet would change; they travel as text, which DuckDB reads back without loss. */
const textTypes = new Set([
  'HUGEINT',
  'UHUGEINT',
  'INTERVAL',
  'BIT',
  'TIME WITH TIME ZONE',
  'TIMESTAMP_S',
  'TIMESTAMP_MS',
  'TIMESTAMP_NS',
]);

/** Those types inside lists, structs and maps: Parquet would change them there too, and no cast brings them back. */
const nestedText = /\b(U?HUGEINT|INTERVAL|BIT|TIME WITH TIME ZONE|TIMESTAMP_(S|MS|NS))\b/;

export function travelsAsText(type: string): boolean {
  return textTypes.has(type);
}

/**
 * A fragment's SQL with the columns that Parquet can't carry cast to text.
 * @throws ArmorlakeError NOT_FEDERABLE for such types inside others.
 */
export function outgoingSql(sql: string, columns: readonly ResultColumn[]): string {
  const nested = columns.find(({ type }) => !travelsAsText(type) && nestedText.test(type));
  if (nested !== undefined) {
    throw new ArmorlakeError('NOT_FEDERABLE', `A value of type ${nested.type} can't travel between nodes.`, {
      hint: 'Cast what is in it: to BIGINT, DOUBLE or VARCHAR.',
    });
  }
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
