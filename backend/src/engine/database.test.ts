import { linkSync, mkdtempSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Database } from './database.js';

let folder: string;
let database: Database;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'armorlake-database-'));
  database = await Database.open({
    file: null,
    threads: 1,
    memoryLimitBytes: 64 << 20,
    temporaryFolder: join(folder, 'tmp'),
    spillBytes: 0,
    folders: [folder],
    memoryCatalogs: [],
    searchPath: ['main'],
  });
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

it('reads a file anew that took the place of another of the same size and second', async () => {
  const connection = await database.connect();
  const path = (name: string): string => join(folder, `${name}.parquet`);
  const read = async (name: string): Promise<unknown> =>
    (await connection.runAndReadAll(`SELECT max(n) FROM read_parquet('${path(name)}')`)).getRows()[0]?.[0];
  await connection.run(`COPY (SELECT 3 AS n) TO '${path('first')}'`);
  await connection.run(`COPY (SELECT 2 AS n) TO '${path('second')}'`);
  linkSync(path('first'), path('used'));
  const { size, mtime, atime } = statSync(path('used'));
  expect(await read('used')).toBe(3);
  utimesSync(path('second'), atime, mtime);
  renameSync(path('second'), path('used'));
  expect(statSync(path('used')).size).toBe(size);
  expect(await read('used')).toBe(2);
  expect(
    (await connection.runAndReadAll('SELECT count(*)::INTEGER FROM duckdb_external_file_cache()')).getRows(),
  ).toEqual([[0]]);
  connection.closeSync();
});
