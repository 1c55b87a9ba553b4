import { describe, expect, it } from 'vitest';
import { defaultQuery } from './defaults.js';
import { QueryError } from './errors.js';
import { queryTypes } from './model.js';
import type { ArmorlakeModel } from './model.js';
import { parseModel } from './parse.js';
import { recipes } from './recipes.js';

const full: ArmorlakeModel = {
  schemaVersion: 1,
  queryType: 'logs',
  scope: { clusters: ['east'], nodes: ['$node'], labels: { site: ['north', 'south'] } },
  editor: 'sql',
  builder: {
    table: 'kubearmor.events',
    columns: ['time', 'labels[app]'],
    filters: [{ column: 'labels', key: 'app', operator: 'matches', values: ['^w', "o'x"] }],
    aggregates: [{ function: 'p95', column: 'severity', alias: 'worst' }, { function: 'count' }],
    groupBy: ['policy'],
    timeBucket: '1d',
    orderBy: [{ by: 'worst', descending: true }],
    limit: 77,
  },
  sql: 'SELECT 1',
  sqlLimit: 99,
  process: {
    target: { by: 'pid', node: 'n', host: 'h', pid: '1', time: '2026-01-01' },
    view: 'waterfall',
    graph: 'behaviour',
    nodeLimit: 20,
  },
  annotation: 'gaps',
  perNode: true,
  partial: 'ignore',
  alertCoverage: { mode: 'atLeast', percent: 95 },
  adHocFilters: [{ key: 'pod', operator: '=|', values: ['a'] }],
  timezone: 'Europe/Berlin',
  interpolated: true,
  derived: {
    kind: 'context',
    direction: 'after',
    node: 'n',
    seq: '9007199254740993',
    timeNs: '1',
    limit: 10,
  },
};

describe('a saved query', () => {
  it('comes back as it was saved', () => {
    expect(parseModel(JSON.parse(JSON.stringify(full)))).toEqual(full);
    for (const type of queryTypes) {
      expect(parseModel(JSON.parse(JSON.stringify(defaultQuery(type))))).toEqual(defaultQuery(type));
    }
    for (const { query } of recipes) {
      const model = { ...defaultQuery(query.queryType), ...query };
      expect(parseModel(JSON.parse(JSON.stringify(model)))).toEqual(model);
    }
  });

  it('is not changed by being read, and what reads it twice reads the same', () => {
    const saved = Object.freeze({ queryType: 'table', rawSql: 'SELECT 1' });
    const once = parseModel(saved);
    expect(saved).toEqual({ queryType: 'table', rawSql: 'SELECT 1' });
    expect(parseModel(once)).toEqual(once);
  });

  it('is complete, whatever is left out', () => {
    expect(parseModel({})).toEqual(defaultQuery('table'));
    expect(parseModel({ refId: 'A', queryType: '', builder: { table: 'kubearmor.logs' } })).toEqual(
      defaultQuery('table', 'kubearmor.logs'),
    );
    expect(parseModel({ queryType: 'timeseries' }, 'kubearmor.logs')).toEqual(
      defaultQuery('timeseries', 'kubearmor.logs'),
    );
    expect(parseModel({ builder: null, scope: null, partial: null }).partial).toBeNull();
  });

  it('of no version is SQL when SQL is all there is', () => {
    expect(parseModel({ rawSql: 'SELECT 1' })).toMatchObject({ editor: 'sql', sql: 'SELECT 1', schemaVersion: 1 });
    expect(parseModel({ sql: 'SELECT 1' })).toMatchObject({ editor: 'sql', sql: 'SELECT 1' });
    expect(parseModel({ sql: 'SELECT 1', builder: { table: 'kubearmor.logs' } }).editor).toBe('builder');
  });

  it('has limits within what may be', () => {
    expect(parseModel({ queryType: 'logs', builder: { limit: 1e9 }, sqlLimit: 0 })).toMatchObject({
      builder: { limit: 5_000 },
      sqlLimit: 500,
    });
    const limits = (saved: object): readonly number[] => {
      const { builder, sqlLimit } = parseModel(saved, 'kubearmor.alerts', 200);
      return [builder.limit, sqlLimit];
    };
    expect(limits({})).toEqual([200, 200]);
    expect(limits({ builder: { limit: 30 }, sqlLimit: 40 })).toEqual([30, 40]);
    expect(limits({ queryType: 'logs' })).toEqual([500, 500]);
    expect(parseModel({ process: { nodeLimit: 10_000 } }).process.nodeLimit).toBe(200);
    expect(parseModel({ alertCoverage: { mode: 'atLeast', percent: 400 } }).alertCoverage).toEqual({
      mode: 'atLeast',
      percent: 100,
    });
    expect(parseModel({ alertCoverage: { mode: 'atLeast' } }).alertCoverage).toEqual({ mode: 'atLeast', percent: 95 });
  });

  it.each([
    [{ schemaVersion: 2 }, 'This query was made by a newer version of the data source.'],
    [{ schemaVersion: 2, queryType: 'forecast' }, 'This query was made by a newer version of the data source.'],
    [{ schemaVersion: '1' }, "The saved query's schemaVersion is no whole number."],
    [{ schemaVersion: -1 }, "The saved query's schemaVersion is no whole number."],
    [{ queryType: 'forecast' }, 'This version of the data source has no query type "forecast".'],
    [{ queryType: 7 }, "The saved query's queryType is not one of table, timeseries, logs, tree, graph, annotations."],
    [{ builder: [] }, "The saved query's builder is not an object."],
    [{ builder: { filters: 'x' } }, "The saved query's builder.filters is not a list."],
    [{ builder: { filters: ['x'] } }, "The saved query's builder.filters[0] is not an object."],
    [
      { builder: { filters: [{ column: 'a', operator: 'LIKE' }] } },
      "The saved query's builder.filters[0].operator is not one of",
    ],
    [{ builder: { columns: [{}] } }, "The saved query's builder.columns is not a list of texts."],
    [{ sqlLimit: 'many' }, "The saved query's sqlLimit is not a number."],
    [{ perNode: 'yes' }, "The saved query's perNode is not true or false."],
    [null, 'The query is no JSON object.'],
    [[], 'The query is no JSON object.'],
  ])('%j is refused with its own sentence', (saved, sentence) => {
    let error: unknown = null;
    try {
      parseModel(saved);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(QueryError);
    expect(String(error)).toContain(sentence);
  });
});
