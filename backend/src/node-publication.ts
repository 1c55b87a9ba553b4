import type { ConnectorStatus } from './connectors/index.js';
import type { Clock, Logger } from './core/index.js';
import { messageOf, withDeadline } from './core/index.js';
import type { EngineClient } from './engine/index.js';
import type { CommitHook, LakeMetadata } from './lake/index.js';
import { promisedColumns } from './lake/index.js';
import type { NetworkTable, NodeMetadata } from './network/index.js';
import { Publication } from './network/index.js';

export interface NodePublicationOptions {
  readonly engine: EngineClient;
  /** The cluster this node speaks for; empty when it names none. */
  readonly cluster: string;
  readonly labels: NodeMetadata['labels'];
  readonly connectors: () => readonly ConnectorStatus[];
  readonly logger: Logger;
  readonly clock: Clock;
  /** Milliseconds between two looks at the lake; 0: only `refresh` looks. */
  readonly refreshMs?: number;
}

const REFRESH_MS = 5_000;
/** The engine has so long to answer a look at the lake. */
const ANSWER_MS = 30_000;
/** Sizes are only for estimates: they go out when they are so far off, or with a change so old. */
const SIZE_DRIFT = 0.05;
const SIZES_MS = 60_000;
/** Bounds are published by the hour: only more than that is worth telling. */
const HOUR_MICROS = 3_600_000_000;

/**
 * What this node's network knows of its lake. The promise in it (values, lower bounds) is widened by `commit` before rows
 * become visible and narrowed after retention; all else is looked up every few seconds and published when it changed.
 */
export class NodePublication {
  readonly publication: Publication;
  /** For the ingest queue. */
  readonly commit: CommitHook;
  readonly #options: NodePublicationOptions;
  readonly #closing = new AbortController();
  readonly #timer: NodeJS.Timeout | undefined;
  #refreshing: Promise<void> | null = null;
  #sizesMs: number;

  private constructor(options: NodePublicationOptions, lake: LakeMetadata) {
    this.#options = options;
    this.publication = new Publication(nodeMetadata(options, lake));
    this.commit = (widening, run) => this.publication.commit(widening, run);
    this.#sizesMs = options.clock.monotonicMs();
    const refreshMs = options.refreshMs ?? REFRESH_MS;
    if (refreshMs > 0) this.#timer = setInterval(() => void this.refresh(), refreshMs);
  }

  /** Reads the lake; to be awaited before the first batch is stored. Rejects when the engine does not answer. */
  static async open(options: NodePublicationOptions, signal: AbortSignal): Promise<NodePublication> {
    return new NodePublication(options, await askLake(options.engine, signal));
  }

  /** The engine is back: what is published stays true, as a restart brings back no row that was not counted. */
  engineRestarted(): void {
    void this.refresh();
  }

  /** Looks at the lake and publishes what changed; calls while it looks share its answer. Never rejects. */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#closing.abort();
    await this.#refreshing;
  }

  async #refresh(): Promise<void> {
    const { engine, logger } = this.#options;
    if (this.#closing.signal.aborted) return;
    const { publication } = this;
    const mark = publication.mark();
    let narrowed: NodeMetadata | null = null;
    try {
      const lake = await askLake(engine, withDeadline(this.#closing.signal, ANSWER_MS));
      const found = nodeMetadata(this.#options, lake);
      if (lake.complete && isNarrower(found, publication.metadata)) narrowed = found;
      else if (this.#isNews(found)) publication.update(found);
      else return;
      this.#sizesMs = this.#options.clock.monotonicMs();
    } catch (thrown) {
      // The engine restarts, or has much to do: the next look tries again.
      logger.debug({ error: messageOf(thrown) }, 'The lake does not say now what it holds.');
    } finally {
      publication.narrow(mark, narrowed);
    }
  }

  #isNews(found: NodeMetadata): boolean {
    const known = this.publication.metadata;
    if (JSON.stringify(withoutPromise(found)) !== JSON.stringify(withoutPromise(known))) return true;
    const drift = Math.max(...found.tables.map((table) => sizeDrift(table, tableIn(known, table.name))));
    return drift > SIZE_DRIFT || (drift > 0 && this.#options.clock.monotonicMs() - this.#sizesMs >= SIZES_MS);
  }
}

async function askLake(engine: EngineClient, signal: AbortSignal): Promise<LakeMetadata> {
  return (await engine.call('metadata', {}, { signal })) as LakeMetadata;
}

function nodeMetadata({ cluster, labels, connectors }: NodePublicationOptions, lake: LakeMetadata): NodeMetadata {
  const { tables, values, gaps } = lake;
  return {
    cluster,
    labels,
    tables,
    values,
    connectors: connectors().map(({ name, kind, state, detail }) => ({ name, kind, state, detail: detail ?? '' })),
    gaps,
  };
}

/** True when less is held than was promised, so that a query could leave this node out. */
function isNarrower(found: NodeMetadata, known: NodeMetadata): boolean {
  const fewer = promisedColumns.some((column) => {
    const held = found.values[column];
    const listed = known.values[column];
    if (held === null) return false;
    const set = new Set(held);
    return listed === null || listed.some((value) => !set.has(value));
  });
  if (fewer) return true;
  return known.tables.some(({ name, minTimeMicros }) => {
    if (minTimeMicros === null) return false;
    const held = tableIn(found, name)?.minTimeMicros ?? null;
    return held === null || held >= minTimeMicros + HOUR_MICROS;
  });
}

/** All but values, bounds and sizes. */
function withoutPromise({ cluster, labels, connectors, gaps, tables }: NodeMetadata): unknown {
  const kept = tables.map(({ name, columns, retentionMs }) => ({ name, columns, retentionMs }));
  return { cluster, labels, connectors, gaps, tables: kept };
}

function tableIn({ tables }: NodeMetadata, name: string): NetworkTable | undefined {
  return tables.find((table) => table.name === name);
}

/** How far off the known sizes are, as a share of the larger. */
function sizeDrift(found: NetworkTable, known: NetworkTable | undefined): number {
  if (known === undefined) return 1;
  const drift = (now: number, before: number): number => Math.abs(now - before) / Math.max(1, now, before);
  return Math.max(drift(found.rows, known.rows), drift(found.bytes, known.bytes));
}
