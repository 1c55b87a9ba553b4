import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { initCa, issue } from '../backend/src/network/index.js';
import type { IssuedFiles } from '../backend/src/network/index.js';
import { Workplace } from './cli-support.js';
import { fillTables } from './support/federation-data.js';
import { seedLake } from './support/federation-lakes.js';
import {
  ask,
  askWhole,
  joinAddress,
  membersAlive,
  networkOf,
  seedEdge,
  startEdge,
  startQueryNode,
} from './support/federation-nodes.js';
import type { Asked } from './support/federation-nodes.js';
import { ManualTime, turns } from './support/manual-time.js';
import { Proxy, TestNetwork, TestSink, alive, memoryWiring, reason, request } from './support/network.js';
import { TestNode, until } from './support/node-process.js';

/** Rows of `kubearmor.logs` at edge-0, edge-1 and edge-2. */
const rowsOf = [300, 320, 340];
const count = 'SELECT count(*) FROM kubearmor.logs';
/** A silent node is given up after 2 s; the rest is for a busy machine. */
const SILENCE_MS = 15_000;

function statusOf({ coverage }: Asked): readonly string[] {
  return coverage.nodes.map(({ name, status }) => `${name} ${status}`).toSorted();
}

function messageOf({ coverage }: Asked, node: string): string {
  return coverage.nodes.find(({ name }) => name === node)?.message ?? '';
}

async function forget(node: TestNode, name: string): Promise<number> {
  return (await fetch(`${node.url}/api/v1/nodes/${name}`, { method: 'DELETE' })).status;
}

function freeze(node: TestNode): void {
  node.running.kill('SIGSTOP');
}

