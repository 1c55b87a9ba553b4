import type { Json, TreeRecord } from './tree.js';
import { isList, isRecord, textOf } from './tree.js';

/** What stands under a key of a tree record. `plain`: text, numbers and flags without nodes inside. */
export type FieldKind =
  | 'plain'
  | 'expression'
  | 'query'
  | 'statement'
  | 'table'
  | 'modifiers'
  | 'ctes'
  | 'orders'
  | 'cases'
  | 'replacements'
  | 'constant'
  | 'type'
  | 'sample'
  | 'pivots'
  | 'at';

type Shape = Readonly<Record<string, FieldKind>>;

const base: Shape = { class: 'plain', type: 'plain', alias: 'plain', query_location: 'plain' };
const tableBase: Shape = {
  type: 'plain',
  alias: 'plain',
  query_location: 'plain',
  sample: 'sample',
  column_name_alias: 'plain',
};
const queryBase: Shape = { type: 'plain', modifiers: 'modifiers', cte_map: 'ctes' };

/** Expressions by class: the keys each may have. What isn't here is refused. */
export const expressionShapes: Readonly<Record<string, Shape>> = {
  BETWEEN: { ...base, input: 'expression', lower: 'expression', upper: 'expression' },
  CASE: { ...base, case_checks: 'cases', else_expr: 'expression' },
  CAST: { ...base, child: 'expression', cast_type: 'type', try_cast: 'plain' },
  COLLATE: { ...base, child: 'expression', collation: 'plain' },
  COLUMN_REF: { ...base, column_names: 'plain' },
  COMPARISON: { ...base, left: 'expression', right: 'expression' },
  CONJUNCTION: { ...base, children: 'expression' },
  CONSTANT: { ...base, value: 'constant' },
  FUNCTION: {
    ...base,
    function_name: 'plain',
    schema: 'plain',
    catalog: 'plain',
    children: 'expression',
    filter: 'expression',
    order_bys: 'orders',
    distinct: 'plain',
    is_operator: 'plain',
    export_state: 'plain',
  },
  LAMBDA: { ...base, lhs: 'expression', expr: 'expression' },
  OPERATOR: { ...base, children: 'expression' },
  PARAMETER: { ...base, identifier: 'plain' },
  POSITIONAL_REFERENCE: { ...base, index: 'plain' },
  STAR: {
    ...base,
    relation_name: 'plain',
    exclude_list: 'plain',
    qualified_exclude_list: 'plain',
    rename_list: 'plain',
    replace_list: 'replacements',
    columns: 'plain',
    expr: 'expression',
  },
  SUBQUERY: {
    ...base,
    subquery_type: 'plain',
    subquery: 'statement',
    child: 'expression',
    comparison_type: 'plain',
  },
  WINDOW: {
    ...base,
    function_name: 'plain',
    schema: 'plain',
    catalog: 'plain',
    children: 'expression',
    partitions: 'expression',
    orders: 'orders',
    arg_orders: 'orders',
    start: 'plain',
    end: 'plain',
    start_expr: 'expression',
    end_expr: 'expression',
    offset_expr: 'expression',
    default_expr: 'expression',
    filter_expr: 'expression',
    ignore_nulls: 'plain',
    exclude_clause: 'plain',
    distinct: 'plain',
  },
};

/** FROM items by type. */
export const tableShapes: Readonly<Record<string, Shape>> = {
  BASE_TABLE: { ...tableBase, catalog_name: 'plain', schema_name: 'plain', table_name: 'plain', at_clause: 'at' },
  EMPTY: tableBase,
  EXPRESSION_LIST: { ...tableBase, expected_names: 'plain', expected_types: 'plain', values: 'expression' },
  JOIN: {
    ...tableBase,
    left: 'table',
    right: 'table',
    condition: 'expression',
    join_type: 'plain',
    ref_type: 'plain',
    using_columns: 'plain',
    delim_flipped: 'plain',
    duplicate_eliminated_columns: 'expression',
  },
  PIVOT: {
    ...tableBase,
    source: 'table',
    aggregates: 'expression',
    unpivot_names: 'plain',
    pivots: 'pivots',
    groups: 'plain',
    include_nulls: 'plain',
  },
  SHOW_REF: {
    ...tableBase,
    table_name: 'plain',
    query: 'query',
    show_type: 'plain',
    catalog_name: 'plain',
    schema_name: 'plain',
  },
  SUBQUERY: { ...tableBase, subquery: 'statement' },
  TABLE_FUNCTION: { ...tableBase, function: 'expression', with_ordinality: 'plain' },
};

