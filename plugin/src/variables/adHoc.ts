import { getDefaultTimeRange } from '@grafana/data';
import type { DataSourceGetTagKeysOptions, DataSourceGetTagValuesOptions, MetricFindValue } from '@grafana/data';
import {
  QueryError,
  adHocKey,
  filterOfAdHoc,
  filterableColumns,
  emptyScope,
  parseColumn,
  printable,
  tableOf,
  unprintable,
} from '../../shared/index.js';
import type { Filter } from '../../shared/index.js';
import { adHocFiltersOf } from '../request.js';
import type { Resources } from '../resources.js';
import type { ArmorlakeQuery } from '../types.js';

/** Where keys and values are looked up: the table with all events. */
const TABLE = 'kubearmor.events';
/** More values would be no choice but a search; typing finds the rest. */
const MOST_VALUES = 500;
const MOST_LABELS = 100;

/** What a dashboard can be filtered by: identity columns, and the pods' labels that occur in its time range. */
export async function tagKeys(
  resources: Pick<Resources, 'values'>,
  options?: Pick<DataSourceGetTagKeysOptions<ArmorlakeQuery>, 'timeRange'>,
): Promise<MetricFindValue[]> {
  const columns = filterableColumns.map((column) => ({ text: column, value: column }));
  try {
    const labels = await resources.values({
      table: TABLE,
      column: 'labels',
      filters: [],
      scope: emptyScope,
      limit: MOST_LABELS,
      ...rangeOf(options?.timeRange),
    });
    const keys = labels.values.map(({ value }) => value).sort();
    return [...columns, ...keys.map((key) => shown(adHocKey('labels', key)))];
  } catch {
    // The columns are known without a node; without one there are no values either, and those say why.
    return columns;
  }
}

/** The values of a key among the rows that the other filters leave, within the dashboard's time range, most frequent first. */
export async function tagValues(
  resources: Pick<Resources, 'values'>,
  options: Pick<DataSourceGetTagValuesOptions<ArmorlakeQuery>, 'key' | 'filters' | 'timeRange'>,
): Promise<MetricFindValue[]> {
  const { column, key } = parseColumn(unprintable(options.key));
  // A column of alerts alone is looked for there: fewer rows to read.
  const table = tableOf('kubearmor.logs').columns.has(column) ? TABLE : 'kubearmor.alerts';
  const { values } = await resources.values({
    table,
    column,
    ...(key === undefined ? {} : { key }),
    filters: otherFilters(options),
    scope: emptyScope,
    limit: MOST_VALUES,
    ...rangeOf(options.timeRange),
  });
  return values.map(({ value }) => shown(value));
}

/** As cells have it too, which give an ad hoc filter its value by a click: `adHocFiltersOf` reads it back. */
function shown(text: string): MetricFindValue {
  return { text: printable(text), value: printable(text) };
}

function otherFilters({ key, filters }: Pick<DataSourceGetTagValuesOptions, 'key' | 'filters'>): readonly Filter[] {
  return adHocFiltersOf(filters.filter((filter) => filter.key !== key)).flatMap((filter) => {
    try {
      return filter.values.every((value) => value === '') ? [] : [filterOfAdHoc(filter)];
    } catch (thrown) {
      // An unfinished or foreign filter narrows nothing here; the queries say what is wrong with it.
      if (thrown instanceof QueryError) return [];
      throw thrown;
    }
  });
}

function rangeOf(range = getDefaultTimeRange()): { readonly fromMs: number; readonly toMs: number } {
  return { fromMs: range.from.valueOf(), toMs: range.to.valueOf() };
}
