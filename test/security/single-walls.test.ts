import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { beginRead, withCopy, withSelect } from '../../backend/src/engine/execute/prepare.js';
import { deserialize, serialize } from '../../backend/src/engine/execute/statements.js';
import { withValue } from '../support/hostile-trees.js';
import { isRecord } from '../../backend/src/engine/index.js';
import { QueryLake } from '../support/query-lake.js';

/** Each wall behind the allow lists, as if all others had fallen. */
let lake: QueryLake;

beforeAll(async () => {
  lake = await QueryLake.open();
  await lake.connection.run("INSERT INTO kubearmor.alerts (node, seq) VALUES ('n1', 1)");
});

afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

const wiping = 'SELECT 1; DELETE FROM kubearmor.alerts';

describe('prepared as one SELECT', () => {
  it.each([
    wiping,
    'DELETE FROM kubearmor.alerts',
    'COMMIT',
    'CHECKPOINT',
    'SET threads = 1',
    'CALL pragma_version()',
    'EXPLAIN ANALYZE SELECT 1',
  ])('%s is not run', async (sql) => {
    await expect(withSelect(lake.connection, sql, (prepared) => prepared.run())).rejects.toThrow(
      /one SELECT|multiple statements/,
    );
    expect((await lake.query('SELECT count(*) FROM kubearmor.alerts')).rows).toEqual([[1]]);
  });
});

it('a COPY is no SELECT, wherever it would write', async () => {
  const path = join(lake.folder, 'tmp', 'copy.parquet');
  const run = withSelect(lake.connection, `COPY (SELECT 1 AS a) TO '${path}'`, (prepared) => prepared.run());
  await expect(run).rejects.toThrow('one SELECT');
  expect(existsSync(path)).toBe(false);
});

describe('the file of a fragment', () => {
  it.each([
    ['another target', (path: string) => `SELECT 1 AS a) TO '${path}' --`],
    ['another target and statement', (path: string) => `SELECT 1 AS a) TO '${path}'; SELECT (1`],
    ['a comment without end', () => 'SELECT 1 /*'],
    ['a text without end', () => "SELECT 'a"],
    ['two statements', () => 'SELECT 1; SELECT 2'],
  ])('is out of reach of %s', async (_, sql) => {
    const [own, other] = [join(lake.folder, 'tmp', 'own.parquet'), join(lake.folder, 'tmp', 'other.parquet')];
    await expect(withCopy(lake.connection, sql(other), own, (prepared) => prepared.run())).rejects.toThrow();
    expect(existsSync(own) || existsSync(other)).toBe(false);
  });

  it('is written by SQL that ends with a comment', async () => {
    const own = join(lake.folder, 'tmp', 'own.parquet');
    await withCopy(lake.connection, 'SELECT 1 AS a --', own, (prepared) => prepared.run());
    expect(existsSync(own)).toBe(true);
  });
});

it.each([
  'DELETE FROM kubearmor.alerts',
  'UPDATE kubearmor.alerts SET host = NULL',
  'DROP TABLE kubearmor.alerts',
  'CREATE TABLE armorlake.x (a INTEGER)',
  "INSERT INTO kubearmor.alerts (node) VALUES ('x')",
])('the transaction of a query refuses %s, while others write and checkpoint', async (sql) => {
  const reader = await lake.openReader();
  await beginRead(reader);
  await lake.connection.run("INSERT INTO kubearmor.logs (node, seq) VALUES ('n1', 2)");
  await lake.connection.run('CHECKPOINT lake');
  await expect(reader.run(sql)).rejects.toThrow(/read-only/);
  lake.closeReader(reader);
  expect((await lake.query('SELECT count(*) FROM kubearmor.alerts')).rows).toEqual([[1]]);
});

it('a text that is not the tree it was printed of is refused', async () => {
  const statement = await serialize(lake.connection, 'SELECT abs(1)');
  const hostile = withValue(
    statement,
    ['node', 'select_list', 0, 'function_name'],
    'abs(1); DELETE FROM kubearmor.alerts; --',
  );
  const operator = withValue(hostile, ['node', 'select_list', 0, 'is_operator'], true);
  for (const tree of [hostile, operator]) {
    if (!isRecord(tree)) throw new Error('no tree');
    const text = await deserialize(lake.connection, tree).catch((thrown: unknown) => String(thrown));
    expect(text).toMatch(/does not write as it reads|^SELECT "abs\(1\); DELETE/);
  }
});

describe('the database itself', () => {
  it.each([
    ["SELECT * FROM read_text('/etc/passwd')", /Permission Error/],
    ["SELECT * FROM read_csv('/etc/passwd')", /Permission Error/],
    ["SELECT * FROM '/etc/passwd'", /./],
    ["COPY (SELECT 1) TO '/tmp/armorlake-wall.csv'", /Permission Error/],
    ["ATTACH '/tmp/armorlake-wall.duckdb'", /Permission Error/],
    ['INSTALL httpfs', /Permission Error|disabled/],
    ['LOAD httpfs', /Permission Error|disabled/],
    ['SET enable_external_access = true', /locked|Cannot/],
    ["SET temp_directory = '/etc'", /locked|Cannot/],
    ['SET threads = 64', /locked|Cannot/],
  ])('refuses %s, whoever asks it', async (sql, reason) => {
    const reader = await lake.openReader();
    await expect(reader.run(sql)).rejects.toThrow(reason);
    lake.closeReader(reader);
    expect(existsSync('/tmp/armorlake-wall.csv') || existsSync('/tmp/armorlake-wall.duckdb')).toBe(false);
  });
});
