import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readRows, reading } from '../execute/prepare.js';
import type { MergeDatabase } from './merge-database.js';
import { MergeDatabases } from './merge-databases.js';

const MiB = 2 ** 20;
let folder: string;
let databases: MergeDatabases;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'armorlake-merge-'));
  const limits = { threads: 1, memoryLimitBytes: 64 * MiB, spillBytes: 0, queries: 2 };
  databases = await MergeDatabases.open({ ...limits, temporaryFolder: join(folder, 'tmp'), arrivals: folder }, 3);
});
afterEach(() => {
  databases.close();
  rmSync(folder, { recursive: true });
});

function count(database: MergeDatabase, id = 'count'): Promise<unknown> {
  return database.runs.guarded(id, 10_000, new AbortController().signal, (connection) =>
    reading(connection, () => readRows(connection, 'SELECT count(*) FROM range(5)')),
  );
}

/** The database that merges use now. */
function current(): Promise<MergeDatabase> {
  return databases.use(0, (database) => Promise.resolve(database));
}

it('gives place to a new one after so many files, and not before', async () => {
  const first = await current();
  await databases.use(2, count);
  await databases.settled();
  expect(await current()).toBe(first);
  await databases.use(1, count);
  await databases.settled();
  const second = await current();
  expect(second).not.toBe(first);
  expect(await count(second)).toEqual([[5n]]);
  // The former is closed: nothing of it is kept.
  await expect(count(first)).rejects.toMatchObject({ code: 'NOT_READY' });
});

it('stays for the merge that runs in it, whose id is known all the while', async () => {
  let go: () => void = () => undefined;
  const held = databases.use(3, async (database) => {
    const running = database.runs.guarded('long', 10_000, new AbortController().signal, async (connection) => {
      await new Promise<void>((resolve) => (go = resolve));
      return await reading(connection, () => readRows(connection, 'SELECT 7'));
    });
    return await running;
  });
  await databases.use(0, count);
  await databases.settled();
  expect(databases.running).toEqual(['long']);
  // Others have the new one already, and it outlives the former.
  const next = await current();
  expect(next.runs.running).toEqual([]);
  go();
  expect(await held).toEqual([[7]]);
  await databases.settled();
  expect(await current()).toBe(next);
  expect(await count(next)).toEqual([[5n]]);
  expect(databases.running).toEqual([]);
});
