import type { Clock } from '../../core/index.js';
import type { Catalog, EngineClient } from '../../engine/index.js';
import type { Member, MemberTable, Scatter, ScatterRequest } from '../scatter.js';
import type { NetworkTable } from './calls.js';

/** Members come and go by the thousand; what they hold changes rarely. */
const UNION_MS = 1000;

/** Tables and columns of the whole network: this build's own, and what members of other versions have besides. */
export class NetworkCatalog {
  readonly #merge: EngineClient;
  readonly #scatter: Pick<Scatter, 'members'>;
  readonly #own: readonly NetworkTable[];
  readonly #clock: Clock;
  #tables: readonly NetworkTable[];
  /** Columns by table that some member's schema lacks. */
  #lacking: ReadonlyMap<string, NetworkTable['columns']> = new Map();
  #unitedAtMs = -Infinity;
  #published: readonly NetworkTable[] | null = null;
  #publishing: Promise<void> | null = null;
  /** Grows with each start of the merge engine. */
  #engine = 0;

  constructor(merge: EngineClient, scatter: Pick<Scatter, 'members'>, own: readonly NetworkTable[], clock: Clock) {
    this.#merge = merge;
    this.#scatter = scatter;
    this.#own = own;
    this.#clock = clock;
    this.#tables = own;
  }

  /** The union, own tables and columns first; as it was a second ago at most. */
  tables(): readonly NetworkTable[] {
    const now = this.#clock.monotonicMs();
    if (now - this.#unitedAtMs < UNION_MS) return this.#tables;
    this.#unitedAtMs = now;
    const held = this.#scatter.members().flatMap((member) => member.tables);
    const tables = unionOf(this.#own, held);
    if (JSON.stringify(tables) !== JSON.stringify(this.#tables)) this.#tables = tables;
    this.#lacking = lackingIn(tables, held);
    return this.#tables;
  }

  /** Makes the merge engine know the tables as they are now; one call at a time, shared by those who come meanwhile. */
  async publish(signal: AbortSignal): Promise<void> {
    while (this.tables() !== this.#published) {
      this.#publishing ??= this.#publish().finally(() => (this.#publishing = null));
      await this.#publishing;
      signal.throwIfAborted();
    }
  }

  async #publish(): Promise<void> {
    const tables = this.#tables;
    const engine = this.#engine;
    await this.#merge.call('tables', { tables });
    // A new engine has started meanwhile: it knows nothing of this.
    if (engine === this.#engine) this.#published = tables;
  }

  /** This build's catalog, with what only other nodes have. */
  catalog(own: Catalog): Catalog {
    const columns = new Map(this.tables().map((table) => [nameOf(table), table.columns]));
    return {
      databases: own.databases.map((database) => ({
        name: database.name,
        tables: database.tables.map((table) => {
          const known = new Set(table.columns.map((column) => column.name));
          const more = (columns.get(`${database.name}.${table.name}`) ?? []).filter(({ name }) => !known.has(name));
          const added = more.map((column) => ({ ...column, description: 'Known to nodes of a newer version' }));
          return { ...table, columns: [...table.columns, ...added] };
        }),
      })),
    };
  }

  /** The merge engine is a new one and knows nothing. */
  forgotten(): void {
    this.#engine++;
    this.#published = null;
  }

  /** Of these tables those that members of older versions do not have, by member; whoever has all is left out. */
  lacking(members: readonly Member[], names: readonly string[]): ReadonlyMap<string, readonly string[]> {
    const stored = this.tables()
      .filter((table) => table.stored)
      .map(nameOf)
      .filter((name) => names.includes(name));
    return new Map(
      members.flatMap((member) => {
        const missing = stored.filter((table) => !member.tables.some(({ name }) => name === table));
        return missing.length === 0 ? [] : [[member.name, missing] as const];
      }),
    );
  }

  /** Columns of these tables that some member's schema lacks: there they read NULL. */
  expects(names: readonly string[]): ScatterRequest['expects'] {
    return [...new Set(names)].flatMap((table) => {
      const columns = this.#lacking.get(table) ?? [];
      return columns.length === 0 ? [] : [{ table, columns }];
    });
  }
}

function unionOf(own: readonly NetworkTable[], held: readonly MemberTable[]): readonly NetworkTable[] {
  const tables = new Map(own.map((table) => [nameOf(table), table]));
  for (const { name, columns } of held) {
    const [schema = '', ...rest] = name.split('.');
    const table = tables.get(name) ?? { schema, name: rest.join('.'), columns: [], reads: [name], stored: true };
    const known = new Set(table.columns.map((column) => column.name));
    const added = columns.filter((column) => !known.has(column.name));
    if (added.length > 0) tables.set(name, { ...table, columns: [...table.columns, ...added] });
  }
  return [...tables.values()];
}

function lackingIn(
  tables: readonly NetworkTable[],
  held: readonly MemberTable[],
): ReadonlyMap<string, NetworkTable['columns']> {
  const byName = new Map(tables.map((table) => [nameOf(table), table]));
  const lacking = new Map<string, Map<string, NetworkTable['columns'][number]>>();
  for (const { name, columns } of held) {
    const all = byName.get(name)?.columns ?? [];
    if (columns.length >= all.length) continue;
    const own = new Set(columns.map((column) => column.name));
    const found = lacking.get(name) ?? new Map<string, NetworkTable['columns'][number]>();
    for (const column of all) if (!own.has(column.name)) found.set(column.name, column);
    lacking.set(name, found);
  }
  return new Map([...lacking].map(([name, columns]) => [name, [...columns.values()]]));
}

function nameOf({ schema, name }: NetworkTable): string {
  return `${schema}.${name}`;
}
