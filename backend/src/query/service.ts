import { randomUUID } from 'node:crypto';
import type { Clock, Logger } from '../core/index.js';
import { ArmorlakeError, messageOf } from '../core/index.js';
import type {
  CallStream,
  Catalog,
  CoverageFacts,
  EngineClient,
  QueryColumn,
  QueryHead,
  QueryTail,
} from '../engine/index.js';
import type { Coverage, NodeIdentity } from './coverage.js';
import { coverageOf, selects } from './coverage.js';
import type { Release } from './fair-queue.js';
import { FairQueue } from './fair-queue.js';
import type { QueryLog } from './query-log.js';
import type { QueryRequest } from './request.js';
import { Strikes } from './strikes.js';

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

/** The engine, and the means to end it when it doesn't listen any more. */
export interface QueryEngine extends EngineClient {
  readonly state: string;
  kill(reason: string): void;
}

export interface QueryServiceOptions {
  readonly engine: QueryEngine;
  /** This node, as selections see it; asked for each query: its clusters become known as events come. */
  readonly node: () => NodeIdentity;
  readonly limits: ServiceLimits;
  readonly log: QueryLog;
  readonly logger: Logger;
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

export type QueryFormat = 'json' | 'arrow';

type EngineLimits = { readonly rows: number; readonly bytes: number; readonly timeoutMs: number };

/** After its deadline a query has so long to be interrupted; then its engine is killed. */
const GRACE_MS = 2000;
/** Queries that fail so soon after a kill are not its cause. */
const RESTART_MS = 5000;

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
  readonly #strikes: Strikes;
  #killedAtMs = -Infinity;

  constructor(options: QueryServiceOptions) {
    this.#options = options;
    this.#queue = new FairQueue(options.limits.concurrency, options.limits.waiting);
    this.#strikes = new Strikes(options.clock);
  }

  get running(): number {
    return this.#queue.running;
  }

  get waiting(): number {
    return this.#queue.waiting;
  }

  /** What can be queried. */
  async catalog(signal: AbortSignal): Promise<Catalog> {
    return (await this.#options.engine.call('catalog', {}, { signal })) as Catalog;
  }

  /**
   * Runs a query; resolves when its first rows are near.
   * @throws ArmorlakeError of containment and execution, LIMIT_EXCEEDED, BUSY, DEADLINE, CANCELLED, NOT_READY.
   */
  async run(request: QueryRequest, caller: Caller, format: QueryFormat, signal: AbortSignal): Promise<QueryAnswer> {
    const { clock, node } = this.#options;
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
      this.#strikes.check(request.sql, caller.token);
      release = await this.#queue.acquire(caller.key, signal);
      if (!selects(request.nodes, node())) return await this.#nobody(running, format, release, signal);
      return await this.#ask(running, limits, format, release, signal);
    } catch (thrown) {
      release?.();
      const error = ArmorlakeError.from(thrown);
      this.#record(running, { rows: 0, bytes: 0 }, error.code);
      throw error;
    }
  }

  #limitsOf({ limits }: QueryRequest): EngineLimits {
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

