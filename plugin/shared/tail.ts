import { adHocCondition } from './ad-hoc.js';
import { filtersSql } from './filters.js';
import { tableReference } from './quoting.js';
import type { TailRequest } from './resources.js';

/** What a live tail asks the node's `/api/v1/tail` for: its table and its `where`; TRUE takes every row. @throws QueryError */
export function tailSelection(request: TailRequest): { readonly table: string; readonly where: string } {
  const { table, filters, adHocFilters } = request;
  tableReference(table);
  const conditions = filtersSql(table, filters);
  const adHoc = adHocCondition(table, adHocFilters);
  const all = adHoc === 'TRUE' ? conditions : [...conditions, adHoc];
  return { table, where: all.length === 0 ? 'TRUE' : all.join(' AND ') };
}