describe('nodes that fail', () => {
  let place: Workplace;
  let q1: TestNode;
  let hub: string;
  let edges: TestNode[];
  beforeAll(async () => {
    place = new Workplace();
    q1 = await startQueryNode(place);
    hub = await joinAddress(q1);
    edges = [];
    for (const index of rowsOf.keys()) {
      await seedEdge(place, index);
      edges.push(await startEdge(place, index, [hub]));
    }
  }, 300_000);
  beforeEach(() => membersAlive(q1, 'edge-0', 'edge-1', 'edge-2'));
  afterAll(() => place.close());

  it('killed: the answer comes without it, names it, and comes at once from then on', async () => {
    await edges[2]?.die('both');
    const began = performance.now();
    const answer = await ask(q1, { sql: count });
    expect(performance.now() - began).toBeLessThan(SILENCE_MS);
    expect(answer).toMatchObject({ status: 200, rows: [[620]], coverage: { complete: false, expected: 3, failed: 1 } });
    expect(statusOf(answer)).toEqual(['edge-0 answered', 'edge-1 answered', 'edge-2 failed']);
    expect(messageOf(answer, 'edge-2')).toMatch(/edge-2/);
    const again = performance.now();
    expect((await ask(q1, { sql: count, partial: 'ignore' })).rows).toEqual([[620]]);
    expect(performance.now() - again).toBeLessThan(SILENCE_MS);
    const refused = await ask(q1, { sql: count, partial: 'fail' });
    expect(refused).toMatchObject({ status: 502, error: { code: 'PARTIAL_RESULT' }, coverage: { failed: 1 } });
    expect(refused.error?.message).toMatch(/^1 of 3 nodes did not answer: edge-2 \(/);
    const elsewhere = await askWhole(q1, { sql: count, partial: 'fail', nodes: { names: ['edge-0', 'edge-1'] } });
    expect(elsewhere).toMatchObject({ status: 200, rows: [[620]], coverage: { complete: true, expected: 2 } });

    // Back again, its unclean end is a gap that coverage names.
    edges[2] = await startEdge(place, 2, [hub]);
    await membersAlive(q1, 'edge-0', 'edge-1', 'edge-2');
    const whole = await askWhole(q1, { sql: count });
    expect(whole.rows).toEqual([[960]]);
    expect(whole.coverage).toMatchObject({ failed: 0, complete: false, gaps: { nodes: 1 } });
    expect(whole.coverage.gaps.worst[0]).toMatchObject({ node: 'edge-2', cause: 'crash' });
  });

  it('frozen: it is given up by name after its silence, and asked again when it wakes', async () => {
    const [edge] = edges;
    if (edge === undefined) throw new Error('There is no edge.');
    freeze(edge);
    try {
      const began = performance.now();
      const answer = await ask(q1, { sql: count });
      expect(performance.now() - began).toBeLessThan(SILENCE_MS);
      expect(answer.rows).toEqual([[660]]);
      expect(statusOf(answer)).toEqual(['edge-0 failed', 'edge-1 answered', 'edge-2 answered']);
      expect(messageOf(answer, 'edge-0')).toMatch(/silent/);
    } finally {
      edge.running.kill('SIGCONT');
    }
    await membersAlive(q1, 'edge-0', 'edge-1', 'edge-2');
    expect((await askWhole(q1, { sql: count })).rows).toEqual([[960]]);
  });

  it('whose engine is frozen: it is given up by name', async () => {
    const [, edge] = edges;
    const engine = (await edge?.enginePid()) ?? 0;
    process.kill(engine, 'SIGSTOP');
    // Its own doors answer meanwhile: what it is, and that what it holds can't be told now.
    const doors = ['status', 'catalog'].map(async (door) => (await fetch(`${edge?.url}/api/v1/${door}`)).status);
    const answer = await ask(q1, { sql: count, limits: { timeoutMs: 10_000 } });
    expect(answer.rows).toEqual([[640]]);
    expect(statusOf(answer)).toContain('edge-1 failed');
    expect(await Promise.all(doors)).toEqual([200, 504]);
    // The node ends it: what follows has its successor, and no pid that is about to go.
    await until(async () => (await edge?.enginePid()) !== engine, 'another engine');
    await membersAlive(q1, 'edge-0', 'edge-1', 'edge-2');
  });

  it('another lake of the same name is refused, and changes nothing', async () => {
    await seedLake({
      name: 'edge-0',
      dataFolder: place.path('other/edge-0'),
      archive: null,
      fill: (connection) => fillTables(connection, [0], 9),
    });
    const twin = await TestNode.start(place, { data: 'other/edge-0', args: ['--join', hub] });
    let detail: string | null = null;
    await until(
      async () => (detail = (await networkOf(twin)).links[0]?.detail ?? null) !== null,
      'a reason why it may not join',
    );
    expect(detail).toMatch(/edge-0.*lake/);
    expect(await askWhole(q1, { sql: count })).toMatchObject({ rows: [[960]], coverage: { expected: 3, failed: 0 } });
    twin.running.kill('SIGTERM');
    await twin.running.finished;
    expect((await askWhole(q1, { sql: count })).rows).toEqual([[960]]);
  });

  it('an edge asked by its own users answers for itself alone, and coverage says so', async () => {
    const [, edge] = edges;
    if (edge === undefined) throw new Error('There is no edge.');
    const answer = await ask(edge, { sql: count });
    expect(answer).toMatchObject({ status: 200, rows: [[320]], coverage: { expected: 1 } });
    expect(statusOf(answer)).toEqual(['edge-1 answered']);
  });

  it('the engines stop when whoever asked goes away', async () => {
    const sql =
      "SELECT count(*) FROM kubearmor.logs a, kubearmor.logs b, kubearmor.logs c WHERE a.pod || b.pod || c.process LIKE '%x%y%'";
    // Asked for once: each such question costs the engines more than they may take at rest.
    const engines = await Promise.all(edges.map((edge) => edge.enginePid()));
    const running = (): number => engines.reduce((sum, pid) => sum + cpuTicks(pid), 0);
    const away = new AbortController();
    const before = running();
    const asked = ask(q1, { sql, perNode: true }, away.signal).then(
      () => 'answered',
      () => 'left',
    );
    await until(() => running() > before + 30, 'the engines work');
    away.abort();
    expect(await asked).toBe('left');
    const left = performance.now();
    let last = running();
    // An engine that goes on would take ten ticks in 100 ms.
    await until(async () => {
      const begin = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 100));
      const [was, now] = [last, running()];
      last = now;
      return now - was <= (performance.now() - begin) / 25;
    }, 'the engines stop');
    expect(performance.now() - left).toBeLessThan(SILENCE_MS);
    expect((await askWhole(q1, { sql: count })).rows).toEqual([[960]]);
  });

  it('the query node restarted: its members are expected, also those that are gone, until they are forgotten', async () => {
    expect(await forget(q1, 'nobody')).toBe(404);
    edges[1]?.running.kill('SIGTERM');
    await edges[1]?.running.finished;
    q1.running.kill('SIGTERM');
    await q1.running.finished;
    q1 = await TestNode.start(place, { data: 'q1', args: ['--network', hub] });
    const early = await ask(q1, { sql: count });
    expect(early).toMatchObject({ status: 200, coverage: { expected: 3, complete: false } });
    await membersAlive(q1, 'edge-0', 'edge-2');
    const answer = await ask(q1, { sql: count });
    expect(answer.rows).toEqual([[640]]);
    expect(statusOf(answer)).toEqual(['edge-0 answered', 'edge-1 failed', 'edge-2 answered']);
    expect(await forget(q1, 'edge-1')).toBe(204);
    expect((await askWhole(q1, { sql: count, partial: 'fail' })).coverage).toMatchObject({ expected: 2, failed: 0 });
    edges[1] = await startEdge(place, 1, [hub]);
    await membersAlive(q1, 'edge-0', 'edge-1', 'edge-2');
    expect((await askWhole(q1, { sql: count })).rows).toEqual([[960]]);
  });
});

