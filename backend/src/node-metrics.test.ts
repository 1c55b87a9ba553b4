import { describe, expect, it } from 'vitest';
import { DataFolder } from '../../test/support/lake-fixture.js';
import { HandClock as AgingClock, openStore } from '../../test/support/lake-store.js';
import type { Clock } from './core/index.js';
import { ArmorlakeError, silentLogger } from './core/index.js';
import type { CallOptions } from './engine/index.js';
import type { LakeStore } from './lake/host.js';
import { lakeHandlers } from './lake/host.js';
import type { IngestFigures } from './lake/index.js';
import { NodeMetrics } from './node-metrics.js';
import type { NodeMetricsOptions } from './node-metrics.js';
import { readProcesses } from './node-processes.js';

class HandClock implements Clock {
  ms = Date.UTC(2026, 0, 1);
  wallMs(): number {
    return this.ms;
  }
  monotonicMs(): number {
    return this.ms;
  }
}

const idle: IngestFigures = {
  queuedBytes: 0,
  queuedBatches: 0,
  queuedRows: 0,
  committedRows: 0,
  committedBatches: 0,
  droppedEvents: 0,
  diskFull: false,
  lagMs: 0,
};

/** A lake behind the interface of an engine, and a node's parts whose figures a test sets. */
class Parts {
  readonly clock = new HandClock();
  readonly store: LakeStore;
  readonly engine;
  readonly network = {
    traffic: { sentBytes: 0, receivedBytes: 0 },
    mergePid: 3 as number | undefined,
    certificateExpiresMs: (): number | null => Date.UTC(2026, 0, 31),
  };
  figures = idle;
  usage: Awaited<ReturnType<typeof readProcesses>> = { cpuSeconds: 1.5, rssBytes: 2e8, writtenBytes: 4096 };
  asked: readonly number[] = [];
  away = false;

  private constructor(store: LakeStore) {
    this.store = store;
    const handlers = lakeHandlers(store);
    this.engine = {
      pid: 2,
      restarts: 0,
      call: async (method: string, parameters: unknown, { signal }: CallOptions = {}): Promise<unknown> => {
        if (this.away) throw new ArmorlakeError('NOT_READY', 'restarting');
        return await handlers[method]?.(parameters, {
          signal: signal ?? new AbortController().signal,
          bulk: null,
          head: () => undefined,
          write: () => Promise.resolve(),
        });
      },
      stream: (): never => {
        throw new TypeError('nothing is streamed here');
      },
    };
  }

  /** @param clock of the lake, where rows are to age */
  static async open(folder: DataFolder, clock?: AgingClock): Promise<Parts> {
    const readDisk = (): Promise<{ freeBytes: number; totalBytes: number }> =>
      Promise.resolve({ freeBytes: 5e9, totalBytes: 1e10 });
    return new Parts(await openStore(folder, {}, { readDisk, ...(clock === undefined ? {} : { clock }) }));
  }

  metrics(changes: Partial<NodeMetricsOptions> = {}): NodeMetrics {
    return new NodeMetrics({
      engine: this.engine,
      queue: { figures: () => this.figures },
      network: this.network,
      version: '1.2.3',
      profile: 'edge',
      keptFreeBytes: 5e8,
      startedMs: this.clock.ms - 2000,
      logger: silentLogger,
      clock: this.clock,
      readProcesses: (pids) => {
        this.asked = pids;
        return Promise.resolve(this.usage);
      },
      everyMs: 0,
      ...changes,
    });
  }

  async rows(columns: string): Promise<readonly (readonly unknown[])[]> {
    const reader = await this.store.openReader();
    try {
      const sql = `SELECT ${columns} FROM armorlake.node_metrics ORDER BY time`;
      return (await reader.runAndReadAll(sql)).getRowsJson();
    } finally {
      this.store.closeReader(reader);
    }
  }
}

