import type { AdHocVariableFilter, DataQueryError, DataQueryRequest, ScopedVars } from '@grafana/data';
import { QueryError, filterOfAdHoc, interpolateModel, parseModel, unprintable } from '../shared/index.js';
import type { AdHocFilter, Variables } from '../shared/index.js';
import type { ArmorlakeQuery } from './types.js';

export interface PrepareOptions {
  readonly variables: Variables;
  readonly filters?: readonly AdHocVariableFilter[] | undefined;
  readonly defaultTable?: string | undefined;
  /** Rows of a table query that says none itself. */
  readonly rowLimit?: number | undefined;
  /** Grafana's: `browser`, `utc` or an IANA name. */
  readonly timezone?: string | undefined;
}

/** A saved query as the backend takes it: complete, its variables replaced, with the dashboard's filters and the zone. @throws QueryError */
export function prepareQuery(query: ArmorlakeQuery, options: PrepareOptions): ArmorlakeQuery {
  if (query.interpolated === true) return query;
  const model = interpolateModel(parseModel(query, options.defaultTable, options.rowLimit), options.variables);
  const adHocFilters = [...(model.adHocFilters ?? []), ...adHocFiltersOf(options.filters ?? [])];
  const timezone = model.timezone ?? zoneOf(options.timezone);
  return {
    ...query,
    ...model,
    ...(adHocFilters.length === 0 ? {} : { adHocFilters }),
    ...(timezone === undefined ? {} : { timezone }),
  };
}

/**
 * A dashboard's query as one that stands alone (the panel's “Explore”): variables replaced for good, the dashboard's filters
 * among the builder's own, where they can be seen. @throws QueryError
 */
export function standAlone(query: ArmorlakeQuery, options: PrepareOptions): ArmorlakeQuery {
  const { interpolated: _, replacedSql: __, timezone: ___, adHocFilters = [], ...rest } = prepareQuery(query, options);
  if (adHocFilters.length === 0) return rest;
  if (rest.editor === 'sql' || rest.builder === undefined) return { ...rest, adHocFilters };
  return {
    ...rest,
    builder: { ...rest.builder, filters: [...rest.builder.filters, ...adHocFilters.map(filterOfAdHoc)] },
  };
}

/**
 * Grafana's ad hoc filters as ours: several values stand in `values`, one in `value`; all as they are shown in cells and
 * menus, where a click took them from.
 */
export function adHocFiltersOf(filters: readonly AdHocVariableFilter[]): readonly AdHocFilter[] {
  return filters.flatMap(({ key, operator, value, values }) => {
    if (key === '' || operator === '') return [];
    const shown = values !== undefined && values.length > 0 ? values : [value];
    return [{ key: unprintable(key), operator, values: shown.map(unprintable) }];
  });
}

export interface PreparedRequest {
  readonly request: DataQueryRequest<ArmorlakeQuery>;
  /** Of the queries that can't be asked; the others are. */
  readonly errors: DataQueryError[];
}

/** All queries of a request, prepared; what is wrong with one does not hold up the others. */
export function prepareRequest(
  request: DataQueryRequest<ArmorlakeQuery>,
  prepare: (query: ArmorlakeQuery, scopedVars: ScopedVars, filters?: AdHocVariableFilter[]) => ArmorlakeQuery,
): PreparedRequest {
  const errors: DataQueryError[] = [];
  const timezone = zoneOf(request.timezone);
  const targets = request.targets.flatMap((query) => {
    try {
      const prepared = prepare(query, request.scopedVars, request.filters);
      return [prepared.timezone === undefined && timezone !== undefined ? { ...prepared, timezone } : prepared];
    } catch (thrown) {
      errors.push(errorOf(query.refId, thrown));
      return [];
    }
  });
  return { request: { ...request, targets }, errors };
}

function errorOf(refId: string, thrown: unknown): DataQueryError {
  if (!(thrown instanceof QueryError)) throw thrown;
  return { refId, message: thrown.hint === undefined ? thrown.message : `${thrown.message} ${thrown.hint}` };
}

/** undefined: nothing is known of it, UTC. */
function zoneOf(timezone: string | undefined): string | undefined {
  if (timezone === undefined || timezone === '' || timezone === 'browser') {
    return timezone === undefined ? undefined : Intl.DateTimeFormat().resolvedOptions().timeZone;
  }
  return timezone === 'utc' ? 'UTC' : timezone;
}
