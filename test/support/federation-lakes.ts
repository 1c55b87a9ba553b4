import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { loadConfig } from '../../backend/src/config/index.js';
import { silentLogger } from '../../backend/src/core/index.js';
import type { Clock } from '../../backend/src/core/index.js';
import { LakeStore } from '../../backend/src/lake/host.js';
import type { LakeSettings } from '../../backend/src/lake/index.js';
import { lakeSettings } from '../../backend/src/lake/index.js';

const HOUR_MS = 3_600_000;

function settingsOf(name: string, dataFolder: string, archive: string | null): LakeSettings {
  const settings = lakeSettings(loadConfig({ file: undefined, environment: {}, flags: new Map(), cwd: dataFolder }));
  return {
    ...settings,
    node: name,
    dataFolder,
    temporaryFolder: join(dataFolder, 'tmp'),
    archive: archive === null ? null : { folder: archive, ageMs: null, bytes: null },
    minFreeBytes: 0,
    retention: { ...settings.retention, logsMs: HOUR_MS, alertsMs: HOUR_MS },
  };
}

export interface SeededLake {
  /** The node's name. */
  readonly name: string;
  readonly dataFolder: string;
  /** Where rows that arrived before `archivedBeforeMs` go; null keeps all of them hot. */
  readonly archive: { readonly folder: string; readonly beforeMs: number } | null;
  /** Fills the tables, which are there and empty. */
  readonly fill: (connection: DuckDBConnection) => Promise<void>;
}

/** Makes a lake as a node leaves it after a clean stop, with rows of a test's own. */
export async function seedLake({ name, dataFolder, archive, fill }: SeededLake): Promise<void> {
  mkdirSync(dataFolder, { recursive: true });
  const open = (settings: LakeSettings, clock?: Clock): Promise<LakeStore> =>
    LakeStore.open({
      settings,
      facts: { resumed: false, openCrashes: 0 },
      logger: silentLogger,
      ...(clock === undefined ? {} : { clock }),
    });
  await (await open(settingsOf(name, dataFolder, null))).close();
  const instance = await DuckDBInstance.create(join(dataFolder, 'lake.duckdb'), { threads: '2' });
  const connection = await instance.connect();
  await fill(connection);
  // What the writer would have noted: without it the lake would think that batches are missing.
  await connection.run(
    'INSERT INTO internal.batches SELECT 1, 0, max(seq), count(*), now()::TIMESTAMP FROM (SELECT seq FROM kubearmor.logs UNION ALL SELECT seq FROM kubearmor.alerts) HAVING count(*) > 0',
  );
  // The running totals begin anew with what the lake holds, as after an upgrade: these rows are nobody's intrusion.
  await connection.run('DELETE FROM internal.totals');
  await connection.run('DELETE FROM internal.versions WHERE version >= 3');
  connection.closeSync();
  instance.closeSync();
  const known = join(dataFolder, 'lake.json');
  writeFileSync(known, JSON.stringify({ ...(JSON.parse(readFileSync(known, 'utf8')) as object), totals: null }));
  if (archive === null) return;
  const clock: Clock = { wallMs: () => archive.beforeMs + HOUR_MS, monotonicMs: () => 0 };
  const store = await open(settingsOf(name, dataFolder, archive.folder), clock);
  const { archived } = await store.maintain();
  await store.close();
  if (archived.length === 0) throw new Error(`Nothing of ${name} went to the archive.`);
}
