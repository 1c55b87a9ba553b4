import { foldName } from '../../core/index.js';
import type { TableScope } from './canonical.js';
import { canonical } from './canonical.js';
import { arrived, collatedIn, isCollation } from './collation.js';
import { guardOf, guardsOfList } from './guards.js';
import type { Split } from './split.js';
import { cannot } from './split.js';
import type { Expression, TreeRecord, QueryNode } from '../../engine/index.js';
import {
  classOf,
  columnRef,
  contains,
  integer,
  integerOf,
  isStar,
  isSubquery,
  isWindow,
  recordOf,
  recordsOf,
  selectNode,
  subqueryRef,
  textOf,
  textsOf,
  typeOf,
  withAlias,
} from '../../engine/index.js';
import type { ResultColumn } from './types.js';

/** What the split of a SELECT without aggregates starts from. */
export interface RowQuery {
  readonly node: QueryNode;
  readonly scope: TableScope;
  readonly output: readonly ResultColumn[];
}

/** ORDER BY, DISTINCT and LIMIT of a SELECT; only what can be pushed. */
interface Modifiers {
  readonly distinct: TreeRecord | null;
  readonly orders: readonly TreeRecord[];
  readonly limit: TreeRecord | null;
  /** Rows a node needs to give; null is all. */
  readonly top: number | null;
}

/**
 * Splits a SELECT of rows over one table: each node projects, filters, and keeps its own DISTINCT or top
 * (limit + offset, sorted also by what is not selected); the merge sorts and cuts again.
 * Throws NotSplittable when something in it looks beyond one row.
 */
export function splitRows(query: RowQuery): Split {
  const { node, output } = query;
  const items = recordsOf(node, 'select_list');
  if (recordOf(node, 'qualify') !== null) cannot('QUALIFY');
  if (items.some((item) => contains(item, isWindow) || contains(item, isSubquery))) {
    cannot('a window or subquery in the select list');
  }
  const modifiers = readModifiers(node);
  const hidden: Expression[] = [];
  const orders = modifiers.orders.flatMap((order) => rewriteOrder(query, items, order, hidden));
  if (modifiers.distinct !== null && hidden.length > 0) cannot('DISTINCT sorted by what is not selected');
  const values = arriving(query, items, hidden);
  const columns = [...output.map((_, index) => `armorlake_c${index}`), ...hidden.map((_, index) => hiddenName(index))];
  const sorted = modifiers.top === null ? [] : fragmentOrder(orders, columns);
  const rows = selectNode({
    select_list: [...items, ...hidden],
    from_table: recordOf(node, 'from_table'),
    where_clause: recordOf(node, 'where_clause'),
    modifiers: [
      ...(modifiers.distinct === null ? [] : [modifiers.distinct]),
      ...(sorted.length === 0 ? [] : [{ type: 'ORDER_MODIFIER', orders: sorted }]),
      ...(modifiers.top === null ? [] : [{ type: 'LIMIT_MODIFIER', limit: integer(modifiers.top), offset: null }]),
    ],
  });
  const sortedBy = (order: TreeRecord): TreeRecord => ({ ...order, expression: values(nameOf(order)) });
  const fragment = selectNode({ from_table: subqueryRef(rows, 'fragment', columns) });
  const merge: QueryNode = {
    ...node,
    select_list: output.map((column, index) => withAlias(values(`armorlake_c${index}`), column.name)),
    where_clause: null,
    modifiers: [
      ...(modifiers.distinct === null ? [] : [modifiers.distinct]),
      ...(orders.length === 0 ? [] : [{ type: 'ORDER_MODIFIER', orders: orders.map(sortedBy) }]),
      ...(modifiers.limit === null ? [] : [modifiers.limit]),
    ],
  };
  const guards = [...guardsOfList(items, query.scope, output), ...hidden.map((each) => guardOf(each, query.scope))];
  return { kind: 'rows', fragment, merge, mostRows: modifiers.top, guards };
}

/** The fragment's columns as the values they were, by name. */
function arriving(
  { node, output }: RowQuery,
  items: readonly Expression[],
  hidden: readonly Expression[],
): (name: string) => Expression {
  const isCollated = collatedIn(node);
  const values = new Map<string, Expression>();
  hidden.forEach((expression, index) => {
    const name = hiddenName(index);
    values.set(name, arrived(columnRef(name), expression, isCollated));
  });
  if (items.some((item) => contains(item, isCollation))) {
    if (items.length !== output.length || items.some((item) => contains(item, isStar)))
      cannot('a collation and a star');
    items.forEach((item, index) => {
      const name = `armorlake_c${index}`;
      values.set(name, arrived(columnRef(name), item, isCollated, output[index]?.type));
    });
  }
  return (name) => values.get(name) ?? columnRef(name);
}

