import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/index.js';
import { ArmorlakeError, deadlineOf, untilAborted } from '../core/index.js';
import type { Catalog, QueryColumn } from '../engine/index.js';
import type { AnswerEnd, Answers, Ask, Explanation, OpenAnswer, QueryFormat } from './answers.js';
import type { Caller } from './caller.js';
import type { Coverage } from './coverage.js';
import type { Release } from './fair-queue.js';
import { FairQueue } from './fair-queue.js';
import type { QueryLog, QueryRecord } from './query-log.js';
import type { QueryRequest } from './request.js';
import { refuseLongLists } from './request.js';
import type { Strikes } from './strikes.js';
import { asked } from './strikes.js';
import { seconds, waitedInVain } from './waiting.js';

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

/** Whatever is asked answers by itself at its deadline; what hasn't after this is left to itself. */
const GRACE_MS = 1000;
/** For what can be queried. */
const CATALOG_MS = 10_000;

/** What is accounted of an answer, besides its time. */
type Cost = Pick<QueryRecord, 'rows' | 'bytes' | 'fragments'>;

/** One query from its arrival to its end. */
interface Running {
  readonly id: string;
  readonly request: QueryRequest;
  readonly caller: Caller;
  readonly startedMs: number;
  readonly timeMicros: number;
  /** False until anything is asked for it. */
  ran: boolean;
}

/** A turn that has come. */
interface Turned {
  /** With the time that is left. */
  readonly limits: Ask['limits'];
  /** Aborts when nobody waits for the answer any more, or its time is over. */
  readonly signal: AbortSignal;
  end(): void;
}

/** Answers queries: limits, turns, deadlines, the account of who asked what. */
export class QueryService {
  readonly #options: QueryServiceOptions;
  readonly #queue: FairQueue;

  constructor(options: QueryServiceOptions) {
    this.#options = options;
    this.#queue = new FairQueue(options.limits.concurrency, options.limits.waiting, options.clock);
  }

  get running(): number {
    return this.#queue.running;
  }

  get waiting(): number {
    return this.#queue.waiting;
  }

  /** Rows of the account that were dropped, for metrics. */
  get unaccounted(): number {
    return this.#options.log.dropped;
  }

  /** What can be queried. @throws ArmorlakeError NOT_READY, CANCELLED, DEADLINE. */
  async catalog(signal: AbortSignal): Promise<Catalog> {
    const deadline = deadlineOf(signal, CATALOG_MS, () => late(CATALOG_MS));
    try {
      return await untilAborted(this.#options.catalog(deadline.signal), deadline.signal);
    } finally {
      deadline.clear();
    }
  }

  /**
   * Runs a query; resolves when its first rows are near. Its time begins now: waiting for its turn is a part of it, and
   * when it is over the answer is DEADLINE, whatever became of engines and nodes.
   * @throws ArmorlakeError of containment and execution, LIMIT_EXCEEDED, BUSY, DEADLINE, CANCELLED, NOT_READY.
   */
  async run(request: QueryRequest, caller: Caller, format: QueryFormat, signal: AbortSignal): Promise<QueryAnswer> {
    const { clock, answers } = this.#options;
    const running: Running = {
      id: randomUUID(),
      request,
      caller,
      startedMs: clock.monotonicMs(),
      timeMicros: Math.round(clock.wallMs() * 1000),
      ran: false,
    };
    let turn: Turned | undefined;
    try {
      const limits = this.#admit(request, caller);
      turn = await this.#turn(caller, limits, running.startedMs, signal);
      const { id, timeMicros: nowMicros } = running;
      const ask: Ask = { id, request, format, caller, nowMicros, limits: turn.limits };
      running.ran = true;
      const answer = await untilAborted(answers.open(ask, turn.signal), turn.signal);
      return this.#watched(running, answer, turn);
    } catch (thrown) {
      turn?.end();
      throw this.#failed(running, thrown);
    }
  }

  /**
   * How a query would be answered; only subqueries that come first run.
   * @throws ArmorlakeError of containment and binding, BUSY, DEADLINE, CANCELLED, NOT_READY.
   */
  async explain(request: QueryRequest, caller: Caller, signal: AbortSignal): Promise<Explanation> {
    const { answers, clock } = this.#options;
    const limits = this.#admit(request, caller);
    // In the account, too: subqueries that come first run, and what they find stands in the plan.
    const running: Running = {
      id: randomUUID(),
      request: { ...request, sql: `EXPLAIN ${request.sql}` },
      caller,
      startedMs: clock.monotonicMs(),
      timeMicros: Math.round(clock.wallMs() * 1000),
      ran: false,
    };
    const turn = await this.#turn(caller, limits, running.startedMs, signal);
    try {
      const { id, timeMicros: nowMicros } = running;
      const ask: Ask = { id, request, format: 'json', caller, nowMicros, limits: turn.limits };
      running.ran = true;
      const explanation = await untilAborted(answers.explain(ask, turn.signal), turn.signal);
      this.#account(running, { rows: 0, bytes: 0, fragments: explanation.fragments.length }, null);
      return explanation;
    } catch (thrown) {
      const error = ArmorlakeError.from(thrown);
      this.#account(running, { rows: 0, bytes: 0, fragments: 0 }, error.code);
      throw error;
    } finally {
      turn.end();
    }
  }

  /** What a query may take. @throws ArmorlakeError for one that is refused before it waits for its turn. */
  #admit(request: QueryRequest, { token }: Caller): Ask['limits'] {
    const limits = this.#limitsOf(request);
    refuseLongLists(request.params);
    this.#options.strikes.check(asked(request.sql, request.params), token);
    return limits;
  }

