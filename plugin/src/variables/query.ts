import type { DataQuery } from '@grafana/data';
import { MAX_VALUES, QueryError, SCHEMA_VERSION, defaultQuery, parseModel } from '../../shared/index.js';
import type { ArmorlakeModel, Filter, Scope } from '../../shared/index.js';

export const variableKinds = ['namespaces', 'pods', 'nodes', 'clusters', 'policies', 'values', 'sql'] as const;
export type VariableKind = (typeof variableKinds)[number];

/** What a variable of a dashboard saves. */
export interface VariableQuery extends Omit<DataQuery, 'queryType'> {
  readonly schemaVersion: number;
  readonly kind: VariableKind;
  /** Of kind `values`: whose values. */
  readonly table: string;
  readonly column: string;
  /** Of a MAP column; empty: its keys are the values. */
  readonly key: string;
  readonly filters: readonly Filter[];
  readonly scope: Scope;
  readonly sql: string;
  /** Most values. */
  readonly limit: number;
}

const NORMAL_LIMIT = 1_000;

/** Where the values of a kind are looked up; null: not by column. */
export function lookedUp({
  kind,
  table,
  column,
  key,
}: VariableQuery): { readonly table: string; readonly column: string; readonly key: string } | null {
  switch (kind) {
    case 'namespaces':
      return { table: 'kubearmor.events', column: 'namespace', key: '' };
    case 'pods':
      return { table: 'kubearmor.events', column: 'pod', key: '' };
    case 'policies':
      return { table: 'kubearmor.alerts', column: 'policy', key: '' };
    case 'values':
      return { table, column, key };
    case 'nodes':
    case 'clusters':
    case 'sql':
      return null;
  }
}

/** What a new variable asks. */
export function defaultVariable(table?: string): VariableQuery {
  const { builder, scope } = defaultQuery('table', table);
  return {
    refId: 'variable',
    schemaVersion: SCHEMA_VERSION,
    kind: 'namespaces',
    table: builder.table,
    column: '',
    key: '',
    filters: [],
    scope,
    sql: '',
    limit: NORMAL_LIMIT,
  };
}

/**
 * What a dashboard has saved for a variable: an object of `defaultVariable`'s shape of which any part may be missing, or a
 * text: SQL. Reading it writes nothing back. @throws QueryError for one of a newer version or with wrong parts.
 */
export function readVariable(saved: unknown, table?: string): VariableQuery {
  const fallback = defaultVariable(table);
  if (saved === undefined || saved === null || saved === '') return fallback;
  if (typeof saved === 'string') return { ...fallback, kind: 'sql', sql: saved };
  if (typeof saved !== 'object') throw new QueryError('The variable’s query is neither SQL nor an object.');
  const field = (name: string): unknown => Reflect.get(saved, name);
  const bare = field('query');
  // Grafana wraps a text into an object, with whatever the default is around it.
  if (typeof bare === 'string' && bare !== '') return { ...fallback, kind: 'sql', sql: bare };
  const text = (name: string, otherwise: string): string => {
    const value = field(name);
    return typeof value === 'string' ? value : otherwise;
  };
  // The parts that queries have too are read as theirs are: same checks, same migrations.
  const { builder, scope, sql } = parseModel(
    {
      schemaVersion: field('schemaVersion') ?? SCHEMA_VERSION,
      queryType: 'table',
      scope: field('scope'),
      builder: { table: field('table'), filters: field('filters') },
      sql: field('sql'),
    },
    table,
  );
  const limit = field('limit');
  return {
    ...fallback,
    refId: text('refId', fallback.refId) || fallback.refId,
    kind: kindOf(field('kind'), sql),
    table: builder.table,
    column: text('column', ''),
    key: text('key', ''),
    filters: builder.filters,
    scope,
    sql,
    limit: typeof limit === 'number' && limit >= 1 ? Math.min(MAX_VALUES, Math.floor(limit)) : NORMAL_LIMIT,
  };
}

function kindOf(saved: unknown, sql: string): VariableKind {
  if (saved === undefined) return sql === '' ? 'namespaces' : 'sql';
  const kind = variableKinds.find((each) => each === saved);
  if (kind === undefined) {
    throw new QueryError('This version of the data source does not know this kind of variable.', {
      hint: `It knows ${variableKinds.join(', ')}. A newer version may have made it: update the plugin.`,
    });
  }
  return kind;
}

/** The variable's query as one of the data source: its scope, filters and SQL. */
export function variableModel(query: VariableQuery): ArmorlakeModel {
  const { table } = lookedUp(query) ?? query;
  const model = defaultQuery('table', table);
  return {
    ...model,
    editor: query.kind === 'sql' ? 'sql' : 'builder',
    scope: query.scope,
    builder: { ...model.builder, filters: query.filters },
    sql: query.sql,
    sqlLimit: query.limit,
  };
}

/** Whether there is anything to look up yet. */
export function isComplete(query: VariableQuery): boolean {
  if (query.kind === 'sql') return query.sql.trim() !== '';
  return query.kind !== 'values' || (query.table !== '' && query.column !== '');
}
