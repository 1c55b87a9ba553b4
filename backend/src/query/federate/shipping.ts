import { ArmorlakeError, quoteIdentifier, quoteString } from '../../core/index.js';
import { BROKEN } from '../../engine/index.js';
import type { ColumnGuard } from './guards.js';
import type { Fragment, ResultColumn } from './types.js';

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

/** An ENUM as DuckDB spells it: its values are literals, each closed. */
const enumeration = /^ENUM\('(?:[^']|'')*'(?:, '(?:[^']|'')*')*\)$/;
/** Types that Parquet would change inside lists, structs and maps too, where no cast brings them back, or at all. */
const changed =
  /\b(U?HUGEINT|INTERVAL|BIT|TIME WITH TIME ZONE|TIMESTAMP_(S|MS|NS)|TIME_NS|ENUM|UNION|VARIANT|BIGNUM|GEOMETRY|SQLNULL|NULL|UNKNOWN|INVALID|ANY)\b|\[\d+\]/;
const quotedName = /"(?:[^"]|"")*"/g;

export function travelsAsText(type: string): boolean {
  return textTypes.has(type) || enumeration.test(type);
}

/** Whether a column of this type comes out of a file as it went in; the fields of a row need names for that. */
export function travels(type: string): boolean {
  if (travelsAsText(type)) return true;
  const names: readonly string[] = type.match(quotedName) ?? [];
  return !names.includes('""') && !changed.test(type.replace(quotedName, 'x'));
}

/**
 * A fragment's SQL with the columns that Parquet can't carry cast to text.
 * @throws ArmorlakeError NOT_FEDERABLE for those that no text brings back.
 */
export function outgoingSql(sql: string, columns: readonly ResultColumn[]): string {
  const fixed = columns.find(({ type }) => !travels(type));
  if (fixed !== undefined) {
    throw new ArmorlakeError('NOT_FEDERABLE', `A value of type ${fixed.type} can't travel between nodes.`, {
      hint: 'Cast it, or what is in it: to VARCHAR, BIGINT or DOUBLE, a list of fixed length to a list (INTEGER[]); name the fields of a row: {a: x, b: y}.',
    });
  }
  if (!columns.some(({ type }) => travelsAsText(type))) return sql;
  return `SELECT ${columns.map((column) => cast(column, 'VARCHAR')).join(', ')} FROM (${sql}) AS shipped`;
}

/** A file that arrived, and the member whose it is; null: of this node's own lake. */
export interface ArrivedFile {
  readonly path: string;
  readonly node: string | null;
}

/**
 * SQL for what arrived of a fragment, with the columns' own types again; no rows when there are no files. What a member
 * can't have sent honestly ends it with an error, where it is read.
 */
export function incomingSql(
  files: readonly ArrivedFile[],
  { columns, guards }: Pick<Fragment, 'columns' | 'guards'>,
): string {
  if (files.length === 0) {
    const nothing = columns.map(({ name, type }) => `CAST(NULL AS ${type}) AS ${quoteIdentifier(name)}`);
    return `SELECT ${nothing.join(', ')} LIMIT 0`;
  }
  const told = columns.map((column, index) => {
    const bound = boundOf(column, guards[index] ?? null, files);
    if (bound === null) return cast(column, column.type);
    const broken = `error(${quoteString(BROKEN + bound.sentence)})`;
    return `CASE WHEN ${bound.holds} THEN ${valueOf(column)} ELSE ${broken} END AS ${quoteIdentifier(column.name)}`;
  });
  return `SELECT ${told.join(', ')} FROM ${filesSql(files)}`;
}

/** SQL that gives rows where a member sent what it can't have honestly; null where nothing is known of its columns. */
export function brokenSql(
  files: readonly ArrivedFile[],
  { columns, guards }: Pick<Fragment, 'columns' | 'guards'>,
): string | null {
  const bounds = columns.flatMap((column, index) => boundOf(column, guards[index] ?? null, files) ?? []);
  if (bounds.length === 0) return null;
  return `SELECT 1 FROM ${filesSql(files)} WHERE ${bounds.map(({ holds }) => `(NOT (${holds}))`).join(' OR ')} LIMIT 1`;
}

function filesSql(files: readonly ArrivedFile[]): string {
  return `read_parquet([${files.map(({ path }) => quoteString(path)).join(', ')}])`;
}

/** More rows no node holds: JSON has no larger whole numbers, and it would take centuries. */
const MOST_ROWS = Number.MAX_SAFE_INTEGER;

/** What holds for a column of honest members, and what to say of one whose it doesn't. */
function boundOf(
  column: ResultColumn,
  guard: ColumnGuard,
  files: readonly ArrivedFile[],
): { readonly holds: string; readonly sentence: string } | null {
  if (guard === null || files.every(({ node }) => node === null)) return null;
  const value = valueOf(column);
  switch (guard) {
    case 'node':
      return { holds: isSender(value, files), sentence: 'It sent rows that say they are of another node.' };
    case 'count':
      // count_if is NULL where there is no row.
      return {
        holds: `${value} IS NULL OR ${value} BETWEEN 0 AND ${MOST_ROWS}`,
        sentence: 'It sent counts that no rows have.',
      };
    case 'spread':
      return { holds: `${value} IS NULL OR ${value} >= 0`, sentence: 'It sent a variance below zero.' };
  }
}

function valueOf({ name, type }: ResultColumn): string {
  return travelsAsText(type) ? `CAST(${quoteIdentifier(name)} AS ${type})` : quoteIdentifier(name);
}

/** A constant where it can be: it is compared once with each value of a dictionary. */
function isSender(value: string, files: readonly ArrivedFile[]): string {
  const [first] = files;
  if (first !== undefined && first.node !== null && files.every(({ node }) => node === first.node)) {
    return `coalesce(${value} = ${quoteString(first.node)}, true)`;
  }
  const nodes = files.map(({ node }) => (node === null ? 'NULL' : quoteString(node)));
  // Rows of this node's own lake have no sender to be held against.
  return `coalesce(${value} = list_extract([${nodes.join(', ')}], CAST(file_index AS BIGINT) + 1), true)`;
}

/** The column as it is, or cast when its type travels as text. Types are DuckDB's own spelling, never a user's. */
function cast({ name, type }: ResultColumn, to: string): string {
  const quoted = quoteIdentifier(name);
  return travelsAsText(type) ? `CAST(${quoted} AS ${to}) AS ${quoted}` : quoted;
}
