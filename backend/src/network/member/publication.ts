import type { PrunedColumn } from '../../query/index.js';
import { METADATA_LIMITS } from '../limits.js';
import type { Stop } from '../time.js';
import type { NetworkTable, NodeMetadata, ValueSets } from '../types.js';

/** What a commit adds to what the lake holds. */
export interface Widening {
  /** Values of its rows. */
  readonly values: Readonly<Partial<Record<PrunedColumn, Iterable<string>>>>;
  /** Table → earliest time of its rows, microseconds since 1970. */
  readonly minTimes: ReadonlyMap<string, number>;
}

/** A hub that is told, and whose word a commit waits for. */
export interface Follower {
  /** Sends what there is now; the version grows with each. */
  follow(metadata: NodeMetadata, version: number): void;
  /** Resolves when the hub has this version or must have given this node up; null: it is so already. */
  settled(version: number): Promise<void> | null;
}

/** Taken before the lake is read to narrow what was published. */
export type Mark = number;

const COLUMNS = ['cluster', 'host', 'namespace', 'policy'] as const satisfies readonly PrunedColumn[];
/** Lower bounds are published by the hour, so that a late event now and then changes nothing. */
const HOUR_MICROS = 3_600_000_000;

/**
 * What this node says of its lake, and the promise in it: before rows become visible, every hub that may ask this node
 * knows their values and times, or must have declared it failed. So no query prunes a row that was acknowledged.
 */
export class Publication {
  #metadata: NodeMetadata;
  #version = 1;
  #promised = 1;
  #sets: Map<PrunedColumn, ReadonlySet<string> | null>;
  #bounds: Map<string, number | null>;
  readonly #followers = new Set<Follower>();
  readonly #watchers = new Set<() => void>();
  readonly #commits = new Set<{ readonly widening: Widening; endedAt: number | null }>();
  readonly #marks = new Set<Mark>();
  #moment = 0;

  /** @param metadata true of all rows that are visible now */
  constructor(metadata: NodeMetadata) {
    this.#metadata = bounded(metadata);
    this.#sets = setsOf(this.#metadata);
    this.#bounds = boundsOf(this.#metadata);
  }

  get metadata(): NodeMetadata {
    return this.#metadata;
  }

  get version(): number {
    return this.#version;
  }

