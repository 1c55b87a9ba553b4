import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, openAlertsLake } from '../support/alerts-lake.js';
import type { QueryLake } from '../support/query-lake.js';

/**
 * The first part of a recursive CTE doesn't know the CTE's name yet: DuckDB looks for a table, one of its own views, or a
 * file, whereas containment took it for the CTE.
 */
let lake: QueryLake;

beforeAll(async () => {
  lake = await openAlertsLake(3);
});

afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

const recursive = (name: string): string =>
  `WITH RECURSIVE "${name}" AS (SELECT * FROM "${name}" UNION ALL SELECT * FROM "${name}" WHERE false) SELECT * FROM "${name}"`;

describe('a recursive CTE', () => {
  it.each([
    'pragma_database_list',
    'duckdb_databases',
    'sqlite_master',
    'alerts',
    'batches',
    'columns',
    'tables',
    '/etc/passwd',
    'toks.csv',
    '*.parquet',
    'https://example.org/x',
  ])('called %s reads nothing of that name', async (name) => {
    expect(await codeOf(lake.query(recursive(name)))).toMatch(/^(UNKNOWN_TABLE|NOT_ALLOWED)$/);
  });

  it('knows itself in its second part, also below and among others', async () => {
    const sql =
      'WITH RECURSIVE a AS (SELECT 1 AS i), r AS (SELECT i FROM a UNION ALL SELECT i + 1 FROM (SELECT i FROM r) WHERE i < 3) SELECT i FROM r ORDER BY i';
    expect((await lake.query(sql)).rows).toEqual([[1], [2], [3]]);
    const hidden =
      'WITH RECURSIVE r AS (WITH r AS (SELECT 1 AS i) SELECT i FROM r UNION ALL SELECT i + 1 FROM r WHERE i < 3)';
    expect((await lake.query(`${hidden} SELECT count(*) FROM r`)).rows).toEqual([[3]]);
  });
});

it('no CTE may be called as a view or table that DuckDB has without a schema', async () => {
  const database = await DuckDBInstance.create(':memory:');
  const connection = await database.connect();
  const read = await connection.runAndReadAll(
    "SELECT view_name FROM duckdb_views() WHERE internal AND schema_name <> 'information_schema'",
  );
  const names = read.getRowsJS().map(([name]) => String(name));
  expect(names.length).toBeGreaterThan(20);
  for (const name of names) {
    expect({ name, code: await codeOf(lake.query(`WITH ${name} AS (SELECT 1) SELECT 1`)) }).toEqual({
      name,
      code: 'NOT_ALLOWED',
    });
  }
  connection.closeSync();
  database.closeSync();
});
