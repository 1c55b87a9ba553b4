import type { ValueMode } from './filters.js';
import { filtersSql } from './filters.js';
import type { BuilderQuery } from './model.js';
import { identifier, tableReference } from './quoting.js';
import { tableOf } from './tables.js';

/** The condition that keeps a table's rows to the time range, with macros; null for tables without a time. */
export function timeCondition(table: string): string | null {
  const { time, timeEnd } = tableOf(table);
  if (time === null) return null;
  if (timeEnd === undefined) return `$__timeFilter(${identifier(time)})`;
  // A stretch of time is in the range when any of it is; one that is still open goes on.
  return `${identifier(time)} < $__timeTo AND coalesce(${identifier(timeEnd)}, $__timeTo) >= $__timeFrom`;
}

/** All conditions of a builder query: time range, its filters, ad hoc filters; with macros. */
export function conditionsOf(
  builder: Pick<BuilderQuery, 'table' | 'filters'>,
  mode: ValueMode,
  more: readonly string[] = [],
): readonly string[] {
  const time = timeCondition(builder.table);
  return [
    ...(time === null ? [] : [time]),
    ...more,
    ...filtersSql(builder.table, builder.filters, mode),
    `$__adHocFilters(${tableReference(builder.table)})`,
  ];
}

/** Lines of SQL: WHERE and its conditions, one a line. */
export function whereLines(conditions: readonly string[]): readonly string[] {
  return conditions.map((condition, index) => `${index === 0 ? 'WHERE' : '  AND'} ${condition}`);
}
