import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Workplace } from '../cli-support.js';
import { OddMember } from '../support/federation-member.js';
import {
  ask,
  askWhole,
  joinAddress,
  memberGone,
  membersAlive,
  seedEdge,
  startEdge,
  startQueryNode,
} from '../support/federation-nodes.js';
import type { Asked, Body } from '../support/federation-nodes.js';
import type { TestNode } from '../support/node-process.js';

/** SQL for what it sends in place of its fragment, made from the fragment's own. */
type Lie = (sql: string) => string;

/** A real query node over two real edges, and a member that answers as it likes. */
describe('the answer of one member', () => {
  const place = new Workplace();
  let network: TestNode;
  let odd: OddMember;

  beforeAll(async () => {
    network = await startQueryNode(place);
    const hub = await joinAddress(network);
    for (const index of [0, 1]) {
      await seedEdge(place, index);
      await startEdge(place, index, [hub]);
    }
    odd = await OddMember.start({ name: 'edge-7', hub });
    await membersAlive(network, 'edge-0', 'edge-1', 'edge-7');
  }, 300_000);
  afterEach(() => {
    odd.work = (emit, request) => odd.answer(emit, request);
  });
  afterAll(async () => {
    await odd.close();
    await memberGone(network, 'edge-7');
    await place.close();
  });

  const others = { names: ['edge-0', 'edge-1'] };
  const count = 'SELECT count(*) FROM kubearmor.logs';

  function lies(lie: Lie): void {
    odd.work = (emit, request) => odd.answer(emit, request, (sql) => odd.parquet(lie(sql)));
  }

  /** The query is answered as without it, and it is failed by name. */
  async function goesOnWithoutIt(body: Body, why: RegExp): Promise<Asked> {
    const want = await askWhole(network, { ...body, nodes: others });
    const got = await ask(network, body);
    expect({ status: got.status, error: got.error }).toEqual({ status: 200, error: undefined });
    expect(got.coverage).toMatchObject({ complete: false, expected: 3, answered: 2, failed: 1 });
    const failed = got.coverage.nodes.filter(({ status }) => status === 'failed');
    expect(failed).toMatchObject([{ name: 'edge-7', message: expect.stringMatching(why) as string }]);
    expect(got.schema).toEqual(want.schema);
    expect(got.rows.map((row) => JSON.stringify(row)).sort()).toEqual(
      want.rows.map((row) => JSON.stringify(row)).sort(),
    );
    return got;
  }

  it('that is honest is merged', async () => {
    const { rows, coverage } = await askWhole(network, { sql: count });
    expect(rows).toEqual([[300 + 320 + 440]]);
    expect(coverage).toMatchObject({ complete: true, answered: 3 });
  });

  const anothersName = /^It sent rows that say they are of another node\.$/;

  it.each<[string, string, Lie]>([
    [
      'groups',
      'SELECT node, count(*) FROM kubearmor.logs GROUP BY node',
      (sql) => `SELECT * REPLACE ('edge-1' AS armorlake_g0) FROM (${sql})`,
    ],
    [
      'a distinct count',
      'SELECT count(DISTINCT node) FROM kubearmor.logs',
      (sql) => `SELECT 'edge-9' AS armorlake_d0 FROM (${sql})`,
    ],
    ['an extreme', 'SELECT max(node) FROM kubearmor.logs', () => `SELECT 'zzz' AS armorlake_p0`],
    [
      'rows',
      'SELECT node, seq FROM kubearmor.logs',
      (sql) => `SELECT * REPLACE ('edge-1' AS armorlake_c0) FROM (${sql})`,
    ],
    [
      'one row of many',
      'SELECT node, seq FROM kubearmor.logs',
      (sql) => `SELECT * REPLACE (if(armorlake_c1 = 7, 'edge-1', armorlake_c0) AS armorlake_c0) FROM (${sql})`,
    ],
    [
      'whole rows',
      'SELECT * FROM kubearmor.logs',
      (sql) => `SELECT * REPLACE ('edge-1' AS armorlake_c2) FROM (${sql})`,
    ],
    [
      'rows in the order of their node',
      'SELECT seq FROM kubearmor.logs ORDER BY node, seq LIMIT 1000',
      (sql) => `SELECT * REPLACE ('edge-0' AS armorlake_h0) FROM (${sql})`,
    ],
    [
      'a scan',
      'SELECT node, list(seq ORDER BY seq) FROM kubearmor.logs GROUP BY node',
      (sql) => `SELECT * REPLACE ('edge-1' AS node) FROM (${sql})`,
    ],
    [
      'a view',
      'SELECT node, kind, count(*) FROM kubearmor.events GROUP BY ALL',
      () => `SELECT 'edge-1' AS armorlake_g0, 'log' AS armorlake_g1, 1000003::BIGINT AS armorlake_p0`,
    ],
  ])("that ships another node's name in %s", async (_, sql, lie) => {
    lies(lie);
    await goesOnWithoutIt({ sql }, anothersName);
  });

  it("that ships another node's name for each node by itself", async () => {
    lies((sql) => `SELECT * REPLACE ('edge-1' AS armorlake_c0) FROM (${sql})`);
    await goesOnWithoutIt(
      { sql: 'SELECT node, count(*) FROM kubearmor.logs GROUP BY node', perNode: true },
      anothersName,
    );
  });

  it("that ships another node's name in one row of a large part", async () => {
    const sql = 'SELECT node, seq, resource FROM kubearmor.logs';
    odd.work = (emit, request) =>
      odd.answer(emit, request, () =>
        odd.parquet(
          `SELECT if(range = 99999, 'edge-1', 'edge-7') AS armorlake_c0, range AS armorlake_c1, md5(range::VARCHAR) AS armorlake_c2 FROM range(100000)`,
        ),
      );
    await goesOnWithoutIt({ sql }, anothersName);
  });

  it('can still call a column of its own node, and give text that is no node', async () => {
    const sql = "SELECT 'edge-1' AS node, upper(node) AS other, count(*) FROM kubearmor.logs GROUP BY ALL";
    expect((await askWhole(network, { sql })).rows).toHaveLength(3);
  });

  it.each<[string, string, Lie, RegExp]>([
    ['a count below zero', count, () => 'SELECT (-300)::BIGINT AS armorlake_p0', /^It sent counts that no rows have/],
    [
      'the largest count',
      count,
      () => 'SELECT 9223372036854775807 AS armorlake_p0',
      /^It sent counts that no rows have/,
    ],
    [
      'a sum that can’t be added',
      'SELECT sum(seq)::BIGINT FROM kubearmor.logs',
      () => `SELECT '9223372036854775807' AS armorlake_p0`,
      /^With its part the query fails: /,
    ],
    [
      'a number that is none',
      'SELECT sum(seq) FROM kubearmor.logs',
      () => `SELECT 'x' AS armorlake_p0`,
      /^Its answer can't be read: Conversion Error/,
    ],
    [
      'a variance below zero',
      'SELECT stddev(seq) FROM kubearmor.logs',
      () => 'SELECT 9::BIGINT AS armorlake_p0, 1.0::DOUBLE AS armorlake_p1, (-1e12)::DOUBLE AS armorlake_p2',
      /^It sent a variance below zero/,
    ],
  ])('with %s', async (_, sql, lie, why) => {
    lies(lie);
    await goesOnWithoutIt({ sql }, why);
  });

  const rows = 'SELECT seq, pod FROM kubearmor.logs';

  it.each([0, 1, 439, 441, 1_000_000])('that says it has %d rows, and has 440', async (said) => {
    odd.work = async (emit, request) => ({ ...(await odd.answer(emit, request)), rows: said });
    await goesOnWithoutIt({ sql: rows }, new RegExp(`^It said it sent ${said} rows, and sent 440\\.$`));
  });

  it('of 300,000,000 rows that is said to be one', async () => {
    lies(() => "SELECT 1::BIGINT AS armorlake_c0, 'x' AS armorlake_c1 FROM range(3000000)");
    const { work } = odd;
    odd.work = async (...given) => ({ ...(await work(...given)), rows: 1 });
    await goesOnWithoutIt({ sql: rows }, /^It said it sent 1 rows, and sent 3000000\.$/);
  });

  it.each(['zstd', 'gzip', 'brotli', 'lz4'])('packed with %s, which nodes do not', async (codec) => {
    odd.work = async (emit, request) =>
      await odd.answer(emit, request, (sql) => odd.parquet(sql, `COMPRESSION ${codec}`));
    await goesOnWithoutIt({ sql: rows }, /^Its answer can't be read: it is packed otherwise than nodes do\.$/);
  });

  it('of one text that stands in every row', async () => {
    lies(() => "SELECT range AS armorlake_c0, repeat('x', 9_000_000) AS armorlake_c1 FROM range(500)");
    // It is no damage, and no larger than it says; where it is too much for the merge, it is its part that is.
    const { status, error, coverage } = await ask(network, {
      sql: `SELECT max(length(pod || seq)) FROM (${rows} LIMIT 1000000)`,
    });
    expect({ status, error }).toEqual({ status: 200, error: undefined });
    expect(coverage.nodes.filter(({ name }) => name !== 'edge-7').map(({ status: each }) => each)).toEqual([
      'answered',
      'answered',
    ]);
  });

  it('that is refused with an error of its own choice', async () => {
    for (const code of ['BAD_QUERY', 'LIMIT_EXCEEDED', 'FORBIDDEN', 'NOT_ALLOWED'] as const) {
      odd.refusal = { code, message: `\u001b[31m${'lies '.repeat(1000)}` };
      const { coverage } = await goesOnWithoutIt({ sql: rows }, /^\\u\{1b\}\[31mlies/);
      const said = coverage.nodes.find(({ name }) => name === 'edge-7');
      expect(said).toMatchObject({ code });
      expect(said?.message?.length).toBeLessThanOrEqual(300);
    }
    odd.refusal = null;
  });
});
