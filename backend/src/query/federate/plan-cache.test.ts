import { describe, expect, it } from 'vitest';
import type { PlanAnswer, PlanCall } from './calls.js';
import { PlanCache } from './plan-cache.js';

const call: PlanCall = {
  queryId: 'q',
  timeoutMs: 1000,
  sql: 'SELECT 1',
  params: [],
  nowMicros: 1,
  beforeMicros: null,
  mode: 'split',
  resolved: [],
};

function planOf(beforeMicros: number | null): PlanAnswer {
  const constraint = { values: [], beforeMicros };
  const fragment = {
    name: 'f0',
    kind: 'rows',
    table: 't',
    sql: '',
    columns: [],
    guards: [],
    mostRows: null,
    reads: [],
    constraint,
  } as const;
  return { kind: 'plan', columns: [], fragments: [fragment], merge: '', tables: [], subqueries: 0 };
}

function beforeOf(plan: PlanAnswer | null): number | null | undefined {
  return plan?.kind === 'plan' ? plan.fragments[0]?.constraint.beforeMicros : undefined;
}

describe('the plans kept', () => {
  it('are found again whatever the time, by all else that makes them', () => {
    const cache = new PlanCache();
    expect(cache.find(call)).toBeNull();
    expect(cache.keep(call, planOf(null))).toEqual(planOf(null));
    expect(cache.find({ ...call, nowMicros: 2 })).toEqual(planOf(null));
    for (const other of [{ sql: 'SELECT 2' }, { params: [1] }, { mode: 'whole' as const }]) {
      expect(cache.find({ ...call, ...other })).toBeNull();
    }
    expect(cache.find({ ...call, resolved: [{ sql: 's', rows: [['1']] }] })).toBeNull();
  });

  it('end with the time range that is asked for', () => {
    const cache = new PlanCache();
    expect(beforeOf(cache.keep({ ...call, beforeMicros: 7 }, planOf(null)))).toBe(7);
    expect(beforeOf(cache.find(call))).toBeNull();
    expect(beforeOf(cache.find({ ...call, beforeMicros: 9 }))).toBe(9);
    cache.keep(call, planOf(5));
    expect(beforeOf(cache.find({ ...call, beforeMicros: 9 }))).toBe(5);
    expect(beforeOf(cache.find({ ...call, beforeMicros: 3 }))).toBe(3);
  });

  it('are not too many', () => {
    const cache = new PlanCache();
    cache.keep(call, planOf(null));
    cache.keep({ ...call, sql: 'x'.repeat(20_000) }, planOf(null));
    expect(cache.find({ ...call, sql: 'x'.repeat(20_000) })).toBeNull();
    for (let index = 0; index < 256; index++) {
      cache.keep({ ...call, sql: `SELECT ${index} AS n` }, planOf(null));
      if (index === 100) cache.find(call);
    }
    expect(cache.find(call)).not.toBeNull();
    expect(cache.find({ ...call, sql: 'SELECT 0 AS n' })).toBeNull();
  });
});