  /**
   * Makes rows visible: `run` commits them, after every hub knows of them. At once when they bring nothing new. While it
   * runs, narrowing takes its values into account.
   */
  async commit<T>(widening: Widening, run: () => Promise<T>): Promise<T> {
    const commit = { widening: listed(widening), endedAt: null as number | null };
    this.#commits.add(commit);
    try {
      if (this.#widen(commit.widening)) this.#promised = this.#publish();
      const waits = [...this.#followers].flatMap((follower) => follower.settled(this.#promised) ?? []);
      if (waits.length > 0) await Promise.all(waits);
      return await run();
    } finally {
      commit.endedAt = ++this.#moment;
      this.#dropCommits();
    }
  }

  /** Replaces what is no promise: labels, connectors, gaps, sizes, columns. */
  update(metadata: Omit<NodeMetadata, 'values'>): void {
    this.#metadata = this.#withPromise(metadata);
    for (const { name, minTimeMicros } of metadata.tables) {
      if (!this.#bounds.has(name)) this.#bounds.set(name, minTimeMicros);
    }
    this.#publish();
  }

  /** Call it before the lake is read for `narrow`, and `narrow` with what it gave, exactly once. */
  mark(): Mark {
    const mark = ++this.#moment;
    this.#marks.add(mark);
    return mark;
  }

  /** Publishes what the lake was read to hold after the mark, and what has been committed since; null: nothing was read. */
  narrow(mark: Mark, metadata: NodeMetadata | null): void {
    this.#marks.delete(mark);
    if (metadata !== null) {
      const exact = bounded(metadata);
      this.#sets = setsOf(exact);
      this.#bounds = boundsOf(exact);
      for (const { widening, endedAt } of this.#commits) {
        if (endedAt === null || endedAt > mark) this.#widen(widening);
      }
      this.#metadata = this.#withPromise(exact);
      this.#publish();
    }
    this.#dropCommits();
  }

  /** Told of each change. */
  watch(changed: () => void): Stop {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }

  follow(follower: Follower): Stop {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** True when it brought anything new. */
  #widen({ values, minTimes }: Widening): boolean {
    let wider = false;
    for (const column of COLUMNS) {
      const set = this.#sets.get(column) ?? null;
      const added = [...(values[column] ?? [])].filter((value) => set !== null && !set.has(value));
      if (set === null || added.length === 0) continue;
      this.#sets.set(column, listable([...set, ...added]));
      wider = true;
    }
    for (const [table, micros] of minTimes) {
      const known = this.#bounds.get(table) ?? null;
      if (known !== null && known <= micros) continue;
      this.#bounds.set(table, Math.floor(micros / HOUR_MICROS) * HOUR_MICROS);
      wider = true;
    }
    if (wider) this.#metadata = this.#withPromise(this.#metadata);
    return wider;
  }

  #withPromise(metadata: Omit<NodeMetadata, 'values'>): NodeMetadata {
    const tables = metadata.tables.map((table) => ({ ...table, minTimeMicros: this.#bounds.get(table.name) ?? null }));
    const named = new Set(tables.map(({ name }) => name));
    const unnamed = [...this.#bounds].flatMap(([name, minTimeMicros]): NetworkTable[] =>
      named.has(name) ? [] : [{ name, columns: [], rows: 0, bytes: 0, retentionMs: null, minTimeMicros }],
    );
    const list = (column: PrunedColumn): readonly string[] | null => {
      const set = this.#sets.get(column) ?? null;
      return set === null ? null : [...set];
    };
    const values: ValueSets = {
      cluster: list('cluster'),
      host: list('host'),
      namespace: list('namespace'),
      policy: list('policy'),
    };
    return { ...metadata, tables: [...tables, ...unnamed], values };
  }

  #publish(): number {
    this.#version++;
    for (const follower of this.#followers) follower.follow(this.#metadata, this.#version);
    for (const watcher of this.#watchers) watcher();
    return this.#version;
  }

  /** A commit that ended before every mark that is out is in what will be read after it. */
  #dropCommits(): void {
    const first = Math.min(Infinity, ...this.#marks);
    for (const commit of this.#commits) {
      if (commit.endedAt !== null && commit.endedAt < first) this.#commits.delete(commit);
    }
  }
}

function setsOf({ values }: NodeMetadata): Map<PrunedColumn, ReadonlySet<string> | null> {
  return new Map(COLUMNS.map((column) => [column, listable(values[column])]));
}

function boundsOf({ tables }: NodeMetadata): Map<string, number | null> {
  return new Map(tables.map(({ name, minTimeMicros }) => [name, minTimeMicros]));
}

/** The values as a set; null when there are too many, or one is too long, to be listed. */
function listable(values: readonly string[] | null): ReadonlySet<string> | null {
  if (values === null) return null;
  const set = new Set(values);
  return set.size > METADATA_LIMITS.values || values.some(({ length }) => length > METADATA_LIMITS.text) ? null : set;
}

function bounded(metadata: NodeMetadata): NodeMetadata {
  const { cluster, host, namespace, policy } = metadata.values;
  const list = (values: readonly string[] | null): readonly string[] | null => {
    const set = listable(values);
    return set === null ? null : [...set];
  };
  return {
    ...metadata,
    values: { cluster: list(cluster), host: list(host), namespace: list(namespace), policy: list(policy) },
  };
}

/** A widening that can be read more than once. */
function listed({ values, minTimes }: Widening): Widening {
  const lists = Object.fromEntries(COLUMNS.map((column) => [column, [...new Set(values[column] ?? [])]]));
  return { values: lists, minTimes: new Map(minTimes) };
}
