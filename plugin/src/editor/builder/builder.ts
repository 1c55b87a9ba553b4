import { aggregateName, clampLimit, limitsOf } from '../../../shared/index.js';
import type {
  Aggregate,
  ArmorlakeModel,
  BuilderQuery,
  CatalogColumn,
  CatalogTable,
  QueryType,
} from '../../../shared/index.js';

/** Another table: what it has no column for goes. One that the catalog doesn't know keeps all. */
export function withTable(query: BuilderQuery, tables: readonly CatalogTable[], name: string): BuilderQuery {
  const table = tables.find((each) => each.name === name);
  if (table === undefined) return { ...query, table: name };
  const has = (reference: string): boolean => table.columns.some((column) => column.name === reference.split('[')[0]);
  const aggregates = query.aggregates.filter(({ column }) => column === undefined || has(column));
  const named = new Set(aggregates.map(({ alias }) => alias));
  return {
    ...query,
    table: name,
    columns: query.columns.filter(has),
    filters: query.filters.filter(({ column }) => has(column)),
    aggregates,
    groupBy: query.groupBy.filter(has),
    orderBy: query.orderBy.filter(({ by }) => has(by) || named.has(by)),
  };
}

/** Whether its rows say what processes did. */
export function holdsBehaviour({ columns }: CatalogTable): boolean {
  return ['pod', 'process', 'resource'].every((wanted) => columns.some(({ name }) => name === wanted));
}

/** Whether it answers groups instead of rows. */
export function isGrouped({ aggregates, groupBy, timeBucket }: BuilderQuery): boolean {
  return aggregates.length > 0 || groupBy.length > 0 || timeBucket !== null;
}

/** What one can order by: any column, or the groups, the bucket and the aggregates by their names. */
export function orderable(
  query: BuilderQuery,
  columns: readonly CatalogColumn[],
): { readonly columns: readonly CatalogColumn[]; readonly aliases: readonly string[] } {
  if (!isGrouped(query)) return { columns, aliases: [] };
  const aggregates: readonly Aggregate[] = query.aggregates.length === 0 ? [{ function: 'count' }] : query.aggregates;
  return {
    columns: columns.filter(({ name }) => query.groupBy.includes(name)),
    aliases: [
      ...(query.timeBucket === null ? [] : ['time']),
      ...aggregates.map(aggregateName),
      ...query.groupBy.filter((name) => name.includes('[')),
    ],
  };
}

/** Another type of query over the same builder and SQL; limits that were the type's usual ones become the new type's. */
export function withType(model: ArmorlakeModel, type: QueryType): ArmorlakeModel {
  const before = limitsOf(model.queryType).normal;
  const limit = (rows: number): number => (rows === before ? limitsOf(type).normal : clampLimit(type, rows));
  const { builder } = model;
  const aggregates: readonly Aggregate[] =
    type === 'timeseries' && builder.aggregates.length === 0 ? [{ function: 'count' }] : builder.aggregates;
  return {
    ...model,
    queryType: type,
    sqlLimit: limit(model.sqlLimit),
    builder: {
      ...builder,
      aggregates,
      timeBucket: type === 'timeseries' ? (builder.timeBucket ?? 'auto') : builder.timeBucket,
      limit: limit(builder.limit),
    },
  };
}