  /** Waits for the caller's turn. @throws ArmorlakeError BUSY; the signal's reason. */
  async #turn(caller: Caller, limits: Ask['limits'], startedMs: number, signal: AbortSignal): Promise<Turned> {
    const { timeoutMs } = limits;
    const waiting = deadlineOf(signal, timeoutMs, () => waitedInVain(timeoutMs));
    let release: Release;
    try {
      release = await this.#queue.acquire({ caller: caller.key }, waiting.signal);
    } finally {
      waiting.clear();
    }
    const leftMs = Math.max(1, timeoutMs - (this.#options.clock.monotonicMs() - startedMs));
    const deadline = deadlineOf(signal, leftMs + GRACE_MS, () => late(timeoutMs));
    return {
      limits: { ...limits, timeoutMs: leftMs },
      signal: deadline.signal,
      end: () => {
        deadline.clear();
        release();
      },
    };
  }

  /** The answer, which gives its turn back and is recorded when it ends, with what was sent of it. */
  #watched(running: Running, answer: OpenAnswer, turn: Turned): QueryAnswer {
    let sent = 0;
    const chunks = counted(answer.chunks, (bytes) => (sent += bytes));
    const end = untilAborted(answer.end, turn.signal).then(
      (ended): QueryEnd => {
        turn.end();
        this.#record(running, ended, null);
        return { stats: this.#stats(running, ended), coverage: ended.coverage };
      },
      (thrown: unknown) => {
        turn.end();
        throw this.#failed(running, thrown, sent);
      },
    );
    // Whoever leaves the chunks early doesn't look at the end.
    end.catch(() => undefined);
    return { schema: answer.schema, queryId: running.id, coverage: answer.coverage, chunks, end };
  }

  #failed(running: Running, thrown: unknown, bytes = 0): ArmorlakeError {
    const error = ArmorlakeError.from(thrown);
    this.#record(running, { rows: bytes > 0 ? null : 0, bytes, fragments: 0 }, error.code);
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

  #record(running: Running, cost: Cost, error: string | null): void {
    this.#options.onEnd?.({ ms: this.#account(running, cost, error), error });
  }

  /** Returns the milliseconds it took. */
  #account(running: Running, { rows, bytes, fragments }: Cost, error: string | null): number {
    const { request, caller, id, timeMicros, startedMs } = running;
    const ms = this.#options.clock.monotonicMs() - startedMs;
    const record = {
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
      via: null,
    };
    this.#options.log.add(record, running.ran);
    return ms;
  }
}

/** The same, with each piece's size told before it is handed over. */
async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  add: (bytes: number) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    add(chunk.length);
    yield chunk;
  }
}

function late(timeoutMs: number): ArmorlakeError {
  return new ArmorlakeError('DEADLINE', `There was no answer within ${seconds(timeoutMs)}.`, {
    hint: 'Narrow the time range, aggregate, or raise limits.timeoutMs. `armorlake status` says how the engine is.',
  });
}
