import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SPREAD } from '../backend/src/engine/host.js';
import { difference } from './support/answers.js';
import { InProcessFederation, answerOf } from './support/federation.js';
import { federatedTables, makeLake } from './support/federation-data.js';
import { randomQuery } from './support/federation-fuzzer.js';
import type { SuiteQuery } from './support/federation-queries.js';
import { suite } from './support/federation-queries.js';
import { Random } from './support/random.js';

const nodeCount = 3;
/** One more has no rows at all. */
const lakes = nodeCount + 1;
const seed = Number(process.env['ARMORLAKE_FUZZ_SEED'] ?? 20260301);
const queries = Number(process.env['ARMORLAKE_FUZZ_QUERIES'] ?? (process.env['ARMORLAKE_TEST_LONG'] ? 20_000 : 300));

it('merges the variances of many groups in room for their list', async () => {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1', memory_limit: '256MB' });
  const connection = await instance.connect();
  try {
    await connection.run(SPREAD);
    // One row a group: what lies between the groups is all there is. For each of them once more it would be 400,000,000 pairs.
    const groups = 'SELECT 1::BIGINT AS n, sin(range) AS mean FROM range(20000)';
    const sql = `SELECT armorlake_spread(list(n), list(mean)), var_pop(mean) * count(*) FROM (${groups})`;
    const [[got, want] = []] = (await connection.runAndReadAll(sql)).getRows();
    expect(got).toBeCloseTo(Number(want), 6);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
});

class Failed extends Error {
  constructor(cause: unknown) {
    super(String(cause));
  }
}

/** Splits of every kind over three lakes, against one DuckDB that holds all their rows. */
describe('the federated planner', () => {
  let federation: InProcessFederation;

  beforeAll(async () => {
    const all = Array.from({ length: nodeCount }, (_, node) => node);
    federation = await InProcessFederation.create(lakes, federatedTables, (connection, node) =>
      makeLake(connection, node === null ? all : all.filter((each) => each === node)),
    );
  });

  afterAll(() => federation.close());

  async function check(query: SuiteQuery): Promise<readonly string[]> {
    const want = await answerOf(federation.whole, query.sql).catch((thrown: unknown) => new Failed(thrown));
    const got = await federation.run(query.sql).catch((thrown: unknown) => {
      // An error on one lake is none on another, where the order of conditions decides; an answer for an error is wrong.
      if (want instanceof Failed || /Conversion|Invalid Input/.test(String(thrown))) return null;
      throw thrown;
    });
    if (got === null) return [];
    if (want instanceof Failed) throw new Error(`it was answered, and fails on one DuckDB: ${want.message}`);
    expect(difference(want, got, query.ordered === true)).toBeNull();
    return got.plan.fragments.map((fragment) => fragment.kind);
  }

  it.each(suite.map((query) => [query.sql, query] as const))('%s', async (_, query) => {
    const kinds = await check(query);
    if (query.kinds !== undefined) expect(kinds).toEqual(query.kinds);
  });

  it(`equals one DuckDB on ${queries} random queries`, { timeout: 1_800_000 }, async () => {
    const wrong: string[] = [];
    for (let index = 0; index < queries; index++) {
      const query = randomQuery(new Random(seed + index));
      try {
        await check(query);
      } catch (error: unknown) {
        wrong.push(`seed ${seed + index}: ${query.sql}\n  ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    expect(wrong).toEqual([]);
  });
});
