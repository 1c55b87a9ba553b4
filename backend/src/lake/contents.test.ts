import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DAY_MS, DataFolder, addRows } from '../../../test/support/lake-fixture.js';
import { Random } from '../../../test/support/random.js';
import { silentLogger } from '../core/index.js';
import type { Clock } from '../core/index.js';
import { BatchBuilder } from './batch/builder.js';
import { LakeStore } from './host.js';
import type { LakeMetadata } from './metadata.js';
import type { LakeSettings } from './settings.js';
import { eventTables, kubearmorAlerts, kubearmorLogs, kubearmorMessages } from './tables.js';
import { promisedColumns } from './widening.js';
import { noExtras } from './writer.js';

const START = Date.UTC(2026, 0, 1);
const seeds = process.env['ARMORLAKE_TEST_LONG'] === undefined ? 3 : 40;

class HandClock implements Clock {
  wall = START;
  wallMs(): number {
    return this.wall;
  }
  monotonicMs(): number {
    return this.wall;
  }
}

function open(folder: DataFolder, clock: Clock, changes: Partial<LakeSettings> = {}): Promise<LakeStore> {
  return LakeStore.open({
    settings: folder.settings(changes),
    facts: { resumed: true, openCrashes: 0 },
    logger: silentLogger,
    clock,
    uptime: () => ({ boot: 'one', ms: clock.monotonicMs() }),
    lockWaitMs: 0,
  });
}

/** A batch of events that arrive now. */
function batch(random: Random, nowMs: number, values: readonly string[]): ArrayBuffer {
  const builder = new BatchBuilder(eventTables);
  for (const table of [kubearmorLogs, kubearmorAlerts, kubearmorMessages]) {
    addRows(builder, table, random.integer(30), (name, type) => {
      if (name === 'received_at') return nowMs * 1000;
      if (name === 'time') return (nowMs - random.integer(7_200_000)) * 1000 + random.integer(1000);
      if (!promisedColumns.some((column) => column === name) || type !== 'VARCHAR') return null;
      return random.chance(0.3) ? null : random.pick(values);
    });
  }
  return builder.finish().buffer;
}

