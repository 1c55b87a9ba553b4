import { describe, expect, it } from 'vitest';
import { DAY_MS, DataFolder, addRows } from '../../test/support/lake-fixture.js';
import { turns } from '../../test/support/manual-time.js';
import { Random } from '../../test/support/random.js';
import type { ConnectorStatus } from './connectors/index.js';
import type { Clock } from './core/index.js';
import { ArmorlakeError, silentLogger } from './core/index.js';
import type { CallOptions, EngineClient } from './engine/index.js';
import { LakeStore, lakeHandlers } from './lake/host.js';
import { BatchBuilder, IngestQueue, eventTables, kubearmorAlerts, kubearmorLogs, tableName } from './lake/index.js';
import type { QueuedBatch, Table } from './lake/index.js';
import type { NodeMetadata } from './network/index.js';
import { NodePublication } from './node-publication.js';

const HOUR_MS = 3_600_000;
const seeds = process.env['ARMORLAKE_TEST_LONG'] === undefined ? 6 : 60;

class HandClock implements Clock {
  wall = Date.UTC(2026, 0, 1);
  wallMs(): number {
    return this.wall;
  }
  monotonicMs(): number {
    return this.wall;
  }
}

/** A lake in this very process, behind the interface of an engine, that can go away and come back. */
class LocalEngine implements EngineClient {
  readonly #open: () => Promise<LakeStore>;
  store: LakeStore;
  readonly #calls = new Set<Promise<unknown>>();
  #away = false;

  private constructor(open: () => Promise<LakeStore>, store: LakeStore) {
    this.#open = open;
    this.store = store;
  }

  static async start(folder: DataFolder, clock: Clock): Promise<LocalEngine> {
    const settings = folder.settings({
      retention: { ...folder.settings().retention, logsMs: DAY_MS, alertsMs: DAY_MS },
    });
    const open = (): Promise<LakeStore> =>
      LakeStore.open({
        settings,
        facts: { resumed: true, openCrashes: 0 },
        logger: silentLogger,
        clock,
        uptime: () => ({ boot: 'one', ms: clock.monotonicMs() }),
      });
    return new LocalEngine(open, await open());
  }

