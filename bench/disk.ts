import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { Archive } from '../backend/src/lake/archive.js';
import type { LakeSettings } from '../backend/src/lake/index.js';
import { kubearmorAlerts, kubearmorLogs } from '../backend/src/lake/index.js';
import type { Bench, BenchOptions, Figure } from './bench.js';
import { fillLake, openLake, settingsOf } from './sample.js';

/** Bytes of a plain DuckDB file that holds the same columns and rows. */
async function plainBytes(lake: string, file: string): Promise<number> {
  const instance = await DuckDBInstance.create(file);
  try {
    const connection = await instance.connect();
    await connection.run(`ATTACH '${lake}' AS stored (READ_ONLY)`);
    for (const table of ['logs', 'alerts']) {
      await connection.run(`CREATE TABLE ${table} AS SELECT * FROM stored.kubearmor.${table} ORDER BY seq`);
    }
    await connection.run('DETACH stored');
    await connection.run('CHECKPOINT');
    connection.closeSync();
  } finally {
    instance.closeSync();
  }
  return statSync(file).size;
}

/** Bytes of an archive of all events, and of the lake file's blocks in use. */
async function archiveAll(settings: LakeSettings, folder: string): Promise<{ archived: number; used: number }> {
  const store = await openLake(settings);
  try {
    const reader = await store.openReader();
    const archive = new Archive(folder, 'bench', settings.memoryLimitBytes);
    let archived = 0;
    for (const table of [kubearmorLogs, kubearmorAlerts]) {
      archived += (await archive.write(reader, table, store.lastSeq))?.bytes ?? 0;
    }
    store.closeReader(reader);
    return { archived, used: (await store.info()).hotBytes };
  } finally {
    await store.close();
  }
}

async function run({ folder, events, say }: BenchOptions): Promise<readonly Figure[]> {
  say(`a lake of ${events} events`);
  const data = join(folder, 'stored');
  const archiveFolder = join(folder, 'archive');
  const settings = settingsOf(data, { archive: { folder: archiveFolder, ageMs: null, bytes: null } });
  await fillLake(settings, events);
  const lake = join(data, 'lake.duckdb');
  const plain = await plainBytes(lake, join(folder, 'plain.duckdb'));
  say('the archive');
  mkdirSync(join(archiveFolder, 'bench'), { recursive: true });
  const { archived, used } = await archiveAll(settings, archiveFolder);
  const each = (bytes: number): number => bytes / events;
  return [
    {
      what: `lake file with ${events} events`,
      value: each(statSync(lake).size),
      unit: 'B/event',
      bar: { atMost: 60 },
      baseline: { what: 'a plain DuckDB file, same columns', value: each(plain) },
      note: `${each(used).toFixed(1)} of them in use`,
    },
    { what: 'archive (Parquet)', value: each(archived), unit: 'B/event', bar: { atMost: 45 } },
  ];
}

export const diskBench: Bench = { name: 'disk', what: 'bytes an event', run };
