import { expect, it } from 'vitest';
import { silentLogger } from '../../backend/src/core/index.js';
import { MemoryBackbone, MemoryWires, NetworkNode, Publication } from '../../backend/src/network/index.js';
import { ManualTime, turns } from '../support/manual-time.js';
import { TestRunner, TestSink, identity, metadata, request } from '../support/network.js';

it('a hub that stood still blames neither its nodes nor its hubs, and fails no query', async () => {
  const time = new ManualTime();
  const wires = new MemoryWires();
  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (_: unknown, sentence: string) => warnings.push(sentence) };
  const start = (name: string, role: 'query' | 'edge', join: readonly NetworkNode[]): Promise<NetworkNode> =>
    NetworkNode.start({
      dataFolder: null,
      log,
      time,
      random: () => 0.5,
      identity: identity(name, role),
      lake:
        role === 'query'
          ? null
          : { publication: new Publication(metadata), runner: new TestRunner(name), engineAgeMs: () => 0 },
      backbone: new MemoryBackbone(wires, name),
      listen: role === 'query',
      join: join.flatMap(({ address }) => address ?? []),
    });
  const hub = await start('q1', 'query', []);
  const peer = await start('q2', 'query', [hub]);
  const edges = [await start('e1', 'edge', [hub]), await start('e2', 'edge', [hub])];
  const alive = (node: NetworkNode): readonly string[] =>
    node.network
      .members()
      .filter((state) => state.alive)
      .map(({ name }) => name)
      .sort();
  /** Time in which all of them run. */
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 50) {
      time.advance(50);
      await turns(2);
    }
  };
  await pass(2_000);
  expect([alive(hub), alive(peer)]).toEqual([
    ['e1', 'e2'],
    ['e1', 'e2'],
  ]);
  const values = hub.network.members()[0]?.values.host;
  expect(values).not.toBeNull();

  time.skip(60_000);
  // What they told is no promise any more until they are heard: nothing is ruled out by it.
  expect(alive(hub)).toEqual(['e1', 'e2']);
  expect(hub.network.members()[0]?.values.host ?? null).toBeNull();
  const sink = new TestSink();
  const asked = hub.network.scatter(['e1', 'e2'], request(), sink, new AbortController().signal);
  await pass(3_000);
  await asked;
  expect([...sink.outcomes.keys()].sort()).toEqual(['e1', 'e2']);
  expect([...sink.outcomes.values()].map(({ status }) => status)).toEqual(['answered', 'answered']);
  expect([alive(hub), alive(peer)]).toEqual([
    ['e1', 'e2'],
    ['e1', 'e2'],
  ]);
  expect(hub.network.members()[0]?.values.host).toEqual(values);
  expect(warnings).toEqual([]);
  for (const node of [...edges, peer, hub]) await node.close();
});
