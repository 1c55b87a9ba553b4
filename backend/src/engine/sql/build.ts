import type { Json, TreeRecord } from './tree.js';
import { isList, isRecord, recordsOf, textOf } from './tree.js';

/** What a place in the tree holds; the names are for readers only. */
export type QueryNode = TreeRecord;
export type Expression = TreeRecord;
export type TableRef = TreeRecord;

/** The record under a key, or null. */
export function recordOf(node: TreeRecord, key: string): TreeRecord | null {
  const value = node[key];
  return isRecord(value) ? value : null;
}

/** The direct child objects, through lists. */
export function* childrenOf(node: TreeRecord): Generator<TreeRecord> {
  for (const value of Object.values(node)) yield* objectsIn(value);
}

function* objectsIn(value: Json): Generator<TreeRecord> {
  if (isList(value)) for (const item of value) yield* objectsIn(item);
  else if (isRecord(value)) yield value;
}

/** True when a node at or below this one answers the test. */
export function contains(node: TreeRecord, test: (node: TreeRecord) => boolean): boolean {
  if (test(node)) return true;
  for (const child of childrenOf(node)) if (contains(child, test)) return true;
  return false;
}

/** With every direct child object replaced by what `change` gives for it; the node itself when nothing changed. */
export function mapChildren(node: TreeRecord, change: (child: TreeRecord) => TreeRecord): TreeRecord {
  const children = new Map<TreeRecord, TreeRecord>();
  for (const child of childrenOf(node)) children.set(child, change(child));
  return replaceChildren(node, children);
}

/** As mapChildren, in order, for changes that wait for something. */
export async function mapChildrenAsync(
  node: TreeRecord,
  change: (child: TreeRecord) => Promise<TreeRecord>,
): Promise<TreeRecord> {
  const children = new Map<TreeRecord, TreeRecord>();
  for (const child of childrenOf(node)) children.set(child, await change(child));
  return replaceChildren(node, children);
}

function replaceChildren(node: TreeRecord, children: ReadonlyMap<TreeRecord, TreeRecord>): TreeRecord {
  if ([...children].every(([before, after]) => before === after)) return node;
  const copy: Record<string, Json> = {};
  for (const [key, value] of Object.entries(node)) copy[key] = replaceIn(value, children);
  return copy;
}

function replaceIn(value: Json, children: ReadonlyMap<TreeRecord, TreeRecord>): Json {
  if (isList(value)) return value.map((item) => replaceIn(item, children));
  return isRecord(value) ? (children.get(value) ?? value) : value;
}

export function classOf(node: TreeRecord): string {
  return textOf(node, 'class');
}

export function typeOf(node: TreeRecord): string {
  return textOf(node, 'type');
}

export function isSubquery(node: TreeRecord): boolean {
  return classOf(node) === 'SUBQUERY';
}

export function isStar(node: TreeRecord): boolean {
  return classOf(node) === 'STAR';
}

export function isWindow(node: TreeRecord): boolean {
  return classOf(node) === 'WINDOW';
}

export function isQueryNode(node: TreeRecord): boolean {
  return 'select_list' in node || typeOf(node) === 'SET_OPERATION_NODE' || typeOf(node) === 'RECURSIVE_CTE_NODE';
}

/** The expression under another name; '' is none. */
export function withAlias(expression: Expression, alias: string): Expression {
  return { ...expression, alias };
}

export function columnRef(...names: readonly string[]): Expression {
  return { class: 'COLUMN_REF', type: 'COLUMN_REF', alias: '', column_names: names };
}

export function integer(value: number): Expression {
  return {
    class: 'CONSTANT',
    type: 'VALUE_CONSTANT',
    alias: '',
    value: { type: { id: 'BIGINT', type_info: null }, is_null: false, value },
  };
}

/** The value of an integer constant, or null when the expression isn't one. */
export function integerOf(expression: Expression): number | null {
  if (classOf(expression) !== 'CONSTANT') return null;
  const value = recordOf(expression, 'value');
  const number = value?.['value'];
  return typeof number === 'number' && Number.isInteger(number) ? number : null;
}

export function functionCall(name: string, children: readonly Expression[], own: TreeRecord = {}): Expression {
  return {
    class: 'FUNCTION',
    type: 'FUNCTION',
    alias: '',
    function_name: name,
    schema: '',
    children,
    filter: null,
    order_bys: { type: 'ORDER_MODIFIER', orders: [] },
    distinct: false,
    is_operator: false,
    export_state: false,
    catalog: '',
    ...own,
  };
}

/** `left + right`, and so on. */
export function operator(symbol: string, left: Expression, right: Expression): Expression {
  return functionCall(symbol, [left, right], { is_operator: true });
}

export function star(): Expression {
  return {
    class: 'STAR',
    type: 'STAR',
    alias: '',
    relation_name: '',
    exclude_list: [],
    replace_list: [],
    columns: false,
    expr: null,
    qualified_exclude_list: [],
    rename_list: [],
  };
}

export function baseTable(schema: string, table: string, alias: string): TableRef {
  return {
    type: 'BASE_TABLE',
    alias,
    sample: null,
    schema_name: schema,
    table_name: table,
    column_name_alias: [],
    catalog_name: '',
    at_clause: null,
  };
}

/** The FROM of a SELECT without one. */
export const emptyFrom: TableRef = { type: 'EMPTY', alias: '', sample: null };

/** A SELECT with nothing but what is given. */
export function selectNode(own: TreeRecord): QueryNode {
  return {
    type: 'SELECT_NODE',
    modifiers: [],
    cte_map: { map: [] },
    select_list: [star()],
    from_table: emptyFrom,
    where_clause: null,
    group_expressions: [],
    group_sets: [],
    aggregate_handling: 'STANDARD_HANDLING',
    having: null,
    sample: null,
    qualify: null,
    ...own,
  };
}

export function subqueryRef(node: QueryNode, alias: string, columnNames: readonly string[] = []): TableRef {
  return {
    type: 'SUBQUERY',
    alias,
    sample: null,
    subquery: { node, named_param_map: [] },
    column_name_alias: columnNames,
  };
}

/** AND of all of these; null when there is none. */
export function conjunction(conditions: readonly Expression[]): Expression | null {
  const [first, second] = conditions;
  if (first === undefined) return null;
  if (second === undefined) return first;
  return { class: 'CONJUNCTION', type: 'CONJUNCTION_AND', alias: '', children: conditions };
}

/** The conditions of which this expression is the AND. */
export function conjunctsOf(expression: Expression | null): readonly Expression[] {
  if (expression === null) return [];
  return typeOf(expression) === 'CONJUNCTION_AND'
    ? recordsOf(expression, 'children').flatMap((child) => conjunctsOf(child))
    : [expression];
}
