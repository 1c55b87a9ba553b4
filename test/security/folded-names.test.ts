import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArmorlakeError } from '../../backend/src/core/index.js';
import { codeOf, openAlertsLake } from '../support/alerts-lake.js';
import type { QueryLake } from '../support/query-lake.js';

/**
 * DuckDB lowers A to Z alone in names, JavaScript every letter: a CTE called `duc\u212Adb_tables`, with a Kelvin sign, was
 * taken for the `duckdb_tables` that stood in FROM.
 */
let lake: QueryLake;

beforeAll(async () => {
  lake = await openAlertsLake(3);
});

afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

describe('names that are one in JavaScript and two in DuckDB', () => {
  it.each([
    ['duc\u212Adb_databases', 'duckdb_databases'],
    ['duc\u212Adb_tables', 'duckdb_tables'],
    ['DUC\u212ADB_SETTINGS', 'duckdb_settings'],
    ['/etc/\u212Anown', '/etc/known'],
    ['\u00c9.csv', '\u00e9.csv'],
    ['\u0130.csv', 'i\u0307.csv'],
    ['\u03a3.csv', '\u03c3.csv'],
  ])('%s does not open %s', async (cte, name) => {
    const refused = name.includes('.') || name.includes('/') ? 'NOT_ALLOWED' : 'UNKNOWN_TABLE';
    expect(await codeOf(lake.query(`WITH "${cte}" AS (SELECT 1) SELECT * FROM "${name}"`))).toBe(refused);
    const recursive = `WITH RECURSIVE "${cte}" AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM "${name}" WHERE i < 3) SELECT * FROM "${cte}"`;
    expect(await codeOf(lake.query(recursive))).toBe(refused);
  });

  it.each([
    ['WITH "\u00c9t\u00e9" AS (SELECT 1 AS a) SELECT a FROM "\u00c9t\u00e9"', [[1]]],
    ['WITH "\u212A" AS (SELECT 1 AS a), k AS (SELECT 2 AS a) SELECT k.a, "\u212A".a FROM k, "\u212A"', [[2, 1]]],
    ['WITH Abc AS (SELECT 1 AS a) SELECT a FROM aBC', [[1]]],
    ['SELECT count(*) FROM KubeArmor.ALERTS', [[3]]],
    ['SELECT list_transform([1], "\u212A" -> "\u212A" + 1)', [[[2]]]],
  ])('%s is answered', async (sql, rows) => {
    const answer = await lake.query(sql);
    expect(JSON.parse(JSON.stringify(answer.rows))).toEqual(JSON.parse(JSON.stringify(rows)));
  });
});

describe('an error', () => {
  it.each([
    "SELECT error((SELECT string_agg(i || repeat('a', 100), ',') FROM range(10000) r(i)))",
    "SELECT (SELECT string_agg(i || repeat('a', 100), ',') FROM range(10000) r(i))::INTEGER",
  ])('is no way around the bound of an answer: %s', async (sql) => {
    const message = await lake.query(sql).then(
      () => '',
      (thrown: unknown) => (thrown instanceof ArmorlakeError ? thrown.message : ''),
    );
    expect(message.length).toBeGreaterThan(100);
    expect(message.length).toBeLessThan(1100);
  });
});
