import { describe, expect, it } from 'vitest';
import { defaultQuery } from '../../shared/index.js';
import type { Filter } from '../../shared/index.js';
import type { ArmorlakeQuery } from '../types.js';
import { hasFilter, modifyQuery, toggleFilter } from './filters.js';

const logs: ArmorlakeQuery = { refId: 'A', ...defaultQuery('logs', 'kubearmor.alerts') };
const namespace = { key: 'namespace', value: 'shop' };

function filtersOf(query: ArmorlakeQuery): readonly Filter[] {
  return query.builder?.filters ?? [];
}

describe('a filter button of a log line', () => {
  it('puts a filter in, takes it out again, and turns the opposite round', () => {
    const on = toggleFilter(logs, { type: 'FILTER_FOR', options: namespace });
    expect(filtersOf(on)).toEqual([{ column: 'namespace', operator: 'is', values: ['shop'] }]);
    expect(hasFilter(on, namespace)).toBe(true);
    expect(hasFilter(logs, namespace)).toBe(false);
    expect(filtersOf(toggleFilter(on, { type: 'FILTER_FOR', options: namespace }))).toEqual([]);
    const out = toggleFilter(on, { type: 'FILTER_OUT', options: namespace });
    expect(filtersOf(out)).toEqual([{ column: 'namespace', operator: 'is not', values: ['shop'] }]);
    expect(hasFilter(out, namespace)).toBe(false);
    expect(filtersOf(toggleFilter(out, { type: 'FILTER_OUT', options: namespace }))).toEqual([]);
    expect(filtersOf(logs)).toEqual([]);
  });

  it('takes a second value of a column beside the first, and only the one out that is clicked', () => {
    const both = toggleFilter(toggleFilter(logs, { type: 'FILTER_FOR', options: namespace }), {
      type: 'FILTER_FOR',
      options: { key: 'namespace', value: 'ci' },
    });
    expect(filtersOf(both)).toEqual([{ column: 'namespace', operator: 'is', values: ['shop', 'ci'] }]);
    expect(filtersOf(toggleFilter(both, { type: 'FILTER_FOR', options: namespace }))).toEqual([
      { column: 'namespace', operator: 'is', values: ['ci'] },
    ]);
  });

  it.each([
    ['labels[app]', 'web', { column: 'labels', key: 'app', operator: 'is', values: ['web'] }],
    ['severity', '5', { column: 'severity', operator: '=', values: ['5'] }],
    ['host_pid', '77', { column: 'host_pid', operator: '=', values: ['77'] }],
    ['tags', 'mitre', { column: 'tags', operator: 'has any', values: ['mitre'] }],
    ['tags', '["T1059","a \\"b\\""]', { column: 'tags', operator: 'has any', values: ['T1059', 'a "b"'] }],
    ['resource', '["x"]', { column: 'resource', operator: 'is', values: ['["x"]'] }],
    ['resource', "it's $x \u202e", { column: 'resource', operator: 'is', values: ["it's $x \u202e"] }],
    ['resource', 'a\\u{202e}b \\u{5c}u{1b}', { column: 'resource', operator: 'is', values: ['a\u202eb \\u{1b}'] }],
    ['labels[\\u{200b}]', 'web', { column: 'labels', key: '\u200b', operator: 'is', values: ['web'] }],
    ['container', '', { column: 'container', operator: 'is not set', values: [] }],
  ])('takes %s = %j by the meaning of the column', (key, value, filter) => {
    const on = toggleFilter(logs, { type: 'FILTER_FOR', options: { key, value } });
    expect(filtersOf(on)).toEqual([filter]);
    expect(hasFilter(on, { key, value })).toBe(true);
    expect(filtersOf(toggleFilter(on, { type: 'FILTER_FOR', options: { key, value } }))).toEqual([]);
  });

  it('leaves filters alone that it did not make', () => {
    const other: Filter = { column: 'namespace', operator: 'glob', values: ['sh*'] };
    const query: ArmorlakeQuery = { ...logs, builder: { ...defaultQuery('logs').builder, filters: [other] } };
    const on = toggleFilter(query, { type: 'FILTER_FOR', options: namespace });
    expect(filtersOf(on)).toEqual([other, { column: 'namespace', operator: 'is', values: ['shop'] }]);
    expect(filtersOf(toggleFilter(on, { type: 'FILTER_FOR', options: namespace }))).toEqual([other]);
  });

  it('puts a SELECT around SQL, and takes it off with the last condition', () => {
    const sql: ArmorlakeQuery = { ...logs, editor: 'sql', sql: 'SELECT * FROM kubearmor.alerts ORDER BY time DESC;' };
    const one = toggleFilter(sql, { type: 'FILTER_FOR', options: { key: 'namespace', value: "o'neil" } });
    expect(one.sql).toBe(
      "SELECT * FROM (\nSELECT * FROM kubearmor.alerts ORDER BY time DESC\n) WHERE CAST(namespace AS VARCHAR) = 'o''neil'",
    );
    const two = toggleFilter(one, { type: 'FILTER_OUT', options: { key: 'odd "name"', value: 'x' } });
    expect(two.sql).toBe(`${one.sql ?? ''}\n  AND CAST("odd ""name""" AS VARCHAR) IS DISTINCT FROM 'x'`);
    expect(hasFilter(two, { key: 'namespace', value: "o'neil" })).toBe(true);
    const back = toggleFilter(toggleFilter(two, { type: 'FILTER_OUT', options: { key: 'odd "name"', value: 'x' } }), {
      type: 'FILTER_FOR',
      options: { key: 'namespace', value: "o'neil" },
    });
    expect(back.sql).toBe('SELECT * FROM kubearmor.alerts ORDER BY time DESC');
  });

  it('asks a list for its values, in SQL too', () => {
    const sql: ArmorlakeQuery = { ...logs, editor: 'sql', sql: 'SELECT * FROM kubearmor.alerts' };
    const tags = { key: 'tags', value: '["T1059","x"]' };
    const on = toggleFilter(sql, { type: 'FILTER_FOR', options: tags });
    expect(on.sql).toBe("SELECT * FROM (\nSELECT * FROM kubearmor.alerts\n) WHERE list_has_any(tags, ['T1059', 'x'])");
    expect(hasFilter(on, tags)).toBe(true);
    const out = toggleFilter(on, { type: 'FILTER_OUT', options: tags });
    expect(out.sql).toMatch(/WHERE NOT coalesce\(list_has_any\(tags, \['T1059', 'x'\]\), FALSE\)$/u);
    expect(toggleFilter(out, { type: 'FILTER_OUT', options: tags }).sql).toBe(sql.sql);
  });

  it('takes a list that shares values with another beside it', () => {
    const one = toggleFilter(logs, { type: 'FILTER_FOR', options: { key: 'tags', value: '["a","b"]' } });
    const two = toggleFilter(one, { type: 'FILTER_FOR', options: { key: 'tags', value: '["b","c"]' } });
    expect(filtersOf(two)).toEqual([{ column: 'tags', operator: 'has any', values: ['a', 'b', 'c'] }]);
  });

  it('changes nothing when it is told nothing', () => {
    expect(toggleFilter(logs, { type: 'FILTER_FOR', options: { key: '', value: 'x' } })).toBe(logs);
    expect(hasFilter(logs, {})).toBe(false);
  });
});

describe('an action on a query', () => {
  it('adds a filter once', () => {
    const on = modifyQuery(logs, { type: 'ADD_FILTER', options: namespace });
    expect(filtersOf(on)).toEqual([{ column: 'namespace', operator: 'is', values: ['shop'] }]);
    expect(modifyQuery(on, { type: 'ADD_FILTER', options: namespace })).toBe(on);
    expect(filtersOf(modifyQuery(on, { type: 'ADD_FILTER_OUT', options: namespace }))).toEqual([
      { column: 'namespace', operator: 'is not', values: ['shop'] },
    ]);
  });

  it('that is unknown changes nothing', () => {
    expect(modifyQuery(logs, { type: 'ADD_STRING_FILTER', options: namespace })).toBe(logs);
    expect(modifyQuery(logs, { type: 'ADD_FILTER' })).toBe(logs);
  });
});
