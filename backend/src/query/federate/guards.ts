import { foldName } from '../../core/index.js';
import type { Expression } from '../../engine/index.js';
import { classOf, contains, isStar, recordOf, recordsOf, textOf, textsOf } from '../../engine/index.js';
import type { TableScope } from './canonical.js';
import { ownColumn } from './canonical.js';

/** What is known of a fragment's column whatever the rows: its sender's name, a count, a variance; null: nothing. */
export type ColumnGuard = 'node' | 'count' | 'spread' | null;

const counts: ReadonlySet<string> = new Set(['count', 'count_star', 'count_if', 'countif']);
/** Aggregates that give one of the values of their first argument. */
const choosing: ReadonlySet<string> = new Set([
  'min',
  'max',
  'any_value',
  'arg_min',
  'argmin',
  'min_by',
  'arg_max',
  'argmax',
  'max_by',
]);

/** The guard of an expression over one table's rows: only what can be told by its form. */
export function guardOf(expression: Expression, scope: TableScope): ColumnGuard {
  if (isNode(expression, scope)) return 'node';
  if (classOf(expression) !== 'FUNCTION') return null;
  const name = foldName(textOf(expression, 'function_name'));
  if (counts.has(name)) return 'count';
  if (name === 'var_pop') return 'spread';
  const [argument] = recordsOf(expression, 'children');
  return choosing.has(name) && argument !== undefined && isNode(argument, scope) ? 'node' : null;
}

/** The guards of a select list over one table; none at all where it can't be told which item gives which column. */
export function guardsOfList(
  items: readonly Expression[],
  scope: TableScope,
  output: readonly { readonly name: string }[],
): readonly ColumnGuard[] {
  const none = output.map(() => null);
  const guards: ColumnGuard[] = [];
  for (const item of items) {
    if (!contains(item, isStar)) {
      guards.push(guardOf(item, scope));
      continue;
    }
    const own = starColumns(item, scope);
    const given = output.slice(guards.length, guards.length + (own?.length ?? 0));
    if (own === null || given.some(({ name }, index) => foldName(name) !== own[index])) return none;
    for (const column of own) guards.push(column === 'node' && !replaces(item, column) ? 'node' : null);
  }
  return guards.length === output.length ? guards : none;
}

/** The columns of `*`, of `t.*`, or of one with EXCLUDE or REPLACE, in lower case; null for other stars. */
function starColumns(star: Expression, scope: TableScope): readonly string[] | null {
  const other = ['rename_list', 'qualified_exclude_list'].some((key) => recordsOf(star, key).length > 0);
  if (classOf(star) !== 'STAR' || other || star['columns'] === true || recordOf(star, 'expr') !== null) return null;
  const excluded = new Set(textsOf(star, 'exclude_list').map(foldName));
  return [...scope.columns].filter((name) => !excluded.has(name));
}

function replaces(star: Expression, column: string): boolean {
  return recordsOf(star, 'replace_list').some((entry) => foldName(textOf(entry, 'key')) === column);
}

function isNode(expression: Expression, scope: TableScope): boolean {
  return scope.columns.has('node') && ownColumn(expression, scope) === 'node';
}
