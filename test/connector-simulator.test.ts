import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { WorkerBatch } from '../backend/src/connectors/index.js';
import { ConnectorHub } from '../backend/src/connectors/index.js';
import { ArrivalClock } from '../backend/src/core/index.js';
import type { RunningSimulator, SimulatorInput, TruthLine } from '../backend/src/simulator/index.js';
import { startSimulator } from '../backend/src/simulator/index.js';
import { ARRIVAL_MS, hubConfig, stoppedClock, testLimits } from './support/connector-lane.js';
import type { PlainEvent } from './support/expected-rows.js';
import { expectedRow } from './support/expected-rows.js';
import { readPackedRows } from './support/packed-rows.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const timings = { firstRetryMs: 50, lastRetryMs: 100, probeMs: 10_000, quietMs: 60_000, settleMs: 20 };

/** A simulator that writes its truth, and a hub that listens to it. */
class Fixture {
  readonly batches: WorkerBatch[] = [];
  readonly hub: ConnectorHub;
  readonly simulator: RunningSimulator;
  readonly #truthFile: string;

  constructor(simulator: RunningSimulator, truthFile: string) {
    this.simulator = simulator;
    this.#truthFile = truthFile;
    this.hub = new ConnectorHub({
      config: hubConfig({
        kubearmor: [
          {
            name: 'ka',
            address: simulator.address,
            cluster: null,
            tls: null,
            streams: ['alerts', 'logs'],
            filters: { alerts: 'all', logs: 'all' },
          },
        ],
        limits: { ...testLimits, logsCommitMs: 50, alertsCommitMs: 50 },
      }),
      clock: new ArrivalClock(stoppedClock),
      post: (batch) => this.batches.push(batch),
      status: () => undefined,
      timings,
    });
  }

  static async start(input: SimulatorInput): Promise<Fixture> {
    const folder = await mkdtemp(join(tmpdir(), 'armorlake-connector-'));
    cleanups.push(() => rm(folder, { recursive: true, force: true }));
    const truthFile = join(folder, 'truth.ndjson');
    const simulator = await startSimulator({
      listen: '127.0.0.1:0',
      rate: 20_000,
      lossless: true,
      throttle: undefined,
      truthFile,
      ...input,
    });
    cleanups.push(() => simulator.close());
    const fixture = new Fixture(simulator, truthFile);
    fixture.hub.start();
    cleanups.push(() => fixture.hub.close());
    return fixture;
  }

  received(): number {
    return this.batches.flatMap(({ info }) => info.ledger).reduce((sum, delta) => sum + delta.received, 0);
  }

  async truth(): Promise<readonly TruthLine[]> {
    await this.simulator.close();
    const text = await readFile(this.#truthFile, 'utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as TruthLine);
  }

  rows(table: string) {
    return this.batches
      .flatMap(({ buffer }) => readPackedRows(buffer))
      .filter((section) => section.table === table)
      .flatMap(({ rows }) => rows);
  }
}

describe('a KubeArmor like the real one', () => {
  it('has every event it sent stored, field by field and in its order', async () => {
    const fixture = await Fixture.start({ count: 3000, seed: 7 });
    await fixture.simulator.finished;
    await vi.waitFor(() => expect(fixture.received()).toBe(3000), { timeout: 60_000, interval: 50 });
    const truth = await fixture.truth();
    for (const stream of ['logs', 'alerts'] as const) {
      const expected = truth
        .filter((line) => line.stream === stream)
        .map(({ event }) => expectedRow(event as PlainEvent, 'ka', stream === 'alerts'));
      expect(expected.length).toBeGreaterThan(100);
      expect(fixture.rows(`kubearmor.${stream}`)).toEqual(expected);
    }
  });

  it('has each message counted once, whatever is wrong with it', async () => {
    const faults = { malformedEvery: 50, hostileEvery: 37, oversizedEvery: 700, oversizedBytes: 2 << 20 };
    const fixture = await Fixture.start({ count: 2000, seed: 8, faults });
    await fixture.simulator.finished;
    // The truth file is written every 100 ms; malformed messages are in it, and in no counter.
    const malformed = Math.floor(2000 / 50);
    const { logs, alerts } = fixture.simulator.counters();
    const sent = logs.sent + alerts.sent + malformed;
    await vi.waitFor(() => expect(fixture.received()).toBe(sent), { timeout: 60_000, interval: 50 });
    const truth = await fixture.truth();
    expect(truth).toHaveLength(sent);
    const deltas = fixture.batches.flatMap(({ info }) => info.ledger);
    const sum = (count: (delta: (typeof deltas)[number]) => number): number =>
      deltas.reduce((total, delta) => total + count(delta), 0);
    expect(sum(({ deadLettered }) => deadLettered)).toBe(
      truth.filter(({ malformed }) => malformed !== undefined).length,
    );
    expect(sum(({ stored }) => stored)).toBe(
      fixture.rows('kubearmor.logs').length + fixture.rows('kubearmor.alerts').length,
    );
    expect(sum(({ dropped }) => dropped)).toBe(0);
    const rows = [...fixture.rows('kubearmor.logs'), ...fixture.rows('kubearmor.alerts')];
    const marks = new Set(rows.flatMap(({ quality }) => quality as readonly string[]));
    expect([...marks]).toEqual(expect.arrayContaining(['capped:resource']));
    expect([...marks].some((mark) => mark.startsWith('utf8:'))).toBe(true);
  });

  it.each(['internal', 'unavailable', 'ok', 'reset'] as const)('comes back after a break of kind %s', async (way) => {
    const fixture = await Fixture.start({ rate: 500, seed: 9 });
    await vi.waitFor(() => expect(fixture.received()).toBeGreaterThan(50), { timeout: 60_000, interval: 10 });
    fixture.simulator.breakStreams(way);
    await vi.waitFor(
      () => {
        const gaps = fixture.batches.flatMap(({ info }) => info.gaps);
        expect(new Set(gaps.map(({ stream }) => stream))).toEqual(new Set(['logs', 'alerts']));
      },
      { timeout: 60_000, interval: 10 },
    );
    const gaps = fixture.batches.flatMap(({ info }) => info.gaps);
    const cause = { internal: /^break:13$/, unavailable: /^break:14$/, ok: /^ended$/, reset: /^break:(13|14)$/ }[way];
    for (const gap of gaps) {
      expect(gap.cause).toMatch(cause);
      expect(gap.fromMicros).toBe(ARRIVAL_MS * 1000);
    }
    const before = fixture.received();
    await vi.waitFor(() => expect(fixture.received()).toBeGreaterThan(before + 50), { timeout: 60_000, interval: 10 });
  });
});