  async restart(): Promise<void> {
    this.#away = true;
    // Unlike a process, a store that is closed keeps the file while a reader of it is open.
    await Promise.allSettled(this.#calls);
    await this.store.close();
    this.store = await this.#open();
    this.#away = false;
  }

  async call(method: string, parameters: unknown, options: CallOptions = {}): Promise<unknown> {
    if (this.#away) throw new ArmorlakeError('NOT_READY', 'restarting');
    const answer = lakeHandlers(this.store)[method]?.(parameters, {
      signal: options.signal ?? new AbortController().signal,
      bulk: options.bulk === undefined ? null : options.bulk.slice(0),
      head: () => undefined,
      write: () => Promise.resolve(),
    });
    const call = Promise.resolve(answer);
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  stream(): never {
    throw new TypeError('nothing is streamed here');
  }

  async rows(sql: string): Promise<readonly (readonly unknown[])[]> {
    const reader = await this.store.openReader();
    try {
      return (await reader.runAndReadAll(sql)).getRowsJS();
    } finally {
      this.store.closeReader(reader);
    }
  }
}

/** A hub whose word comes when it is let, and that prunes by what it has given its word for. */
class SlowHub {
  #sent: { readonly version: number; readonly metadata: NodeMetadata }[];
  known: NodeMetadata;
  #version = 1;
  heard = 0;
  readonly #waiting = new Set<() => void>();

  constructor(metadata: NodeMetadata) {
    this.known = metadata;
    this.#sent = [];
  }

  follow(metadata: NodeMetadata, version: number): void {
    this.heard++;
    this.#sent.push({ version, metadata });
  }

  settled(version: number): Promise<void> | null {
    if (this.#version >= version) return null;
    return new Promise((resolve) => {
      const check = (): void => {
        if (this.#version < version) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
    });
  }

  /** Takes in the next of what was sent, and says so. */
  takeOne(): void {
    const next = this.#sent.shift();
    if (next === undefined) return;
    this.known = next.metadata;
    this.#version = next.version;
    for (const check of [...this.#waiting]) check();
  }

  takeAll(): void {
    while (this.#sent.length > 0) this.takeOne();
  }
}

/** A batch whose rows have this value in all of the four columns, and this time. */
function batch(table: Table, value: string, timeMs: number, nowMs: number): QueuedBatch {
  const builder = new BatchBuilder(eventTables);
  addRows(builder, table, 3, (name, type) => {
    if (name === 'time') return timeMs * 1000;
    if (name === 'received_at') return nowMs * 1000;
    return type === 'VARCHAR' && ['cluster', 'host', 'namespace', 'policy'].includes(name) ? value : null;
  });
  const { buffer, widening } = builder.finish();
  const priority = table === kubearmorAlerts ? 'alerts' : 'other';
  return { buffer, priority, rows: 3, ledger: [], gaps: [], widening };
}

async function openPublication(
  engine: LocalEngine,
  clock: Clock,
  connectors: () => readonly ConnectorStatus[] = () => [],
): Promise<NodePublication> {
  const labels = { site: 'north' };
  const options = { engine, cluster: 'c1', labels, connectors, logger: silentLogger, clock, refreshMs: 0 };
  return await NodePublication.open(options, AbortSignal.timeout(20_000));
}

describe("a node's publication", () => {
  it('says what the lake holds, and looks again without publishing what has not changed', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const engine = await LocalEngine.start(folder, clock);
    let state: ConnectorStatus['state'] = 'connecting';
    const status = { kind: 'kubearmor', since: 0, lastEvent: null, rate: 0, breaks: 0, version: null } as const;
    const own = await openPublication(engine, clock, () => [{ ...status, name: 'k1', state, detail: null }]);
    const { publication } = own;
    expect(publication.metadata).toMatchObject({
      cluster: 'c1',
      labels: { site: 'north' },
      values: { host: [] },
      connectors: [{ name: 'k1', kind: 'kubearmor', state: 'connecting', detail: '' }],
    });
    await own.refresh();
    expect(publication.version).toBe(1);
    state = 'streaming';
    await own.refresh();
    expect(publication.version).toBe(2);
    expect(publication.metadata.connectors).toMatchObject([{ state: 'streaming' }]);
    const appended = batch(kubearmorLogs, 'v', clock.wall, clock.wall);
    await publication.commit(appended.widening ?? { values: {}, minTimes: new Map() }, async () => {
      await engine.call('append', { batch: 1 }, { bulk: appended.buffer });
    });
    await own.refresh();
    const logs = publication.metadata.tables.find(({ name }) => name === 'kubearmor.logs');
    expect(logs).toMatchObject({ rows: 3, minTimeMicros: clock.wall * 1000 });
    await own.close();
    await engine.store.close();
  });

  it('tells sizes when they are far off, and small changes after a minute', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const engine = await LocalEngine.start(folder, clock);
    const own = await openPublication(engine, clock);
    const rows = (): number | undefined =>
      own.publication.metadata.tables.find(({ name }) => name === 'armorlake.queries')?.rows;
    const random = new Random(1);
    // Megabytes, of which a block more or less is a small part.
    const sql = (): string => Array.from({ length: 1200 }, () => random.integer(2 ** 32).toString(16)).join('');
    const asked = (count: number): Promise<unknown> =>
      engine.call('queries', {
        rows: Array.from({ length: count }, (_, id) => ({ time: 0, id: `q${id}`, sql: sql() })),
      });
    await asked(1000);
    await engine.store.checkpoint();
    await own.refresh();
    expect(rows()).toBe(1000);
    await asked(1);
    await engine.store.checkpoint();
    await own.refresh();
    expect(rows()).toBe(1000);
    clock.wall += 60_000;
    await own.refresh();
    expect(rows()).toBe(1001);
    await own.close();
    await engine.store.close();
  });

  it('narrows after retention, and stays true and alive while the engine is away', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const engine = await LocalEngine.start(folder, clock);
    const own = await openPublication(engine, clock);
    const queue = new IngestQueue({ engine, maxBytes: 1e9, logger: silentLogger, commit: own.commit });
    queue.start(0);
    await queue.push(batch(kubearmorLogs, 'old', clock.wall - 5 * HOUR_MS, clock.wall));
    clock.wall += 30 * HOUR_MS;
    await queue.push(batch(kubearmorLogs, 'new', clock.wall, clock.wall));
    await own.refresh();
    expect(own.publication.metadata.values.host).toEqual(['old', 'new']);
    const restarted = engine.restart();
    await own.refresh();
    await restarted;
    own.engineRestarted();
    await own.refresh();
    expect(own.publication.metadata.values.host).toEqual(['old', 'new']);
    await engine.store.maintain();
    clock.wall += 11 * 60_000;
    await engine.store.maintain();
    await own.refresh();
    expect(own.publication.metadata.values).toMatchObject({ host: ['new'], namespace: ['new'], cluster: ['new'] });
    const logs = own.publication.metadata.tables.find(({ name }) => name === 'kubearmor.logs');
    expect(logs?.minTimeMicros).toBe((clock.wall - 11 * 60_000) * 1000);
    await queue.close();
    await own.close();
    await engine.store.close();
  });

  it(`misses no acknowledged row when readers prune by what a slow hub knows, in ${seeds} stories`, async () => {
    for (let seed = 1; seed <= seeds; seed++) {
      using folder = new DataFolder();
      const random = new Random(seed);
      const clock = new HandClock();
      const engine = await LocalEngine.start(folder, clock);
      const own = await openPublication(engine, clock);
      const hub = new SlowHub(own.publication.metadata);
      own.publication.follow(hub);
      const queue = new IngestQueue({ engine, maxBytes: 1e9, logger: silentLogger, commit: own.commit });
      queue.start(0);
      const acknowledged: { value: string; table: Table; timeMs: number }[] = [];
      let looks = 0;
      const look = async (): Promise<void> => {
        // The hub decides by what it knows now; whatever can be seen at that moment must not be left out.
        const { values, tables } = hub.known;
        const visible = await engine.rows(
          eventTables
            .filter(({ name }) => name !== 'messages')
            .map(
              (table) =>
                `SELECT '${tableName(table)}', host, epoch_ms(min(time)) FROM ${tableName(table)} GROUP BY ALL`,
            )
            .join(' UNION ALL '),
        );
        for (const [table, host, ms] of visible) {
          looks++;
          const text = String(host);
          for (const column of ['cluster', 'host', 'namespace'] as const) {
            expect(values[column] === null || values[column].includes(text)).toBe(true);
          }
          const bound = tables.find(({ name }) => name === table)?.minTimeMicros;
          expect(bound).toBeLessThanOrEqual(Number(ms) * 1000);
        }
        for (const { value, table, timeMs } of acknowledged) {
          if (clock.wall - timeMs > 20 * HOUR_MS) continue;
          expect(values.host === null || values.host.includes(value)).toBe(true);
          const bound = tables.find(({ name }) => name === tableName(table))?.minTimeMicros;
          expect(bound).toBeLessThanOrEqual(timeMs * 1000);
        }
      };
      const pushed: Promise<void>[] = [];
      for (let step = 0; step < 60; step++) {
        const dice = random.integer(100);
        if (dice < 45) {
          const table = random.chance(0.5) ? kubearmorLogs : kubearmorAlerts;
          const value = random.chance(0.7) ? `value ${step} of this story` : `v${random.integer(5)}`;
          const timeMs = clock.wall - random.integer(10 * HOUR_MS);
          const push = queue.push(batch(table, value, timeMs, clock.wall)).then((outcome) => {
            if (outcome === 'committed') acknowledged.push({ value, table, timeMs });
          });
          pushed.push(push);
        } else if (dice < 70) hub.takeOne();
        else if (dice < 75) hub.takeAll();
        else if (dice < 85) void own.refresh();
        else if (dice < 90) clock.wall += random.integer(6 * HOUR_MS);
        else if (dice < 95) await engine.store.maintain();
        else if (dice < 97) {
          await engine.restart();
          queue.engineRestarted();
          own.engineRestarted();
        }
        await turns(random.integer(30));
        await look();
      }
      while (acknowledged.length < pushed.length) {
        hub.takeAll();
        await turns(5);
        await look();
      }
      expect(looks).toBeGreaterThan(100);
      expect(pushed.length).toBeGreaterThan(10);
      await own.refresh();
      await queue.close();
      await own.close();
      await engine.store.close();
    }
  }, 200_000);
});
