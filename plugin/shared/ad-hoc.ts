import { formatColumn, parseColumn } from './columns.js';
import { QueryError } from './errors.js';
import { filterSql } from './filters.js';
import type { AdHocFilter, Filter, FilterOperator } from './model.js';
import { shown } from './quoting.js';
import { tableOf } from './tables.js';

/** Grafana's operators of ad hoc filters, and ours. */
const operators: Readonly<Record<string, FilterOperator>> = {
  '=': 'is',
  '=|': 'is',
  '!=': 'is not',
  '!=|': 'is not',
  '=~': 'matches',
  '!~': 'does not match',
  '<': '<',
  '>': '>',
  '<=': '<=',
  '>=': '>=',
};
const negative: readonly FilterOperator[] = ['is not', 'does not match'];

/** An ad hoc filter as a filter of the builder; its key is a column, or `labels[key]`. @throws QueryError */
export function filterOfAdHoc({ key, operator, values }: AdHocFilter): Filter {
  const ours = operators[operator];
  if (ours === undefined) {
    throw new QueryError(`The dashboard's filter on ${shown(key)} has an unknown operator "${shown(operator)}".`, {
      hint: `Known are ${Object.keys(operators).join(' ')}.`,
    });
  }
  return { ...parseColumn(key), operator: ours, values };
}

/**
 * The condition of one ad hoc filter on a table; null when it says nothing there. A filter on a column that an event
 * table doesn't have matches none of its rows, as if the column were NULL; tables about the nodes themselves (gaps,
 * ledger, …) are only narrowed by columns they have.
 */
function adHocSql(table: string, adHoc: AdHocFilter): string | null {
  const filter = filterOfAdHoc(adHoc);
  const known = tableOf(table);
  const lacking = known.columns.size > 0 && !known.columns.has(filter.column);
  if (!lacking) return filterSql(table, filter);
  if (!known.event || filterSql(table, filter) === null) return null;
  return negative.includes(filter.operator) ? null : 'FALSE';
}

/** All ad hoc filters as one condition for `table`; TRUE when there are none. @throws QueryError */
export function adHocCondition(table: string, filters: readonly AdHocFilter[]): string {
  const conditions = filters.map((filter) => adHocSql(table, filter)).filter((sql) => sql !== null);
  return conditions.length === 0 ? 'TRUE' : `(${conditions.join(' AND ')})`;
}

/** The key of an ad hoc filter on a column or on a label. */
export function adHocKey(column: string, key?: string): string {
  return formatColumn(key === undefined ? { column } : { column, key });
}
