// @vitest-environment jsdom
import '../testing/browser.mjs';
import { dateTime } from '@grafana/data';
import { describe, expect, it } from 'vitest';
import { filterableColumns, tableOf } from '../../shared/index.js';
import type { ValuesRequest } from '../../shared/index.js';
import { adHocFiltersOf } from '../request.js';
import { tagKeys, tagValues } from './adHoc.js';

const timeRange = { from: dateTime(1_000), to: dateTime(9_000), raw: { from: 'now-1h', to: 'now' } };

function resources(...values: string[]) {
  const asked: ValuesRequest[] = [];
  return {
    asked,
    values: (request: ValuesRequest) => {
      asked.push(request);
      return Promise.resolve({ values: values.map((value) => ({ value, count: 1 })), truncated: false });
    },
  };
}

describe('the keys of ad hoc filters', () => {
  it('are identity columns and the labels that occur', async () => {
    const source = resources('tier', 'app');
    const keys = await tagKeys(source, { timeRange });
    expect(keys.map(({ value }) => value)).toEqual([...filterableColumns, 'labels[app]', 'labels[tier]']);
    expect(source.asked).toMatchObject([{ column: 'labels', limit: 100, fromMs: 1_000, toMs: 9_000 }]);
  });

  it('are the columns while no node answers', async () => {
    const keys = await tagKeys({ values: () => Promise.reject(new Error('away')) });
    expect(keys.map(({ value }) => value)).toEqual(filterableColumns);
  });

  it('are columns of the table with all events, and texts', () => {
    const { columns } = tableOf('kubearmor.events');
    for (const column of filterableColumns) expect([column, columns.get(column)]).toEqual([column, 'VARCHAR']);
  });
});

describe('the values of an ad hoc filter', () => {
  it('are those among the rows that the other filters leave, within the range', async () => {
    const source = resources('web-1', 'evil\u001b[31m');
    const filters = [
      { key: 'namespace', operator: '=|', value: 'a', values: ['a', 'b'] },
      { key: 'pod', operator: '=', value: 'own' },
      { key: 'host', operator: '=', value: '' },
      { key: 'node', operator: 'of a later version', value: 'x' },
    ];
    const values = await tagValues(source, { key: 'pod', filters, timeRange });
    expect(source.asked).toEqual([
      {
        table: 'kubearmor.events',
        column: 'pod',
        filters: [{ column: 'namespace', operator: 'is', values: ['a', 'b'] }],
        scope: { clusters: [], nodes: [], labels: {} },
        limit: 500,
        fromMs: 1_000,
        toMs: 9_000,
      },
    ]);
    expect(values).toEqual([
      { value: 'web-1', text: 'web-1' },
      { value: 'evil\\u{1b}[31m', text: 'evil\\u{1b}[31m' },
    ]);
  });

  it('are asked for as the lake has them, whether chosen in a menu or clicked on in a cell', () => {
    const [{ values } = { values: [] }] = adHocFiltersOf([{ key: 'pod', operator: '=', value: 'evil\\u{1b}[31m' }]);
    expect(values).toEqual(['evil\u001b[31m']);
  });

  it('of a policy are looked for among alerts, those of a label by its key', async () => {
    const source = resources();
    await tagValues(source, { key: 'policy', filters: [], timeRange });
    await tagValues(source, { key: 'labels[app]', filters: [], timeRange });
    expect(source.asked).toMatchObject([
      { table: 'kubearmor.alerts', column: 'policy' },
      { table: 'kubearmor.events', column: 'labels', key: 'app' },
    ]);
  });
});
