import { describe, expect, it } from 'vitest';
import { incomingSql, outgoingSql } from './shipping.js';

describe('shipping', () => {
  it('casts what Parquet would change to text and back', () => {
    const columns = [
      { name: 'a', type: 'HUGEINT' },
      { name: 'b "x"', type: 'BIGINT' },
    ];
    expect(outgoingSql('SELECT 1', columns)).toBe(
      'SELECT CAST("a" AS VARCHAR) AS "a", "b ""x""" FROM (SELECT 1) AS shipped',
    );
    const file = { path: "/tmp/o'k.parquet", node: 'e1' };
    expect(incomingSql([file], { columns, guards: [] })).toBe(
      `SELECT CAST("a" AS HUGEINT) AS "a", "b ""x""" FROM read_parquet(['/tmp/o''k.parquet'])`,
    );
  });

  it('leaves alone what travels well', () => {
    expect(outgoingSql('SELECT 1', [{ name: 'a', type: 'MAP(VARCHAR, VARCHAR)' }])).toBe('SELECT 1');
  });

  it.each(['HUGEINT[]', 'STRUCT(a INTERVAL)', 'MAP(VARCHAR, UHUGEINT)'])('refuses %s', (type) => {
    expect(() => outgoingSql('SELECT 1', [{ name: 'a', type }])).toThrow(/can't travel between nodes/);
  });

  it('gives no rows of the right types without files', () => {
    const columns = [{ name: 'a', type: 'BIGINT' }];
    expect(incomingSql([], { columns, guards: [] })).toBe('SELECT CAST(NULL AS BIGINT) AS "a" LIMIT 0');
  });
});
