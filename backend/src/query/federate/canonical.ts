import { foldName } from '../../core/index.js';
import type { Expression, Json, TreeRecord } from '../../engine/index.js';
import { classOf, isList, isRecord, textOf, textsOf } from '../../engine/index.js';

/** The names by which a query can reach a table's columns. */
export interface TableScope {
  /** Its alias, else its name. */
  readonly alias: string;
  readonly columns: ReadonlySet<string>;
}

/** The name of the scope's column that this expression is, in lower case; null when it is something else. */
export function ownColumn(expression: Expression, scope: TableScope): string | null {
  if (classOf(expression) !== 'COLUMN_REF') return null;
  const names = textsOf(expression, 'column_names').map(foldName);
  const [first, second] = names;
  if (names.length === 1 && first !== undefined && scope.columns.has(first)) return first;
  if (names.length === 2 && first === foldName(scope.alias) && second !== undefined && scope.columns.has(second)) {
    return second;
  }
  return null;
}

/** A text that is equal for expressions that mean the same over this table: no aliases, positions or qualifiers. */
export function canonical(expression: Expression, scope: TableScope): string {
  return JSON.stringify(canonicalValue(expression, scope));
}

function canonicalValue(value: Json, scope: TableScope): Json {
  if (isList(value)) return value.map((item) => canonicalValue(item, scope));
  if (!isRecord(value)) return value;
  const column = ownColumn(value, scope);
  if (column !== null) return { column };
  const copy: Record<string, Json> = {};
  for (const key of Object.keys(value).sort()) {
    if (key === 'alias' || key === 'query_location') continue;
    const child = value[key];
    if (child !== undefined) copy[key] = canonicalValue(child, scope);
  }
  return nameless(copy);
}

function nameless(node: TreeRecord): TreeRecord {
  return classOf(node) === 'FUNCTION' ? { ...node, function_name: foldName(textOf(node, 'function_name')) } : node;
}
