import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { EngineProcessSettings } from '../../backend/src/engine/index.js';
import { EngineSupervisor } from '../../backend/src/engine/index.js';
import { silentLogger } from '../../backend/src/core/index.js';
import type { CellValue, ColumnType, LakeSettings, Table } from '../../backend/src/lake/index.js';
import { BatchBuilder, eventTables } from '../../backend/src/lake/index.js';

const MIB = 1 << 20;

/** A data folder of its own, removed by `close`. */
export class DataFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'armorlake-test-'));

  settings(changes: Partial<LakeSettings> = {}): LakeSettings {
    return { ...testSettings(this.path), ...changes };
  }

  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

export const DAY_MS = 86_400_000;

/** A small lake that keeps rows as the defaults say and maintains itself only when told to. */
export function testSettings(dataFolder: string): LakeSettings {
  return {
    node: 'node-1',
    dataFolder,
    temporaryFolder: join(dataFolder, 'tmp'),
    archive: null,
    logLevel: 'silent',
    threads: 2,
    memoryLimitBytes: 256 * MIB,
    spillBytes: 0,
    checkpointWalBytes: 48 * MIB,
    minFreeBytes: 10 * MIB,
    retention: {
      logsMs: 7 * DAY_MS,
      alertsMs: 90 * DAY_MS,
      ledgerMs: 365 * DAY_MS,
      groupBytes: { logs: null, alerts: null, ledger: null },
      totalBytes: 2048 * MIB,
    },
    maintainEveryMs: 3_600_000,
    queries: 4,
  };
}

/** The built entry of the engine process; tests that need it say so when it is missing. */
export function engineEntry(): string {
  const entry = fileURLToPath(new URL('../../backend/dist/engine-main.js', import.meta.url));
  if (!existsSync(entry)) throw new Error('Run `npm run build` first: this test starts the built engine.');
  return entry;
}

/** A real engine process on the folder. */
export function startEngine(
  folder: DataFolder,
  changes: Partial<LakeSettings> = {},
  engineProcess: Partial<EngineProcessSettings> = {},
): Promise<EngineSupervisor> {
  const settings = folder.settings(changes);
  return EngineSupervisor.start({
    process: {
      entry: engineEntry(),
      dataLimitBytes: 1024 * MIB,
      poolThreads: 8,
      threads: settings.threads,
      ...engineProcess,
    },
    settings: { ...settings },
    temporaryFolder: settings.temporaryFolder,
    logger: silentLogger,
  });
}

export type RowOf = (columnName: string, type: ColumnType, row: number) => CellValue;

/** Plain rows: every column has a value that can be told from the row's number, times in µs from `fromMicros` on. */
export function plainRows(fromMicros: number, stepMicros = 1): RowOf {
  return (name, type, row) => {
    switch (type) {
      case 'VARCHAR':
      case 'BLOB':
        return `${name} ${row}`;
      case 'VARCHAR[]':
        return [`${name} ${row}`];
      case 'MAP(VARCHAR, VARCHAR)':
        return ['key', `${name} ${row}`];
      case 'TIMESTAMP':
        return fromMicros + row * stepMicros;
      case 'BOOLEAN':
      case 'UTINYINT':
        return row % 2;
      case 'INTEGER':
      case 'BIGINT':
      case 'DOUBLE':
        return row;
    }
  };
}

/** Appends rows to a batch under construction. */
export function addRows(builder: BatchBuilder, table: Table, count: number, rowOf: RowOf): void {
  const rows = builder.rowsOf(table);
  for (let row = 0; row < count; row++) {
    for (const { name, type } of table.columns) {
      if (name === 'node' || name === 'seq') continue;
      const value = rowOf(name, type, row);
      if (type === 'VARCHAR[]') rows.list(name).put(rows.row, strings(value));
      else if (type === 'MAP(VARCHAR, VARCHAR)') rows.map(name).put(rows.row, strings(value));
      else if (type === 'VARCHAR' || type === 'BLOB') rows.text(name).put(rows.row, text(value));
      else rows.fixed(name).put(rows.row, number(value));
    }
    rows.endRow();
  }
}

function strings(value: CellValue): readonly string[] | null {
  if (value === null || (typeof value !== 'string' && typeof value !== 'number')) return value;
  throw new TypeError('Expected a list');
}

function text(value: CellValue): string | null {
  if (value === null || typeof value === 'string') return value;
  throw new TypeError('Expected text');
}

function number(value: CellValue): number | null {
  if (value === null || typeof value === 'number') return value;
  throw new TypeError('Expected a number');
}

export interface PackedRows {
  readonly buffer: ArrayBuffer;
  readonly rows: number;
}

/** A packed batch of one table, with its ledger delta. */
export function packRows(table: Table, count: number, rowOf: RowOf): PackedRows {
  const builder = new BatchBuilder(eventTables);
  addRows(builder, table, count, rowOf);
  builder.count({
    connector: 'c1',
    stream: table.name,
    received: count,
    stored: count,
    deadLettered: 0,
    dropped: 0,
    reason: null,
  });
  return { buffer: builder.finish().buffer, rows: count };
}
