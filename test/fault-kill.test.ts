import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Workplace } from './cli-support.js';
import { expectBalanced, expectContiguous, identities, identityOf } from './support/account.js';
import { TestKubeArmor, TestNode, until } from './support/node-process.js';
import { Random } from './support/random.js';

const long = process.env.ARMORLAKE_TEST_LONG === '1';
const seeds = long ? [1, 2, 3, 4, 5, 6, 7, 8] : [1, 2];
const NODE_KILLS = long ? 6 : 2;
const ENGINE_KILLS = long ? 10 : 3;
vi.setConfig({ testTimeout: long ? 900_000 : 300_000 });

let place: Workplace;
let kubearmor: TestKubeArmor;
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  await kubearmor.close();
  await place.close();
});

/** Checkpoints at a small WAL, so that kills hit them too; profile `edge` holds logs in memory for 2 s. */
function startNode(profile: 'edge' | 'server' = 'server'): Promise<TestNode> {
  return TestNode.start(place, {
    args: ['--kubearmor', kubearmor.address, '--profile', profile],
    environment: { ARMORLAKE_LIMITS_ENGINE_CHECKPOINT: '1MiB' },
  });
}

/** Waits for some more rows, and then a while that has nothing to do with anything. */
async function untilRandomMoment(node: TestNode, random: Random): Promise<void> {
  const goal = (await node.count('kubearmor.events')) + 300 + random.integer(1500);
  await until(async () => (await node.count('kubearmor.events')) >= goal, `${goal} rows`);
  await new Promise((resolve) => setTimeout(resolve, random.integer(300)));
}

/** Posts small pieces one after the other; knows which lines were acknowledged. */
class Poster {
  readonly sent: string[] = [];
  readonly acknowledged: string[] = [];

  async run(node: TestNode, life: number): Promise<void> {
    for (let piece = 0; ; piece++) {
      const names = Array.from({ length: 20 }, (_, line) => `/life/${life}/${piece}/${line}`);
      this.sent.push(...names);
      const lines = names.map((Cwd) => JSON.stringify({ Type: 'HostLog', Operation: 'File', Cwd }));
      try {
        const { status, body } = await node.post(lines.join('\n'));
        if (status !== 200) return;
        expect(body).toMatchObject({ accepted: 20, rejected: 0 });
      } catch {
        return; // The node is gone: nobody knows what became of this piece.
      }
      this.acknowledged.push(...names);
    }
  }
}

interface KnownGap {
  readonly from: number;
  readonly to: number;
}

/** The gaps of the node in ms since 1970. */
async function gapsOf(node: TestNode, cause: string): Promise<KnownGap[]> {
  const rows = await node.rows(
    `SELECT epoch_us(from_time) / 1000 AS first, epoch_us(to_time) / 1000 AS last FROM armorlake.gaps WHERE cause = '${cause}'`,
  );
  return rows.map(({ first, last }) => ({ from: Number(first), to: Number(last) }));
}

/** When each row arrived, in ms since 1970, by its identity. */
async function arrivalsOf(node: TestNode): Promise<Map<string, number>> {
  const rows = await node.rows('SELECT seq, epoch_us(received_at) / 1000 AS at FROM kubearmor.events');
  const bySeq = new Map(rows.map(({ seq, at }) => [Number(seq), Number(at)]));
  return new Map([...(await identities(node))].map(([seq, identity]) => [identity, bySeq.get(seq) ?? 0]));
}

