import type { Clock, Logger } from '../core/index.js';
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
  /** Null: it ended early, and nobody counted those that were sent. */
  readonly rows: number | null;
  readonly bytes: number;
  readonly ms: number;
  readonly error: string | null;
  /** The query node that asked for this part; null: a user did. */
  readonly via: string | null;
}

const FLUSH_MS = 1000;
/** Rows that come by themselves, of panels elsewhere and of tails, are written less often: flash wears. */
const PATIENT_MS = 30_000;
const BATCH_ROWS = 500;
/** Beyond it some go: the account of queries never stands in the way of queries. */
const KEPT_ROWS = 5000;
const WARN_MS = 60_000;
const SQL_LENGTH = 10_000;
/** Characters of what a caller says of itself, and of an error. */
const SAID_LENGTH = 2000;
/** Characters of one call to the engine: it takes it as one text. */
const BATCH_LENGTH = 1_000_000;
/** What is refused before it reads a row. An error of a query that ran may say what it read. */
const REFUSALS: ReadonlySet<string> = new Set(['NOT_ALLOWED', 'UNKNOWN_TABLE', 'BAD_REQUEST', 'BUSY']);
/** Rows a minute and caller for queries that were refused: these cost little, and must not crowd out what was read. */
const FAILED_ROWS = 30;
const FAILED_LENGTH = 200;

/** Writes armorlake.queries: a second's worth at a time, or half a minute's where nobody waits for it. */
export class QueryLog {
  readonly #engine: EngineClient;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #timer: NodeJS.Timeout;
  /** By id and SQL; parts of the same tail are one row until it is written. */
  readonly #rows = new Map<string, QueryRecord>();
  #dueMs = Infinity;
  #failures: { readonly minute: number; readonly times: Map<string | null, number> } = { minute: 0, times: new Map() };
  /** How many a row of `#count` stands for. */
  readonly #counted = new Map<string, number>();
  #dropped = 0;
  #mayWarnMs = 0;
  #failing = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(engine: EngineClient, logger: Logger, clock: Clock) {
    this.#clock = clock;
    this.#engine = engine;
    this.#logger = logger;
    this.#timer = setInterval(() => {
      if (this.#clock.monotonicMs() >= this.#dueMs) void this.flush();
    }, FLUSH_MS);
    this.#timer.unref();
  }

  /** Rows that had to be dropped, for metrics. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Takes a query that has ended. Refused ones have a row each until a caller has too many; then they are counted.
   * @param ran false: it was refused before anything was asked of it
   */
  add(record: QueryRecord, ran: boolean): void {
    if (!this.#isCrowd(record, ran)) this.#keep(record, FLUSH_MS);
    else this.#count(record);
  }

  /** Takes a part of what goes on, a tail or another node's queries: the same id and SQL before it is written is the same row. */
  addPart(record: QueryRecord): void {
    const before = this.#rows.get(keyOf(record));
    this.#keep(before === undefined ? record : joined(before, record), PATIENT_MS);
  }

  #isCrowd({ who, error }: QueryRecord, ran: boolean): boolean {
    if (error === null || (ran && !REFUSALS.has(error))) return false;
    const minute = Math.floor(this.#clock.monotonicMs() / 60_000);
    if (minute !== this.#failures.minute) this.#failures = { minute, times: new Map() };
    const times = (this.#failures.times.get(who) ?? 0) + 1;
    this.#failures.times.set(who, times);
    return times > FAILED_ROWS;
  }

  /** One row for all that are too many; once it is being written, another one begins. */
  #count(record: QueryRecord): void {
    const key = `failed ${record.who ?? ''}`;
    const times = (this.#rows.has(key) ? (this.#counted.get(key) ?? 0) : 0) + 1;
    this.#counted.set(key, times);
    const sql = `${times} more that failed, the last: ${record.sql.slice(0, FAILED_LENGTH)}`;
    this.#put(key, bounded({ ...record, sql }), FLUSH_MS);
  }

  #keep(record: QueryRecord, waitMs: number): void {
    this.#put(keyOf(record), bounded(record), waitMs);
  }

  #put(key: string, row: QueryRecord, waitMs: number): void {
    this.#rows.set(key, row);
    this.#dueMs = Math.min(this.#dueMs, this.#clock.monotonicMs() + waitMs);
    if (this.#rows.size > KEPT_ROWS) this.#drop();
  }

  /** The oldest row of whoever has most: nobody's rows go for what another asks. */
  #drop(): void {
    const rows = new Map<string | null, number>();
    for (const { who } of this.#rows.values()) rows.set(who, (rows.get(who) ?? 0) + 1);
    const [most] = [...rows].reduce((one, other) => (other[1] > one[1] ? other : one));
    const [oldest] = [...this.#rows].find(([, { who }]) => who === most) ?? [];
    if (oldest === undefined) return;
    this.#rows.delete(oldest);
    this.#dropped += 1;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#mayWarnMs) return;
    this.#mayWarnMs = nowMs + WARN_MS;
    const sentence =
      'Queries come faster than their account can be written: its oldest rows of who asks most are dropped.';
    this.#logger.warn({ who: most, dropped: this.#dropped }, sentence);
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
    this.#dueMs = Infinity;
    while (this.#rows.size > 0) {
      const batch = this.#batch();
      // What comes meanwhile is a row of its own.
      for (const [key] of batch) this.#rows.delete(key);
      try {
        await this.#engine.call('queries', { rows: batch.map(([, row]) => row) });
        this.#failing = false;
      } catch (thrown) {
        // The engine restarts or the disk is full: the next second tries again.
        this.#putBack(batch);
        if (!this.#failing) {
          const sentence = 'The account of queries could not be written now: it is tried again.';
          this.#logger.warn({ rows: this.#rows.size, error: messageOf(thrown) }, sentence);
        }
        this.#failing = true;
        return;
      }
    }
  }

  #batch(): readonly (readonly [string, QueryRecord])[] {
    let length = 0;
    return [...this.#rows].slice(0, BATCH_ROWS).filter(([, { sql, origin, error }], index) => {
      length += sql.length + (origin?.length ?? 0) + (error?.length ?? 0);
      return index === 0 || length <= BATCH_LENGTH;
    });
  }

  /** Before what came meanwhile, of which the same part is one row with it again. */
  #putBack(batch: readonly (readonly [string, QueryRecord])[]): void {
    const meanwhile = [...this.#rows];
    this.#rows.clear();
    for (const [key, row] of batch) this.#put(key, row, 0);
    for (const [key, row] of meanwhile) {
      const before = this.#rows.get(key);
      this.#put(key, before === undefined ? row : joined(before, row), 0);
    }
  }
}