/** The answer once the archive has been read. */
async function whole(store: LakeStore): Promise<LakeMetadata> {
  for (;;) {
    const metadata = await store.metadata();
    if (metadata.complete) return metadata;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function sorted(values: LakeMetadata['values']): Record<string, readonly string[]> {
  return Object.fromEntries(promisedColumns.map((column) => [column, [...(values[column] ?? ['?'])].sort()]));
}

/** What DuckDB itself finds in the hot rows and the archive. */
async function found(
  store: LakeStore,
  archiveFolder: string,
): Promise<Pick<LakeMetadata, 'values'> & { tables: unknown }> {
  const reader = await store.openReader();
  const rows = async (sql: string): Promise<readonly (readonly unknown[])[]> =>
    (await reader.runAndReadAll(sql)).getRowsJS();
  try {
    const values: Record<string, Set<string>> = {
      cluster: new Set(),
      host: new Set(),
      namespace: new Set(),
      policy: new Set(),
    };
    const tables: unknown[] = [];
    for (const table of eventTables) {
      const name = `${table.schema}.${table.name}`;
      const files = await rows(`SELECT file FROM armorlake.archive WHERE table_name = '${name}'`);
      const list = files.map(([file]) => `'${join(archiveFolder, String(file))}'`).join(', ');
      const from = `(FROM ${name}${files.length === 0 ? '' : ` UNION ALL FROM read_parquet([${list}])`})`;
      const [facts = []] = await rows(`SELECT count(*)::INT, epoch_us(min(time)) FROM ${from}`);
      tables.push([name, facts[0], facts[1] === null ? null : Number(facts[1])]);
      for (const column of promisedColumns) {
        if (!table.columns.some((each) => each.name === column)) continue;
        const held = await rows(`SELECT DISTINCT ${column} FROM ${from} WHERE ${column} IS NOT NULL`);
        for (const [value] of held) values[column]?.add(String(value));
      }
    }
    const list = (column: string): string[] => [...(values[column] ?? [])];
    return {
      tables,
      values: { cluster: list('cluster'), host: list('host'), namespace: list('namespace'), policy: list('policy') },
    };
  } finally {
    store.closeReader(reader);
  }
}

function eventFacts(metadata: LakeMetadata): unknown {
  const names = eventTables.map((table) => `${table.schema}.${table.name}`);
  return metadata.tables
    .filter(({ name }) => names.includes(name))
    .map(({ name, rows, minTimeMicros }) => [name, rows, minTimeMicros]);
}

describe('what a lake says it holds', () => {
  it('is empty at first, lists columns and retention, and no bounds of history', async () => {
    using folder = new DataFolder();
    const store = await open(folder, new HandClock());
    const { tables, values, complete, gaps } = await store.metadata();
    expect({ values, complete, gaps }).toEqual({
      values: { cluster: [], host: [], namespace: [], policy: [] },
      complete: true,
      gaps: { minutes: 0, worst: [] },
    });
    const logs = tables.find(({ name }) => name === 'kubearmor.logs');
    expect(logs).toMatchObject({ rows: 0, bytes: 0, minTimeMicros: null, retentionMs: 7 * DAY_MS });
    expect(logs?.columns[0]).toEqual({ name: 'time', type: 'TIMESTAMP' });
    expect(tables.map(({ name }) => name)).toContain('armorlake.ledger');
    expect(tables.map(({ name }) => name)).not.toContain('armorlake.nodes');
    await store.close();
  });

  it('is exactly what its rows hold after appends, retention, archive and restarts, and never less', async () => {
    for (let seed = 1; seed <= seeds; seed++) {
      using folder = new DataFolder();
      const random = new Random(seed);
      const clock = new HandClock();
      const archiveFolder = folder.file('archive');
      const archive = random.chance(0.7) ? { folder: archiveFolder, ageMs: 4 * DAY_MS, bytes: null } : null;
      const changes: Partial<LakeSettings> = {
        archive,
        retention: { ...folder.settings().retention, logsMs: 2 * DAY_MS, alertsMs: 3 * DAY_MS },
      };
      let store = await open(folder, clock, changes);
      let number = 0;
      const isWhole = async (): Promise<void> => {
        const held = await found(store, archiveFolder);
        const said = await whole(store);
        for (const column of promisedColumns) {
          expect(said.values[column]).toEqual(expect.arrayContaining([...(held.values[column] ?? [])]));
        }
        for (const [name, rows, min] of held.tables as [string, number, number | null][]) {
          const table = said.tables.find((each) => each.name === name);
          expect(table?.rows).toBe(rows);
          if (min !== null) expect(table?.minTimeMicros).toBeLessThanOrEqual(min);
        }
      };
      for (let step = 0; step < 40; step++) {
        const dice = random.integer(100);
        if (dice < 55) {
          const values = [`always`, `day-${Math.floor(clock.wall / DAY_MS)}`, `step ${step}, and a longer name`];
          await store.append(++number, batch(random, clock.wall, values), noExtras);
        } else if (dice < 75) clock.wall += random.integer(DAY_MS);
        else if (dice < 90) await store.maintain();
        else {
          await store.close();
          store = await open(folder, clock, changes);
        }
        await isWhole();
      }
      // A file that leaves the manifest in one run is off the disk in the next.
      for (let run = 0; run < 4; run++) {
        clock.wall += 660_000;
        await store.maintain();
      }
      const said = await whole(store);
      const held = await found(store, archiveFolder);
      expect(sorted(said.values)).toEqual(sorted(held.values));
      expect(eventFacts(said)).toEqual(held.tables);
      await store.close();
    }
  });

  it('counts a file that left the manifest while it is on the disk, because a restart takes it in again', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const archiveFolder = folder.file('archive');
    const changes: Partial<LakeSettings> = { archive: { folder: archiveFolder, ageMs: null, bytes: 0 } };
    const store = await open(folder, clock, changes);
    await store.append(1, batch(new Random(1), clock.wall, ['old']), noExtras);
    expect((await whole(store)).values.host).toEqual(['old']);
    await store.maintain();
    clock.wall += 100 * DAY_MS;
    await store.maintain();
    expect(
      readdirSync(archiveFolder, { recursive: true }).filter((name) => String(name).endsWith('.parquet')),
    ).toHaveLength(3);
    expect((await whole(store)).values.host).toEqual(['old']);
    await store.maintain();
    expect((await whole(store)).values.host).toEqual([]);
    await store.close();
  });

  it('does not list more than a thousand values, and lists them again when they are gone', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const store = await open(folder, clock);
    await store.metadata();
    await store.maintain();
    const builder = new BatchBuilder(eventTables);
    addRows(builder, kubearmorLogs, 1001, (name, type, row) => {
      if (name === 'received_at' || name === 'time') return clock.wall * 1000;
      return type === 'VARCHAR' && name === 'host' ? `host-${row}` : null;
    });
    await store.append(1, builder.finish().buffer, noExtras);
    expect((await store.metadata()).values).toMatchObject({ host: null, namespace: [] });
    clock.wall += 8 * DAY_MS;
    await store.append(2, batch(new Random(1), clock.wall, ['new']), noExtras);
    await store.maintain();
    expect((await store.metadata()).values.host).toEqual(['new']);
    await store.close();
  });

  it('misses no batch that is stored while the hot rows are read', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const store = await open(folder, clock);
    const random = new Random(7);
    const appended: Promise<unknown>[] = [];
    const asked: Promise<LakeMetadata>[] = [];
    for (let number = 1; number <= 40; number++) {
      appended.push(store.append(number, batch(random, clock.wall, [`value ${number}`]), noExtras));
      if (number === 10) asked.push(store.metadata());
      if (number % 4 === 0) await appended[number - 4];
    }
    await Promise.all([...appended, ...asked]);
    const said = await store.metadata();
    const held = await found(store, folder.path);
    expect(sorted(said.values)).toEqual(sorted(held.values));
    expect(eventFacts(said)).toEqual(held.tables);
    await store.close();
  });

  it('sums up the gaps of the last day', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const store = await open(folder, clock);
    const gap = { connector: 'c1', stream: 'logs', cause: 'break', estimated: 3 };
    const at = (hours: number): number => (START - hours * 3_600_000) * 1000;
    await store.append(1, null, {
      ledger: [],
      gaps: [
        { ...gap, fromMicros: at(50), toMicros: at(49) },
        { ...gap, fromMicros: at(3), toMicros: at(2) },
      ],
    });
    const { gaps } = await store.metadata();
    expect(gaps).toMatchObject({ minutes: 60, worst: [{ connector: 'c1', cause: 'break', estimated: 3 }] });
    expect((await store.metadata()).gaps).toEqual(gaps);
    await store.close();
  });
});
