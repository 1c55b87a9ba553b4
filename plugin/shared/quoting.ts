import { QueryError } from './errors.js';
import { printable } from './printable.js';

/** Words that DuckDB does not take for a column without quotes (`duckdb_keywords()`: reserved and type_function). */
export const reservedWords: ReadonlySet<string> = new Set(
  `all analyse analyze and anti any array as asc asof asymmetric at authorization binary both by case cast check collate
  collation column columns concurrently constraint create cross default deferrable desc describe distinct do else end
  except false fetch for foreign freeze from full generated glob group having ilike in initially inner intersect into is
  isnull join lambda lateral leading left like limit map natural not notnull null offset on only or order outer overlaps
  pivot pivot_longer pivot_wider placing positional primary qualify references returning right select semi show similar
  some struct summarize symmetric table tablesample then to trailing true try_cast union unique unpack unpivot using
  variadic verbose when where window with`.split(/\s+/),
);

/** Words that mean the database's own state where no column is called so. */
const stateWords: ReadonlySet<string> = new Set(
  `current_catalog current_database current_date current_query current_role current_schema current_time
  current_timestamp current_user localtime localtimestamp rowid session_user user`.split(/\s+/),
);

/**
 * A text as an SQL literal: the only way a value gets into SQL. DuckDB's own text can't hold NUL, so that becomes
 * `chr(0)`; everything else is data between quotes.
 */
export function literal(text: string): string {
  const pieces = text.split('\0').map((piece) => `'${piece.replaceAll("'", "''")}'`);
  return pieces.length === 1 ? pieces.join('') : `(${pieces.join(' || chr(0) || ')})`;
}

/** Literals between parentheses, for IN. */
export function literalList(texts: readonly string[]): string {
  return `(${texts.map(literal).join(', ')})`;
}

const numberPattern = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** A number as SQL; `what` is named when it is none. @throws QueryError */
export function numberLiteral(text: string, what: string): string {
  const trimmed = text.trim();
  if (!numberPattern.test(trimmed)) throw new QueryError(`${what} wants a number, not "${shown(text)}".`);
  return trimmed;
}

/** A moment (ms since 1970) as SQL: TIMESTAMP, UTC. */
export function timestampLiteral(ms: number): string {
  return `TIMESTAMP '${new Date(ms).toISOString().replace('T', ' ').replace('Z', '')}'`;
}

/** A name as an SQL identifier: the only way a name gets into SQL; quoted unless it is plain. @throws QueryError */
export function identifier(name: string): string {
  if (name === '' || name.includes('\0')) throw new QueryError('A column or table has an empty or broken name.');
  const plain = /^[a-z_][a-z0-9_]*$/.test(name) && !reservedWords.has(name) && !stateWords.has(name);
  return plain ? name : `"${name.replaceAll('"', '""')}"`;
}

/** `schema.table` as SQL. @throws QueryError when it is no such name. */
export function tableReference(name: string): string {
  const parts = name.split('.');
  if (parts.length !== 2 || parts.includes('')) {
    throw new QueryError(name.trim() === '' ? 'The query names no table.' : `"${shown(name)}" is no name of a table.`, {
      hint: 'Choose a table; they are written with their schema, as kubearmor.alerts.',
    });
  }
  return parts.map(identifier).join('.');
}

/** A text for an error's sentence: printable and short. */
export function shown(text: string): string {
  const safe = printable(text);
  return safe.length > 60 ? `${safe.slice(0, 60)}…` : safe;
}
