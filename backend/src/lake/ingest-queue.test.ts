import { describe, expect, it } from 'vitest';
import { DataFolder, packRows, plainRows } from '../../../test/support/lake-fixture.js';
import { ArmorlakeError, silentLogger } from '../core/index.js';
import type { CallOptions, EngineClient } from '../engine/index.js';
import { LakeStore, lakeHandlers } from './host.js';
import { IngestQueue } from './ingest-queue.js';
import type { QueuedBatch } from './ingest-queue.js';
import { kubearmorLogs } from './tables.js';
import { noWidening } from './widening.js';

/** A lake in this very process, behind the interface of an engine. */
class LocalEngine implements EngineClient {
  readonly store: LakeStore;
  /** Set to let calls fail. */
  error: ArmorlakeError | null = null;

  constructor(store: LakeStore) {
    this.store = store;
  }

  async call(method: string, parameters: unknown, options: CallOptions = {}): Promise<unknown> {
    if (this.error !== null && method === 'append') throw this.error;
    const handler = lakeHandlers(this.store)[method];
    return handler?.(parameters, {
      signal: options.signal ?? new AbortController().signal,
      // As over the socket: the engine gets its own bytes.
      bulk: options.bulk === undefined ? null : options.bulk.slice(0),
      head: () => undefined,
      write: () => Promise.resolve(),
    });
  }

  stream(): never {
    throw new TypeError('nothing is streamed here');
  }
}

function queued(rows: number): QueuedBatch {
  const { buffer } = packRows(kubearmorLogs, rows, plainRows(1));
  const delta = { connector: 'c1', stream: 'logs', received: rows, stored: rows, deadLettered: 0, dropped: 0 };
  return { buffer, priority: 'other', rows, ledger: [{ ...delta, reason: null }], gaps: [] };
}

async function rowsOf(store: LakeStore, sql: string): Promise<unknown> {
  const reader = await store.openReader();
  try {
    return (await reader.runAndReadAll(sql)).getRowsJson();
  } finally {
    store.closeReader(reader);
  }
}

