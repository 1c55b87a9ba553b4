import { describe, expect, it } from 'vitest';
import { QueryError } from './errors.js';
import { macros } from './macro-list.js';
import type { MacroValues } from './macros.js';
import { expandMacros } from './macros.js';

const values: MacroValues = {
  context: { fromMs: Date.UTC(2026, 0, 1), toMs: Date.UTC(2026, 0, 1, 6), intervalMs: 30_000, maxDataPoints: 1_000 },
  nodes: ["edge-'1", 'edge-2'],
  adHocFilters: [
    { key: 'namespace', operator: '=|', values: ['a', 'b'] },
    { key: 'labels[app]', operator: '!=', values: ['web'] },
  ],
};

const expand = (sql: string): string => expandMacros(sql, values).text;

function errorOf(sql: string): QueryError {
  try {
    expandMacros(sql, values);
  } catch (thrown) {
    if (thrown instanceof QueryError) return thrown;
    throw thrown;
  }
  throw new Error(`${sql} is no error`);
}

const from = "TIMESTAMP '2026-01-01 00:00:00.000'";
const to = "TIMESTAMP '2026-01-01 06:00:00.000'";

describe('macros', () => {
  it.each([
    ['$__timeFilter(time)', `(time >= ${from} AND time < ${to})`],
    ['$__timeFilter( a."t""x" )', `(a."t""x" >= ${from} AND a."t""x" < ${to})`],
    ['$__timeFilter(coalesce(a, b))', `(coalesce(a, b) >= ${from} AND coalesce(a, b) < ${to})`],
    ['$__timeFrom', from],
    ['$__timeFrom()', from],
    ['${__timeTo}', to],
    ['$__timeTo ()', to],
    ['$__interval', "INTERVAL '30 seconds'"],
    ['time_bucket($__interval, t)', "time_bucket(INTERVAL '30 seconds', t)"],
    ['$__interval_ms / 1000', '30000 / 1000'],
    ['($__interval_ms)', '(30000)'],
    ['$__timeGroup(time, 5m)', "time_bucket(INTERVAL '5 minutes', time)"],
    ["$__timeGroup(time, '1h')", "time_bucket(INTERVAL '1 hours', time)"],
    ['$__timeGroup(time, auto)', "time_bucket(INTERVAL '30 seconds', time)"],
    ['$__timeGroup(time, $__interval)', "time_bucket(INTERVAL '30 seconds', time)"],
    ['$__timeGroupAlias(time, 5m)', `time_bucket(INTERVAL '5 minutes', time) AS "time"`],
    ['$__time(received_at)', 'received_at AS "time"'],
    ['$__unixEpochFilter(epoch(t))', '(epoch(t) >= 1767225600 AND epoch(t) < 1767247200)'],
    ['$__nodes', "(node IN ('edge-''1', 'edge-2'))"],
    ['$__nodes()', "(node IN ('edge-''1', 'edge-2'))"],
    ['$__nodes(n.name)', "(n.name IN ('edge-''1', 'edge-2'))"],
    ['$__adHocFilters(kubearmor.alerts)', "(namespace IN ('a', 'b') AND labels['app'] IS DISTINCT FROM 'web')"],
    ['$__adHocFilters("kubearmor"."alerts")', "(namespace IN ('a', 'b') AND labels['app'] IS DISTINCT FROM 'web')"],
    ['\'$__timeFrom\' "$__timeFrom" -- $__timeFrom', '\'$__timeFrom\' "$__timeFrom" -- $__timeFrom'],
    ['/* $__timeFrom */ $$ $__timeFrom $$', '/* $__timeFrom */ $$ $__timeFrom $$'],
    ['[[1, 2], [3]]', '[[1, 2], [3]]'],
  ])('%s', (sql, expected) => {
    expect(expand(sql)).toBe(expected);
  });

  it('say what they fill empty buckets with', () => {
    const fillOf = (fill: string): unknown => expandMacros(`$__timeGroup(t, 5m${fill})`, values).fill;
    expect(fillOf('')).toEqual({ mode: 'none' });
    expect(fillOf(', NULL')).toEqual({ mode: 'null' });
    expect(fillOf(', previous')).toEqual({ mode: 'previous' });
    expect(fillOf(', -1.5')).toEqual({ mode: 'value', value: -1.5 });
    expect(expandMacros('$__timeGroup(t, 5m)', values).bucketMs).toBe(300_000);
    expect(expandMacros('SELECT 1', values).bucketMs).toBeNull();
  });

  it('without scope and filters are TRUE', () => {
    const none = { ...values, nodes: [], adHocFilters: [] };
    expect(expandMacros('$__nodes AND $__adHocFilters(kubearmor.logs)', none).text).toBe('TRUE AND TRUE');
  });

  it.each([
    ['a $__timeFilter', 2, '$__timeFilter wants a column.'],
    ['$__timeFilter()', 0, '$__timeFilter wants a column.'],
    ['$__timeFilter(a, b)', 17, '$__timeFilter wants one column, not more.'],
    ['$__timeFilter(a', 13, 'The parenthesis of $__timeFilter is never closed.'],
    ['$__timeFrom(time)', 12, '$__timeFrom wants no argument.'],
    ['$__timeGroup', 0, '$__timeGroup wants a column and an interval.'],
    ['$__timeGroup(t)', 13, '$__timeGroup wants an interval after the column, as 5m or auto.'],
    ['$__timeGroup(t, 5 parsecs)', 16, '$__timeGroup wants an interval as 30s, 5m, 1h, 1d or auto, not "5 parsecs".'],
    ['$__timeGroup(t, 1M)', 16, '$__timeGroup wants an interval as 30s, 5m, 1h, 1d or auto, not "1M".'],
    ['$__timeGroup(t, 5m, zero)', 20, '$__timeGroup wants NULL, previous or a number as its fill, not "zero".'],
    ['$__timeGroup(t, 5m, 0, 1)', 23, '$__timeGroup wants no more than a column, an interval and a fill.'],
    ['$__adHocFilters', 0, '$__adHocFilters wants one table with its schema, as kubearmor.alerts.'],
    ['$__adHocFilters(alerts)', 16, '$__adHocFilters wants one table with its schema, as kubearmor.alerts.'],
    ['$__adHocFilters(a.b, c.d)', 16, '$__adHocFilters wants one table with its schema, as kubearmor.alerts.'],
    ['$__nodes(a, b)', 12, '$__nodes wants one column, not more.'],
    ['$__conditionalAll', 0, '$__conditionalAll wants a predicate and a variable.'],
    ['$__conditionalAll(a, b)', 21, '$__conditionalAll wants a variable as its second argument, not "b".'],
    ['$__conditionalAll(a IN ($ns), $ns)', 30, 'The variable $ns has no value here.'],
    ['x = $ns', 4, 'The variable $ns has no value here.'],
    ['SELECT $1', 7, 'The variable $1 has no value here.'],
    ['  $__timefilter(t)', 2, 'There is no macro $__timefilter.'],
    ['$__from', 0, 'There is no macro $__from.'],
  ])('%s is an error at %d', (sql, position, message) => {
    const error = errorOf(sql);
    expect([error.position, error.message]).toEqual([position, message]);
    expect(error.hint).toBeDefined();
  });

  it('keep the places of what is around them', () => {
    const sql = 'SELECT a, $__timeGroup(t, 5m) AS t, bad FROM x WHERE $__timeFilter(t) AND wrong';
    const { text, originalPosition } = expandMacros(sql, values);
    for (const word of ['SELECT', 'bad', 'FROM', 'wrong']) {
      expect(originalPosition(text.indexOf(word))).toBe(sql.indexOf(word));
    }
    expect(originalPosition(text.indexOf('INTERVAL'))).toBe(sql.indexOf('$__timeGroup'));
    expect(originalPosition(text.length)).toBe(sql.length);
  });

  it('each have an example that works', () => {
    for (const { name, example } of macros) {
      if (name === '$__conditionalAll') expect(errorOf(example).message).toContain('$namespace has no value');
      else expect(expand(example)).not.toContain('$__');
    }
  });
});