/** The fragment's column that a rewritten order names. */
function nameOf(order: TreeRecord): string {
  return textsOf(recordOf(order, 'expression') ?? {}, 'column_names')[0] ?? '';
}

function hiddenName(index: number): string {
  return `armorlake_h${index}`;
}

function readModifiers(node: QueryNode): Modifiers {
  let distinct: TreeRecord | null = null;
  let orders: readonly TreeRecord[] = [];
  let limit: TreeRecord | null = null;
  for (const modifier of recordsOf(node, 'modifiers')) {
    switch (typeOf(modifier)) {
      case 'DISTINCT_MODIFIER':
        if (recordsOf(modifier, 'distinct_on_targets').length > 0) cannot('DISTINCT ON');
        distinct = modifier;
        break;
      case 'ORDER_MODIFIER':
        orders = recordsOf(modifier, 'orders');
        break;
      case 'LIMIT_MODIFIER':
      case 'LIMIT_PERCENT_MODIFIER':
        limit = modifier;
        break;
      default:
        cannot(`a ${typeOf(modifier)}`);
    }
  }
  return { distinct, orders, limit, top: limit === null ? null : topOf(limit) };
}

/** limit + offset when both are plain numbers. */
function topOf(limit: TreeRecord): number | null {
  if (typeOf(limit) !== 'LIMIT_MODIFIER') return null;
  const rows = recordOf(limit, 'limit');
  const offset = recordOf(limit, 'offset');
  const rowCount = rows === null ? null : integerOf(rows);
  const offsetCount = offset === null ? 0 : integerOf(offset);
  return rowCount === null || offsetCount === null ? null : rowCount + offsetCount;
}

/** The order over the fragment's columns; what is not selected becomes a hidden column. */
function rewriteOrder(
  query: RowQuery,
  items: readonly Expression[],
  order: TreeRecord,
  hidden: Expression[],
): TreeRecord[] {
  const expression = recordOf(order, 'expression') ?? cannot('an ORDER BY');
  if (contains(expression, isWindow) || contains(expression, isSubquery)) cannot('a window or subquery in ORDER BY');
  if (isStar(expression)) {
    return query.output.map((_, index) => ({ ...order, expression: columnRef(`armorlake_c${index}`) }));
  }
  const position = integerOf(expression);
  if (position !== null) return [{ ...order, expression: columnRef(`armorlake_c${position - 1}`) }];
  const index = selectedIndex(query, items, expression);
  if (index !== null) return [{ ...order, expression: columnRef(`armorlake_c${index}`) }];
  hidden.push(withAlias(expression, ''));
  return [{ ...order, expression: columnRef(hiddenName(hidden.length - 1)) }];
}

/** Which output column this ORDER BY expression is: by alias, else by being the same expression. */
function selectedIndex(query: RowQuery, items: readonly Expression[], expression: Expression): number | null {
  const names = classOf(expression) === 'COLUMN_REF' ? textsOf(expression, 'column_names') : [];
  const alias = names.length === 1 ? foldName(names[0] ?? '') : null;
  const item = items.findIndex((each) => alias !== null && foldName(textOf(each, 'alias')) === alias);
  const found =
    item >= 0
      ? item
      : items.findIndex((each) => !isStar(each) && canonical(each, query.scope) === canonical(expression, query.scope));
  if (found < 0) return null;
  // Items that give several columns (stars) shift those behind them: count from the end when they stand before.
  const wide = items.map((each, at) => (contains(each, isStar) ? at : -1)).filter((at) => at >= 0);
  if (wide.length === 0 && items.length === query.output.length) return found;
  if (wide.every((at) => at > found) && wide.length > 0) return found;
  if (wide.every((at) => at < found) && wide.length > 0) return query.output.length - (items.length - found);
  return cannot('an ORDER BY among several stars');
}

/** The fragment's own ORDER BY, by position. */
function fragmentOrder(orders: readonly TreeRecord[], columns: readonly string[]): readonly TreeRecord[] {
  return orders.map((order) => ({ ...order, expression: integer(columns.indexOf(nameOf(order)) + 1) }));
}
