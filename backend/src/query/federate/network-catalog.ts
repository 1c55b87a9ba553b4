import type { Clock } from '../../core/index.js';
import type { Catalog, EngineClient } from '../../engine/index.js';
import type { Member, Scatter, ScatterRequest } from '../scatter.js';
import type { NetworkTable } from './calls.js';
import type { NodeFault } from './node-answers.js';
import type { TableUnion } from './table-union.js';
import { nameOf, uniteTables } from './table-union.js';

/** Members come and go by the thousand; what they hold changes rarely. */
const UNION_MS = 1000;

/** Tables and columns of the whole network: this build's own, and what members of other versions have besides. */
export class NetworkCatalog {
  readonly #merge: EngineClient;
  readonly #scatter: Pick<Scatter, 'members'>;
  readonly #own: readonly NetworkTable[];
  readonly #clock: Clock;
  #union: TableUnion;
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
    this.#union = { tables: own, lacking: new Map(), conflicts: new Map() };
  }

  /** The union, own tables and columns first; as it was a second ago at most. */
  tables(): readonly NetworkTable[] {
    const now = this.#clock.monotonicMs();
    if (now - this.#unitedAtMs < UNION_MS) return this.#union.tables;
    this.#unitedAtMs = now;
    const before = this.#union.tables;
    const union = uniteTables(this.#own, this.#scatter.members(), before);
    // The same as before: whoever holds it need not look again.
    const same = JSON.stringify(union.tables) === JSON.stringify(before);
    this.#union = same ? { ...union, tables: before } : union;
    return this.#union.tables;
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
    const { tables } = this.#union;
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
        // What a member that is away has now nobody knows.
        if (!member.alive) return [];
        const missing = stored.filter((table) => !member.tables.some(({ name }) => name === table));
        return missing.length === 0 ? [] : [[member.name, missing] as const];
      }),
    );
  }

  /** Members that have one of these tables otherwise than the network: their rows would be read as something else. */
  conflicts(members: readonly Member[], names: readonly string[]): ReadonlyMap<string, NodeFault> {
    this.tables();
    return new Map(
      members.flatMap(({ name }) => {
        const own = this.#union.conflicts.get(name);
        const found = names.flatMap((table) => own?.get(table) ?? []);
        return found.length === 0
          ? []
          : [[name, { code: 'CONFLICT', message: `Left out: ${found.join('; ')}.` }] as const];
      }),
    );
  }

  /** Columns of these tables that some member's schema lacks: there they read NULL. */
  expects(names: readonly string[]): ScatterRequest['expects'] {
    return [...new Set(names)].flatMap((table) => {
      const columns = this.#union.lacking.get(table) ?? [];
      return columns.length === 0 ? [] : [{ table, columns }];
    });
  }
}
