import { QueryError } from './errors.js';
import type { CatalogColumn } from './node-api.js';
import { identifier, literal, shown } from './quoting.js';

/** What a column means, which decides its operators. */
export type ColumnKind = 'text' | 'path' | 'command' | 'ip' | 'severity' | 'number' | 'time' | 'list' | 'map' | 'other';

/** A column, or one key of a MAP column: `labels[app]`. */
export interface ColumnReference {
  readonly column: string;
  readonly key?: string;
}

/** Reads `column` or `column[key]`. @throws QueryError when it is neither. */
export function parseColumn(text: string): ColumnReference {
  const bracket = text.indexOf('[');
  if (bracket < 0 && text.trim() !== '') return { column: text.trim() };
  const column = text.slice(0, bracket).trim();
  const key = text.slice(bracket + 1, -1);
  if (column === '' || key === '' || !text.endsWith(']')) {
    throw new QueryError(`"${shown(text)}" is no column.`, { hint: 'Written are column, or column[key] for a label.' });
  }
  return { column, key };
}

/** `column` or `column[key]`, as `parseColumn` reads it. */
export function formatColumn({ column, key }: ColumnReference): string {
  return key === undefined ? column : `${column}[${key}]`;
}

/** SQL of a column or of the value under a MAP column's key (NULL when there is none). */
export function columnSql({ column, key }: ColumnReference): string {
  return key === undefined ? identifier(column) : `${identifier(column)}[${literal(key)}]`;
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** Columns whose text means more than its type says. */
const meanings: ReadonlyMap<string, ColumnKind> = new Map([
  ...words('process parent_process cwd exec_name').map((name) => [name, 'path'] as const),
  ...words('source resource').map((name) => [name, 'command'] as const),
  ...words('remote_ip host_ip').map((name) => [name, 'ip'] as const),
  ['severity', 'severity'],
]);

/** What a column of the catalog means. */
export function columnKind({ name, type }: Pick<CatalogColumn, 'name' | 'type'>): ColumnKind {
  const upper = type.toUpperCase();
  if (upper.endsWith('[]')) return 'list';
  if (upper.startsWith('MAP')) return 'map';
  if (upper.startsWith('TIMESTAMP')) return 'time';
  if (/^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|DOUBLE|FLOAT|DECIMAL)/.test(upper)) {
    return meanings.get(name) === 'severity' ? 'severity' : 'number';
  }
  if (upper === 'VARCHAR') return meanings.get(name) === 'severity' ? 'text' : (meanings.get(name) ?? 'text');
  return 'other';
}
