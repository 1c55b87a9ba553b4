import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeOf, openAlertsLake } from '../support/alerts-lake.js';
import type { QueryLake } from '../support/query-lake.js';

/** What runs as a regular expression for the sake of its wildcards knows no collation: it found nothing, silently. */
let lake: QueryLake;

beforeAll(async () => {
  lake = await openAlertsLake(3);
});

afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

describe('LIKE and GLOB with a collation', () => {
  it.each([
    ["SELECT 'ABCDE' COLLATE NOCASE LIKE 'a%'", [[true]]],
    ["SELECT 'ABCDE' COLLATE NOCASE LIKE 'a%c%e'", [[true]]],
    ["SELECT 'ABCDE' ILIKE 'a%c%_'", [[true]]],
    ["SELECT lower('ABCDE') LIKE 'a%c%_'", [[true]]],
  ])('%s is answered as DuckDB does', async (sql, rows) => {
    expect((await lake.query(sql)).rows).toEqual(rows);
  });

  it('a bounded call that is named again says what to write instead', async () => {
    const again = "SELECT replace(message, policy, '') AS m, length(m) FROM kubearmor.alerts";
    await expect(lake.query(again)).rejects.toMatchObject({
      code: 'BAD_QUERY',
      message: expect.stringContaining('"m" can\'t be named again') as string,
      hint: expect.stringContaining('Put a query around it') as string,
    });
  });

  it.each([
    "SELECT 'ABCDE' COLLATE NOCASE LIKE 'a%c%_'",
    "SELECT x GLOB 'a*c*e*_*' FROM (SELECT 'ABCDE' COLLATE NOCASE AS x)",
    "WITH t AS (SELECT 'ABCDE' AS x) SELECT x LIKE 'a%c%_%e' FROM t ORDER BY x COLLATE NOCASE",
  ])('%s is refused where it would have to run as a regular expression', async (sql) => {
    expect(await codeOf(lake.query(sql))).toBe('NOT_ALLOWED');
  });
});
