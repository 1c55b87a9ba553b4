import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workplace } from './cli-support.js';
import { randomQuery } from './support/federation-fuzzer.js';
import {
  ask,
  askWhole,
  askArrow,
  explain,
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
import { until } from './support/node-process.js';
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
  const edges: TestNode[] = [];

  beforeAll(async () => {
    network = await startQueryNode(place);
    const hub = await joinAddress(network);
    const names = Array.from({ length: edgeCount }, (_, index) => `edge-${index}`);
    for (const index of names.keys()) {
      await seedEdge(place, index);
      const labels = { ARMORLAKE_LABELS: `site=${index < 2 ? 'north' : 'south'},rack=${index}` };
      edges.push(await startEdge(place, index, [hub], ['--cluster', index < 2 ? 'east' : 'west'], labels));
    }
    whole = await startWhole(place, edgeCount);
    await membersAlive(network, ...names);
  }, 300_000);
  afterAll(() => place.close());

  /** What is wrong with the network's answer; null when it is the whole node's. */
  async function wrongIn(body: Body, ordered: boolean): Promise<string | null> {
    const [want, got] = await Promise.all([askWhole(whole, body), askWhole(network, body)]);
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

  describe('and beyond SQL', () => {
    const range = { from: '2026-03-01T10:20:00Z', to: '2026-03-01T11:05:00.000001Z' };

    it.each<[string, Body]>([
      [
        'a time range',
        {
          sql: 'SELECT node, count(*), min(time), max(time) FROM kubearmor.events GROUP BY node ORDER BY node',
          timeRange: range,
        },
      ],
      [
        'a time range of joined tables',
        {
          sql: 'SELECT count(*), count(DISTINCT a.pod) FROM kubearmor.alerts a JOIN kubearmor.logs l USING (node, seq)',
          timeRange: range,
        },
      ],
      [
        'a time range nothing is in',
        { sql: 'SELECT count(*), max(pod) FROM kubearmor.logs', timeRange: { to: '2020-01-01T00:00:00Z' } },
      ],
      [
        'listed parameters',
        {
          sql: 'SELECT node, seq FROM kubearmor.logs WHERE namespace = $1 AND uid = $2 AND list_contains($3, operation) ORDER BY ALL',
          params: ['shop', 4294967295, ['File', "it's"]],
        },
      ],
      [
        'named parameters',
        {
          sql: 'SELECT $ns AS asked, count(*) FROM kubearmor.alerts WHERE namespace = $ns OR $all GROUP BY ALL',
          params: { ns: "b'ank", all: true },
        },
      ],
      [
        'a parameter in what is merged',
        {
          sql: 'SELECT pod, count(*) AS n FROM kubearmor.logs GROUP BY pod HAVING n > $1 ORDER BY n DESC, pod LIMIT $2',
          params: [50, 3],
        },
      ],
      [
        'a parameter that is NULL',
        { sql: 'SELECT count(*) FROM kubearmor.logs WHERE namespace IS NOT DISTINCT FROM $1', params: [null] },
      ],
    ])('%s', async (_, body) => {
      expect(await wrongIn(body, true)).toBeNull();
    });

    it('cuts an answer at its limits and says so', async () => {
      const sql = 'SELECT node, seq FROM kubearmor.logs ORDER BY time, node, seq';
      const [want, got] = await Promise.all(
        [whole, network].map((node) => askWhole(node, { sql, limits: { rows: 17 } })),
      );
      expect(got).toMatchObject({ rows: want?.rows, stats: { rows: 17, truncated: true } });
      expect((await askWhole(network, { sql: `${sql} LIMIT 17`, limits: { rows: 17 } })).stats.truncated).toBe(false);
      const { rows, stats } = await askWhole(network, { sql, limits: { bytes: 300 } });
      expect(stats.truncated).toBe(true);
      expect(rows).toEqual((await ask(whole, { sql })).rows.slice(0, rows.length));
    });

    it.each(suite.filter((_, index) => index % 7 === 0).map(({ sql }) => sql))(
      'gives as Arrow what it gives as JSON: %s',
      async (sql) => {
        const text = `SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (${sql}) ORDER BY ALL`;
        const { rows } = await askWhole(network, { sql: text });
        const arrow = tableFromIPC(await askArrow(network, { sql: text }));
        expect(arrow.toArray().map((row: Iterable<[string, unknown]>) => [...row].map(([, cell]) => cell))).toEqual(
          rows,
        );
        const [want, got] = await Promise.all(
          [whole, network].map(async (node) => tableFromIPC(await askArrow(node, { sql }))),
        );
        expect(String(got?.schema)).toBe(String(want?.schema));
        expect(JSON.parse(got?.schema.metadata.get('armorlake.coverage') ?? '{}')).toMatchObject({
          complete: true,
          expected: edgeCount,
        });
      },
    );

    it('runs a query on each node and concatenates', async () => {
      const sql = (node: string): string =>
        `WITH RECURSIVE up AS (SELECT host_pid, host_ppid, 0 AS depth FROM kubearmor.logs WHERE ${node} AND seq = 1 ` +
        'UNION SELECT l.host_pid, l.host_ppid, depth + 1 FROM kubearmor.logs l JOIN up ON l.host_pid = up.host_ppid ' +
        `WHERE depth < 3 AND ${node}) SELECT max(depth) AS depth, count(*) AS n, median(host_pid) AS m FROM up`;
      const answer = await askWhole(network, { sql: sql('true'), perNode: true });
      const each = await Promise.all([0, 1, 2].map((index) => ask(whole, { sql: sql(`node = 'edge-${index}'`) })));
      const want = { schema: answer.schema, rows: each.flatMap(({ rows }) => rows) };
      expect(jsonDifference(want, answer, false)).toBeNull();
    });

    it('runs whole on the one node that is selected, whatever it is', async () => {
      const [, edge] = edges;
      if (edge === undefined) throw new Error('There is no second edge.');
      for (const sql of [
        "SELECT count(*), median(uid), string_agg(pod, ',' ORDER BY seq) FROM kubearmor.logs l WHERE seq < 40",
        'SELECT a.seq, l.seq FROM kubearmor.alerts a POSITIONAL JOIN kubearmor.logs l ORDER BY ALL LIMIT 5',
        'SELECT count(*) FROM (SELECT * FROM kubearmor.logs USING SAMPLE 5 ROWS)',
      ]) {
        const asked = { sql, nodes: { names: ['edge-1'] } };
        const { status, rows, coverage, error } = await askWhole(network, asked);
        const want = await ask(edge, { sql });
        expect({ status, rows, error }).toEqual({ status: want.status, rows: want.rows, error: want.error });
        if (status !== 200) continue;
        expect((await explain(network, asked)).fragments).toHaveLength(1);
        expect(coverage).toMatchObject({ expected: 1, nodes: [{ name: 'edge-1', status: 'answered' }] });
      }
    });

    it('selects nodes by name, cluster and label', async () => {
      const sql = 'SELECT DISTINCT node FROM kubearmor.events ORDER BY node';
      const names = async (nodes: NonNullable<Body['nodes']>): Promise<unknown[]> => {
        const { rows, coverage } = await askWhole(network, { sql, nodes });
        expect(coverage).toMatchObject({ complete: true, expected: rows.length });
        return rows.flat();
      };
      expect(await names({ names: ['edge-0', 'edge-2'] })).toEqual(['edge-0', 'edge-2']);
      expect(await names({ clusters: ['west'] })).toEqual(['edge-2']);
      expect(await names({ labels: { site: ['north'] } })).toEqual(['edge-0', 'edge-1']);
      expect(await names({ labels: { site: ['north', 'south'], rack: ['1', '2'] } })).toEqual(['edge-1', 'edge-2']);
      const { rows, coverage } = await ask(network, { sql, nodes: { names: ['edge-0', 'nobody'] } });
      expect(rows).toEqual([['edge-0']]);
      expect(coverage).toMatchObject({ complete: false, expected: 2, asked: 2, answered: 1, failed: 1 });
      expect(coverage.nodes.find(({ name }) => name === 'nobody')).toMatchObject({ code: 'NOT_FOUND' });
    });

    it('explains itself without running anything', async () => {
      const sql =
        'SELECT pod, count(*) AS n FROM kubearmor.logs WHERE time < now() GROUP BY pod ORDER BY n DESC LIMIT 3';
      const told = await explain(network, { sql });
      expect(told).toMatchObject({
        columns: [
          { name: 'pod', type: 'VARCHAR' },
          { name: 'n', type: 'BIGINT' },
        ],
        subqueries: 0,
        fragments: [{ kind: 'agg', table: 'kubearmor.logs' }],
        nodes: ['edge-0', 'edge-1', 'edge-2'].map((name) => ({ name, status: 'asked', reason: null })),
        estimate: { nodes: 3 },
      });
      expect(told.merge).toMatch(/LIMIT 3/);
      expect(told.fragments[0]?.sql).not.toMatch(/LIMIT|now\(\)/);
      expect(told.estimate.bytes).toBeGreaterThan(0);
      const one = await explain(network, { sql: "SELECT pod FROM kubearmor.logs WHERE node = 'edge-1'" });
      expect(one.nodes.map(({ name, status, reason }) => `${name} ${status} ${reason}`)).toEqual([
        'edge-1 asked null',
        'edge-0 pruned no row has such a node',
        'edge-2 pruned no row has such a node',
      ]);
      const first = await explain(network, {
        sql: 'SELECT count(*) FROM kubearmor.logs WHERE seq > (SELECT avg(seq) FROM kubearmor.alerts)',
      });
      expect(first).toMatchObject({ subqueries: 1, fragments: [{ kind: 'agg' }] });
      const listed = await explain(network, {
        sql: "WITH w AS (SELECT unnest(['a', 'b']) AS p) SELECT count(*) FROM kubearmor.logs WHERE pod IN (SELECT p FROM w)",
      });
      expect(listed).toMatchObject({ subqueries: 0, fragments: [{ kind: 'agg' }] });
      expect(listed.fragments[0]?.sql).toContain("IN (CAST('a' AS VARCHAR), 'b')");
    });

    it('prunes by the node in a WHERE, and says so in coverage', async () => {
      const { rows, coverage } = await askWhole(network, {
        sql: "SELECT count(*) FROM kubearmor.logs WHERE node = 'edge-2'",
      });
      expect(rows).toEqual([[340]]);
      expect(coverage).toMatchObject({ complete: true, expected: 3, asked: 1, pruned: 2, answered: 1, failed: 0 });
    });

    it.each([
      'SELECT a.seq FROM kubearmor.alerts a POSITIONAL JOIN kubearmor.logs l',
      'SELECT rowid FROM kubearmor.logs',
      'SELECT * FROM kubearmor.logs USING SAMPLE 5 ROWS',
      'SUMMARIZE kubearmor.logs',
      'SELECT random() FROM kubearmor.logs',
      'SELECT uuid() FROM kubearmor.logs',
      "SELECT * FROM read_csv('/etc/passwd')",
      'SELECT * FROM kubearmor.nothing',
      'SELECT 1; SELECT 2',
      'DELETE FROM kubearmor.logs',
      'SELECT * FROM duckdb_settings()',
      'SELECT nothing FROM kubearmor.logs',
    ])('refuses %s with a reason', async (sql) => {
      const { status, error } = await ask(network, { sql });
      expect(status).toBe(400);
      expect(['BAD_QUERY', 'NOT_FEDERABLE', 'NOT_ALLOWED', 'UNKNOWN_TABLE']).toContain(error?.code);
      expect(error?.message).toMatch(/^.{10,}\.$/s);
    });

    it('federates the account of each node, but not the membership', async () => {
      const marked = "SELECT 'a mark of this test' AS mark, count(*) FROM kubearmor.logs";
      await ask(network, { sql: marked });
      expect((await askWhole(network, { sql: 'SELECT name, state FROM armorlake.nodes ORDER BY name' })).rows).toEqual(
        expect.arrayContaining([0, 1, 2].map((index) => [`edge-${index}`, 'alive'])),
      );
      const sql = "SELECT node FROM armorlake.queries WHERE sql LIKE '%a mark of this test%'";
      await until(async () => (await ask(network, { sql })).rows.flat().includes('q1'), 'the account has the query');
    });
  });
});
