import type { ArmorlakeModel, BuilderQuery, QueryType, Scope } from './model.js';
import { LIMITS, SCHEMA_VERSION } from './model.js';
import { settingDefaults } from './settings.js';

export const emptyScope: Scope = { clusters: [], nodes: [], labels: {} };

const limitKinds = {
  table: 'table',
  timeseries: 'timeseries',
  logs: 'logs',
  tree: 'table',
  graph: 'table',
  annotations: 'table',
} as const satisfies Record<QueryType, keyof typeof LIMITS>;

/** Rows that a type of query asks for normally, and at most. */
export function limitsOf(type: QueryType): { readonly normal: number; readonly most: number } {
  return LIMITS[limitKinds[type]];
}

/** The limit that runs: at least one row, at most what the type may. */
export function clampLimit(type: QueryType, limit: number): number {
  const { normal, most } = limitsOf(type);
  return Number.isFinite(limit) && limit >= 1 ? Math.min(Math.floor(limit), most) : normal;
}

/** A builder over a table, that asks for its usual columns. */
export function defaultBuilder(table: string, type: QueryType = 'table'): BuilderQuery {
  return {
    table,
    columns: [],
    filters: [],
    aggregates: type === 'timeseries' ? [{ function: 'count' }] : [],
    groupBy: [],
    timeBucket: type === 'timeseries' ? 'auto' : null,
    orderBy: [],
    limit: limitsOf(type).normal,
  };
}

/** What a new query asks: the latest rows of the data source's default table. */
export function defaultQuery(type: QueryType = 'table', table: string = settingDefaults.defaultTable): ArmorlakeModel {
  return {
    schemaVersion: SCHEMA_VERSION,
    queryType: type,
    scope: emptyScope,
    editor: 'builder',
    builder: defaultBuilder(table, type),
    sql: '',
    sqlLimit: limitsOf(type).normal,
    process: { target: null, view: 'table', graph: 'process', nodeLimit: LIMITS.graph.normal },
    annotation: 'blocks',
    perNode: false,
    partial: null,
    alertCoverage: { mode: 'fail', gaps: false },
  };
}
