import { describe, expect, it } from 'vitest';
import type { Catalog } from '../../../shared/index.js';
import { itemsAt, placeAt, tableWith, valueItems } from './completion.js';

const column = (name: string, type = 'VARCHAR') => ({ name, type, description: `the ${name}` });
const catalog: Catalog = {
  databases: [
    {
      name: 'kubearmor',
      tables: [
        { name: 'alerts', kind: 'table', description: 'alerts', columns: [column('namespace'), column('policy')] },
        { name: 'logs', kind: 'table', description: 'logs', columns: [column('namespace'), column('host')] },
      ],
    },
  ],
};
const source = { catalog, variables: ['$ns'], values: () => Promise.resolve([]) };

/** The place of the `|` in a text. */
function at(text: string) {
  const offset = text.indexOf('|');
  return placeAt(text.replace('|', ''), offset);
}
function labels(text: string): readonly string[] {
  return itemsAt(at(text), source).map(({ label }) => label);
}

describe('what completion offers', () => {
  it.each([
    'SELECT 1 FROM |',
    'SELECT 1 FROM kube|',
    'SELECT 1 FROM kubearmor.|',
    'FROM kubearmor.logs l JOIN kubearmor.al|',
  ])('tables: %s', (text) => {
    expect(labels(text).slice(0, 2)).toEqual(['kubearmor.alerts', 'kubearmor.logs']);
  });

  it('replaces all of a table that is typed half', () => {
    expect(at('FROM kubearmor.lo|')).toEqual({ kind: 'table', start: 5 });
  });

  it('columns of the tables that are named, also after the cursor; then variables, macros, functions', () => {
    const offered = labels('SELECT | FROM kubearmor.logs');
    expect(offered.slice(0, 2)).toEqual(['namespace', 'host']);
    expect(offered).not.toContain('policy');
    expect(offered).toEqual(expect.arrayContaining(['$ns', '$__timeFilter', '$__nodes', 'time_bucket', 'GROUP BY']));
  });

  it('columns of two tables, each name once', () => {
    const offered = labels('SELECT | FROM kubearmor.logs, kubearmor.alerts');
    expect(offered.filter((label) => label === 'namespace')).toHaveLength(1);
    expect(offered).toEqual(expect.arrayContaining(['host', 'policy']));
  });

  it('only columns after an alias and a dot', () => {
    expect(labels('SELECT a.| FROM kubearmor.alerts a')).toEqual(['namespace', 'policy']);
  });

  it('macros and variables where a dollar is typed, replacing it', () => {
    expect(at('SELECT 1 WHERE $__ti|')).toMatchObject({ kind: 'expression', start: 15 });
    const macro = itemsAt(at('WHERE $|'), source).find(({ label }) => label === '$__timeFilter');
    expect(macro).toMatchObject({ insert: '$__timeFilter(time)' });
  });

  it('nothing in comments, numbers and quoted names', () => {
    for (const text of ['-- na|', '/* na| */', 'SELECT 12|', 'SELECT "na|'])
      expect(at(text)).toEqual({ kind: 'nothing' });
  });

  it('without a catalog what is always there', () => {
    const offered = itemsAt(at('SELECT |'), { ...source, catalog: undefined }).map(({ label }) => label);
    expect(offered).toContain('count');
  });
});

describe('values', () => {
  it.each([
    ["WHERE namespace = '|'", ''],
    ["WHERE namespace = 'sh|", 'sh'],
    ["WHERE namespace != 'sh|'", 'sh'],
    ["WHERE namespace IN ('a', 'sh|')", 'sh'],
    ["WHERE namespace NOT IN ('sh|", 'sh'],
    ["WHERE namespace NOT LIKE 'it''s|'", "it's"],
  ])('are those of the column that is compared: %s', (text, typed) => {
    expect(at(`FROM kubearmor.logs ${text}`)).toMatchObject({
      kind: 'value',
      column: 'namespace',
      typed,
      tables: ['kubearmor.logs'],
    });
  });

  it('are none where no column is compared', () => {
    expect(at("SELECT concat('|')")).toEqual({ kind: 'nothing' });
    expect(at("SELECT 'a| ")).toEqual({ kind: 'nothing' });
  });

  it('go into the SQL with their quotes doubled, and onto the screen without what hides', () => {
    expect(valueItems([{ value: "it's\u202e", count: 1_200 }])).toEqual([
      { label: "it's\\u{202e}", kind: 'value', insert: "it''s\u202e", detail: '1,200' },
    ]);
  });

  it('are asked of the table that has the column', () => {
    expect(tableWith(catalog, ['kubearmor.logs', 'kubearmor.alerts'], 'policy')).toBe('kubearmor.alerts');
    expect(tableWith(catalog, ['kubearmor.logs'], 'policy')).toBeNull();
    expect(tableWith(undefined, ['kubearmor.logs'], 'policy')).toBeNull();
  });
});
