import { FieldType, getDefaultTimeRange } from '@grafana/data';
import type { DataFrame, DataQueryRequest, MetricFindValue, TimeRange } from '@grafana/data';
import { lastValueFrom } from 'rxjs';
import type { Observable } from 'rxjs';
import { QueryError, interpolateModel, printable, unprintable } from '../../shared/index.js';
import type { NodeInfo, Scope, Variables } from '../../shared/index.js';
import { errorOf } from '../editor/hooks/resourceError.js';
import type { Resources } from '../resources.js';
import type { ArmorlakeQuery } from '../types.js';
import type { VariableQuery } from './query.js';
import { isComplete, lookedUp, variableModel } from './query.js';

/** What looking up a variable's values needs of the data source. */
export interface ValuesDoor {
  readonly resources: Pick<Resources, 'nodes' | 'values'>;
  readonly query: (
    request: DataQueryRequest<ArmorlakeQuery>,
  ) => Observable<{ data: DataFrame[]; errors?: { message?: string }[] }>;
}

export interface Lookup {
  readonly variables: Variables;
  readonly range?: TimeRange | undefined;
  /** What is typed into the variable's menu. */
  readonly search?: string | undefined;
  /** Of a query that is SQL. */
  readonly request: Omit<DataQueryRequest<ArmorlakeQuery>, 'targets'>;
}

export interface FoundValues {
  readonly values: readonly MetricFindValue[];
  /** There are more than the variable's limit. */
  readonly truncated: boolean;
}

/**
 * The values of a variable, bounded by the time range, its limit, and a deadline.
 * @throws QueryError for a query that is wrong; Grafana's error when the look-up fails.
 */
export async function lookUp(query: VariableQuery, lookup: Lookup, door: ValuesDoor): Promise<FoundValues> {
  if (!isComplete(query)) return { values: [], truncated: false };
  if (query.kind === 'sql') return await valuesOfSql(query, lookup, door);
  const { builder, scope } = interpolateModel(variableModel(query), lookup.variables);
  const place = lookedUp(query);
  if (place === null) {
    const { nodes } = await door.resources.nodes();
    return bounded(namesOf(query.kind, nodesInScope(nodes, scope), lookup.search), query.limit);
  }
  const { from, to } = lookup.range ?? getDefaultTimeRange();
  const { values, truncated } = await door.resources.values({
    table: builder.table,
    column: place.column,
    ...(place.key === '' ? {} : { key: place.key }),
    filters: builder.filters,
    scope,
    ...(lookup.search === undefined || lookup.search === '' ? {} : { search: lookup.search }),
    limit: query.limit,
    fromMs: from.valueOf(),
    toMs: to.valueOf(),
  });
  return { values: values.map(({ value }) => metricValue(value)), truncated };
}

async function valuesOfSql(query: VariableQuery, { request }: Lookup, door: ValuesDoor): Promise<FoundValues> {
  const target: ArmorlakeQuery = { refId: query.refId, ...variableModel(query) };
  const answer = await lastValueFrom(door.query({ ...request, targets: [target] }));
  const [error] = answer.errors ?? [];
  if (error !== undefined) throw new Error(error.message ?? 'The variable’s query failed.');
  return bounded(valuesOfFrames(answer.data), query.limit);
}

/**
 * Values of an SQL answer, whose texts come as they are shown: its columns `value` (or `__value`) and `text` (or `__text`); without them its first column is
 * both. NULL is no value; of the same value twice the first counts.
 */
export function valuesOfFrames(frames: readonly DataFrame[]): readonly MetricFindValue[] {
  const found = new Map<string, MetricFindValue>();
  for (const { fields, length } of frames) {
    const named = (name: string): (typeof fields)[number] | undefined =>
      fields.find((field) => field.name.toLowerCase() === name || field.name.toLowerCase() === `__${name}`);
    const values = named('value') ?? named('text') ?? fields[0];
    const texts = named('text') ?? values;
    for (let row = 0; row < length; row++) {
      const value = textOf(values?.values[row], values?.type);
      if (value === null || found.has(value)) continue;
      found.set(value, metricValue(value, textOf(texts?.values[row], texts?.type) ?? value));
    }
  }
  return [...found.values()];
}

function textOf(value: unknown, type: FieldType | undefined): string | null {
  if (value === null || value === undefined) return null;
  if (type === FieldType.time && typeof value === 'number') return new Date(value).toISOString();
  return unprintable(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

/** Nodes of a scope whose variables are replaced. */
function nodesInScope(nodes: readonly NodeInfo[], scope: Scope): readonly NodeInfo[] {
  return nodes.filter(
    ({ name, cluster, labels }) =>
      (scope.nodes.length === 0 || scope.nodes.includes(name)) &&
      (scope.clusters.length === 0 || scope.clusters.includes(cluster)) &&
      Object.entries(scope.labels).every(([key, values]) => values.length === 0 || values.includes(labels[key] ?? '')),
  );
}

function namesOf(kind: VariableQuery['kind'], nodes: readonly NodeInfo[], search = ''): readonly MetricFindValue[] {
  const names = nodes.map(({ name, cluster }) => (kind === 'clusters' ? cluster : name));
  const wanted = search.toLowerCase();
  return [...new Set(names)]
    .filter((name) => name !== '' && name.toLowerCase().includes(wanted))
    .sort((a, b) => a.localeCompare(b))
    .map((name) => metricValue(name));
}

function metricValue(value: string, text = value): MetricFindValue {
  return { value, text: printable(text) };
}

function bounded(values: readonly MetricFindValue[], limit: number): FoundValues {
  return { values: values.slice(0, limit), truncated: values.length > limit };
}

/** An error of a look-up as Grafana's variable shows it. */
export function lookUpError(thrown: unknown): Error {
  const { message, hint } = thrown instanceof QueryError ? thrown : errorOf(thrown);
  return new Error(hint === undefined ? message : `${message} ${hint}`, { cause: thrown });
}