describe('IngestQueue', () => {
  it('goes on by itself after a full disk; the ledger balances and a gap row stands for the time', async () => {
    using folder = new DataFolder();
    let freeBytes = 1e6;
    const store = await LakeStore.open({
      settings: folder.settings({ minFreeBytes: 5e6 }),
      facts: { resumed: false, openCrashes: 0 },
      logger: silentLogger,
      readDisk: () => Promise.resolve({ freeBytes, totalBytes: 1e12 }),
    });
    const one = queued(10);
    const queue = new IngestQueue({
      engine: new LocalEngine(store),
      maxBytes: one.buffer.byteLength * 2,
      logger: silentLogger,
    });
    queue.start(store.lastBatch);
    const outcomes = [queue.push(one)];
    while (!queue.figures().diskFull) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(queue.refusal()).toMatchObject({ code: 'DISK_FULL' });
    outcomes.push(...[1, 2, 3, 4].map(() => queue.push(queued(10))));
    // The account is taken even while events are not.
    while (((await rowsOf(store, 'SELECT sum(dropped)::INT FROM armorlake.ledger')) as number[][])[0]?.[0] === null) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await rowsOf(store, 'SELECT DISTINCT reason, stored::INT FROM armorlake.ledger')).toEqual([
      ['disk_full', 0],
    ]);
    freeBytes = 1e9;
    await queue.drain(AbortSignal.timeout(10_000));
    const settled = await Promise.all(outcomes);
    const dropped = settled.filter((outcome) => outcome === 'dropped').length * 10;
    expect(dropped).toBeGreaterThan(0);
    expect(dropped).toBeLessThan(50);
    expect(
      await rowsOf(store, 'SELECT sum(received)::INT, sum(stored)::INT, sum(dropped)::INT FROM armorlake.ledger'),
    ).toEqual([[50, 50 - dropped, dropped]]);
    expect(await rowsOf(store, 'SELECT count(*)::INT FROM kubearmor.logs')).toEqual([[50 - dropped]]);
    expect(await rowsOf(store, 'SELECT cause, estimated::INT FROM armorlake.gaps')).toEqual([['disk_full', dropped]]);
    expect(queue.refusal()).toBeNull();
    await queue.close();
    await store.close();
  });

  it('accounts for what it could not store before it was closed', async () => {
    using folder = new DataFolder();
    const store = await LakeStore.open({
      settings: folder.settings({ minFreeBytes: 5e6 }),
      facts: { resumed: false, openCrashes: 0 },
      logger: silentLogger,
      readDisk: () => Promise.resolve({ freeBytes: 1e6, totalBytes: 1e12 }),
    });
    const queue = new IngestQueue({ engine: new LocalEngine(store), maxBytes: 1e9, logger: silentLogger });
    queue.start(store.lastBatch);
    const outcomes = [10, 7].map((rows) => queue.push(queued(rows)));
    while (!queue.figures().diskFull) await new Promise((resolve) => setTimeout(resolve, 5));
    await expect(queue.drain(AbortSignal.timeout(100))).rejects.toThrow();
    await queue.close();
    expect(await Promise.all(outcomes)).toEqual(['dropped', 'dropped']);
    expect(
      await rowsOf(store, 'SELECT received::INT, stored::INT, dropped::INT, reason FROM armorlake.ledger'),
    ).toEqual([[17, 0, 17, 'stopped']]);
    expect(await rowsOf(store, 'SELECT cause, estimated::INT FROM armorlake.gaps')).toEqual([['disk_full', 17]]);
    await store.close();
  });

  it('does not count as dropped what was committed while it was closed', async () => {
    using folder = new DataFolder();
    const store = await LakeStore.open({
      settings: folder.settings(),
      facts: { resumed: false, openCrashes: 0 },
      logger: silentLogger,
    });
    const engine = new LocalEngine(store);
    const queue = new IngestQueue({
      engine: {
        // The engine stores it, and its answer never comes.
        call: async (method, parameters, options = {}) => {
          const answer = await engine.call(method, parameters, options);
          const { bulk, signal } = options;
          if (bulk === undefined || signal === undefined) return answer;
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
          throw new ArmorlakeError('CANCELLED', 'aborted');
        },
        stream: () => engine.stream(),
      },
      maxBytes: 1e9,
      logger: silentLogger,
    });
    queue.start(store.lastBatch);
    const outcomes = [10, 7].map((rows) => queue.push(queued(rows)));
    while (store.lastBatch === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await queue.close();
    expect(await Promise.all(outcomes)).toEqual(['committed', 'dropped']);
    expect(
      await rowsOf(store, 'SELECT received::INT, stored::INT, dropped::INT, reason FROM armorlake.ledger ORDER BY 1'),
    ).toEqual([
      [7, 0, 7, 'stopped'],
      [10, 10, 0, null],
    ]);
    await store.close();
  });

  it('drops a batch that can never be stored, says so, and stores the next', async () => {
    using folder = new DataFolder();
    const store = await LakeStore.open({
      settings: folder.settings(),
      facts: { resumed: false, openCrashes: 0 },
      logger: silentLogger,
    });
    const engine = new LocalEngine(store);
    const queue = new IngestQueue({ engine, maxBytes: 1e9, logger: silentLogger });
    engine.error = new ArmorlakeError('INTERNAL', 'this batch breaks it');
    queue.start(0);
    const bad = queue.push(queued(3));
    expect(await bad).toBe('dropped');
    engine.error = null;
    expect(await queue.push(queued(4))).toBe('committed');
    await queue.drain(AbortSignal.timeout(10_000));
    expect(await rowsOf(store, 'SELECT stored::INT, dropped::INT, reason FROM armorlake.ledger ORDER BY ALL')).toEqual([
      [0, 3, 'rejected'],
      [4, 0, null],
    ]);
    await queue.close();
    await store.close();
  });

  it('stores alerts while logs before them wait for their word, each class in its order, exactly once', async () => {
    using folder = new DataFolder();
    const store = await LakeStore.open({
      settings: folder.settings(),
      facts: { resumed: false, openCrashes: 0 },
      logger: silentLogger,
    });
    const words = new Map<string, () => void>();
    const queue = new IngestQueue({
      engine: new LocalEngine(store),
      maxBytes: 1e9,
      logger: silentLogger,
      commit: async ({ values }, run) => {
        const [host = ''] = values.host;
        if (host !== 'known') await new Promise<void>((resolve) => words.set(host, resolve));
        await run();
      },
    });
    queue.start(store.lastBatch);
    const order: string[] = [];
    const push = (name: string, priority: QueuedBatch['priority'], host = name): Promise<void> => {
      const widening = { ...noWidening, values: { ...noWidening.values, host: [host] } };
      return queue.push({ ...queued(3), priority, widening }).then((outcome) => {
        order.push(`${name} ${outcome}`);
      });
    };
    const logs = [push('log 1', 'other'), push('log 2', 'other', 'known')];
    await push('alert 1', 'alerts', 'known');
    const alerts = [push('alert 2', 'alerts'), push('alert 3', 'alerts', 'known')];
    words.get('log 1')?.();
    await Promise.all(logs);
    expect(order).toEqual(['alert 1 committed', 'log 1 committed', 'log 2 committed']);
    expect(await rowsOf(store, 'SELECT count(*)::INT, max(seq)::INT FROM kubearmor.logs')).toEqual([[9, 9]]);
    words.get('alert 2')?.();
    await Promise.all(alerts);
    expect(order.slice(3)).toEqual(['alert 2 committed', 'alert 3 committed']);
    await queue.drain(AbortSignal.timeout(10_000));
    expect(store.lastBatch).toBe(5);
    await queue.close();
    await store.close();
  });

  it('ends the hook of a batch when it is committed, dropped, or given up at the close', async () => {
    using folder = new DataFolder();
    const store = await LakeStore.open({
      settings: folder.settings(),
      facts: { resumed: false, openCrashes: 0 },
      logger: silentLogger,
    });
    const ended: string[] = [];
    const words = new Map<string, () => void>();
    const one = queued(10);
    const queue = new IngestQueue({
      engine: new LocalEngine(store),
      maxBytes: one.buffer.byteLength * 2,
      logger: silentLogger,
      commit: async ({ values }, run) => {
        const [host = ''] = values.host;
        await new Promise<void>((resolve) => words.set(host, resolve));
        await run();
        ended.push(host);
      },
    });
    queue.start(store.lastBatch);
    const outcomes = ['a', 'b', 'c', 'd'].map((host) =>
      queue.push({ ...queued(10), widening: { ...noWidening, values: { ...noWidening.values, host: [host] } } }),
    );
    // Over the bound the oldest go, whatever they wait for; their account goes out at once.
    expect(await outcomes[0]).toBe('dropped');
    expect(await outcomes[1]).toBe('dropped');
    while (store.lastBatch === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(await rowsOf(store, 'SELECT dropped::INT, stored::INT FROM armorlake.ledger')).toEqual([[20, 0]]);
    for (const host of ['a', 'b', 'c']) words.get(host)?.();
    expect(await outcomes[2]).toBe('committed');
    await queue.close();
    expect(await outcomes[3]).toBe('dropped');
    words.get('d')?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended.sort()).toEqual(['a', 'b', 'c', 'd']);
    expect(await rowsOf(store, 'SELECT count(*)::INT FROM kubearmor.logs')).toEqual([[10]]);
    await store.close();
  });

  it('stores a batch whose announcement failed, and says so', async () => {
    using folder = new DataFolder();
    const store = await LakeStore.open({
      settings: folder.settings(),
      facts: { resumed: false, openCrashes: 0 },
      logger: silentLogger,
    });
    const queue = new IngestQueue({
      engine: new LocalEngine(store),
      maxBytes: 1e9,
      logger: silentLogger,
      commit: () => Promise.reject(new Error('no word')),
    });
    queue.start(store.lastBatch);
    expect(await queue.push(queued(4))).toBe('committed');
    await queue.close();
    await store.close();
  });

  it('keeps a hook that runs at once waiting until the batch is committed', async () => {
    using folder = new DataFolder();
    const settings = folder.settings();
    const store = await LakeStore.open({ settings, facts: { resumed: false, openCrashes: 0 }, logger: silentLogger });
    const errors: string[] = [];
    const seen: number[] = [];
    const queue = new IngestQueue({
      engine: new LocalEngine(store),
      maxBytes: 1 << 20,
      logger: { ...silentLogger, error: (_, message) => errors.push(message) },
      commit: async (_, run) => {
        await run();
        seen.push(store.lastSeq);
      },
    });
    queue.start(0);
    expect(await queue.push(queued(3))).toBe('committed');
    await expect.poll(() => seen).toEqual([3]);
    expect(errors).toEqual([]);
    await queue.close();
    await store.close();
  });
});