describe('links that fail', () => {
  const bigRows = 1_000_100;
  const big = 'SELECT message FROM kubearmor.messages WHERE seq < 300000';
  let place: Workplace;
  let q1: TestNode;
  let proxy: Proxy;
  beforeAll(async () => {
    place = new Workplace();
    q1 = await startQueryNode(place);
    const hub = await joinAddress(q1);
    const [host = '', port = ''] = hub.split(':');
    proxy = await Proxy.start({ host, port: Number(port) });
    await seedEdge(place, 0);
    await startEdge(place, 0, [hub]);
    await seedLake({
      name: 'edge-1',
      dataFolder: place.path('edge-1'),
      archive: null,
      fill: async (connection) => {
        await connection.run(
          "INSERT INTO kubearmor.messages BY NAME SELECT range AS seq, 'edge-1' AS node, now()::TIMESTAMP AS time, now()::TIMESTAMP AS received_at, " +
            `md5(range::VARCHAR) AS message, [] AS tags, [] AS quality FROM range(${bigRows})`,
        );
      },
    });
    const { host: near, port: at } = proxy.target;
    await startEdge(place, 1, [`${near}:${at}`]);
  }, 300_000);
  beforeEach(() => membersAlive(q1, 'edge-0', 'edge-1'));
  afterAll(async () => {
    proxy.close();
    await place.close();
  });

  it('a node over its budget refuses, in a sentence: alone it decides, among others it is failed by name', async () => {
    const sql = 'SELECT seq, message FROM kubearmor.messages';
    const alone = await ask(q1, { sql, nodes: { names: ['edge-1'] } });
    expect({ status: alone.status, error: alone.error }).toMatchObject({
      status: 413,
      error: { code: 'LIMIT_EXCEEDED', message: expect.stringMatching(/would ship more than 1000000 rows/) as string },
    });
    expect(alone.error?.hint).toMatch(/time filter.*aggregate/);
    const both = await ask(q1, { sql });
    expect(statusOf(both)).toEqual(['edge-0 answered', 'edge-1 failed']);
    expect(messageOf(both, 'edge-1')).toMatch(/would ship more than 1000000 rows/);
    const pushed = 'SELECT count(*), max(message) FROM kubearmor.messages';
    expect((await askWhole(q1, { sql: pushed })).rows[0]?.[0]).toBe(bigRows);
  });

  it('cut in the middle of an answer: the node is failed by name, the query goes on, the node comes back', async () => {
    proxy.after(2_000_000, () => proxy.cut());
    const answer = await ask(q1, { sql: `SELECT count(*) FROM (${big} LIMIT 1000000)` });
    expect(statusOf(answer)).toEqual(['edge-0 answered', 'edge-1 failed']);
    expect(messageOf(answer, 'edge-1')).toMatch(/edge-1/);
    expect(answer.rows).toEqual([[0]]);
    await membersAlive(q1, 'edge-0', 'edge-1');
    expect((await askWhole(q1, { sql: `SELECT count(*) FROM (${big} LIMIT 1000000)` })).rows).toEqual([[300_000]]);
  });

  it('silent in the middle of an answer: the same after its silence', async () => {
    proxy.after(2_000_000, () => proxy.freeze());
    const began = performance.now();
    const answer = await ask(q1, { sql: `SELECT count(*) FROM (${big} LIMIT 1000000)` });
    expect(performance.now() - began).toBeLessThan(SILENCE_MS + 2_000);
    expect(statusOf(answer)).toEqual(['edge-0 answered', 'edge-1 failed']);
    proxy.thaw();
  });

  it('slow: the answer takes longer and is whole', async () => {
    proxy.delayMs = 5;
    try {
      const { rows, coverage } = await askWhole(q1, { sql: `SELECT count(*) FROM (${big} LIMIT 1000000)` });
      expect(rows).toEqual([[300_000]]);
      expect(coverage.complete).toBe(true);
    } finally {
      proxy.delayMs = 0;
    }
  });
});

