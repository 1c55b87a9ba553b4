import type { QueryFilterOptions, QueryFixAction, ToggleFilterAction } from '@grafana/data';
import { columnSql, defaultBuilder, filterSql, kindOf, literal, parseColumn, unprintable } from '../../shared/index.js';
import type { BuilderQuery, Filter, FilterOperator } from '../../shared/index.js';
import type { ArmorlakeQuery } from '../types.js';

type Sense = 'for' | 'out';

const ALL_EVENTS = 'kubearmor.events';

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

/** What is shown is read back: a line's labels have escapes for what could hide in them. */
function clickedOf(options: Readonly<Record<string, unknown>>): Clicked | null {
  const { key, value } = options;
  if (typeof key !== 'string' || key === '' || typeof value !== 'string') return null;
  return { name: unprintable(key), value: unprintable(value) };
}

/** The values of a list, which a label shows as JSON; null: it is no list of texts. */
function listed(value: string): readonly string[] | null {
  try {
    const list: unknown = JSON.parse(value);
    return Array.isArray(list) && list.length > 0 && list.every((each) => typeof each === 'string') ? list : null;
  } catch {
    return null;
  }
}

function has(query: ArmorlakeQuery, clicked: Clicked, sense: Sense): boolean {
  if (query.editor === 'sql') return sqlConditions(query.sql ?? '').includes(sqlCondition(clicked, sense));
  return filtersOf(query).some((filter) => isOf(filter, filterOf(query, clicked, sense)));
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
      index === same ? { ...filter, values: [...new Set([...filter.values, ...wanted.values])] } : filter,
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
    if (!isOf(filter, unwanted)) return [filter];
    const values = filter.values.filter((value) => !unwanted.values.includes(value));
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
  const values = (kind === 'list' ? listed(value) : null) ?? [value];
  return { ...reference, operator: sense === 'for' ? positive : negative, values };
}

function isSameKind(filter: Filter, other: Filter): boolean {
  return filter.column === other.column && filter.key === other.key && filter.operator === other.operator;
}

function isOf(filter: Filter, other: Filter): boolean {
  return isSameKind(filter, other) && other.values.every((value) => filter.values.includes(value));
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

/** By text: what the columns of somebody's SQL are is not known here, but that `tags` with a list is the events' own. */
function sqlCondition({ name, value }: Clicked, sense: Sense): string {
  const reference = parseColumn(name);
  const column = columnSql(reference);
  const values = kindOf(ALL_EVENTS, reference.column, reference.key) === 'list' ? listed(value) : null;
  const operator = sense === 'for' ? 'has any' : 'has none';
  const ofList = values === null ? null : filterSql(ALL_EVENTS, { ...reference, operator, values });
  if (ofList !== null) return ofList;
  if (value === '') return `${column} IS ${sense === 'for' ? '' : 'NOT '}NULL`;
  return `CAST(${column} AS VARCHAR) ${sense === 'for' ? '=' : 'IS DISTINCT FROM'} ${literal(value)}`;
}
