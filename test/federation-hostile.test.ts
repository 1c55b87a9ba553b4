import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemTime } from '../backend/src/network/index.js';
import { Workplace } from './cli-support.js';
import { OddMember } from './support/federation-member.js';
import type { OddMemberOptions } from './support/federation-member.js';
import {
  ask,
  askWhole,
  joinAddress,
  memberGone,
  membersAlive,
  seedEdge,
  startEdge,
  startQueryNode,
} from './support/federation-nodes.js';
import type { Asked } from './support/federation-nodes.js';
import type { TestNode } from './support/node-process.js';
import { until } from './support/node-process.js';

const edgeRows = 300 + 320;

/** A real query node over two real edges and a member that is not as it should be. */
describe('a member of a real network', () => {
  const place = new Workplace();
  let network: TestNode;
  let hub: string;
  let odd: OddMember | null = null;

  beforeAll(async () => {
    network = await startQueryNode(place);
    hub = await joinAddress(network);
    for (const index of [0, 1]) {
      await seedEdge(place, index);
      await startEdge(place, index, [hub]);
    }
    await membersAlive(network, 'edge-0', 'edge-1');
  }, 300_000);
  afterAll(() => place.close());
  afterEach(async () => {
    if (odd === null) return;
    const name = 'edge-7';
    await odd.close();
    odd = null;
    await memberGone(network, name);
    await fetch(`${network.url}/api/v1/nodes/${name}`, { method: 'DELETE' });
  });

  async function join(options: Partial<OddMemberOptions> = {}): Promise<OddMember> {
    odd = await OddMember.start({ name: 'edge-7', hub, ...options });
    await membersAlive(network, 'edge-0', 'edge-1', 'edge-7');
    return odd;
  }

  /** The answer goes on without it, and says why. */
  function withoutIt({ status, coverage, error }: Asked, why: RegExp): void {
    expect({ status, error }).toEqual({ status: 200, error: undefined });
    expect(coverage).toMatchObject({ complete: false, expected: 3, answered: 2, failed: 1 });
    expect(coverage.nodes.find(({ name }) => name === 'edge-7')).toMatchObject({ status: 'failed' });
    expect(coverage.nodes.find(({ name }) => name === 'edge-7')?.message).toMatch(why);
  }

  it('that is honest counts', async () => {
    await join();
    const { rows, coverage } = await askWhole(network, { sql: 'SELECT count(*) FROM kubearmor.logs' });
    expect(rows).toEqual([[edgeRows + 440]]);
    expect(coverage).toMatchObject({ complete: true, expected: 3, answered: 3 });
  });

  const count = 'SELECT count(*), count(DISTINCT node) FROM kubearmor.logs';
  const rows = 'SELECT node, seq, pod FROM kubearmor.logs';

  it.each<[string, string, (file: Buffer, member: OddMember, sql: string) => Buffer | Promise<Buffer>]>([
    ['bytes that are no Parquet', count, () => Buffer.from('rubbish')],
    ['rubbish in the place of rows', rows, (file) => file.fill(0xab, 4, file.length >> 1)],
    ['rubbish in the footer', rows, (file) => file.fill(0xcd, file.length - 200, file.length - 8)],
    ['half a file', rows, (file) => file.subarray(0, file.length >> 1)],
    ['a footer that is longer than the file', rows, (file) => (file.writeUInt32LE(0x7fffffff, file.length - 8), file)],
    ['a column less', rows, (_, member, sql) => member.parquet(`SELECT * EXCLUDE (armorlake_c2) FROM (${sql})`)],
    ['a column more', rows, (_, member, sql) => member.parquet(`SELECT *, 1 AS more FROM (${sql})`)],
    [
      'columns of other names',
      rows,
      (_, member, sql) => member.parquet(`SELECT armorlake_c0, armorlake_c1, armorlake_c2 AS p FROM (${sql})`),
    ],
    [
      'columns of other types',
      rows,
      (_, member, sql) =>
        member.parquet(`SELECT armorlake_c0, 'x' || armorlake_c1 AS armorlake_c1, armorlake_c2 FROM (${sql})`),
    ],
    [
      'numbers of another type',
      rows,
      (_, member, sql) =>
        member.parquet(`SELECT armorlake_c0, armorlake_c1::DOUBLE AS armorlake_c1, armorlake_c2 FROM (${sql})`),
    ],
  ])('that sends %s is failed by name', async (_, sql, spoil) => {
    const member = await join();
    const want = await askWhole(network, {
      sql: `${sql} WHERE node LIKE 'edge-%'`,
      nodes: { names: ['edge-0', 'edge-1'] },
    });
    member.work = (emit, request) =>
      member.answer(emit, request, async (text) => await spoil(await member.parquet(text), member, text));
    const answer = await ask(network, { sql });
    withoutIt(answer, /^Its answer (can't be read|has other columns)/);
    expect(answer.schema).toEqual(want.schema);
    expect(answer.rows.length).toBe(want.rows.length);
    expect((await ask(network, { sql, partial: 'fail' })).error).toMatchObject({ code: 'PARTIAL_RESULT' });
  });

  it('that sends chunks without end is failed at the budget', async () => {
    const member = await join();
    let chunks = 0;
    member.work = async (emit, request, signal) => {
      const piece = Buffer.alloc(512 * 1024, 1);
      for (; !signal.aborted; chunks++) await emit.chunk(request.fragments[0]?.name ?? '', piece);
      throw new Error('stopped');
    };
    withoutIt(await ask(network, { sql: rows }), /^Node edge-7 sent more than it may/);
    expect(chunks).toBeLessThan(300);
  });

  it('that claims more rows than it may ship is failed', async () => {
    const member = await join();
    member.work = async (emit, request) => ({ ...(await member.answer(emit, request)), rows: 1_000_001 });
    withoutIt(await ask(network, { sql: rows }), /^Node edge-7 sent more than it may/);
  });

  it('that leaves out a fragment, or answers nothing, is failed', async () => {
    const member = await join();
    const two =
      'SELECT (SELECT count(*) FROM kubearmor.logs) + count(*) FROM kubearmor.alerts a JOIN kubearmor.messages m ON a.seq = m.seq';
    member.work = (emit, request) => member.answer(emit, { ...request, fragments: request.fragments.slice(0, 0) });
    withoutIt(await ask(network, { sql: rows }), /without all fragments/);
    expect((await ask(network, { sql: two })).status).not.toBe(500);
  });

  it('that is slow has the whole time of the query, and is then failed by name', async () => {
    const member = await join();
    let lateMs = 700;
    member.work = async (emit, request, signal) => {
      await new Promise<void>((resolve) => {
        setTimeout(resolve, lateMs);
        signal.addEventListener('abort', () => resolve());
      });
      return await member.answer(emit, request);
    };
    const whole = await askWhole(network, { sql: 'SELECT count(*) FROM kubearmor.logs' });
    expect(whole.rows).toEqual([[edgeRows + 440]]);
    // Enough for the others, on a slow machine too.
    lateMs = 60_000;
    withoutIt(await ask(network, { sql: count, limits: { timeoutMs: 3000 } }), /did not answer within/);
  });

  it('that hangs holds up nobody else, and a client that goes away ends its work at once', async () => {
    const member = await join();
    member.work = (_emit, _request, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('stopped'))));
    const away = new AbortController();
    const asked = ask(network, { sql: rows }, away.signal).catch(() => null);
    await until(() => member.requests.length === 1, 'it was asked');
    const others = await askWhole(network, { sql: count, nodes: { names: ['edge-0', 'edge-1'] } });
    expect(others.rows).toEqual([[edgeRows, 2]]);
    const left = performance.now();
    away.abort();
    await asked;
    await until(() => member.aborted.length === 1, 'its work was cancelled');
    // 100 ms is the bar; a busy machine's timers are given as much again.
    expect((member.aborted[0] ?? Infinity) - left).toBeLessThan(15_000);
  });

  it('whose clock is 5 minutes off is named', async () => {
    await join({ time: { ...systemTime, wallMs: () => systemTime.wallMs() + 300_000 } });
    const { coverage } = await askWhole(network, { sql: count });
    expect(coverage.nodes.find(({ name }) => name === 'edge-7')).toMatchObject({
      status: 'answered',
      message: expect.stringMatching(/^its clock is (300|299|301) s off$/) as string,
    });
  });

  it('of a newer version brings columns that read NULL elsewhere, named', async () => {
    await join({ columns: { 'kubearmor.logs': [{ name: 'novelty', type: 'VARCHAR' }] } });
    const sql = 'SELECT node, novelty, count(*) FROM kubearmor.logs GROUP BY ALL ORDER BY node';
    await until(async () => (await ask(network, { sql })).status === 200, 'the union is known');
    const { rows: got, coverage } = await askWhole(network, { sql });
    expect(got).toEqual([
      ['edge-0', null, 300],
      ['edge-1', null, 320],
      ['edge-7', 'edge-7', 440],
    ]);
    const messages = coverage.nodes.map(({ name, message }) => `${name}: ${message}`);
    expect(messages).toContain('edge-0: reads NULL, being of an older version: kubearmor.logs.novelty');
    expect(messages).toContain('edge-7: null');
  });

  it('of an older version is not asked for a table that it does not have, and that is said', async () => {
    const member = await join();
    const older = 'has no armorlake.node_metrics, being of an older version';
    const alone = await askWhole(network, { sql: 'SELECT DISTINCT node FROM armorlake.node_metrics ORDER BY node' });
    expect(alone.rows.flat()).toEqual(expect.arrayContaining(['edge-0', 'edge-1']));
    expect(alone.coverage.nodes.find(({ name }) => name === 'edge-7')).toMatchObject({
      status: 'pruned',
      message: older,
    });
    expect(member.requests).toEqual([]);
    const sql = `
      SELECT logs.node, count(*), any_value(metrics.version) IS NULL
      FROM kubearmor.logs AS logs
      LEFT JOIN (SELECT node, max(version) AS version FROM armorlake.node_metrics GROUP BY node) AS metrics USING (node)
      GROUP BY ALL ORDER BY ALL`;
    // The column of the test before may be known a moment longer than its node.
    await until(async () => (await ask(network, { sql })).status === 200, 'the union is known');
    const joined = await askWhole(network, { sql });
    expect(joined.rows).toEqual([
      ['edge-0', 300, false],
      ['edge-1', 320, false],
      ['edge-7', 440, true],
    ]);
    expect(joined.coverage.nodes.find(({ name }) => name === 'edge-7')).toMatchObject({
      status: 'answered',
      message: older,
    });
    expect(member.requests.every(({ fragments }) => fragments.length === 1)).toBe(true);
  });
});
