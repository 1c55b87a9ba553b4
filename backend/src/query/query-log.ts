import type { Logger } from '../core/index.js';
import { messageOf } from '../core/index.js';
import type { EngineClient } from '../engine/index.js';

/** A row of armorlake.queries, but for the node. */
export interface QueryRecord {
  /** µs since 1970. */
  readonly time: number;
  readonly id: string;
  readonly who: string | null;
  readonly origin: string | null;
  readonly sql: string;
  readonly fragments: number;
  readonly rows: number;
  readonly bytes: number;
  readonly ms: number;
  readonly error: string | null;
}

const FLUSH_MS = 1000;
const BATCH_ROWS = 500;
/** Beyond it the oldest go: the account of queries never stands in the way of queries. */
const KEPT_ROWS = 5000;
const SQL_LENGTH = 10_000;

/** Writes armorlake.queries, a second's worth at a time. */
export class QueryLog {
  readonly #engine: EngineClient;
  readonly #logger: Logger;
  readonly #timer: NodeJS.Timeout;
  #rows: QueryRecord[] = [];
  #dropped = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(engine: EngineClient, logger: Logger) {
    this.#engine = engine;
    this.#logger = logger;
    this.#timer = setInterval(() => void this.flush(), FLUSH_MS);
    this.#timer.unref();
  }

  /** Rows that had to be dropped, for metrics. */
  get dropped(): number {
    return this.#dropped;
  }

  add(record: QueryRecord): void {
    this.#rows.push(record.sql.length <= SQL_LENGTH ? record : { ...record, sql: record.sql.slice(0, SQL_LENGTH) });
    if (this.#rows.length > KEPT_ROWS) {
      this.#rows.shift();
      this.#dropped += 1;
    }
  }

  /** Writes what there is; resolves when it is committed or could not be written now. */
  async flush(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #write(): Promise<void> {
    while (this.#rows.length > 0) {
      const batch = this.#rows.slice(0, BATCH_ROWS);
      try {
        await this.#engine.call('queries', { rows: batch });
      } catch (thrown) {
        // The engine restarts or the disk is full: the next second tries again.
        this.#logger.debug({ error: messageOf(thrown) }, 'The account of queries could not be written now.');
        return;
      }
      const written = new Set(batch);
      this.#rows = this.#rows.filter((row) => !written.has(row));
    }
  }
}
