import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workplace } from './cli-support.js';
import { randomQuery } from './support/federation-fuzzer.js';
import {
  ask,
  joinAddress,
  membersAlive,
  seedEdge,
  startEdge,
  startQueryNode,
  startWhole,
} from './support/federation-nodes.js';
import type { Body } from './support/federation-nodes.js';
import { suite } from './support/federation-queries.js';
import { jsonDifference } from './support/json-answers.js';
import type { TestNode } from './support/node-process.js';
import { Random } from './support/random.js';

const edgeCount = 3;
const seed = Number(process.env['ARMORLAKE_FUZZ_SEED'] ?? 20260501);
const queries = Number(process.env['ARMORLAKE_FUZZ_QUERIES'] ?? (process.env['ARMORLAKE_TEST_LONG'] ? 10_000 : 1_500));
/** Asked at the same time. */
const lanes = 3;

/** Real processes: a query node without data over three edges, beside one node that holds all their rows. */
describe('queries over a network of nodes', () => {
  const place = new Workplace();
  let network: TestNode;
  let whole: TestNode;

  beforeAll(async () => {
    network = await startQueryNode(place);
    const hub = await joinAddress(network);
    const names = Array.from({ length: edgeCount }, (_, index) => `edge-${index}`);
    for (const index of names.keys()) {
      await seedEdge(place, index);
      await startEdge(place, index, [hub]);
    }
    whole = await startWhole(place, edgeCount);
    await membersAlive(network, ...names);
  }, 120_000);
  afterAll(() => place.close());

  /** What is wrong with the network's answer; null when it is the whole node's. */
  async function wrongIn(body: Body, ordered: boolean): Promise<string | null> {
    const [want, got] = await Promise.all([ask(whole, body), ask(network, body)]);
    if (want.status !== got.status) {
      return `${want.status} ${JSON.stringify(want.error)} became ${got.status} ${JSON.stringify(got.error)}`;
    }
    if (want.status !== 200) return want.error?.code === got.error?.code ? null : `${got.error?.code}`;
    if (!got.coverage.complete) return `not complete: ${JSON.stringify(got.coverage)}`;
    return jsonDifference(want, got, ordered);
  }

  it.each(suite.map((query) => [query.sql, query] as const))('%s', async (_, { sql, ordered }) => {
    expect(await wrongIn({ sql }, ordered === true)).toBeNull();
  });

  it(`equals one node on ${queries} random queries`, { timeout: 3_600_000 }, async () => {
    const wrong: string[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let index = next++; index < queries; index = next++) {
        const random = new Random(seed + index);
        const { sql, ordered } = randomQuery(random);
        const timeRange = random.chance(0.3)
          ? { from: `2026-03-01T10:${10 + random.integer(30)}:00Z`, to: `2026-03-01T11:${10 + random.integer(40)}:00Z` }
          : {};
        const reason = await wrongIn({ sql, timeRange }, ordered === true);
        if (reason !== null) wrong.push(`seed ${seed + index}: ${sql} ${JSON.stringify(timeRange)}\n  ${reason}`);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    expect(wrong).toEqual([]);
  });
});
