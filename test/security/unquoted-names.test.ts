import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quoteIdentifier } from '../../backend/src/core/index.js';
import { codeOf, openAlertsLake } from '../support/alerts-lake.js';
import type { QueryLake } from '../support/query-lake.js';

/** DuckDB prints the relation of a star and the name of a parameter without quotes: they once ran as SQL. */
let lake: QueryLake;

beforeAll(async () => {
  lake = await openAlertsLake(6);
});

afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

function fragments(sql: string): Promise<unknown> {
  return lake.call('fragments', {
    queryId: 'f',
    fragments: [{ name: 'f0', sql }],
    budget: { rows: 1_000_000, bytes: 1 << 20 },
    timeoutMs: 10_000,
    folder: join(lake.folder, 'tmp', 'f'),
  });
}

const star = (name: string): string => `SELECT ${quoteIdentifier(name)}.*`;
const wiping = "1) TO '/tmp/x'; COMMIT; DELETE FROM kubearmor.alerts; BEGIN; COPY (SELECT 1";

const hostile: readonly [string, Record<string, unknown>?][] = [
  [star("name, value FROM duckdb_settings() WHERE value LIKE '%/%' --")],
  [star('database_name FROM duckdb_databases() --')],
  [star("content FROM read_blob('lake.duckdb') --")],
  [star("message FROM enable_logging(storage = 'file') --")],
  [star('1; SELECT 2; --')],
  [star(wiping)],
  [star(quoteIdentifier(wiping))],
  [`SELECT x.* EXCLUDE (a) FROM (${star('1 AS a, name FROM duckdb_settings() --')}) x`],
  [`SELECT COUNT(COLUMNS(${quoteIdentifier('1) FROM duckdb_settings() --')}.*))`],
  ['SELECT $"x; select 1"', { 'x; select 1': 1 }],
  [`SELECT $"x, name FROM duckdb_settings() --"`, { 'x, name FROM duckdb_settings() --': 1 }],
  [`SELECT $${quoteIdentifier(`x${wiping}`)}`, { [`x${wiping}`]: 1 }],
];

describe('is refused', () => {
  it.each(hostile)('%s', async (sql, params = {}) => {
    const refused = expect.stringMatching(/^(NOT_ALLOWED|BAD_QUERY)$/);
    expect(await codeOf(lake.query(sql, { params }))).toEqual(refused);
    expect(await codeOf(fragments(sql))).toEqual(refused);
    expect(await codeOf(lake.call('analyse', { queryId: 'a', sql, timeoutMs: 10_000 }))).toEqual(refused);
    expect((await lake.query('SELECT count(*) FROM kubearmor.alerts')).rows).toEqual([[6]]);
  });
});

describe('honest names are answered', () => {
  const seqs = [[1], [2], [3], [4], [5], [6]];
  it.each(['my logs', 'select', "it's", 'a "quoted" one', 'größe', 'Logs', '日志', 'a.b', '1st', '--', ';'])(
    'the relation %s',
    async (name) => {
      const quoted = quoteIdentifier(name);
      const sql = `SELECT ${quoted}.* FROM (SELECT seq FROM kubearmor.alerts) AS ${quoted} ORDER BY seq`;
      const { rows, head } = await lake.query(sql);
      expect(rows).toEqual(seqs);
      expect(head['schema']).toEqual([{ name: 'seq', type: 'BIGINT' }]);
      expect(await fragments(sql)).toMatchObject({ tail: { files: [{ rows: 6 }] } });
      await rm(join(lake.folder, 'tmp', 'f'), { recursive: true });
      const columns = await lake.query(`SELECT COLUMNS(${quoted}.*) FROM kubearmor.alerts AS ${quoted} LIMIT 1`);
      expect(columns.rows[0]?.length).toBeGreaterThan(40);
    },
  );

  it('the table as it is called', async () => {
    const { rows } = await lake.query('SELECT "my logs".* EXCLUDE (node) FROM kubearmor.alerts AS "my logs" LIMIT 1');
    const all = await lake.query('SELECT * EXCLUDE (node) FROM kubearmor.alerts LIMIT 1');
    expect(rows).toEqual(all.rows);
  });

  it.each(['n', 'größe', 'select', '_1', 'N2'])('the parameter %s', async (name) => {
    const { rows } = await lake.query(`SELECT count(*) FROM kubearmor.alerts WHERE seq > $${name}`, {
      params: { [name]: 4 },
    });
    expect(rows).toEqual([[2]]);
  });
});
