import { describe, expect, it } from 'vitest';
import { formatSql } from './formatSql.js';

describe('formatting', () => {
  it('lays out DuckDB SQL and leaves macros, variables, strings and comments alone', async () => {
    const sql =
      "select $__timeGroup(time, $__interval, 0) as t, labels['app'] from kubearmor.logs " +
      "where $__timeFilter(time) and pod in ($pod) and x = '${y:raw} $__x (z)' group by all -- why";
    const formatted = await formatSql(sql);
    expect(formatted).toContain('$__timeGroup(time, $__interval, 0)');
    expect(formatted).toContain('$__timeFilter(time)\n');
    expect(formatted).toContain("'${y:raw} $__x (z)'");
    expect(formatted).toContain('pod IN ($pod)');
    expect(formatted).toContain('GROUP BY ALL -- why');
    expect(formatted?.split('\n').length).toBeGreaterThan(5);
  });

  it('formats the same to the same', async () => {
    const once = (await formatSql('select a,b from t where $__conditionalAll(a in ($a), $a)')) ?? '';
    expect(await formatSql(once)).toBe(once);
  });

  it('changes nothing that is not finished', async () => {
    expect(await formatSql("SELECT 'open")).toBeNull();
  });
});