describe('armorlake.node_metrics', () => {
  it('has a row of what the node is, and of what came since the row before', async () => {
    using folder = new DataFolder();
    const parts = await Parts.open(folder);
    const metrics = parts.metrics();
    await metrics.record();
    expect(parts.asked).toEqual([process.pid, 2, 3]);
    parts.clock.ms += 60_000;
    parts.usage = { cpuSeconds: 4.5, rssBytes: 3e8, writtenBytes: 10_000 };
    parts.figures = { ...idle, committedRows: 700, lagMs: 250 };
    parts.network.traffic = { sentBytes: 5000, receivedBytes: 80 };
    parts.engine.restarts = 1;
    await metrics.record();
    const counted = 'seconds, cpu_seconds, rss_bytes::INT, written_bytes::INT, events::INT, engine_restarts';
    expect(await parts.rows(counted)).toEqual([
      [2, 1.5, 200_000_000, 4096, 0, 0],
      [60, 3, 300_000_000, 5904, 700, 1],
    ]);
    const told = 'node, version, profile, network_sent_bytes::INT, network_received_bytes::INT, ingest_lag_seconds';
    expect((await parts.rows(told))[1]).toEqual([folder.settings().node, '1.2.3', 'edge', 5000, 80, 0.25]);
    const held = 'lake_bytes > 0, wal_bytes > 0, archive_bytes::INT, disk_limit_bytes, disk_free_bytes';
    expect((await parts.rows(held))[1]).toEqual([true, true, 0, '2147483648', '4500000000']);
    expect((await parts.rows('time, certificate_expires'))[1]).toEqual(['2026-01-01 00:01:00', '2026-01-31 00:00:00']);
    await parts.store.close();
  });

  it('lets the next row stand for one that could not be stored', async () => {
    using folder = new DataFolder();
    const parts = await Parts.open(folder);
    const metrics = parts.metrics();
    await metrics.record();
    parts.away = true;
    parts.clock.ms += 60_000;
    parts.figures = { ...idle, committedRows: 10 };
    await metrics.record();
    parts.away = false;
    parts.clock.ms += 60_000;
    parts.figures = { ...idle, committedRows: 25 };
    await metrics.close();
    expect(await parts.rows('seconds, events::INT')).toEqual([
      [2, 0],
      [120, 25],
    ]);
    await parts.store.close();
  });

  it('says NULL where a platform tells nothing, and where there is no network', async () => {
    using folder = new DataFolder();
    const parts = await Parts.open(folder);
    parts.usage = null;
    const metrics = parts.metrics({ network: null });
    await metrics.record();
    // From the start it cannot be told when the platform begins to tell.
    parts.usage = { cpuSeconds: 9, rssBytes: 1, writtenBytes: 9 };
    await metrics.record();
    const columns = 'cpu_seconds, rss_bytes::INT, written_bytes::INT, network_sent_bytes::INT, certificate_expires';
    expect(await parts.rows(columns)).toEqual([
      [null, null, null, 0, null],
      [null, 1, null, 0, null],
    ]);
    await parts.store.close();
  });

  it('is kept as long as the ledger', async () => {
    using folder = new DataFolder();
    const clock = new AgingClock();
    const parts = await Parts.open(folder, clock);
    const metrics = parts.metrics({ clock });
    await metrics.record();
    clock.advance(folder.settings().retention.ledgerMs + 60_000);
    await metrics.record();
    expect((await parts.store.maintain()).deleted).toEqual({ 'armorlake.node_metrics': 1 });
    expect(await parts.rows('node')).toEqual([['node-1']]);
    await parts.store.close();
  });
});

describe.runIf(process.platform === 'linux')('what processes have taken', () => {
  it('is read of this one, and of others while they are there', async () => {
    const own = await readProcesses([process.pid]);
    expect(own?.rssBytes).toBeGreaterThan(1e6);
    expect(own?.cpuSeconds).toBeGreaterThan(0);
    // No process has this number: pid_max is 2^22 at most.
    const both = await readProcesses([process.pid, 2 ** 23]);
    expect(both?.cpuSeconds).toBeGreaterThanOrEqual(own?.cpuSeconds ?? Infinity);
    expect(await readProcesses([2 ** 23])).toBeNull();
  });
});