  /** The selection leaves no node: the query is checked, and its answer is empty. */
  async #nobody(running: Running, format: QueryFormat, release: Release, signal: AbortSignal): Promise<QueryAnswer> {
    if (format === 'arrow') {
      throw new ArmorlakeError('NOT_FOUND', 'No node of that name, cluster or label is known here.', {
        hint: 'See armorlake.nodes.',
      });
    }
    const { engine } = this.#options;
    const described = (await engine.call('analyse', { sql: running.request.sql }, { signal })) as Pick<
      QueryHead,
      'schema'
    >;
    release();
    const stats = this.#stats(running, { rows: 0, truncated: false });
    this.#record(running, { rows: 0, bytes: 0 }, null);
    const coverage = coverageOf([]);
    return {
      schema: described.schema,
      queryId: running.id,
      coverage,
      chunks: (async function* () {})(),
      end: Promise.resolve({ stats, coverage }),
    };
  }

  async #ask(
    running: Running,
    limits: EngineLimits,
    format: QueryFormat,
    release: Release,
    signal: AbortSignal,
  ): Promise<QueryAnswer> {
    const { request } = running;
    const watch = this.#watch(running, limits.timeoutMs);
    const range = request.timeRange;
    const parameters = {
      queryId: running.id,
      sql: request.sql,
      params: request.params,
      timeRange: { from: range.from?.toString() ?? null, to: range.to?.toString() ?? null },
      limits,
      format,
    };
    let stream: CallStream;
    try {
      stream = await this.#options.engine.stream('query', parameters, { signal });
    } catch (thrown) {
      throw watch.end(thrown);
    }
    const head = stream.head as QueryHead;
    const name = this.#options.node().name;
    const answered = (tail: QueryTail | null): Coverage => coverageOf([nodeAnswer(name, head.facts, tail)]);
    const end = stream.tail.then((value): QueryEnd => {
      const tail = value as QueryTail;
      watch.end(null);
      release();
      this.#strikes.clear(request.sql);
      this.#record(running, tail, null);
      return { stats: this.#stats(running, tail), coverage: answered(tail) };
    });
    const failed = end.catch((thrown: unknown) => {
      release();
      const error = watch.end(thrown);
      this.#record(running, { rows: 0, bytes: 0 }, error.code);
      throw error;
    });
    // Whoever leaves the chunks early doesn't look at the end.
    failed.catch(() => undefined);
    return { schema: head.schema, queryId: running.id, coverage: answered(null), chunks: stream.chunks, end: failed };
  }

  /** Ends the engine when a query outlives its deadline and its interrupt; tells what a failure then was. */
  #watch(running: Running, timeoutMs: number): { end(thrown: unknown): ArmorlakeError } {
    const { engine } = this.#options;
    const { request, caller } = running;
    const wasReady = engine.state === 'ready';
    let killed = false;
    const timer = setTimeout(() => {
      void this.#killIfStuck(running).then((done) => (killed = done));
    }, timeoutMs + GRACE_MS);
    return {
      end: (thrown) => {
        clearTimeout(timer);
        const error = ArmorlakeError.from(thrown);
        // Who goes away doesn't leave a query behind that can't be interrupted.
        if (error.code === 'CANCELLED') setTimeout(() => void this.#killIfStuck(running), GRACE_MS).unref();
        if (killed) {
          return new ArmorlakeError('DEADLINE', 'The query did not stop at its time limit; its engine was restarted.', {
            hint: 'Narrow the time range or aggregate earlier. A second time, and it is refused for 10 minutes.',
            cause: thrown,
          });
        }
        // It was up when the query came, and is gone: a suspect, unless the engine was killed for another query.
        if (!wasReady || error.code !== 'NOT_READY') return error;
        if (!this.#killedLately()) this.#strikes.strike(request.sql, caller.token);
        return new ArmorlakeError('NOT_READY', 'The database engine stopped while the query ran.', {
          hint: 'It is back within a second. A query that needs too much memory can be the cause.',
          cause: thrown,
        });
      },
    };
  }

  /** Kills the engine when it still works on a query that should have stopped; true when it was killed for it. */
  async #killIfStuck({ id, request, caller }: Running): Promise<boolean> {
    const { engine, logger, clock } = this.#options;
    try {
      const answer = await engine.call('running', {}, { signal: AbortSignal.timeout(GRACE_MS) });
      if (!(answer as { readonly queryIds: readonly string[] }).queryIds.includes(id)) return false;
    } catch (thrown) {
      // Gone already; an engine that doesn't answer at all is the supervisor's business.
      logger.debug({ error: messageOf(thrown) }, 'The engine did not say what runs.');
      return false;
    }
    logger.warn({ queryId: id, who: caller.token, sql: request.sql.slice(0, 500) }, 'A query does not stop.');
    this.#killedAtMs = clock.monotonicMs();
    this.#strikes.strike(request.sql, caller.token);
    engine.kill(`query ${id} does not stop`);
    return true;
  }

  #killedLately(): boolean {
    return this.#options.clock.monotonicMs() - this.#killedAtMs < RESTART_MS;
  }

  #stats(running: Running, tail: Pick<QueryTail, 'rows' | 'truncated'>): QueryStats {
    const elapsedMs = Math.round((this.#options.clock.monotonicMs() - running.startedMs) * 100) / 100;
    return { rows: tail.rows, truncated: tail.truncated, elapsedMs, queryId: running.id };
  }

  #record(running: Running, { rows, bytes }: Pick<QueryTail, 'rows' | 'bytes'>, error: string | null): void {
    const { request, caller, id, timeMicros, startedMs } = running;
    const ms = this.#options.clock.monotonicMs() - startedMs;
    this.#options.log.add({
      time: timeMicros,
      id,
      who: caller.token,
      origin: request.origin === undefined ? null : JSON.stringify(request.origin),
      sql: request.sql,
      fragments: 1,
      rows,
      bytes,
      ms,
      error,
    });
    this.#options.onEnd?.({ ms, error });
  }
}

function nodeAnswer(name: string, facts: CoverageFacts, tail: QueryTail | null) {
  const coverage = {
    name,
    status: 'answered',
    code: null,
    message: null,
    rows: tail?.rows ?? null,
    bytes: tail?.bytes ?? null,
    ms: tail === null ? null : Math.round(tail.elapsedMs * 100) / 100,
  } as const;
  return { coverage, facts };
}
