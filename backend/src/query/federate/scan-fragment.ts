import { foldName } from '../../core/index.js';
import type { Expression, TreeRecord, QueryNode, TableRef } from '../../engine/index.js';
import {
  baseTable,
  childrenOf,
  classOf,
  columnRef,
  conjunction,
  conjunctsOf,
  contains,
  isStar,
  isSubquery,
  isWindow,
  recordOf,
  selectNode,
  textOf,
  textsOf,
  typeOf,
} from '../../engine/index.js';
import type { FederatedTable } from './types.js';

/** A table in a FROM, with how the query calls it. */
export interface TableUse {
  readonly table: FederatedTable;
  /** Its alias, else its name. */
  readonly alias: string;
}

/** Every name in the tree (of columns, USING, EXCLUDE …) in lower case: what is not among them isn't needed. */
export function namesIn(node: TreeRecord): ReadonlySet<string> {
  const names = new Set<string>();
  collectNames(node, names);
  return names;
}

function collectNames(value: unknown, names: Set<string>): void {
  if (typeof value === 'string') names.add(foldName(value));
  else if (Array.isArray(value)) value.forEach((item) => collectNames(item, names));
  else if (typeof value === 'object' && value !== null)
    Object.values(value).forEach((item) => collectNames(item, names));
}

/** True when the SELECT (not its subqueries) reaches columns without naming them. */
export function reachesUnnamedColumns(select: QueryNode, use: TableUse): boolean {
  const parts = [...childrenOf({ ...select, cte_map: null, from_table: null })];
  const from = recordOf(select, 'from_table');
  return (
    parts.some((part) => reachesUnnamed(part, use)) || (from !== null && contains(from, (node) => unnamedJoin(node)))
  );
}

function reachesUnnamed(node: TreeRecord, use: TableUse): boolean {
  // A correlated subquery can name the table as a whole, but its stars are its own.
  if (isStar(node) && textOf(node, 'relation_name') !== '' && !sameName(textOf(node, 'relation_name'), use.alias)) {
    return false;
  }
  if (isStar(node)) return true;
  if (classOf(node) === 'COLUMN_REF') {
    const names = textsOf(node, 'column_names');
    return names.length === 1 && sameName(names[0] ?? '', use.alias);
  }
  for (const child of childrenOf(node)) if (reachesUnnamed(child, use)) return true;
  return false;
}

function unnamedJoin(node: TreeRecord): boolean {
  return textOf(node, 'ref_type') === 'NATURAL' || typeOf(node) === 'PIVOT' || typeOf(node) === 'UNPIVOT';
}

function sameName(left: string, right: string): boolean {
  return foldName(left) === foldName(right);
}

/** SELECT columns FROM table WHERE conditions: what a node ships when the query needs the rows themselves. */
export function scanFragment(use: TableUse, columns: readonly string[], conditions: readonly Expression[]): QueryNode {
  return selectNode({
    select_list: columns.map((name) => columnRef(name)),
    from_table: baseTable(use.table.schema, use.table.name, use.alias),
    where_clause: conjunction(conditions),
  });
}

/** A WHERE split: what may run where the table lies, and what stays above. */
export interface SplitWhere {
  readonly pushed: readonly Expression[];
  readonly rest: readonly Expression[];
}

/**
 * The conditions of a WHERE that speak of this table's row alone. `others` are the other relations of the FROM, by
 * alias; null columns mean that what they hold is unknown, so that only qualified names can be told apart.
 */
export function splitWhere(
  where: Expression | null,
  use: TableUse,
  others: readonly { readonly alias: string; readonly columns: ReadonlySet<string> | null }[],
): SplitWhere {
  const pushed: Expression[] = [];
  const rest: Expression[] = [];
  const own = new Set(use.table.columns);
  const belongs = (node: TreeRecord): boolean => {
    const names = textsOf(node, 'column_names').map(foldName);
    const [first, second] = names;
    if (names.length === 1 && first !== undefined) {
      return own.has(first) && others.every((other) => other.columns !== null && !other.columns.has(first));
    }
    return names.length === 2 && first === foldName(use.alias) && second !== undefined && own.has(second);
  };
  for (const condition of conjunctsOf(where)) {
    const pushable =
      contains(condition, (node) => classOf(node) === 'COLUMN_REF') &&
      !contains(
        condition,
        (node) =>
          isSubquery(node) ||
          isWindow(node) ||
          isStar(node) ||
          classOf(node) === 'LAMBDA' ||
          (classOf(node) === 'COLUMN_REF' && !belongs(node)),
      );
    (pushable ? pushed : rest).push(condition);
  }
  return { pushed, rest };
}

/** The joins of a FROM down to this table, as whether a filter on its rows may move below each of them. */
export function filterMayMoveTo(from: TableRef, target: TableRef): boolean {
  if (from === target) return true;
  if (typeOf(from) !== 'JOIN') return false;
  const left = recordOf(from, 'left');
  const right = recordOf(from, 'right');
  if (left !== null && reaches(left, target)) return keepsLeft(from) && filterMayMoveTo(left, target);
  return right !== null && reaches(right, target) && keepsRight(from) && filterMayMoveTo(right, target);
}

function reaches(from: TableRef, target: TableRef): boolean {
  return contains(from, (node) => node === target);
}

/** Filtering the left rows first gives the same as filtering the joined rows. */
function keepsLeft(join: TableRef): boolean {
  return (
    ['INNER', 'LEFT', 'SEMI', 'ANTI'].includes(textOf(join, 'join_type')) && textOf(join, 'ref_type') !== 'POSITIONAL'
  );
}

/** As keepsLeft for the right; an ASOF join picks a row of the right, so filtering there first changes the pick. */
function keepsRight(join: TableRef): boolean {
  return (
    ['INNER', 'RIGHT'].includes(textOf(join, 'join_type')) && ['REGULAR', 'CROSS'].includes(textOf(join, 'ref_type'))
  );
}
