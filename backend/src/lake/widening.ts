/** Columns whose values a node promises: a query that asks for others leaves the node out. */
export const promisedColumns = ['cluster', 'host', 'namespace', 'policy'] as const;

export type PromisedColumn = (typeof promisedColumns)[number];

/** With more values than these, or a longer one, a column's values are not listed at all; the network's own limits. */
export const LISTED_VALUES = 1_000;
export const LISTED_TEXT = 256;

/** What the rows of a batch add to what the lake holds. */
export interface BatchWidening {
  /** Their distinct values; of too many, or too long ones, as much as it takes to be found so. */
  readonly values: Readonly<Record<PromisedColumn, readonly string[]>>;
  /** Table (`schema.name`) → lower bound of their `time`; microseconds since 1970. */
  readonly minTimes: ReadonlyMap<string, number>;
}

/** For what holds no events. */
export const noWidening: BatchWidening = {
  values: { cluster: [], host: [], namespace: [], policy: [] },
  minTimes: new Map(),
};

/** Collects a batch's widening, chunk by chunk. */
export class WideningBuilder {
  #values = emptySets();
  #minTimes = new Map<string, number>();

  addValues(column: PromisedColumn, values: Iterable<string>): void {
    const set = this.#values[column];
    for (const value of values) {
      if (set.size > LISTED_VALUES) return;
      set.add(wellFormed(value.length > LISTED_TEXT ? value.slice(0, LISTED_TEXT + 1) : value));
    }
  }

  /** Takes the earliest time of some rows of a table; null when they have none. */
  addTime(table: string, micros: number | null): void {
    if (micros !== null) this.#minTimes.set(table, Math.min(micros, this.#minTimes.get(table) ?? Infinity));
  }

  /** What was collected since the last call. */
  take(): BatchWidening {
    const { cluster, host, namespace, policy } = this.#values;
    const values = { cluster: [...cluster], host: [...host], namespace: [...namespace], policy: [...policy] };
    const minTimes = this.#minTimes;
    this.#values = emptySets();
    this.#minTimes = new Map();
    return { values, minTimes };
  }
}

function emptySets(): Record<PromisedColumn, Set<string>> {
  return { cluster: new Set(), host: new Set(), namespace: new Set(), policy: new Set() };
}

/** As it is stored: UTF-8 has no lone surrogates. */
function wellFormed(text: string): string {
  return Buffer.from(text).toString();
}
