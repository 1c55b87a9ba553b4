import { isColumnType } from '../../engine/index.js';
import type { Member } from '../scatter.js';
import type { NetworkTable } from './calls.js';

type Columns = NetworkTable['columns'];

/** The tables of a network put together from what its members say, and where one of them contradicts the others. */
export interface TableUnion {
  readonly tables: readonly NetworkTable[];
  /** Columns by table that some member's schema lacks. */
  readonly lacking: ReadonlyMap<string, Columns>;
  /** Member → table → what it has otherwise than the network, in a few words. */
  readonly conflicts: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** Tables and columns that this build doesn't know and takes from members; a version brings a few, never so many. */
const MOST_NEW_TABLES = 100;
const MOST_NEW_COLUMNS = 100;

/** What members say of one column that this build doesn't know. */
type Claims = Map<string, Map<string, number>>;

/**
 * This build's own tables keep their columns and types, whatever a member says. Of what is new here the type that most
 * members have wins, the one it has had among equals: so one member changes nothing of what the others have.
 * @param before the union as it was.
 */
export function uniteTables(
  own: readonly NetworkTable[],
  members: readonly Pick<Member, 'name' | 'tables'>[],
  before: readonly NetworkTable[],
): TableUnion {
  const built = new Map(own.map((table) => [nameOf(table), typesOf(table.columns)]));
  const closed = new Set(own.filter((table) => !table.stored).map(nameOf));
  const claims = claimsOf(members, built, closed);
  const had = new Map(before.map((table) => [nameOf(table), typesOf(table.columns)]));
  const added = new Map(
    [...claims].map(([name, columns]) => [name, chosen(columns, had.get(name)).slice(0, MOST_NEW_COLUMNS)]),
  );
  const widened = own.map((table) => withColumns(table, added.get(nameOf(table)) ?? []));
  const fresh = [...added].filter(([name, columns]) => !built.has(name) && columns.length > 0);
  const kept = prefer(fresh, had).slice(0, MOST_NEW_TABLES);
  const tables = [...widened, ...kept.map(([name, columns]) => newTable(name, columns))];
  return { tables, ...compare(tables, members, closed) };
}

export function nameOf({ schema, name }: Pick<NetworkTable, 'schema' | 'name'>): string {
  return `${schema}.${name}`;
}

function claimsOf(
  members: readonly Pick<Member, 'tables'>[],
  built: ReadonlyMap<string, ReadonlyMap<string, string>>,
  closed: ReadonlySet<string>,
): ReadonlyMap<string, Claims> {
  const claims = new Map<string, Claims>();
  for (const { name, columns } of members.flatMap((member) => member.tables)) {
    const known = built.get(name);
    // Views and states are made by each node itself: no member has columns of them that others could read.
    if (closed.has(name)) continue;
    for (const column of columns) {
      if (known?.has(column.name) === true || !isColumnType(column.type)) continue;
      const table = claims.get(name) ?? new Map<string, Map<string, number>>();
      const types = table.get(column.name) ?? new Map<string, number>();
      types.set(column.type, (types.get(column.type) ?? 0) + 1);
      table.set(column.name, types);
      claims.set(name, table);
    }
  }
  return claims;
}

/** The columns with the type that wins; those known before first, then those that most members have. */
function chosen(claims: Claims, had: ReadonlyMap<string, string> | undefined): Columns {
  const columns = [...claims].map(([name, types]) => {
    const before = had?.get(name);
    const [[type, count] = ['', 0]] = [...types].sort(
      ([one, first], [other, second]) =>
        second - first || Number(other === before) - Number(one === before) || (one < other ? -1 : 1),
    );
    return { name, type, count, known: before !== undefined };
  });
  const sorted = columns.sort((one, other) => Number(other.known) - Number(one.known) || other.count - one.count);
  return sorted.map(({ name, type }) => ({ name, type }));
}

function prefer<Value>(
  tables: readonly (readonly [string, Value])[],
  had: ReadonlyMap<string, unknown>,
): readonly (readonly [string, Value])[] {
  return [...tables].sort(([one], [other]) => Number(had.has(other)) - Number(had.has(one)));
}

function withColumns(table: NetworkTable, added: Columns): NetworkTable {
  return added.length === 0 ? table : { ...table, columns: [...table.columns, ...added] };
}

function newTable(name: string, columns: Columns): NetworkTable {
  const [schema = '', ...rest] = name.split('.');
  return { schema, name: rest.join('.'), columns, reads: [name], stored: true };
}

/** Each member's tables beside the union's: what it lacks, and what it has of another type. */
function compare(
  tables: readonly NetworkTable[],
  members: readonly Pick<Member, 'name' | 'tables'>[],
  closed: ReadonlySet<string>,
): Omit<TableUnion, 'tables'> {
  const union = new Map(tables.map((table) => [nameOf(table), { all: table.columns, types: typesOf(table.columns) }]));
  const lacking = new Map<string, Map<string, Columns[number]>>();
  const conflicts = new Map<string, Map<string, string>>();
  for (const member of members) {
    for (const { name, columns } of member.tables) {
      const known = union.get(name);
      if (known === undefined || closed.has(name)) continue;
      let shared = 0;
      for (const column of columns) {
        const type = known.types.get(column.name);
        if (type === undefined) continue;
        shared++;
        if (type === column.type) continue;
        const own = conflicts.get(member.name) ?? new Map<string, string>();
        own.set(name, `its ${name} has ${column.name} as another type than ${type}`);
        conflicts.set(member.name, own);
      }
      if (shared === known.all.length) continue;
      const has = typesOf(columns);
      const found = lacking.get(name) ?? new Map<string, Columns[number]>();
      for (const column of known.all) if (!has.has(column.name)) found.set(column.name, column);
      lacking.set(name, found);
    }
  }
  return { lacking: new Map([...lacking].map(([name, columns]) => [name, [...columns.values()]])), conflicts };
}

function typesOf(columns: Columns): ReadonlyMap<string, string> {
  return new Map(columns.map(({ name, type }) => [name, type]));
}