describe('two hubs', () => {
  let place: Workplace;
  beforeEach(() => {
    place = new Workplace();
  });
  afterEach(() => place.close());

  it(
    'a member of both counts once at each, and is asked through the other when one dies',
    { timeout: 300_000 },
    async () => {
      const q1 = await startQueryNode(place, 'q1');
      const first = await joinAddress(q1);
      const q2 = await startQueryNode(place, 'q2', ['--join', first]);
      const second = await joinAddress(q2);
      await Promise.all([0, 1].map((index) => seedEdge(place, index)));
      await startEdge(place, 0, [first, second]);
      await startEdge(place, 1, [first]);
      for (const node of [q1, q2]) {
        await membersAlive(node, 'edge-0', 'edge-1');
        const answer = await askWhole(node, { sql: count });
        expect(answer).toMatchObject({ rows: [[620]], coverage: { complete: true, expected: 2, answered: 2 } });
      }
      await q1.die('node');
      await until(
        async () => statusOf(await ask(q2, { sql: count })).includes('edge-1 failed'),
        'edge-1 is out of reach',
      );
      const answer = await ask(q2, { sql: count });
      expect(answer).toMatchObject({ rows: [[300]], coverage: { expected: 2, answered: 1, failed: 1 } });
    },
  );

  it('an edge whose hub dies goes to the next', { timeout: 300_000 }, async () => {
    const q1 = await startQueryNode(place, 'q1');
    const q2 = await startQueryNode(place, 'q2');
    await seedEdge(place, 0);
    const hubs = await Promise.all([q1, q2].map(joinAddress));
    const edge = await startEdge(place, 0, hubs);
    await membersAlive(q2, 'edge-0');
    await q1.die('both');
    const answer = await askWhole(q2, { sql: count });
    expect(answer).toMatchObject({ rows: [[300]], coverage: { complete: true } });
    const [hub = ''] = hubs;
    const back = await TestNode.start(place, { data: 'q1', args: ['--network', hub] });
    await membersAlive(back, 'edge-0');
    expect((await askWhole(back, { sql: count })).rows).toEqual([[300]]);
    expect((await networkOf(edge)).links).toHaveLength(2);
  });
});

describe('certificates', () => {
  const place = new Workplace();
  afterAll(() => place.close());

  function tls({ ca, cert, key }: IssuedFiles): string[] {
    return ['--set', `network.tls.ca=${ca}`, '--set', `network.tls.cert=${cert}`, '--set', `network.tls.key=${key}`];
  }

  it('of another CA, or for a lesser role, let nobody in', { timeout: 300_000 }, async () => {
    const nowMs = Date.now();
    const [folder, other] = [place.path('ca'), place.path('other-ca')];
    await initCa(folder, nowMs);
    await initCa(other, nowMs);
    const hosts = ['127.0.0.1'];
    const q1 = await startQueryNode(place, 'q1', tls(await issue({ folder, name: 'q1', role: 'query', hosts, nowMs })));
    const hub = await joinAddress(q1);
    await Promise.all([0, 1].map((index) => seedEdge(place, index)));
    const good = await issue({ folder, name: 'edge-0', role: 'edge', nowMs });
    await startEdge(place, 0, [hub], tls(good));
    await membersAlive(q1, 'edge-0');
    const stranger = await startEdge(
      place,
      1,
      [hub],
      tls(await issue({ folder: other, name: 'edge-1', role: 'edge', nowMs })),
    );
    await until(async () => (await networkOf(stranger)).links[0]?.detail != null, 'a reason');
    expect((await networkOf(stranger)).links[0]?.detail).toMatch(/certificate|CA/);
    expect(await askWhole(q1, { sql: count })).toMatchObject({
      rows: [[300]],
      coverage: { complete: true, expected: 1 },
    });
    // The certificate says edge; the node would ask, and is told nothing of anybody.
    const upstart = await TestNode.start(place, {
      data: 'upstart/edge-0',
      args: ['--join', hub, '--role', 'query', ...tls(good)],
    });
    await until(async () => (await networkOf(upstart)).peers[0]?.detail != null, 'a reason');
    expect((await networkOf(upstart)).peers[0]?.detail).toMatch(/role edge, not query|reached/);
    const answer = await ask(upstart, { sql: count });
    expect(answer.rows?.[0]?.[0] ?? 0).toBe(0);
    expect(answer.coverage.answered).toBe(0);
  });
});

