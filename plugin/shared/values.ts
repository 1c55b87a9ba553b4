import { columnSql } from './columns.js';
import { QueryError } from './errors.js';
import { filtersSql } from './filters.js';
import type { CompiledQuery, QueryContext, Scope } from './model.js';
import { expandMacros } from './macros.js';
import { literal, tableReference } from './quoting.js';
import type { ValuesRequest } from './resources.js';
import { kindOf } from './tables.js';
import { timeCondition, whereLines } from './where.js';

/** Most values one look-up answers. */
export const MAX_VALUES = 5_000;

/** A scope as the node's door takes it: only what says something. */
export function nodesOf({ clusters, nodes, labels }: Scope): CompiledQuery['nodes'] {
  const said = Object.entries(labels).filter(([, values]) => values.length > 0);
  return {
    ...(nodes.length === 0 ? {} : { names: nodes }),
    ...(clusters.length === 0 ? {} : { clusters }),
    ...(said.length === 0 ? {} : { labels: Object.fromEntries(said) }),
  };
}

/** One value a row. Groups over the table itself, so that each node counts and only values travel. */
function single(
  table: string,
  subject: string,
  conditions: readonly string[],
  contained: string | null,
): readonly string[] {
  const value = `CAST(${subject} AS VARCHAR)`;
  const found = contained === null ? [] : [`contains(lower(${value}), ${contained})`];
  return [
    `SELECT ${value} AS value, count(*) AS count`,
    `FROM ${tableReference(table)}`,
    ...whereLines([...conditions, `${subject} IS NOT NULL`, ...found]),
    'GROUP BY ALL',
  ];
}

/** Several values a row: equal lists are counted first, for the same reason. */
function several(
  table: string,
  subject: string,
  many: string,
  conditions: readonly string[],
  contained: string | null,
): readonly string[] {
  const rows = [
    `SELECT ${subject} AS found, count(*) AS times`,
    `FROM ${tableReference(table)}`,
    ...whereLines([...conditions, `${subject} IS NOT NULL`]),
    'GROUP BY ALL',
  ].join(' ');
  return [
    'SELECT value, sum(times)::BIGINT AS count',
    `FROM (SELECT ${many} AS value, times FROM (${rows}) AS lists) AS values_of_lists`,
    ...(contained === null ? [] : whereLines([`contains(lower(value), ${contained})`])),
    'GROUP BY value',
  ];
}

/**
 * Values of a column in a time range, most frequent first: `value` (text) and `count`. One row more than the limit is
 * let through, so that `truncated` of the answer says whether there are more.
 * @throws QueryError
 */
export function valuesQuery(request: ValuesRequest): CompiledQuery {
  const { table, column, key, filters, search, fromMs, toMs } = request;
  if (column === '') throw new QueryError('The look-up of values names no column.');
  const limit = Math.min(MAX_VALUES, Math.max(1, Math.floor(request.limit)));
  const kind = kindOf(table, column, key);
  const subject = columnSql(key === undefined || key === '' ? { column } : { column, key });
  const time = timeCondition(table);
  const conditions = [...(time === null ? [] : [time]), ...filtersSql(table, filters)];
  const contained = search === undefined || search === '' ? null : `lower(${literal(search)})`;
  const many = kind === 'list' ? 'unnest(found)' : kind === 'map' ? 'unnest(map_keys(found))' : null;
  const lines =
    many === null
      ? single(table, subject, conditions, contained)
      : several(table, subject, many, conditions, contained);
  const sql = [...lines, 'ORDER BY count DESC, value', `LIMIT ${String(limit + 1)}`].join('\n');
  const context: QueryContext = { fromMs, toMs, intervalMs: 60_000, maxDataPoints: 1_000 };
  const values = { context, nodes: request.scope.nodes, adHocFilters: [] };
  return {
    sql: expandMacros(sql, values).text,
    nodes: nodesOf(request.scope),
    perNode: false,
    rows: limit,
    fill: { mode: 'none' },
    bucketMs: null,
    originalPosition: null,
  };
}
