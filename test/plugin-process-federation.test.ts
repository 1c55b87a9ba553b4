import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { QueryContext } from '../plugin/shared/index.js';
import { compileQuery, defaultBuilder, defaultQuery } from '../plugin/shared/index.js';
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

describe('what pods do, over several nodes', () => {
  it.each(['kubearmor.logs', 'kubearmor.alerts', 'kubearmor.events'])('is counted on the nodes: %s', async (table) => {
    const usual = defaultQuery('graph', table);
    const builder = {
      ...defaultBuilder(table, 'graph'),
      filters: [{ column: 'namespace', operator: 'is', values: ['shop', 'bank'] } as const],
    };
    const { sql, nodes } = compileQuery(
      { ...usual, builder, process: { ...usual.process, graph: 'behaviour' } },
      context,
    );
    expect(nodes).toEqual({});
    const want = await answerOf(federation.whole, sql);
    const got = await federation.run(sql);
    expect(want.rows.length).toBeGreaterThan(0);
    expect(difference(want, got, true)).toBeNull();
    expect(new Set(got.plan.fragments.map(({ kind }) => kind))).toEqual(new Set(['agg']));
  });

  it('has nothing to say of a table without processes', () => {
    const usual = defaultQuery('graph', 'armorlake.ledger');
    const model = { ...usual, process: { ...usual.process, graph: 'behaviour' as const } };
    expect(() => compileQuery(model, context)).toThrow('armorlake.ledger does not say which process did what.');
  });
});
