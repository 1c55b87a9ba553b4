import { setMaxListeners } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LinkState } from '../backend/src/network/index.js';
import type { TestNode } from './support/network.js';
import {
  TestNetwork,
  TestSink,
  alive,
  ask,
  facts,
  grpcWiring,
  hang,
  memoryWiring,
  metadata,
  reason,
  until,
} from './support/network.js';

/** What every backbone has to do; the same for the one in memory and the one over sockets. */
describe.each([memoryWiring, grpcWiring])('the network over %o', (wire) => {
  let net: TestNetwork;
  let folder: string;
  beforeEach(() => {
    net = new TestNetwork(wire());
    folder = mkdtempSync(join(tmpdir(), 'armorlake-network-'));
  });
  afterEach(async () => {
    await net.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('asks a node as soon as it has joined', async () => {
    const hub = await net.hub('q1');
    const edge = await net.edge('e1', [hub.address]);
    await until(() => alive(hub, 'e1'));
    const fragments = [
      { name: 'f0', sql: 'SELECT 1' },
      { name: 'f1', sql: "SELECT 'ä\u0000'" },
    ];
    const timeRange = { fromMicros: -5, toMicros: null };
    const expects = [{ table: 'kubearmor.logs', columns: [{ name: 'tags', type: 'VARCHAR[]' }] }];
    const common = { connector: 'k', stream: 'logs', from: '2026-01-01T00:00:00Z', minutes: 1.5 };
    const worst = [
      { ...common, to: null, cause: 'crash', estimated: null },
      { ...common, to: '2026-01-02T00:00:00Z', cause: 'throttled', estimated: 7 },
    ];
    const told = {
      ...facts,
      slowed: true,
      facts: { gaps: { minutes: 3, worst }, shortFrom: '2026-01-01T00:00:00Z' },
      missingColumns: ['tags'],
    };
    const { work } = edge.runner;
    edge.runner.work = async (...given) => ({ ...told, bytes: (await work(...given)).bytes });
    const sink = await ask(hub, ['e1'], { fragments, timeRange, expects, origin: 'dashboard' });
    expect(sink.chunks.map(({ node, fragment, text }) => [node, fragment, text])).toEqual([
      ['e1', 'f0', 'e1 f0'],
      ['e1', 'f1', 'e1 f1'],
    ]);
    expect(sink.outcomes.get('e1')).toEqual({ status: 'answered', facts: { ...told, bytes: 10 } });
    expect(edge.runner.requests).toMatchObject([
      { fragments, timeRange, expects, origin: 'dashboard', who: 'test at q1' },
    ]);
    const [member] = hub.node.network.members();
    expect(member).toMatchObject({
      name: 'e1',
      cluster: 'c1',
      labels: { site: 'berlin' },
      alive: true,
      reason: null,
    });
    expect(member?.tables).toEqual(metadata.tables);
    expect(member?.values).toEqual(metadata.values);
    expect(Math.abs(member?.clockOffsetMs ?? NaN)).toBeLessThan(1_000);
    expect(edge.node.links()).toMatchObject([{ state: 'joined', hub: 'q1', detail: null }]);
    // By it the edge knows whether its own clock is right.
    const [hubMs = NaN] = edge.node.hubClocks();
    expect(Math.abs(hubMs - Date.now())).toBeLessThan(60_000);
    expect(hub.node.hubClocks()).toEqual([]);
  });

  it('asks a hub that stores events itself, and an edge only for itself', async () => {
    const hub = await net.hub('q1', { stores: true });
    const edge = await net.edge('e1', [hub.address]);
    await until(() => alive(hub, 'e1'));
    expect(hub.node.network.members().map(({ name }) => name)).toEqual(['e1', 'q1']);
    expect((await ask(hub, ['e1', 'q1'])).chunks.map(({ text }) => text).sort()).toEqual(['e1 f0', 'q1 f0']);
    expect(edge.node.network.members().map(({ name }) => name)).toEqual(['e1']);
    expect((await ask(edge, ['e1', 'q1'])).error('q1')).toContain('NOT_READY q1');
  });

  it('asks a member of two hubs once, and through the other hub when one dies', async () => {
    const [a, b] = [await net.hub('a', { port: net.wiring.kind === 'memory' ? 900 : 0 }), await net.hub('b')];
    const edge = await net.edge('e1', [a.address, b.address]);
    const c = await net.hub('c', { join: [a.address, b.address] });
    await until(() => c.node.peers().every((peer) => peer.alive === 1));
    expect(c.node.network.members().map(({ name }) => name)).toEqual(['e1']);
    expect((await ask(c, ['e1'])).chunks).toHaveLength(1);
    expect(edge.runner.requests).toHaveLength(1);
    expect(c.node.network.nodes()[0]?.via).toBe('a');
    await a.node.close();
    await until(() => c.node.network.nodes()[0]?.via === 'b' && alive(c, 'e1'));
    expect((await ask(c, ['e1'])).outcomes.get('e1')?.status).toBe('answered');
    await until(() => edge.node.links()[0]?.state === 'connecting');
    expect(edge.node.links()[1]).toMatchObject({ state: 'joined', hub: 'b' });
    const again = await net.hub('a', { port: a.address.port });
    await until(() => alive(again, 'e1'));
    expect((await ask(again, ['e1'])).outcomes.get('e1')?.status).toBe('answered');
    await until(() => c.node.network.nodes()[0]?.via === 'a' && alive(c, 'e1'));
  });

  it('asks through another hub when the way breaks before anything came', async () => {
    const [a, b] = [await net.hub('a'), await net.hub('b')];
    const edge = await net.edge('e1', [a.address, b.address]);
    const { target, line } = await net.wiring.via('c', a.address);
    const c = await net.hub('c', { join: [target, b.address] });
    await until(() => c.node.peers().every((peer) => peer.alive === 1));
    expect(c.node.network.nodes()[0]?.via).toBe('a');
    edge.runner.work = async (emit, { fragments }, signal) => {
      if (edge.runner.requests.length === 1) return await hang(signal);
      await emit.chunk(fragments[0]?.name ?? '', Buffer.from('second'));
      return facts;
    };
    const asked = ask(c, ['e1']);
    await until(() => edge.runner.requests.length === 1);
    line.cut();
    const sink = await asked;
    expect(sink.error('e1')).toBe('');
    expect(sink.chunks).toMatchObject([{ text: 'second' }]);
    await until(() => edge.runner.aborted === 1);
  });

  it('relays between three query nodes, each member through its own hub', async () => {
    const [a, b] = [await net.hub('a'), await net.hub('b', { stores: true })];
    await net.edge('e1', [a.address]);
    const e2 = await net.edge('e2', [b.address]);
    const c = await net.hub('c', { join: [a.address, b.address] });
    const names = ['b', 'e1', 'e2'];
    await until(() => names.every((name) => alive(c, name)));
    const sink = await ask(c, names);
    expect(sink.chunks.map(({ node, text }) => [node, text]).sort()).toEqual(names.map((name) => [name, `${name} f0`]));
    // Their promises were given to other hubs: here they rule nothing out.
    for (const { values, tables } of c.node.network.members()) {
      expect(values).toEqual({ cluster: null, host: null, namespace: null, policy: null });
      expect(tables[0]?.minTimeMicros).toBe(Number.MIN_SAFE_INTEGER);
    }
    e2.runner.work = () => Promise.reject(new Error('disk on fire'));
    expect((await ask(c, ['e2', 'e1'])).error('e2')).toBe('INTERNAL e2: disk on fire');
  });

  it('fails the members of a hub that falls silent, by their names', async () => {
    const lease = { silenceMs: 700, mostMs: 15_000 };
    const a = await net.hub('a', { lease: { silenceMs: 10_000, mostMs: 15_000 } });
    const edge = await net.edge('e1', [a.address]);
    const { target, line } = await net.wiring.via('c', a.address);
    const c = await net.hub('c', { join: [target], lease });
    await until(() => alive(c, 'e1'));
    edge.runner.work = (_emit, _request, signal) => hang(signal);
    const asked = ask(c, ['e1']);
    await until(() => edge.runner.requests.length === 1);
    line.freeze();
    expect((await asked).error('e1')).toMatch(/^NOT_READY e1: Hub a can't be reached/);
    expect(reason(c, 'e1')).toContain("Hub a can't be reached");
    line.thaw();
    await until(() => alive(c, 'e1'));
  });

  it('refuses the same name with another lake, and says what to do', async () => {
    const hub = await net.hub('q1');
    await net.edge('e1', [hub.address]);
    await until(() => alive(hub, 'e1'));
    const twin = await net.edge('e1', [hub.address], { lakeId: 'another' });
    await until(() => twin.node.links()[0]?.state === 'refused');
    expect(twin.node.links()[0]?.detail).toMatch(/known as e1 already.*--name.*armorlake forget e1/s);
    expect(alive(hub, 'e1')).toBe(true);
    const self = await net.edge('q1', [hub.address]);
    await until(() => self.node.links()[0]?.state === 'refused');
    expect(self.node.links()[0]?.detail).toContain("q1 is this hub's own name");
  });

  it('refuses a copy of a data folder beside its original, under its name or another, until the original is gone', async () => {
    const hub = await net.hub('q1');
    const original = await net.edge('e1', [hub.address], { lakeId: 'copied' });
    await until(() => alive(hub, 'e1'));
    for (const [name, why] of [
      ['e1', 'has the same lake as e1, .* Stop one of them'],
      ['e2', "has the lake that is known here as e1's.*armorlake forget e1"],
    ] as const) {
      const copy = await net.edge(name, [hub.address], { lakeId: 'copied' });
      await until(() => copy.node.links()[0]?.state === 'refused');
      expect(copy.node.links()[0]?.detail).toMatch(new RegExp(`Node ${name} at .* ${why}`, 's'));
      expect(alive(hub, 'e1')).toBe(true);
      expect((await ask(hub, ['e1'])).chunks).toHaveLength(1);
      await copy.node.close();
    }
    await original.node.close();
    const thief = await net.edge('e2', [hub.address], { lakeId: 'copied' });
    await until(() => thief.node.links()[0]?.state === 'refused', 'another name is refused while the original is away');
    await net.edge('e1', [hub.address], { lakeId: 'copied' });
    await until(() => alive(hub, 'e1'));
  });

  it('answers for neither of two lakes of one name at two hubs', async () => {
    const [a, b] = [await net.hub('a'), await net.hub('b')];
    await net.edge('e1', [a.address]);
    await net.edge('e1', [b.address], { lakeId: 'another' });
    const c = await net.hub('c', { join: [a.address, b.address] });
    await until(() => reason(c, 'e1')?.includes('Two nodes with lakes of their own') === true);
    expect((await ask(c, ['e1'])).error('e1')).toContain('CONFLICT e1: Two nodes');
  });

  it('keeps one of two ways to the same hub, and takes the other when it breaks', async () => {
    const hub = await net.hub('q1', { stores: true });
    const one = await net.wiring.via('e1', hub.address);
    const edge = await net.edge('e1', [one.target, hub.address]);
    await until(() => edge.node.links().some(({ state }) => state === 'refused') && alive(hub, 'e1'));
    const refused = edge.node.links().find(({ state }) => state === 'refused');
    expect(refused?.detail).toContain('is joined to hub q1 by another address already');
    expect(edge.node.links().filter(({ state }) => state === 'joined')).toHaveLength(1);
    expect((await ask(hub, ['e1'])).chunks).toHaveLength(1);
  });

  it('asks what is attached here whatever another hub says of its name, and misses whom that one has', async () => {
    const other = await net.hub('q2');
    for (const name of ['q3', 'e1']) await net.edge(name, [other.address], { lakeId: `another-${name}` });
    const q3 = await net.hub('q3', { stores: true, join: [other.address] });
    await net.edge('e1', [q3.address]);
    for (const name of ['q3', 'e1']) {
      const namesake = `${name} at q2`;
      await until(() => alive(q3, name) && reason(q3, namesake)?.includes('Two nodes with lakes') === true);
      const sink = await ask(q3, [name, namesake]);
      expect(sink.chunks).toHaveLength(1);
      expect(sink.error(namesake)).toContain('NOT_READY');
    }
  });

  it('refuses more SQL than a message holds, and the member stays', async () => {
    const [a, b] = [await net.hub('a'), await net.hub('b')];
    const edge = await net.edge('e1', [a.address]);
    await net.edge('e2', [b.address]);
    const c = await net.hub('c', { join: [a.address] });
    await until(() => alive(a, 'e1') && alive(c, 'e1'));
    const sql = `SELECT ${'1'.repeat(6 * 1024 * 1024)}`;
    for (const hub of [a, c]) {
      const sink = await ask(hub, ['e1'], { fragments: [{ name: 'f0', sql }] });
      expect(sink.error('e1')).toMatch(/^LIMIT_EXCEEDED e1: The part of the query for node e1 is \d+ bytes/);
      const most = await ask(hub, ['e1'], { fragments: [{ name: 'f0', sql: sql.slice(8) }] });
      expect(most.outcomes.get('e1')?.status).toBe('answered');
    }
    expect(edge.runner.requests).toHaveLength(2);
  });

  it('refuses another version of the engine', async () => {
    const hub = await net.hub('q1');
    const old = await net.edge('e1', [hub.address], { engineVersion: 'v1.4.9' });
    await until(() => old.node.links()[0]?.state === 'refused');
    expect(old.node.links()[0]?.detail).toContain('runs DuckDB v1.4.9, hub q1 1.5.5');
    const patch = await net.edge('e2', [hub.address], { engineVersion: 'v1.5.9' });
    await until(() => patch.node.links()[0]?.state === 'joined');
  });

  it('fails a frozen node by name within its silence, and takes it back when it wakes', async () => {
    const hub = await net.hub('q1', { lease: { silenceMs: 1_000, mostMs: 15_000 } });
    const { target, line } = await net.wiring.via('e1', hub.address);
    const edge = await net.edge('e1', [target]);
    await net.edge('e2', [hub.address]);
    await until(() => alive(hub, 'e1') && alive(hub, 'e2'));
    edge.runner.work = (_emit, _request, signal) => hang(signal);
    const sink = new TestSink();
    const asked = ask(hub, ['e1', 'e2'], {}, sink);
    await until(() => edge.runner.requests.length === 1 && sink.outcomes.has('e2'));
    line.freeze();
    await asked;
    expect(sink.error('e1')).toMatch(/^NOT_READY e1: Node e1 has been silent for \d/);
    expect(sink.outcomes.get('e2')?.status).toBe('answered');
    expect(hub.node.network.members().find(({ name }) => name === 'e1')).toMatchObject({ alive: false });
    edge.runner.work = async (emit) => {
      await emit.chunk('f0', Buffer.from('awake'));
      return facts;
    };
    line.thaw();
    await until(() => alive(hub, 'e1'));
    expect((await ask(hub, ['e1'])).chunks).toMatchObject([{ text: 'awake' }]);
  });

  it('fails a node whose engine does not answer any more', async () => {
    const hub = await net.hub('q1');
    const edge = await net.edge('e1', [hub.address]);
    await until(() => alive(hub, 'e1'));
    edge.engineAgeMs = 6_000;
    await until(() => reason(hub, 'e1')?.includes('The database engine of node e1') === true);
    expect((await ask(hub, ['e1'])).error('e1')).toContain('NOT_READY e1: The database engine');
    edge.engineAgeMs = 0;
    await until(() => alive(hub, 'e1'));
  });

  it('fails a node that is cut off in the middle of its answer, and nobody else', async () => {
    const hub = await net.hub('q1');
    const { target, line } = await net.wiring.via('e1', hub.address);
    const edge = await net.edge('e1', [target]);
    await net.edge('e2', [hub.address]);
    await until(() => alive(hub, 'e1') && alive(hub, 'e2'));
    edge.runner.work = async (emit, _request, signal) => {
      await emit.chunk('f0', Buffer.from('half'));
      return await hang(signal);
    };
    const sink = new TestSink();
    const asked = ask(hub, ['e1', 'e2'], {}, sink);
    await until(() => sink.chunks.some(({ text }) => text === 'half'));
    line.cut();
    await asked;
    expect(sink.error('e1')).toMatch(/^NOT_READY e1: /);
    expect(sink.outcomes.get('e2')?.status).toBe('answered');
    await until(() => edge.runner.aborted === 1 && alive(hub, 'e1'));
  });

  it('holds a slow taker to few chunks, and nobody else waits for it', async () => {
    const hub = await net.hub('q1');
    const [slow, fast] = [await net.edge('slow', [hub.address]), await net.edge('fast', [hub.address])];
    await until(() => alive(hub, 'slow') && alive(hub, 'fast'));
    let sent = 0;
    const chunk = Buffer.alloc(512 * 1024, 1);
    for (const { runner } of [slow, fast]) {
      runner.work = async (emit) => {
        for (let each = 0; each < 20; each++) {
          await emit.chunk('f0', chunk);
          if (runner === slow.runner) sent++;
        }
        return facts;
      };
    }
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    const sink = new TestSink();
    sink.hold = (node) => (node === 'slow' ? held : Promise.resolve());
    const asked = ask(hub, ['slow', 'fast'], {}, sink);
    await until(() => sink.outcomes.has('fast'));
    expect(sink.outcomes.get('fast')?.status).toBe('answered');
    expect(sent).toBeLessThanOrEqual(4);
    go();
    await asked;
    expect(sink.outcomes.get('slow')).toMatchObject({ status: 'answered', facts: { bytes: 20 * chunk.length } });
  });

  it('takes 100 MB from 8 nodes at once in little memory', async () => {
    const hub = await net.hub('q1');
    const names = Array.from({ length: 8 }, (_, index) => `e${index}`);
    const chunk = Buffer.alloc(512 * 1024, 7);
    const each = Math.ceil((100 * 1024 * 1024) / chunk.length / names.length);
    for (const name of names) {
      const { runner } = await net.edge(name, [hub.address]);
      runner.work = async (emit) => {
        for (let sent = 0; sent < each; sent++) await emit.chunk('f0', chunk);
        return facts;
      };
    }
    await until(() => names.every((name) => alive(hub, name)));
    const before = process.memoryUsage.rss();
    let most = before;
    const sink = new TestSink();
    sink.hold = () => {
      most = Math.max(most, process.memoryUsage.rss());
      return Promise.resolve();
    };
    await ask(hub, names, {}, sink);
    expect([...sink.outcomes.values()].every(({ status }) => status === 'answered')).toBe(true);
    expect(sink.bytes).toBe(each * names.length * chunk.length);
    // Both sides are in this process, garbage not yet collected included.
    expect((most - before) / 1024 / 1024).toBeLessThan(200);
  });

  it('cancels on every node within 100 ms, relayed ones included', async () => {
    const [a, b] = [await net.hub('a'), await net.hub('b')];
    const c = await net.hub('c', { join: [b.address] });
    const edges = [
      await net.edge('e1', [c.address]),
      await net.edge('e2', [c.address]),
      await net.edge('e3', [b.address]),
    ];
    const names = ['e1', 'e2', 'e3'];
    await until(() => names.every((name) => alive(c, name)));
    let cancelled = 0;
    for (const { runner } of edges) {
      runner.work = async (_emit, _request, signal) => {
        signal.addEventListener('abort', () => cancelled++);
        return await hang(signal);
      };
    }
    const abort = new AbortController();
    const sink = new TestSink();
    const asked = ask(c, names, {}, sink, abort.signal);
    await until(() => edges.every(({ runner }) => runner.requests.length === 1));
    abort.abort();
    await asked;
    expect(names.map((name) => sink.error(name).split(':')[0])).toEqual(names.map((name) => `CANCELLED ${name}`));
    await until(() => cancelled === 3);
    expect(a.node.network.members()).toEqual([]);
  });

  it("gives a node the query's whole deadline and no more", async () => {
    const hub = await net.hub('q1');
    const edge = await net.edge('e1', [hub.address]);
    await until(() => alive(hub, 'e1'));
    edge.runner.work = (_emit, _request, signal) => hang(signal);
    const began = performance.now();
    expect((await ask(hub, ['e1'], { timeoutMs: 300 })).error('e1')).toMatch(
      /^DEADLINE e1: .* did not answer within 0.3 s/,
    );
    expect(performance.now() - began).toBeGreaterThan(250);
    await until(() => edge.runner.aborted === 1);
  });

  it('gives little time to a node that begins its answers and then says nothing, at its hub and at another', async () => {
    const hub = await net.hub('q1');
    const edge = await net.edge('e1', [hub.address]);
    const other = await net.hub('q2', { join: [hub.address] });
    await until(() => alive(hub, 'e1') && alive(other, 'e1'));
    edge.runner.work = async (emit, { fragments: [fragment] }, signal) => {
      await emit.chunk(fragment?.name ?? '', Buffer.from('P'));
      return await hang(signal);
    };
    for (const asker of [hub, other]) {
      await Promise.all([1, 2, 3].map(() => ask(asker, ['e1'], { timeoutMs: 2_300 })));
      expect((await ask(asker, ['e1'], { timeoutMs: 20_000 })).error('e1')).toMatch(/did not answer within 2.0 s/);
    }
  });

  it('keeps places for queries whatever number of live tails wait, and for its own users whoever relays', async () => {
    const hub = await net.hub('q1');
    const edge = await net.edge('e1', [hub.address]);
    const other = await net.hub('q2', { join: [hub.address] });
    await until(() => alive(hub, 'e1') && alive(other, 'e1'));
    edge.runner.work = async (emit, { fragments: [fragment], queryId }, signal) => {
      if (queryId === 'waits') return await hang(signal);
      await emit.chunk(fragment?.name ?? '', Buffer.from('rows'));
      return facts;
    };
    const leave = new AbortController();
    setMaxListeners(0, leave.signal);
    const waiting = (asker: TestNode, count: number, tail: string | null): Promise<TestSink>[] =>
      Array.from({ length: count }, () => ask(asker, ['e1'], { queryId: 'waits', tail }, new TestSink(), leave.signal));
    const tails = waiting(hub, 64, '{}');
    const relayed = waiting(other, 32, null);
    await until(() => edge.runner.requests.length === 96);
    expect((await ask(hub, ['e1'], { tail: '{}' })).error('e1')).toBe(
      'BUSY e1: Node e1 works on 64 live tails already.',
    );
    expect((await ask(other, ['e1'])).error('e1')).toContain('BUSY e1: Node e1 works on 32 requests of');
    expect((await ask(hub, ['e1'])).chunks).toHaveLength(1);
    leave.abort();
    await Promise.all([...tails, ...relayed]);
  });

  it('expects a node that went, over a restart of the hub too, until it is forgotten', async () => {
    const hub = await net.hub('q1', { dataFolder: folder });
    const edge = await net.edge('e1', [hub.address]);
    await until(() => alive(hub, 'e1'));
    await edge.node.close();
    await until(() => !alive(hub, 'e1'));
    expect(reason(hub, 'e1')).toMatch(/^Node e1 (left|lost)/);
    await hub.node.close();
    const again = await net.hub('q1', { dataFolder: folder });
    const [member] = again.node.network.members();
    expect(member).toMatchObject({ name: 'e1', cluster: 'c1', labels: { site: 'berlin' }, alive: false });
    expect(member?.reason).toContain('has not been seen since this node started');
    expect(member?.values.namespace).toBeNull();
    expect((await ask(again, ['e1'])).error('e1')).toContain('NOT_READY e1: Node e1 has not been seen');
    await again.node.network.forget('e1', AbortSignal.timeout(5_000));
    expect(again.node.network.members()).toEqual([]);
    await expect(again.node.network.forget('e1', AbortSignal.timeout(5_000))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    const third = await net.hub('q1', { dataFolder: folder });
    expect(third.node.network.members()).toEqual([]);
  });

  it('sends a node that is up away when it is forgotten, over a restart of the hub too; its next process joins', async () => {
    const hub = await net.hub('q1', { dataFolder: folder, port: net.wiring.kind === 'memory' ? 902 : 0 });
    const edge = await net.edge('e1', [hub.address]);
    const refused = (): LinkState | undefined => edge.node.links().find(({ state }) => state === 'refused');
    await until(() => alive(hub, 'e1'));
    await hub.node.network.forget('e1', AbortSignal.timeout(5_000));
    expect(hub.node.network.members()).toEqual([]);
    await until(() => refused() !== undefined);
    expect(refused()?.detail).toMatch(/Hub q1 was told to forget node e1\..*Restart the node/);
    await hub.node.close();
    await until(() => refused() === undefined, 'the hub is missed');
    const again = await net.hub('q1', { dataFolder: folder, port: hub.address.port });
    await until(() => refused() !== undefined, 'it is refused again');
    expect(again.node.network.members()).toEqual([]);
    await edge.node.close();
    await net.edge('e1', [again.address]);
    await until(() => alive(again, 'e1'));
  });

  it('does not forget the asked node itself', async () => {
    const hub = await net.hub('q1', { stores: true });
    await expect(hub.node.network.forget('q1', AbortSignal.timeout(5_000))).rejects.toMatchObject({ code: 'CONFLICT' });
    expect(hub.node.network.members()).toMatchObject([{ name: 'q1' }]);
  });

  it("remembers other hubs' members, and forgets them there too", async () => {
    const a = await net.hub('a', { port: net.wiring.kind === 'memory' ? 901 : 0 });
    const edge = await net.edge('e1', [a.address]);
    const c = await net.hub('c', { join: [a.address], dataFolder: folder });
    await until(() => alive(c, 'e1'));
    await c.node.close();
    await edge.node.close();
    await until(() => !alive(a, 'e1'));
    const again = await net.hub('c', { join: [a.address], dataFolder: folder });
    expect(again.node.network.members()).toMatchObject([{ name: 'e1', alive: false }]);
    await until(() => again.node.peers()[0]?.detail === null);
    await again.node.network.forget('e1', AbortSignal.timeout(5_000));
    expect(again.node.network.members()).toEqual([]);
    expect(a.node.network.members()).toEqual([]);
  });

  it('tells every hub of new values before a commit becomes visible', async () => {
    const hub = await net.hub('q1');
    const edge = await net.edge('e1', [hub.address]);
    await until(() => alive(hub, 'e1'));
    for (let each = 0; each < 20; each++) {
      const seen = await edge.publication.commit(
        { values: { namespace: [`ns${each}`] }, minTimes: new Map([['kubearmor.logs', 3_600_000_000 - each]]) },
        () => Promise.resolve(hub.node.network.members()[0]),
      );
      expect(seen?.values.namespace).toContain(`ns${each}`);
      expect(seen?.tables[0]?.minTimeMicros ?? Infinity).toBeLessThanOrEqual(3_600_000_000 - each);
    }
  });

  it('waits with a commit until a hub that does not hear must have given the node up', async () => {
    const hub = await net.hub('q1', { lease: { silenceMs: 800, mostMs: 15_000 } });
    const { target, line } = await net.wiring.via('e1', hub.address);
    const edge = await net.edge('e1', [target]);
    await until(() => alive(hub, 'e1'));
    line.freeze();
    const visible = await edge.publication.commit({ values: { host: ['new'] }, minTimes: new Map() }, () =>
      Promise.resolve(hub.node.network.members()[0]),
    );
    expect(visible).toMatchObject({ alive: false });
    expect(visible?.values.host).toBeNull();
    line.thaw();
    await until(() => alive(hub, 'e1'));
    expect(hub.node.network.members()[0]?.values.host).toContain('new');
  });

  it('lists no more than 1,000 values, and refuses metadata no node has', async () => {
    const hub = await net.hub('q1');
    const host = Array.from({ length: 1_001 }, (_, index) => `h${index}`);
    const long = { ...metadata.values, host, policy: ['x'.repeat(300)] };
    await net.edge('e1', [hub.address], { metadata: { ...metadata, values: long } });
    await until(() => alive(hub, 'e1'));
    expect(hub.node.network.members()[0]?.values).toMatchObject({ host: null, policy: null, namespace: ['shop'] });
    const labels = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`l${index}`, 'v']));
    const odd = await net.edge('e2', [hub.address], { metadata: { ...metadata, labels } });
    await until(() => odd.node.links()[0]?.state === 'refused');
    expect(odd.node.links()[0]?.detail).toContain('65 labels; 64 are the most');
    expect(alive(hub, 'e2')).toBe(false);
  });
});
