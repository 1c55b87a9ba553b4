import { describe, expect, it } from 'vitest';
import { withRowLimit } from './row-limit.js';

describe('the row limit of SQL', () => {
  it.each([
    ['SELECT 1', 'SELECT 1|'],
    ['SELECT a FROM t ORDER BY a DESC; -- all', 'SELECT a FROM t ORDER BY a DESC|; -- all'],
    ['SELECT * FROM (SELECT 1 LIMIT 5)', 'SELECT * FROM (SELECT 1 LIMIT 5)|'],
    ['FROM t SELECT list(a ORDER BY b LIMIT 2)', 'FROM t SELECT list(a ORDER BY b LIMIT 2)|'],
    ["SELECT 'LIMIT 1' /* LIMIT */ AS a GROUP BY ALL", "SELECT 'LIMIT 1' /* LIMIT */ AS a GROUP BY ALL|"],
    ['SELECT 1 UNION ALL SELECT [2]', 'SELECT 1 UNION ALL SELECT [2]|'],
  ])('is put in at the end: %s', (sql, expected) => {
    const { text, originalPosition } = withRowLimit(sql, 11);
    expect(text).toBe(expected.replace('|', '\nLIMIT 11'));
    const at = expected.indexOf('|');
    expect([0, at, at + 3, text.length].map(originalPosition)).toEqual([0, at, at, sql.length]);
  });

  it.each([
    'SELECT 1 LIMIT 5',
    'WITH x AS (SELECT 1) SELECT * FROM x',
    'SELECT 1 limit 5 offset 2',
    'SELECT 1 OFFSET 2',
    'SELECT a FROM',
    'SELECT a FROM t WHERE a =',
    'SELECT a,',
    'SELECT (a',
    'SELECT a)',
    'DELETE FROM t',
    'PIVOT t ON a',
    '-- nothing',
    ';',
  ])('is not put into %s', (sql) => {
    expect(withRowLimit(sql, 11).text).toBe(sql);
  });
});
