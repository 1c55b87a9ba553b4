import { describe, expect, it } from 'vitest';
import type { MemberTable } from '../scatter.js';
import type { NetworkTable } from './calls.js';
import { nameOf, uniteTables } from './table-union.js';

const own: readonly NetworkTable[] = [
  {
    schema: 'k',
    name: 'logs',
    columns: [
      { name: 'time', type: 'TIMESTAMP' },
      { name: 'pod', type: 'VARCHAR' },
    ],
    reads: ['k.logs'],
    stored: true,
  },
  { schema: 'k', name: 'view', columns: [{ name: 'pod', type: 'VARCHAR' }], reads: ['k.logs'], stored: false },
];

function member(
  name: string,
  ...tables: readonly (readonly [string, Readonly<Record<string, string>>])[]
): {
  name: string;
  tables: readonly MemberTable[];
} {
  return {
    name,
    tables: tables.map(([table, columns]) => ({
      name: table,
      columns: Object.entries(columns).map(([column, type]) => ({ name: column, type })),
      rows: 0,
      bytes: 0,
      minTimeMicros: null,
    })),
  };
}

const logs = { time: 'TIMESTAMP', pod: 'VARCHAR' };

describe('the tables of a network', () => {
  const columnsOf = (tables: readonly NetworkTable[], name: string): readonly string[] =>
    tables.find((table) => nameOf(table) === name)?.columns.map((column) => `${column.name} ${column.type}`) ?? [];

  it('keep the types of this build, and name who has others', () => {
    const members = ['a', 'b', 'c'].map((name) => member(name, ['k.logs', { ...logs, pod: 'BIGINT' }]));
    const { tables, conflicts } = uniteTables(own, [...members, member('d', ['k.logs', logs])], own);
    expect(tables).toEqual(own);
    expect([...conflicts.keys()]).toEqual(['a', 'b', 'c']);
    expect(conflicts.get('a')?.get('k.logs')).toBe('its k.logs has pod as another type than VARCHAR');
  });

  it('take the type of a new column that most have, and the one it has had among equals', () => {
    const [long, text] = [
      { ...logs, more: 'BIGINT' },
      { ...logs, more: 'VARCHAR' },
    ];
    const first = uniteTables(own, [member('a', ['k.logs', text])], own);
    expect(columnsOf(first.tables, 'k.logs')).toContain('more VARCHAR');
    const two = [member('a', ['k.logs', text]), member('b', ['k.logs', long])];
    const tie = uniteTables(own, two, first.tables);
    expect(columnsOf(tie.tables, 'k.logs')).toContain('more VARCHAR');
    expect([...tie.conflicts.keys()]).toEqual(['b']);
    const most = uniteTables(own, [...two, member('c', ['k.logs', long])], first.tables);
    expect(columnsOf(most.tables, 'k.logs')).toContain('more BIGINT');
    expect([...most.conflicts.keys()]).toEqual(['a']);
  });

  it('take no columns for what each node makes itself, and none of a type that is none', () => {
    const { tables } = uniteTables(own, [member('a', ['k.view', { x: 'VARCHAR' }], ['k.odd', { x: 'FOOBAR' }])], own);
    expect(tables).toEqual(own);
  });

  it('stay bounded, and those of most members stay in', () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`x${index}`, 'VARCHAR']));
    const more = Array.from({ length: 190 }, (_, index) => [`k.t${index}`, { x: 'VARCHAR' }] as const);
    const members = [
      member('rogue', ['k.logs', { ...logs, ...many }], ...more),
      member('a', ['k.logs', { ...logs, novel: 'VARCHAR' }]),
      member('b', ['k.logs', { ...logs, novel: 'VARCHAR' }]),
    ];
    const { tables } = uniteTables(own, members, own);
    expect(columnsOf(tables, 'k.logs')).toHaveLength(102);
    expect(columnsOf(tables, 'k.logs')).toContain('novel VARCHAR');
    expect(tables.length).toBe(102);
  });

  it('know what a member lacks', () => {
    const { lacking } = uniteTables(own, [member('a', ['k.logs', { time: 'TIMESTAMP' }])], own);
    expect(lacking.get('k.logs')).toEqual([{ name: 'pod', type: 'VARCHAR' }]);
  });
});
