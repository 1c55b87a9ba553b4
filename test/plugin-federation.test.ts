import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  ArmorlakeModel,
  BuilderQuery,
  Filter,
  QueryContext,
  QueryType,
  ValuesRequest,
} from '../plugin/shared/index.js';
import {
  compileQuery,
  defaultBuilder,
  defaultQuery,
  emptyScope,
  logsVolumeQuery,
  parseModel,
  recipes,
  valuesQuery,
} from '../plugin/shared/index.js';
import { difference } from './support/answers.js';
import { InProcessFederation, answerOf } from './support/federation.js';
import { federatedTables, makeLake } from './support/federation-data.js';

const context: QueryContext = {
  fromMs: Date.UTC(2026, 2, 1, 10),
  toMs: Date.UTC(2026, 2, 1, 12),
  intervalMs: 60_000,
  maxDataPoints: 500,
};

let federation: InProcessFederation;

beforeAll(async () => {
  federation = await InProcessFederation.create(3, federatedTables, (connection, node) =>
    makeLake(connection, node === null ? [0, 1, 2] : [node]),
  );
});

afterAll(() => federation.close());

/** Kinds of the fragments that answered it, right. */
async function kindsOf(sql: string): Promise<readonly string[]> {
  const want = await answerOf(federation.whole, sql);
  const got = await federation.run(sql);
  expect(difference(want, got, false)).toBeNull();
  return got.plan.fragments.map(({ kind }) => kind);
}

function built(type: QueryType, table: string, parts: Partial<BuilderQuery>): ArmorlakeModel {
  return { ...defaultQuery(type, table), builder: { ...defaultBuilder(table, type), ...parts } };
}

describe('what the builder compiles, over several nodes', () => {
  // Lists and whole rows travel; all else is counted on the nodes.
  const travelling = ['sessions', 'severe-alerts', 'not-stopped', 'shells'];

  it.each(recipes.filter(({ query }) => query.queryType !== 'graph' && query.builder?.table !== 'armorlake.gaps'))(
    'recipe $id is answered as one DuckDB would',
    async ({ id, query }) => {
      const model = parseModel({ ...defaultQuery(query.queryType), ...query });
      const kinds = await kindsOf(compileQuery(model, context).sql);
      if (!travelling.includes(id)) expect(kinds).toEqual(['agg']);
    },
  );

  const lookUps: readonly (readonly [string, string | undefined, string | undefined])[] = [
    ['namespace', undefined, undefined],
    ['namespace', undefined, 'SH'],
    ['labels', 'app', undefined],
    ['labels', undefined, undefined],
    ['tags', undefined, 'mit'],
    ['host_pid', undefined, undefined],
  ];
  it.each(lookUps)('values of %s %s, containing %s, are counted on the nodes', async (column, key, search) => {
    const request: ValuesRequest = {
      table: 'kubearmor.logs',
      column,
      ...(key === undefined ? {} : { key }),
      ...(search === undefined ? {} : { search }),
      filters: [{ column: 'pod', operator: 'is set', values: [] }],
      scope: emptyScope,
      limit: 20,
      fromMs: context.fromMs,
      toMs: context.toMs,
    };
    const { sql } = valuesQuery(request);
    expect((await answerOf(federation.whole, sql)).rows.length).toBeGreaterThan(0);
    expect(await kindsOf(sql)).toEqual(['agg']);
  });

  const filters: readonly Filter[] = [
    { column: 'remote_ip', operator: 'in cidr', values: ['10.0.0.0/8', '2001:db8::/33'] },
  ];
  const logs = built('logs', 'kubearmor.events', { filters });
  const year = { ...context, fromMs: Date.UTC(2026, 1, 1), toMs: Date.UTC(2026, 10, 1) };

  it('sends the latest log lines only, and counts their volume on the nodes', async () => {
    expect(await kindsOf(compileQuery(logs, context).sql)).toEqual(['rows']);
    expect(await kindsOf(compileQuery(logsVolumeQuery(logs) ?? logs, context).sql)).toEqual(['agg']);
  });

  it('counts buckets of a time zone on the nodes', async () => {
    const days = built('timeseries', 'kubearmor.events', { timeBucket: '1d', groupBy: ['labels[app]'] });
    const { sql } = compileQuery({ ...days, timezone: 'Europe/Berlin' }, year);
    expect(sql).toContain('CASE WHEN');
    expect(await kindsOf(sql)).toEqual(['agg']);
  });

  it('groups by labels and counts what is different', async () => {
    const parts: Partial<BuilderQuery> = {
      aggregates: [
        { function: 'count' },
        { function: 'count_distinct', column: 'pod' },
        { function: 'max', column: 'severity' },
      ],
      groupBy: ['namespace', 'labels[app]'],
    };
    expect(await kindsOf(compileQuery(built('table', 'kubearmor.alerts', parts), year).sql)).toEqual(['agg']);
  });
});