describe('a long absence', () => {
  it('of 14 days is a failure by name all the time, and nothing once it is over', async () => {
    const time = new ManualTime();
    const net = new TestNetwork(memoryWiring());
    try {
      const hub = await net.hub('q1', { time });
      const away = await net.edge('e1', [hub.address], { time });
      await net.edge('e2', [hub.address], { time });
      const pass = async (done: () => boolean): Promise<void> => {
        for (let step = 0; step < 1_000 && !done(); step++) {
          time.advance(50);
          await turns(5);
        }
        expect(done()).toBe(true);
      };
      await pass(() => alive(hub, 'e1') && alive(hub, 'e2'));
      await away.node.close();
      await pass(() => !alive(hub, 'e1'));
      for (let day = 0; day < 14; day++) {
        // By hours: what ticks every 250 ms needn't tick two million times.
        for (let hour = 0; hour < 24; hour++) {
          time.skip(3_600_000);
          await turns(2);
        }
        expect(hub.node.network.members().map(({ name }) => name)).toEqual(['e1', 'e2']);
        expect(reason(hub, 'e1')).toMatch(/e1/);
      }
      await pass(() => alive(hub, 'e2'));
      await net.edge('e1', [hub.address], { time });
      await pass(() => alive(hub, 'e1'));
      const sink = new TestSink();
      const asked = hub.node.network.scatter(['e1', 'e2'], request(), sink, new AbortController().signal);
      await pass(() => sink.outcomes.size === 2);
      await asked;
      expect([...sink.outcomes.values()].map(({ status }) => status)).toEqual(['answered', 'answered']);
    } finally {
      await net.close();
    }
  });
});

/** Whether this is root on a Linux that lets it make network namespaces. */
function mayMakeNamespaces(): boolean {
  const name = `al-try-${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', name]).status !== 0) return false;
  return spawnSync('ip', ['netns', 'del', name]).status === 0;
}

describe('hosts apart (network namespaces)', () => {
  const space = `al-${process.pid}`;
  const [near, far] = [`aln${process.pid}`.slice(0, 15), `alf${process.pid}`.slice(0, 15)];
  const net = `10.231.${process.pid % 250}`;
  const ip = (...args: string[]): void => void execFileSync('ip', args);
  let place: Workplace;
  beforeEach(() => {
    place = new Workplace();
  });
  afterEach(async () => {
    spawnSync('ip', ['-n', space, 'link', 'set', far, 'up']);
    await place.close();
    spawnSync('ip', ['link', 'del', near]);
    spawnSync('ip', ['netns', 'del', space]);
  });

  it.skipIf(!mayMakeNamespaces())(
    'a link that swallows everything fails its node by name within its silence; it heals',
    { timeout: 300_000 },
    async () => {
      ip('netns', 'add', space);
      ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', space);
      ip('addr', 'add', `${net}.1/24`, 'dev', near);
      ip('link', 'set', near, 'up');
      ip('-n', space, 'addr', 'add', `${net}.2/24`, 'dev', far);
      ip('-n', space, 'link', 'set', far, 'up');
      ip('-n', space, 'link', 'set', 'lo', 'up');
      const q1 = await TestNode.start(place, {
        data: 'q1',
        args: ['--network', `${net}.1:0`, '--insecure-network'],
      });
      const hub = await joinAddress(q1);
      await seedEdge(place, 0);
      await TestNode.start(place, {
        data: 'edge-0',
        args: [
          '--join',
          hub,
          '--insecure-network',
          '--set',
          'retention.logs.age=100y',
          '--set',
          `archive.dir=${place.path('archive-0')}`,
        ],
        wrapper: ['ip', 'netns', 'exec', space],
      });
      await membersAlive(q1, 'edge-0');
      expect((await askWhole(q1, { sql: count })).rows).toEqual([[300]]);
      ip('-n', space, 'link', 'set', far, 'down');
      const began = performance.now();
      const answer = await ask(q1, { sql: count });
      expect(performance.now() - began).toBeLessThan(SILENCE_MS);
      expect(answer).toMatchObject({ status: 200, rows: [], coverage: { failed: 1 } });
      expect(messageOf(answer, 'edge-0')).toMatch(/silent/);
      ip('-n', space, 'link', 'set', far, 'up');
      await membersAlive(q1, 'edge-0');
      expect((await askWhole(q1, { sql: count })).rows).toEqual([[300]]);
    },
  );
});

/** User and system time of a process, in ticks of 10 ms. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}
