import type { ColumnKind } from './columns.js';
import { columnKind } from './columns.js';
import type { FilterOperator } from './model.js';
import type { CatalogColumn } from './node-api.js';

const texts: readonly FilterOperator[] = [
  'is',
  'is not',
  'contains',
  'does not contain',
  'starts with',
  'glob',
  'not glob',
  'matches',
  'does not match',
  'is set',
  'is not set',
];
const numbers: readonly FilterOperator[] = ['=', '!=', '>=', '<=', '>', '<', 'is set', 'is not set'];

const byKind: Readonly<Record<ColumnKind, readonly FilterOperator[]>> = {
  text: texts,
  path: ['path is', 'path under', ...texts],
  command: ['path is', 'path under', ...texts],
  ip: ['in cidr', 'not in cidr', ...texts],
  severity: ['>=', ...numbers.filter((operator) => operator !== '>=')],
  number: numbers,
  time: ['>=', '<', '>', '<=', 'is set', 'is not set'],
  list: ['has any', 'has none', 'is set', 'is not set'],
  map: ['is set', 'is not set'],
  other: ['is set', 'is not set'],
};

/** The operators that fit a column of the catalog, the most meaning first; with a key those of a label's value. */
export function operatorsOf(column: Pick<CatalogColumn, 'name' | 'type'>, key?: string): readonly FilterOperator[] {
  return key === undefined || key === '' ? byKind[columnKind(column)] : texts;
}

/** Operators that want no value. */
export function wantsNoValue(operator: FilterOperator): boolean {
  return operator === 'is set' || operator === 'is not set';
}
