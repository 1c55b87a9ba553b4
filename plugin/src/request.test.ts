// @vitest-environment jsdom
import './testing/browser.mjs';
import { dateTime } from '@grafana/data';
import type { DataQueryRequest } from '@grafana/data';
import { describe, expect, it } from 'vitest';
import { defaultQuery } from '../shared/index.js';
import type { ArmorlakeModel, Variables } from '../shared/index.js';
import { adHocFiltersOf, prepareQuery, prepareRequest, standAlone } from './request.js';
import type { ArmorlakeQuery } from './types.js';

const variables: Variables = {
  lookup: (name) => {
    if (name === 'ns') return { values: ['shop', "o'neil"], all: false };
    return name === 'all' ? { values: ['a', 'b'], all: true } : null;
  },
  formatted: (reference) => reference,
};
const model = defaultQuery('table', 'kubearmor.alerts');
const withFilter = (value: string): ArmorlakeQuery => ({
  refId: 'A',
  ...model,
  builder: { ...model.builder, filters: [{ column: 'namespace', operator: 'is', values: [value] }] },
});
const adHoc = [{ key: 'pod', operator: '=|', value: 'x', values: ['x', 'y'] }];

describe('a query that is asked', () => {
  it('has its variables replaced and the dashboard’s filters beside its own', () => {
    const prepared = prepareQuery(withFilter('$ns'), { variables, filters: adHoc, timezone: 'Europe/Berlin' });
    expect(prepared).toMatchObject({
      refId: 'A',
      interpolated: true,
      timezone: 'Europe/Berlin',
      builder: { filters: [{ column: 'namespace', operator: 'is', values: ['shop', "o'neil"] }] },
      adHocFilters: [{ key: 'pod', operator: '=|', values: ['x', 'y'] }],
    });
  });

  it('drops the filter of a variable whose All is chosen', () => {
    expect(prepareQuery(withFilter('$all'), { variables }).builder?.filters).toEqual([]);
  });

  it('is complete, whatever was saved', () => {
    const prepared = prepareQuery({ refId: 'A' }, { variables, defaultTable: 'kubearmor.logs' });
    expect(prepared).toMatchObject({ schemaVersion: 1, queryType: 'table', builder: { table: 'kubearmor.logs' } });
  });

  it('is not prepared twice: a value that looks like a variable stays as it is', () => {
    const once = prepareQuery(withFilter('$ns'), { variables });
    const hostile: ArmorlakeQuery = { ...once, sql: '$ns' };
    expect(prepareQuery(hostile, { variables, filters: adHoc })).toBe(hostile);
  });

  it.each([
    [undefined, undefined],
    ['utc', 'UTC'],
    ['Asia/Tokyo', 'Asia/Tokyo'],
    ['browser', Intl.DateTimeFormat().resolvedOptions().timeZone],
    ['', Intl.DateTimeFormat().resolvedOptions().timeZone],
  ])('has the zone of the viewer: %j', (timezone, zone) => {
    expect(prepareQuery({ refId: 'A' }, { variables, timezone }).timezone).toBe(zone);
  });
});

describe('a query that leaves its dashboard', () => {
  it('shows the dashboard’s filters and values in its builder, and nothing of one request', () => {
    const alone = standAlone(withFilter('$ns'), { variables, filters: adHoc, timezone: 'utc' });
    expect(alone.builder?.filters).toEqual([
      { column: 'namespace', operator: 'is', values: ['shop', "o'neil"] },
      { column: 'pod', operator: 'is', values: ['x', 'y'] },
    ]);
    expect(alone).not.toHaveProperty('interpolated');
    expect(alone).not.toHaveProperty('timezone');
    expect(alone).not.toHaveProperty('adHocFilters');
  });

  it('keeps the dashboard’s filters for the macro of its SQL', () => {
    const sql: Partial<ArmorlakeModel> = { editor: 'sql', sql: 'SELECT 1 WHERE $__adHocFilters(kubearmor.logs)' };
    const alone = standAlone({ refId: 'A', ...model, ...sql }, { variables, filters: adHoc });
    expect(alone.adHocFilters).toEqual([{ key: 'pod', operator: '=|', values: ['x', 'y'] }]);
    expect(prepareQuery(alone, { variables }).adHocFilters).toEqual(alone.adHocFilters);
  });
});

describe('ad hoc filters', () => {
  it('have their value, or their values; unfinished ones are none', () => {
    expect(
      adHocFiltersOf([
        { key: 'a', operator: '=', value: '1' },
        { key: 'b', operator: '=|', value: '1', values: ['1', '2'] },
        { key: 'c', operator: '!=', value: '1', values: [] },
        { key: '', operator: '=', value: '1' },
        { key: 'd', operator: '', value: '1' },
      ]),
    ).toEqual([
      { key: 'a', operator: '=', values: ['1'] },
      { key: 'b', operator: '=|', values: ['1', '2'] },
      { key: 'c', operator: '!=', values: ['1'] },
    ]);
  });
});

describe('a request', () => {
  const request = (targets: ArmorlakeQuery[]): DataQueryRequest<ArmorlakeQuery> => ({
    requestId: 'r',
    interval: '1s',
    intervalMs: 1_000,
    range: { from: dateTime(0), to: dateTime(1), raw: { from: 'now-1h', to: 'now' } },
    scopedVars: {},
    targets,
    timezone: 'Asia/Tokyo',
    app: 'dashboard',
    startTime: 0,
  });
  const prepare = (query: ArmorlakeQuery): ArmorlakeQuery => prepareQuery(query, { variables });

  it('asks what can be asked, and says what is wrong with the rest', () => {
    const wrong: ArmorlakeQuery = { refId: 'B', schemaVersion: 99 };
    const prepared = prepareRequest(request([withFilter('$ns'), wrong]), prepare);
    expect(prepared.request.targets.map(({ refId, timezone }) => [refId, timezone])).toEqual([['A', 'Asia/Tokyo']]);
    expect(prepared.errors).toEqual([{ refId: 'B', message: expect.stringContaining('newer version') }]);
  });

  it('does not hide a fault of the plugin behind a query’s error', () => {
    const broken = (): never => {
      throw new TypeError('broken');
    };
    expect(() => prepareRequest(request([withFilter('x')]), broken)).toThrow(TypeError);
  });
});
