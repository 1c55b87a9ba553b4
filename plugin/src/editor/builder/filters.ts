import { columnKind, operatorsOf, wantsNoValue } from '../../../shared/index.js';
import type { CatalogColumn, Filter, FilterOperator } from '../../../shared/index.js';

/** A condition to begin with: on the table's namespace where it has one. */
export function newFilter(columns: readonly CatalogColumn[]): Filter {
  const column = columns.find(({ name }) => name === 'namespace') ?? columns[0];
  return withColumn(columns, { column: '', operator: 'is', values: [] }, column?.name ?? '');
}

/** The operators that fit; the one that is there is kept among them, whatever it is. */
export function operatorsFor(columns: readonly CatalogColumn[], filter: Filter): readonly FilterOperator[] {
  const column = columns.find(({ name }) => name === filter.column);
  // A table or column that the catalog doesn't know (an older node): text, the most common.
  const fitting = operatorsOf(column ?? { name: filter.column, type: 'VARCHAR' }, filter.key);
  return fitting.includes(filter.operator) ? fitting : [filter.operator, ...fitting];
}

/** Another column: its values are others; the operator stays where it fits. */
export function withColumn(columns: readonly CatalogColumn[], filter: Filter, name: string): Filter {
  const column = columns.find((each) => each.name === name) ?? { name, type: 'VARCHAR' };
  // A map's key is not chosen yet; its value will be a text.
  const fitting = operatorsOf(column, columnKind(column) === 'map' ? 'key' : undefined);
  const operator = fitting.includes(filter.operator) ? filter.operator : (fitting[0] ?? 'is');
  return { column: name, operator, values: [] };
}

export function withOperator(filter: Filter, operator: FilterOperator): Filter {
  return { ...filter, operator, values: wantsNoValue(operator) ? [] : filter.values };
}

export function takesKey(columns: readonly CatalogColumn[], filter: Filter): boolean {
  const column = columns.find(({ name }) => name === filter.column);
  return filter.key !== undefined || (column !== undefined && columnKind(column) === 'map');
}

export function takesValues({ operator }: Filter): boolean {
  return !wantsNoValue(operator);
}

/** It does nothing yet: no column, no key, or no value. */
export function isUnfinished(columns: readonly CatalogColumn[], filter: Filter): boolean {
  if (filter.column === '') return true;
  if (takesKey(columns, filter) && (filter.key ?? '') === '' && takesValues(filter)) return true;
  return takesValues(filter) && filter.values.length === 0;
}