/** What its caller wrote is as long as it likes: the origin stays JSON, with its beginning. */
function bounded(row: QueryRecord): QueryRecord {
  const { id, who, sql, origin, error } = row;
  return {
    ...row,
    id: id.slice(0, SAID_LENGTH),
    who: who === null ? null : who.slice(0, SAID_LENGTH),
    sql: shortened(sql),
    origin:
      origin !== null && origin.length > SAID_LENGTH
        ? JSON.stringify({ cut: origin.slice(0, SAID_LENGTH / 2) })
        : origin,
    error: error === null ? null : error.slice(0, SAID_LENGTH),
  };
}

/** Two parts of the same. */
function joined(before: QueryRecord, after: QueryRecord): QueryRecord {
  return {
    ...after,
    time: before.time,
    rows: before.rows === null || after.rows === null ? null : before.rows + after.rows,
    bytes: before.bytes + after.bytes,
    ms: before.ms + after.ms,
    error: after.error ?? before.error,
  };
}

/** A long text's beginning and end: what is asked may stand behind any number of spaces. */
function shortened(sql: string): string {
  const left = sql.length - SQL_LENGTH;
  if (left <= 0) return sql;
  return `${sql.slice(0, SQL_LENGTH / 2)} … ${left} characters left out … ${sql.slice(-SQL_LENGTH / 2)}`;
}

function keyOf({ id, sql }: QueryRecord): string {
  return `${id}\n${shortened(sql)}`;
}
