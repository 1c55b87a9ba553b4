import type { QueryFilterOptions, QueryFixAction, ToggleFilterAction } from '@grafana/data';
import { columnSql, defaultBuilder, kindOf, literal, parseColumn } from '../../shared/index.js';
import type { BuilderQuery, Filter, FilterOperator } from '../../shared/index.js';
import type { ArmorlakeQuery } from '../types.js';

type Sense = 'for' | 'out';

/** A value somebody clicked on: of a log line's label, or of a table's cell. */
interface Clicked {
  readonly name: string;
  readonly value: string;
}

/** With or without the filter: one that is there goes, the opposite is turned round. */
export function toggleFilter(query: ArmorlakeQuery, { type, options }: ToggleFilterAction): ArmorlakeQuery {
  const clicked = clickedOf(options);
  if (clicked === null) return query;
  const sense: Sense = type === 'FILTER_FOR' ? 'for' : 'out';
  const without = remove(remove(query, clicked, 'for'), clicked, 'out');
  return has(query, clicked, sense) ? without : add(without, clicked, sense);
}

/** Whether the query shows only rows with this value because of a filter that a click made. */
export function hasFilter(query: ArmorlakeQuery, options: QueryFilterOptions): boolean {
  const clicked = clickedOf(options);
  return clicked !== null && has(query, clicked, 'for');
}

export const queryModifications: readonly string[] = ['ADD_FILTER', 'ADD_FILTER_OUT'];

/** With the filter of a click; the opposite goes. Unknown actions change nothing. */
export function modifyQuery(query: ArmorlakeQuery, { type, options }: QueryFixAction): ArmorlakeQuery {
  const clicked = options === undefined ? null : clickedOf(options);
  if (clicked === null || !queryModifications.includes(type)) return query;
  const sense: Sense = type === 'ADD_FILTER' ? 'for' : 'out';
  const without = remove(query, clicked, sense === 'for' ? 'out' : 'for');
  return has(without, clicked, sense) ? without : add(without, clicked, sense);
}

function clickedOf(options: Readonly<Record<string, unknown>>): Clicked | null {
  const { key, value } = options;
  return typeof key === 'string' && key !== '' && typeof value === 'string' ? { name: key, value } : null;
}

function has(query: ArmorlakeQuery, clicked: Clicked, sense: Sense): boolean {
  if (query.editor === 'sql') return sqlConditions(query.sql ?? '').includes(sqlCondition(clicked, sense));
  return filtersOf(query).some((filter) => isOf(filter, filterOf(query, clicked, sense), clicked.value));
}

function add(query: ArmorlakeQuery, clicked: Clicked, sense: Sense): ArmorlakeQuery {
  if (query.editor === 'sql') return withConditions(query, (all) => [...all, sqlCondition(clicked, sense)]);
  const wanted = filterOf(query, clicked, sense);
  const filters = filtersOf(query);
  const same = filters.findIndex((filter) => isSameKind(filter, wanted));
  // Two values of one column: either of them is shown, or neither.
  if (same < 0 || wanted.values.length === 0) return withFilters(query, [...filters, wanted]);
  return withFilters(
    query,
    filters.map((filter, index) =>
      index === same ? { ...filter, values: [...filter.values, ...wanted.values] } : filter,
    ),
  );
}

function remove(query: ArmorlakeQuery, clicked: Clicked, sense: Sense): ArmorlakeQuery {
  if (!has(query, clicked, sense)) return query;
  if (query.editor === 'sql') {
    return withConditions(query, (all) => all.filter((condition) => condition !== sqlCondition(clicked, sense)));
  }
  const unwanted = filterOf(query, clicked, sense);
  const filters = filtersOf(query).flatMap((filter) => {
    if (!isOf(filter, unwanted, clicked.value)) return [filter];
    const values = filter.values.filter((value) => value !== clicked.value);
    return values.length === 0 ? [] : [{ ...filter, values }];
  });
  return withFilters(query, filters);
}

/** The builder's filter of a click, by the meaning of its column; an empty value: the column is not set. */
function filterOf(query: ArmorlakeQuery, { name, value }: Clicked, sense: Sense): Filter {
  const reference = parseColumn(name);
  if (value === '') return { ...reference, operator: sense === 'for' ? 'is not set' : 'is set', values: [] };
  const kind = kindOf(builderOf(query).table, reference.column, reference.key);
  const operators: Readonly<Partial<Record<typeof kind, readonly [FilterOperator, FilterOperator]>>> = {
    number: ['=', '!='],
    severity: ['=', '!='],
    list: ['has any', 'has none'],
  };
  const [positive, negative] = operators[kind] ?? ['is', 'is not'];
  return { ...reference, operator: sense === 'for' ? positive : negative, values: [value] };
}

function isSameKind(filter: Filter, other: Filter): boolean {
  return filter.column === other.column && filter.key === other.key && filter.operator === other.operator;
}

function isOf(filter: Filter, other: Filter, value: string): boolean {
  return isSameKind(filter, other) && (other.values.length === 0 || filter.values.includes(value));
}

function builderOf(query: ArmorlakeQuery): BuilderQuery {
  return query.builder ?? defaultBuilder('kubearmor.alerts', query.queryType ?? 'table');
}

function filtersOf(query: ArmorlakeQuery): readonly Filter[] {
  return query.builder?.filters ?? [];
}

function withFilters(query: ArmorlakeQuery, filters: readonly Filter[]): ArmorlakeQuery {
  return { ...query, builder: { ...builderOf(query), filters } };
}

// SQL that somebody wrote is not taken apart: a SELECT around it filters what it shows.
const OPEN = 'SELECT * FROM (\n';
const WHERE = '\n) WHERE ';
const AND = '\n  AND ';

function wrapped(sql: string): { readonly inner: string; readonly conditions: readonly string[] } | null {
  const where = sql.lastIndexOf(WHERE);
  if (!sql.startsWith(OPEN) || where < 0) return null;
  return { inner: sql.slice(OPEN.length, where), conditions: sql.slice(where + WHERE.length).split(AND) };
}

function sqlConditions(sql: string): readonly string[] {
  return wrapped(sql)?.conditions ?? [];
}

function withConditions(
  query: ArmorlakeQuery,
  change: (conditions: readonly string[]) => readonly string[],
): ArmorlakeQuery {
  const sql = query.sql ?? '';
  const { inner, conditions } = wrapped(sql) ?? { inner: sql.trim().replace(/;+$/u, ''), conditions: [] };
  const changed = change(conditions);
  return { ...query, sql: changed.length === 0 ? inner : `${OPEN}${inner}${WHERE}${changed.join(AND)}` };
}

/** By text: what the columns of somebody's SQL are is not known here. */
function sqlCondition({ name, value }: Clicked, sense: Sense): string {
  const column = columnSql(parseColumn(name));
  if (value === '') return `${column} IS ${sense === 'for' ? '' : 'NOT '}NULL`;
  return `CAST(${column} AS VARCHAR) ${sense === 'for' ? '=' : 'IS DISTINCT FROM'} ${literal(value)}`;
}
