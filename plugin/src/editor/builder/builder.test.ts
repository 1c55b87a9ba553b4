import { describe, expect, it } from 'vitest';
import { LIMITS, builderSql, defaultQuery } from '../../../shared/index.js';
import { groupSuggestions } from './groups.js';
import { isGrouped, orderable, withTable, withType } from './builder.js';

const column = (name: string, type = 'VARCHAR') => ({ name, type, description: '' });
const tables = [
  { name: 'kubearmor.alerts', kind: 'table', description: '', columns: [column('namespace'), column('policy')] },
  {
    name: 'kubearmor.logs',
    kind: 'table',
    description: '',
    columns: [column('namespace'), column('labels', 'MAP(…)')],
  },
];
const query = {
  ...defaultQuery('table', 'kubearmor.alerts').builder,
  columns: ['namespace', 'policy'],
  filters: [
    { column: 'policy', operator: 'is', values: ['x'] },
    { column: 'namespace', operator: 'is', values: ['y'] },
  ],
  aggregates: [{ function: 'count' }, { function: 'min', column: 'policy', alias: 'first' }],
  groupBy: ['policy', 'namespace'],
  orderBy: [
    { by: 'policy', descending: false },
    { by: 'first', descending: true },
    { by: 'namespace', descending: true },
  ],
} as const;

describe('another table', () => {
  it('keeps what it has columns for', () => {
    expect(withTable(query, tables, 'kubearmor.logs')).toEqual({
      ...query,
      table: 'kubearmor.logs',
      columns: ['namespace'],
      filters: [query.filters[1]],
      aggregates: [{ function: 'count' }],
      groupBy: ['namespace'],
      orderBy: [{ by: 'namespace', descending: true }],
    });
  });

  it('keeps all when the catalog does not know it', () => {
    expect(withTable(query, tables, 'falco.events')).toEqual({ ...query, table: 'falco.events' });
  });
});

describe('another type', () => {
  it('makes a time series of rows, with a count in each bucket, and the limits of its type', () => {
    const series = withType(defaultQuery('table'), 'timeseries');
    expect(series).toMatchObject({
      queryType: 'timeseries',
      sqlLimit: LIMITS.timeseries.normal,
      builder: { aggregates: [{ function: 'count' }], timeBucket: 'auto', limit: LIMITS.timeseries.normal },
    });
    expect(builderSql(series)).toContain('$__timeGroup');
  });

  it('keeps a limit that was chosen, within what the type may', () => {
    const chosen = { ...defaultQuery('table'), builder: { ...defaultQuery('table').builder, limit: 20_000 } };
    expect(withType(chosen, 'logs').builder.limit).toBe(LIMITS.logs.most);
    expect(withType(defaultQuery('table'), 'logs').builder.limit).toBe(LIMITS.logs.normal);
  });

  it('keeps the work of the builder', () => {
    const worked = { ...defaultQuery('table'), builder: { ...query } };
    expect(withType(worked, 'timeseries').builder).toMatchObject({
      filters: query.filters,
      aggregates: query.aggregates,
    });
  });
});

describe('what one can order by', () => {
  it('is any column of rows', () => {
    const rows = { ...query, aggregates: [], groupBy: [], timeBucket: null };
    expect(isGrouped(rows)).toBe(false);
    expect(orderable(rows, tables[0]?.columns ?? [])).toEqual({ columns: tables[0]?.columns, aliases: [] });
  });

  it('is the bucket, the aggregates and the groups, by the names that the SQL gives them', () => {
    const grouped = { ...query, timeBucket: '5m', groupBy: ['namespace', 'labels[app]'], orderBy: [] };
    const { columns, aliases } = orderable(grouped, tables[0]?.columns ?? []);
    expect([...aliases, ...columns.map(({ name }) => name)]).toEqual([
      'time',
      'count',
      'first',
      'labels[app]',
      'namespace',
    ]);
    for (const by of [...aliases, ...columns.map(({ name }) => name)]) {
      const model = { ...defaultQuery('table'), builder: { ...grouped, orderBy: [{ by, descending: true }] } };
      expect(builderSql(model)).toMatch(/ORDER BY \w+ DESC/);
    }
  });
});

describe('what one can group by', () => {
  it('is columns and the keys of maps', () => {
    const columns = tables[1]?.columns ?? [];
    const keys = { labels: [{ value: 'app', count: 7 }] };
    expect(groupSuggestions(columns, keys, '').map(({ value }) => value)).toEqual(['namespace', 'labels[app]']);
    expect(groupSuggestions(columns, keys, 'APP')).toEqual([{ value: 'labels[app]', count: 7 }]);
  });
});
