import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/index.js';
import { ArmorlakeError } from '../core/index.js';
import type { Catalog, QueryColumn } from '../engine/index.js';
import type { AnswerEnd, Answers, Ask, Explanation, OpenAnswer, QueryFormat } from './answers.js';
import type { Coverage } from './coverage.js';
import type { Release } from './fair-queue.js';
import { FairQueue } from './fair-queue.js';
import type { QueryLog } from './query-log.js';
import type { QueryRequest } from './request.js';
import type { Strikes } from './strikes.js';

/** Rows, bytes and time of an answer: what they are when nobody says, and at most. */
export interface ServiceLimits {
  readonly concurrency: number;
  readonly waiting: number;
  readonly rows: number;
  readonly maxRows: number;
  readonly bytes: number;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly maxTimeoutMs: number;
}

export interface QueryServiceOptions {
  readonly answers: Answers;
  /** Statements that broke an engine. */
  readonly strikes: Strikes;
  /** What can be queried. */
  readonly catalog: (signal: AbortSignal) => Promise<Catalog>;
  readonly limits: ServiceLimits;
  readonly log: QueryLog;
  readonly clock: Clock;
  /** Sees each query's end, for metrics. */
  readonly onEnd?: (outcome: { readonly ms: number; readonly error: string | null }) => void;
}

/** Who asks. */
export interface Caller {
  /** What queries wait in turn by. */
  readonly key: string;
  /** The token's name; null where no token is configured. */
  readonly token: string | null;
}

export interface QueryStats {
  readonly rows: number;
  readonly truncated: boolean;
  readonly elapsedMs: number;
  readonly queryId: string;
}

export interface QueryEnd {
  readonly stats: QueryStats;
  readonly coverage: Coverage;
}

/** An answer on its way: its schema first, then bytes, then what became of it. Leaving `chunks` early cancels the query. */
export interface QueryAnswer {
  readonly schema: readonly QueryColumn[];
  readonly queryId: string;
  /** What is known before the rows: who answers, and how complete what they hold is. */
  readonly coverage: Coverage;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Resolves after the last chunk. */
  readonly end: Promise<QueryEnd>;
}

/** One query from its start to its end. */
interface Running {
  readonly id: string;
  readonly request: QueryRequest;
  readonly caller: Caller;
  readonly startedMs: number;
  readonly timeMicros: number;
}

/** Answers queries: limits, turns, deadlines, the account of who asked what. */
export class QueryService {
  readonly #options: QueryServiceOptions;
  readonly #queue: FairQueue;

  constructor(options: QueryServiceOptions) {
    this.#options = options;
    this.#queue = new FairQueue(options.limits.concurrency, options.limits.waiting);
  }

  get running(): number {
    return this.#queue.running;
  }

  get waiting(): number {
    return this.#queue.waiting;
  }

  /** What can be queried. */
  async catalog(signal: AbortSignal): Promise<Catalog> {
    return await this.#options.catalog(signal);
  }

  /**
   * Runs a query; resolves when its first rows are near.
   * @throws ArmorlakeError of containment and execution, LIMIT_EXCEEDED, BUSY, DEADLINE, CANCELLED, NOT_READY.
   */
  async run(request: QueryRequest, caller: Caller, format: QueryFormat, signal: AbortSignal): Promise<QueryAnswer> {
    const { clock, strikes, answers } = this.#options;
    const running: Running = {
      id: randomUUID(),
      request,
      caller,
      startedMs: clock.monotonicMs(),
      timeMicros: Math.round(clock.wallMs() * 1000),
    };
    let release: Release | undefined;
    try {
      const limits = this.#limitsOf(request);
      strikes.check(request.sql, caller.token);
      release = await this.#queue.acquire(caller.key, signal);
      const { id, timeMicros: nowMicros } = running;
      const answer = await answers.open({ id, request, format, who: caller.token, nowMicros, limits }, signal);
      return this.#watched(running, answer, release);
    } catch (thrown) {
      release?.();
      throw this.#failed(running, thrown);
    }
  }

  /**
   * How a query would be answered; only subqueries that come first run.
   * @throws ArmorlakeError of containment and binding, BUSY, CANCELLED, NOT_READY.
   */
  async explain(request: QueryRequest, caller: Caller, signal: AbortSignal): Promise<Explanation> {
    const release = await this.#queue.acquire(caller.key, signal);
    try {
      const limits = this.#limitsOf(request);
      const nowMicros = Math.round(this.#options.clock.wallMs() * 1000);
      const ask: Ask = { id: randomUUID(), request, format: 'json', who: caller.token, nowMicros, limits };
      return await this.#options.answers.explain(ask, signal);
    } finally {
      release();
    }
  }

  /** The answer, which gives its turn back and is recorded when it ends. */
  #watched(running: Running, answer: OpenAnswer, release: Release): QueryAnswer {
    const end = answer.end.then(
      (ended): QueryEnd => {
        release();
        this.#options.strikes.clear(running.request.sql);
        this.#record(running, ended, null);
        return { stats: this.#stats(running, ended), coverage: ended.coverage };
      },
      (thrown: unknown) => {
        release();
        throw this.#failed(running, thrown);
      },
    );
    // Whoever leaves the chunks early doesn't look at the end.
    end.catch(() => undefined);
    return { schema: answer.schema, queryId: running.id, coverage: answer.coverage, chunks: answer.chunks, end };
  }

  #failed(running: Running, thrown: unknown): ArmorlakeError {
    const error = ArmorlakeError.from(thrown);
    this.#record(running, { rows: 0, bytes: 0, fragments: 0 }, error.code);
    return error;
  }

  #limitsOf({ limits }: QueryRequest): Ask['limits'] {
    const ours = this.#options.limits;
    const check = (name: string, asked: number | undefined, usual: number, most: number): number => {
      if (asked !== undefined && asked > most) {
        throw new ArmorlakeError('LIMIT_EXCEEDED', `limits.${name} is ${asked}; ${most} is the most.`, {
          hint: 'Ask for less, or in parts by time.',
        });
      }
      return asked ?? usual;
    };
    return {
      rows: check('rows', limits.rows, ours.rows, ours.maxRows),
      bytes: check('bytes', limits.bytes, ours.bytes, ours.maxBytes),
      timeoutMs: check('timeoutMs', limits.timeoutMs, ours.timeoutMs, ours.maxTimeoutMs),
    };
  }

  #stats(running: Running, { rows, truncated }: Pick<AnswerEnd, 'rows' | 'truncated'>): QueryStats {
    const elapsedMs = Math.round((this.#options.clock.monotonicMs() - running.startedMs) * 100) / 100;
    return { rows, truncated, elapsedMs, queryId: running.id };
  }

  #record(
    running: Running,
    { rows, bytes, fragments }: Pick<AnswerEnd, 'rows' | 'bytes' | 'fragments'>,
    error: string | null,
  ): void {
    const { request, caller, id, timeMicros, startedMs } = running;
    const ms = this.#options.clock.monotonicMs() - startedMs;
    this.#options.log.add({
      time: timeMicros,
      id,
      who: caller.token,
      origin: request.origin === undefined ? null : JSON.stringify(request.origin),
      sql: request.sql,
      fragments,
      rows,
      bytes,
      ms,
      error,
    });
    this.#options.onEnd?.({ ms, error });
  }
}
