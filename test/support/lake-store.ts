import type { Clock, Logger } from '../../backend/src/core/index.js';
import { silentLogger } from '../../backend/src/core/index.js';
import type { LakeOptions, Uptime } from '../../backend/src/lake/host.js';
import { Database } from '../../backend/src/engine/host.js';
import { LakeStore } from '../../backend/src/lake/host.js';
import type { LakeSettings } from '../../backend/src/lake/index.js';
import type { DataFolder } from './lake-fixture.js';

/** A clock that tests turn by hand; the machine is as long up as it is old. */
export class HandClock implements Clock {
  wall = Date.UTC(2026, 0, 1);
  monotonic = 0;
  boot = 'first boot';
  readonly uptime = (): Uptime => ({ boot: this.boot, ms: this.monotonic });

  wallMs(): number {
    return this.wall;
  }

  monotonicMs(): number {
    return this.monotonic;
  }

  advance(ms: number): void {
    this.wall += ms;
    this.monotonic += ms;
  }

  /** The machine was off for so long, and its clock is `off` wrong. */
  reboot(downMs: number, off = 0): void {
    this.boot += '.';
    this.wall += downMs + off;
    this.monotonic = 0;
  }
}

/** Keeps what is logged at the level error. */
export class ErrorLog {
  readonly errors: { readonly fields: object; readonly message: string }[] = [];
  readonly logger: Logger = {
    ...silentLogger,
    error: (fields, message) => {
      this.errors.push({ fields, message });
    },
    child: () => this.logger,
  };

  /** All that was logged, as text to look for a file's name in. */
  get text(): string {
    return this.errors.map(({ fields, message }) => `${message} ${JSON.stringify(fields)}`).join('\n');
  }
}

/** A lake in this process. */
export function openStore(
  folder: DataFolder,
  changes: Partial<LakeSettings> = {},
  options: Partial<LakeOptions> = {},
): Promise<LakeStore> {
  return LakeStore.open({
    settings: folder.settings(changes),
    facts: { resumed: false, openCrashes: 0 },
    logger: silentLogger,
    lockWaitMs: 0,
    ...(options.clock instanceof HandClock ? { uptime: options.clock.uptime } : {}),
    ...options,
  });
}

/** Rows of SQL that runs as the engine's own does, past containment. */
export async function rawRows(store: LakeStore, sql: string): Promise<readonly (readonly unknown[])[]> {
  const connection = await store.openReader();
  try {
    return (await connection.runAndReadAll(sql)).getRowsJson();
  } finally {
    store.closeReader(connection);
  }
}

/** Changes the file of a lake that isn't open, as whoever can write it does. */
export async function changeStopped(folder: DataFolder, sql: string): Promise<void> {
  const database = await Database.open({
    ...folder.settings(),
    file: { path: folder.file('lake.duckdb'), catalog: 'lake', rowGroupRows: 30_720 },
    folders: [],
    memoryCatalogs: [],
    searchPath: [],
  });
  const connection = await database.connect();
  await connection.run(sql);
  connection.closeSync();
  await database.checkpoint();
  database.close();
}