describe('kill -9 at random moments', () => {
  it.each(seeds)('of the node, or of node and engine: no committed row is lost or doubled (seed %i)', async (seed) => {
    const random = new Random(seed);
    kubearmor = await TestKubeArmor.start(place, { rate: 2500, seed });
    const profile = seed % 2 === 0 ? 'edge' : 'server';
    const poster = new Poster();
    let node = await startNode(profile);
    for (let life = 0; life < NODE_KILLS; life++) {
      const posting = poster.run(node, life);
      await untilRandomMoment(node, random);
      const visible = await identities(node);
      await node.die((life + seed) % 2 === 0 ? 'both' : 'node');
      await posting;
      node = await startNode(profile);
      const after = await identities(node);
      for (const [seq, identity] of visible) expect([seq, after.get(seq)]).toEqual([seq, identity]);
      expect(await gapsOf(node, 'crash')).toHaveLength(life + 1);
    }
    const lastLife = await node.count('kubearmor.events');
    await until(async () => (await node.count('kubearmor.events')) > lastLife + 100, 'it takes in events again');
    kubearmor.pause();
    const truth = await kubearmor.truth();
    const lastSubscribers = [...new Set(truth.map(({ subscriber }) => subscriber))].slice(-2);
    const handedLast = truth.filter(({ subscriber }) => lastSubscribers.includes(subscriber)).map(identityOf);
    // The life that isn't killed loses nothing.
    await until(async () => {
      const stored = new Set((await identities(node)).values());
      return handedLast.every((identity) => stored.has(identity));
    }, 'everything of the last life is stored');

    const stored = [...(await identities(node)).values()];
    const known = new Set(truth.map(identityOf));
    expect(new Set(stored).size).toBe(stored.length);
    expect(stored.filter((identity) => !known.has(identity))).toEqual([]);
    await expectContiguous(node);
    await expectBalanced(node);
    // What is missing is what memory held: the end of a stream, in the gap of a crash that begins with its last row.
    const gaps = await gapsOf(node, 'crash');
    const arrivals = await arrivalsOf(node);
    for (const subscriber of new Set(truth.map((line) => line.subscriber))) {
      const handed = truth.filter((line) => line.subscriber === subscriber).map(identityOf);
      const kept = handed.filter((identity) => arrivals.has(identity));
      expect(kept).toEqual(handed.slice(0, kept.length));
      if (kept.length === 0 || kept.length === handed.length) continue;
      const last = Math.max(...kept.map((identity) => arrivals.get(identity) ?? 0));
      expect(gaps.filter(({ from, to }) => from <= last && last <= to)).not.toEqual([]);
    }

    const posted = await node.rows("SELECT cwd FROM kubearmor.logs WHERE connector = 'posted'");
    const lines = posted.map(({ cwd }) => String(cwd));
    expect(new Set(lines).size).toBe(lines.length);
    expect(poster.acknowledged.length).toBeGreaterThan(20);
    expect(lines).toEqual(expect.arrayContaining(poster.acknowledged));
    expect(poster.sent).toEqual(expect.arrayContaining(lines));
  });

  it.each(seeds)('of the engine alone: nothing at all is lost or doubled (seed %i)', async (seed) => {
    const random = new Random(seed);
    kubearmor = await TestKubeArmor.start(place, { rate: 2500, seed });
    const node = await startNode();
    for (let kill = 1; kill <= ENGINE_KILLS; kill++) {
      await untilRandomMoment(node, random);
      process.kill(await node.enginePid(), 'SIGKILL');
      await until(async () => {
        const { engine } = await node.status();
        return engine.state === 'ready' && engine.restarts === kill;
      }, 'the engine is back');
    }
    kubearmor.pause();
    const truth = await kubearmor.truth();
    await until(async () => (await node.received()) >= truth.length, 'all is received');
    const stored = [...(await identities(node)).values()].sort();
    expect(stored).toEqual(truth.map(identityOf).sort());
    await expectContiguous(node);
    await expectBalanced(node);
    expect(await node.rows('FROM armorlake.gaps')).toEqual([]);
    expect((await node.status()).ingest.droppedEvents).toBe(0);
  });
});

describe('SIGTERM', () => {
  it('during ingest ends with 0, all that was taken in committed, and without a crash gap', async () => {
    kubearmor = await TestKubeArmor.start(place, { rate: 2500, seed: 3 });
    const poster = new Poster();
    const node = await startNode();
    const posting = poster.run(node, 0);
    await untilRandomMoment(node, new Random(3));
    const visible = await identities(node);
    node.running.kill('SIGTERM');
    expect(await node.running.finished).toMatchObject({ code: 0, signal: null });
    await posting;

    const again = await TestNode.start(place);
    const truth = await kubearmor.truth();
    const after = await identities(again);
    for (const [seq, identity] of visible) expect([seq, after.get(seq)]).toEqual([seq, identity]);
    // Of each stream a beginning without holes is there.
    for (const stream of ['logs', 'alerts']) {
      const handed = truth.filter((line) => line.stream === stream).map(identityOf);
      const stored = [...after.values()].filter((identity) => identity.startsWith(stream));
      expect(stored).toEqual(handed.slice(0, stored.length));
    }
    await expectContiguous(again);
    await expectBalanced(again);
    expect(await again.rows("FROM armorlake.gaps WHERE cause = 'crash'")).toEqual([]);
    const posted = await again.rows("SELECT cwd FROM kubearmor.logs WHERE connector = 'posted' ORDER BY seq");
    expect(posted.map(({ cwd }) => cwd)).toEqual(expect.arrayContaining(poster.acknowledged));
    expect(poster.acknowledged.length).toBeGreaterThan(20);
  });
});
