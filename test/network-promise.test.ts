import { describe, expect, it } from 'vitest';
import { silentLogger } from '../backend/src/core/index.js';
import { MemoryBackbone, MemoryWires, NetworkNode, Publication } from '../backend/src/network/index.js';
import type { NodeMetadata } from '../backend/src/network/index.js';
import { ManualTime, turns } from './support/manual-time.js';
import { TestRunner, identity, logsTable, metadata } from './support/network.js';
import { Random } from './support/random.js';

const HOUR_MICROS = 3_600_000_000;
const seeds = process.env['ARMORLAKE_TEST_LONG'] === undefined ? 120 : 3_000;
const empty: NodeMetadata = {
  ...metadata,
  tables: [{ ...logsTable, minTimeMicros: null }],
  values: { cluster: [], host: [], namespace: [], policy: [] },
};

/** A lake of rows that are one namespace and one time each. */
class Rows {
  readonly visible = new Map<string, number>();

  /** As a node would read it to narrow what it published. */
  read(): NodeMetadata {
    const times = [...this.visible.values()];
    const minTimeMicros = times.length === 0 ? null : Math.min(...times);
    return {
      ...empty,
      tables: [{ ...logsTable, minTimeMicros }],
      values: { ...empty.values, namespace: [...this.visible.keys()] },
    };
  }
}

/** One node that writes, two hubs that read, and lines between them that fail. */
class Story {
  readonly time = new ManualTime();
  readonly rows = new Rows();
  readonly publication = new Publication(empty);
  readonly #wires = new MemoryWires();
  readonly #random: Random;
  readonly #hubs: NetworkNode[] = [];
  readonly #commits = new Set<Promise<void>>();
  #edge: NetworkNode | null = null;
  #next = 0;
  /** How often a hub was asked while it held the node alive: a story in which that is rare proves nothing. */
  looks = 0;
  finished = 0;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  async begin(): Promise<void> {
    const common = { dataFolder: null, log: silentLogger, time: this.time, random: () => this.#random.next() };
    for (const name of ['a', 'b']) {
      const backbone = new MemoryBackbone(this.#wires, name);
      this.#hubs.push(
        await NetworkNode.start({
          ...common,
          identity: identity(name, 'query'),
          lake: null,
          backbone,
          listen: true,
          join: [],
        }),
      );
    }
    this.#edge = await NetworkNode.start({
      ...common,
      identity: identity('e1'),
      lake: { publication: this.publication, runner: new TestRunner('e1'), engineAgeMs: () => 0 },
      backbone: new MemoryBackbone(this.#wires, 'e1'),
      listen: false,
      join: this.#hubs.flatMap(({ address }) => address ?? []),
    });
  }

  /** Something happens. */
  async step(): Promise<void> {
    const random = this.#random;
    const lines = this.#hubs.flatMap(({ address }) => (address === null ? [] : [this.#wires.line('e1', address)]));
    const dice = random.integer(100);
    if (dice < 30) this.#write();
    else if (dice < 36) random.pick(lines).freeze();
    else if (dice < 44) random.pick(lines).thaw();
    else if (dice < 47) random.pick(lines).cut();
    else if (dice < 52) await this.#narrow();
    else if (dice < 56) this.#expire();
    else if (dice < 80) this.time.advance(random.integer(300));
    else if (dice < 82) this.time.advance(random.integer(4_000));
    // All stood still, as when a machine stalls: nothing of what is under way has been read.
    else if (dice < 83) this.time.skip(random.integer(20_000));
    this.look();
    for (let turn = random.integer(12); turn > 0; turn--) {
      await turns(1);
      this.look();
    }
  }

  /** Whatever a hub says of a node it takes for alive is true of every row that can be seen. */
  look(): void {
    for (const { network } of this.#hubs) {
      const member = network.members().find(({ name }) => name === 'e1');
      if (member?.alive !== true) continue;
      this.looks++;
      const listed = member.values.namespace === null ? null : new Set(member.values.namespace);
      const min = member.tables[0]?.minTimeMicros ?? Infinity;
      for (const [namespace, time] of this.rows.visible) {
        if (listed?.has(namespace) === false) throw new Error(`A query would prune namespace ${namespace}.`);
        if (min > time) throw new Error(`A query would prune time ${time} by ${min}.`);
      }
    }
  }

  /** All is well again: every write ends. */
  async end(): Promise<void> {
    for (const { address } of this.#hubs) if (address !== null) this.#wires.line('e1', address).thaw();
    for (let each = 0; each < 100 && this.#commits.size > 0; each++) {
      this.time.advance(250);
      await turns(10);
      this.look();
    }
    expect(this.#commits.size).toBe(0);
    const nodes = this.#edge === null ? this.#hubs : [...this.#hubs, this.#edge];
    await Promise.all(nodes.map((node) => node.close()));
  }

  #write(): void {
    const namespace = this.#random.chance(0.7) ? `n${this.#next++}` : `n${this.#random.integer(this.#next + 1)}`;
    const micros = this.#random.integer(1_000) * HOUR_MICROS + this.#random.integer(HOUR_MICROS);
    const widening = { values: { namespace: [namespace] }, minTimes: new Map([[logsTable.name, micros]]) };
    const slow = this.#random.integer(6);
    const commit = this.publication.commit(widening, async () => {
      await turns(slow);
      const before = this.rows.visible.get(namespace) ?? Infinity;
      this.rows.visible.set(namespace, Math.min(before, micros));
      this.look();
      await turns(slow);
      this.finished++;
    });
    this.#commits.add(commit);
    void commit.finally(() => this.#commits.delete(commit));
  }

  async #narrow(): Promise<void> {
    const mark = this.publication.mark();
    await turns(this.#random.integer(5));
    const read = this.rows.read();
    await turns(this.#random.integer(5));
    this.publication.narrow(mark, this.#random.chance(0.9) ? read : null);
  }

  /** Retention: some rows go. */
  #expire(): void {
    for (const namespace of this.rows.visible.keys()) {
      if (this.#random.chance(0.5)) this.rows.visible.delete(namespace);
    }
  }
}

describe('the promise of values and times', () => {
  it(`misses no visible row in ${seeds} stories of writes, failing lines and readers`, async () => {
    let [looks, finished] = [0, 0];
    for (let seed = 1; seed <= seeds; seed++) {
      const story = new Story(seed);
      await story.begin();
      try {
        for (let step = 0; step < 150; step++) await story.step();
        await story.end();
      } catch (thrown) {
        throw new Error(`seed ${seed}: ${String(thrown)}`, { cause: thrown });
      }
      looks += story.looks;
      finished += story.finished;
    }
    expect(looks / seeds).toBeGreaterThan(200);
    expect(finished / seeds).toBeGreaterThan(20);
  }, 300_000);
});