/** Query nodes by type. */
export const queryShapes: Readonly<Record<string, Shape>> = {
  SELECT_NODE: {
    ...queryBase,
    select_list: 'expression',
    from_table: 'table',
    where_clause: 'expression',
    group_expressions: 'expression',
    group_sets: 'plain',
    aggregate_handling: 'plain',
    having: 'expression',
    sample: 'sample',
    qualify: 'expression',
  },
  SET_OPERATION_NODE: { ...queryBase, setop_type: 'plain', setop_all: 'plain', left: 'query', right: 'query' },
  RECURSIVE_CTE_NODE: {
    ...queryBase,
    cte_name: 'plain',
    union_all: 'plain',
    left: 'query',
    right: 'query',
    aliases: 'plain',
    key_targets: 'expression',
  },
};

/** Helper records: those that are no node themselves but hold some. */
export const helperShapes: Readonly<Record<string, Shape>> = {
  statement: { node: 'query', named_param_map: 'plain' },
  orderModifier: { type: 'plain', orders: 'orders' },
  limitModifier: { type: 'plain', limit: 'expression', offset: 'expression' },
  distinctModifier: { type: 'plain', distinct_on_targets: 'expression' },
  order: { type: 'plain', null_order: 'plain', expression: 'expression' },
  case: { when_expr: 'expression', then_expr: 'expression' },
  replacement: { key: 'plain', value: 'expression' },
  cte: { aliases: 'plain', query: 'statement', materialized: 'plain', key_targets: 'expression' },
  pivot: { pivot_expressions: 'expression', unpivot_names: 'plain', entries: 'pivots', pivot_enum: 'plain' },
  pivotEntry: { values: 'constant', star_expr: 'expression', alias: 'plain' },
};

const modifierHelpers: Readonly<Record<string, string>> = {
  ORDER_MODIFIER: 'orderModifier',
  LIMIT_MODIFIER: 'limitModifier',
  LIMIT_PERCENT_MODIFIER: 'limitModifier',
  DISTINCT_MODIFIER: 'distinctModifier',
};

/** The shape of a record found under a key of this kind; undefined when it has none that is known. */
export function shapeOf(record: TreeRecord, kind: FieldKind): Shape | undefined {
  switch (kind) {
    case 'expression':
      return expressionShapes[textOf(record, 'class')];
    case 'query':
      return queryShapes[textOf(record, 'type')];
    case 'table':
      return tableShapes[textOf(record, 'type')];
    case 'statement':
      return helperShapes['statement'];
    case 'modifiers':
      return helperShapes[modifierHelpers[textOf(record, 'type')] ?? ''];
    case 'orders':
      return textOf(record, 'type') === 'ORDER_MODIFIER' ? helperShapes['orderModifier'] : helperShapes['order'];
    case 'cases':
      return helperShapes['case'];
    case 'replacements':
      return helperShapes['replacement'];
    case 'pivots':
      return 'entries' in record ? helperShapes['pivot'] : helperShapes['pivotEntry'];
    case 'ctes':
      return 'query' in record ? helperShapes['cte'] : undefined;
    case 'plain':
    case 'constant':
    case 'type':
    case 'sample':
    case 'at':
      return undefined;
  }
}

/** Kinds whose values hold no nodes: they are copied as they are. */
export const leafKinds: ReadonlySet<FieldKind> = new Set(['plain', 'constant', 'type', 'sample', 'at']);

/** The CTEs of a query node, in the order they were written: each sees those before it. */
export function ctesOf(query: TreeRecord): readonly { readonly name: string; readonly cte: TreeRecord }[] {
  const map = query['cte_map'];
  if (!isRecord(map) || !isList(map['map'])) return [];
  return map['map'].flatMap((entry) => {
    if (!isRecord(entry) || !isRecord(entry['value'])) return [];
    return [{ name: textOf(entry, 'key'), cte: entry['value'] }];
  });
}

/** True for null, '' and [] and {}: nothing is said. */
export function isNothing(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '' || value === false) return true;
  return isList(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0;
}
