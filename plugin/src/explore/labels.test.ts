// @vitest-environment jsdom
import '../testing/browser.mjs';
import { AbstractLabelOperator } from '@grafana/data';
import { describe, expect, it } from 'vitest';
import { defaultQuery } from '../../shared/index.js';
import type { Filter } from '../../shared/index.js';
import { exportQueries, importQueries } from './labels.js';

const { Equal, NotEqual, EqualRegEx, NotEqualRegEx } = AbstractLabelOperator;

function imported(name: string, value: string, operator: AbstractLabelOperator): readonly Filter[] | undefined {
  const [query] = importQueries([{ refId: 'A', labelMatchers: [{ name, value, operator }] }], 'kubearmor.logs');
  return query?.builder?.filters;
}

function exported(filter: Filter): unknown {
  const model = defaultQuery('logs');
  return exportQueries([{ refId: 'A', ...model, builder: { ...model.builder, filters: [filter] } }])[0]?.labelMatchers;
}

describe('label queries of other data sources', () => {
  it.each([
    ['namespace', 'shop', Equal, { column: 'namespace', operator: 'is', values: ['shop'] }],
    ['pod', 'web-1', NotEqual, { column: 'pod', operator: 'is not', values: ['web-1'] }],
    ['node', 'worker-1', Equal, { column: 'host', operator: 'is', values: ['worker-1'] }],
    ['k8s_pod_name', 'web-1', Equal, { column: 'pod', operator: 'is', values: ['web-1'] }],
    ['app', 'web', Equal, { column: 'labels', key: 'app', operator: 'is', values: ['web'] }],
    [
      'app_kubernetes_io_name',
      'web',
      Equal,
      { column: 'labels', key: 'app.kubernetes.io/name', operator: 'is', values: ['web'] },
    ],
    ['namespace', 'shop|ci', EqualRegEx, { column: 'namespace', operator: 'is', values: ['shop', 'ci'] }],
    ['namespace', 'a\\.b|c', NotEqualRegEx, { column: 'namespace', operator: 'is not', values: ['a.b', 'c'] }],
    ['pod', 'web-.+', EqualRegEx, { column: 'pod', operator: 'matches', values: ['^(?:web-.+)$'] }],
    ['pod', 'web-.+', NotEqualRegEx, { column: 'pod', operator: 'does not match', values: ['^(?:web-.+)$'] }],
    ['pod', '', Equal, { column: 'pod', operator: 'is not set', values: [] }],
    ['pod', '', NotEqual, { column: 'pod', operator: 'is set', values: [] }],
  ])('%s %s (%s) becomes a filter', (name, value, operator, filter) => {
    expect(imported(name, value, operator)).toEqual([filter]);
  });

  it.each(['job', 'instance', '__name__', 'filename', 'severity'])('%s means nothing here', (name) => {
    expect(imported(name, 'x', Equal)).toEqual([]);
  });

  it('become logs queries of the default table', () => {
    const [query] = importQueries([{ refId: 'B', labelMatchers: [] }], 'kubearmor.logs');
    expect(query).toMatchObject({
      refId: 'B',
      queryType: 'logs',
      editor: 'builder',
      builder: { table: 'kubearmor.logs' },
    });
  });
});

describe('filters for other data sources', () => {
  it.each([
    [
      { column: 'namespace', operator: 'is', values: ['shop'] },
      { name: 'namespace', value: 'shop', operator: Equal },
    ],
    [
      { column: 'host', operator: 'is not', values: ['w'] },
      { name: 'node', value: 'w', operator: NotEqual },
    ],
    [
      { column: 'pod', operator: 'is', values: ['a.b', 'c|d'] },
      { name: 'pod', value: 'a\\.b|c\\|d', operator: EqualRegEx },
    ],
    [
      { column: 'pod', operator: 'is not', values: ['a', 'b'] },
      { name: 'pod', value: 'a|b', operator: NotEqualRegEx },
    ],
    [
      { column: 'pod', operator: 'matches', values: ['^web'] },
      { name: 'pod', value: '.*(?:^web).*', operator: EqualRegEx },
    ],
    [
      { column: 'labels', key: 'app.kubernetes.io/name', operator: 'is', values: ['w'] },
      { name: 'app_kubernetes_io_name', value: 'w', operator: Equal },
    ],
  ] satisfies [Filter, unknown][])('%j', (filter, matcher) => {
    expect(exported(filter)).toEqual([matcher]);
  });

  it.each([
    { column: 'process', operator: 'path under', values: ['/usr'] },
    { column: 'severity', operator: '>=', values: ['5'] },
    { column: 'node', operator: 'is', values: ['edge-1'] },
    { column: 'namespace', operator: 'is', values: [] },
  ] satisfies Filter[])('%j has no such label', (filter) => {
    expect(exported(filter)).toEqual([]);
  });

  it('come back as they were', () => {
    const filter: Filter = { column: 'pod', operator: 'is', values: ['a.b', 'c|d', 'e-f'] };
    const model = defaultQuery('logs');
    const there = exportQueries([{ refId: 'A', ...model, builder: { ...model.builder, filters: [filter] } }]);
    expect(importQueries(there)[0]?.builder?.filters).toEqual([filter]);
  });

  it('of SQL are none', () => {
    expect(exportQueries([{ refId: 'A', ...defaultQuery('logs'), editor: 'sql' }])).toEqual([
      { refId: 'A', labelMatchers: [] },
    ]);
  });
});
