import type { Clock, Logger } from '../core/index.js';
import { ArmorlakeError, deadlineOf, messageOf, untilAborted, withDeadline } from '../core/index.js';
import type { CallEnd, CallOptions, CallStream, EngineClient } from '../engine/index.js';
import type { Caller } from './caller.js';
import type { FairQueue } from './fair-queue.js';
import type { Asked, Strikes } from './strikes.js';
import { seconds, waitedInVain } from './waiting.js';

/** The engine, and the means to end it when it doesn't listen any more. */
export interface QueryEngine extends EngineClient {
  readonly state: string;
  /** Resolves when it is ready, or when so much time has passed, or it is known to stay away. */
  untilReady(ms: number, signal: AbortSignal): Promise<void>;
  kill(reason: string): void;
}

/** What runs in an engine for somebody. */
export interface Statement {
  readonly id: string;
  /** What is held against it when it breaks the engine; null: it is no user's, and nothing is. */
  readonly asked: Asked | null;
  readonly caller: Caller;
  /** From now on, the wait for its turn included. */
  readonly timeoutMs: number;
  /** It comes again and again by itself, as the polls of a tail. */
  readonly background?: boolean;
  /** It is only a step on the way to the statement's answer, so that its success says nothing of the rest. */
  readonly step?: boolean;
}

/** The engine interrupts at the deadline and says so; if it doesn't within this, the answer comes without it. */
const ANSWER_GRACE_MS = 500;
/** What has so long been over for its caller and still runs gets its engine killed. */
const GRACE_MS = 2000;
/** A restart is waited for so long. */
const RESTART_MS = 5000;
/** A suspect may keep others waiting for so long. */
const SUSPECT_MS = 10_000;
const SUSPECT_LOOK_MS = 500;

/** One statement from when it is sent until the engine has nothing to do with it any more. */
class Run {
  readonly statement: Statement;
  readonly #stop = new AbortController();
  readonly #end: () => void;
  readonly #ending: (() => void)[] = [];
  over: CallEnd | null = null;

  /** @param end called once, when it is over. */
  constructor(statement: Statement, end: () => void) {
    this.statement = statement;
    this.#end = end;
  }

  /** Aborts when nobody waits for it any more. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  stop(reason: unknown): void {
    this.#stop.abort(reason);
  }

  /** Is called when it is over. */
  onEnd(cleanUp: () => void): void {
    this.#ending.push(cleanUp);
  }

  finish(how: CallEnd): void {
    if (this.over !== null) return;
    this.over = how;
    for (const cleanUp of this.#ending) cleanUp();
    this.#end();
  }
}

/**
 * An engine that other people's statements can't hold or break for others: each takes its turn, its answer comes by its
 * deadline whatever the engine does, what doesn't stop gets the engine killed, and what is in it when it dies is known.
 */
export class GuardedEngine {
  /** For calls without any text of a user's. */
  readonly engine: QueryEngine;
  readonly #strikes: Strikes;
  readonly #turns: FairQueue;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #prepare: (signal: AbortSignal) => Promise<void>;
  /** What the engine works on, also what its caller has left. */
  readonly #running = new Set<Run>();
  /** What the engine is being killed for. */
  #stuck: Run | null = null;
  #deaths = 0;

  /** @param prepare makes an engine know what statements need; called before each, also of one that has just started. */
  constructor(
    engine: QueryEngine,
    strikes: Strikes,
    turns: FairQueue,
    logger: Logger,
    clock: Clock,
    prepare: (signal: AbortSignal) => Promise<void> = () => Promise.resolve(),
  ) {
    this.engine = engine;
    this.#strikes = strikes;
    this.#turns = turns;
    this.#logger = logger;
    this.#clock = clock;
    this.#prepare = prepare;
  }

  /**
   * As the engine's `stream`, when it is the statement's turn; its errors say what became of the engine.
   * @param parameters made with the milliseconds that are left.
   * @throws ArmorlakeError NOT_ALLOWED or FORBIDDEN for what is struck, BUSY, DEADLINE, NOT_READY; the signal's reason.
   */
  async stream(
    method: string,
    parameters: (timeoutMs: number) => unknown,
    statement: Statement,
    signal: AbortSignal,
  ): Promise<CallStream> {
    const { run, leftMs } = await this.#begin(statement, signal);
    let stream: CallStream;
    try {
      stream = await this.engine.stream(method, parameters(leftMs), this.#options(run));
    } catch (thrown) {
      throw this.#refused(run, thrown);
    }
    const tail = stream.tail.then(
      (value) => {
        this.#succeeded(statement);
        return value;
      },
      (thrown: unknown) => {
        throw this.#failed(run, thrown);
      },
    );
    // Whoever leaves the chunks early doesn't look at the tail.
    tail.catch(() => undefined);
    return { head: stream.head, chunks: this.#chunksOf(run, stream.chunks), tail };
  }

  /** As the engine's `call`, under the same guard. */
  async call(
    method: string,
    parameters: (timeoutMs: number) => unknown,
    statement: Statement,
    signal: AbortSignal,
  ): Promise<unknown> {
    const { run, leftMs } = await this.#begin(statement, signal);
    try {
      const value = await this.engine.call(method, parameters(leftMs), this.#options(run));
      this.#succeeded(statement);
      return value;
    } catch (thrown) {
      throw this.#refused(run, thrown);
    }
  }

  /** Waits for the statement's turn, and for the engine. */
  async #begin(statement: Statement, signal: AbortSignal): Promise<{ readonly run: Run; readonly leftMs: number }> {
    const { asked, caller, timeoutMs, background = false } = statement;
    const endMs = this.#clock.monotonicMs() + timeoutMs;
    let waits = true;
    const waiting = deadlineOf(signal, timeoutMs, () => (waits ? waitedInVain(timeoutMs) : late()));
    try {
      for (;;) {
        this.#strikes.check(asked, caller.token);
        const deaths = this.#deaths;
        const company = this.#strikes.companyOf(asked, caller.token);
        waits = true;
        const release = await this.#turns.acquire({ caller: caller.key, company, background }, waiting.signal);
        waits = false;
        try {
          if (this.engine.state !== 'ready') await this.engine.untilReady(RESTART_MS, waiting.signal);
          await untilAborted(this.#prepare(waiting.signal), waiting.signal);
          // Who ran beside whom when it died is known since: it may be another company now.
          if (deaths === this.#deaths) {
            const leftMs = Math.max(1, endMs - this.#clock.monotonicMs());
            return { run: this.#started(statement, leftMs, company !== null, release, signal), leftMs };
          }
        } catch (thrown) {
          release();
          throw thrown;
        }
        release();
      }
    } finally {
      waiting.clear();
    }
  }

  #started(statement: Statement, leftMs: number, suspect: boolean, release: () => void, caller: AbortSignal): Run {
    const run = new Run(statement, () => {
      this.#running.delete(run);
      release();
    });
    // It ended by itself just before the engine was killed for it: the next death is another's.
    if (this.#stuck?.over != null) this.#stuck = null;
    this.#running.add(run);
    const { signal, clear } = deadlineOf(caller, leftMs + ANSWER_GRACE_MS, late);
    const onStop = (): void => {
      run.stop(signal.reason);
      this.#watchEnd(run);
    };
    signal.addEventListener('abort', onStop, { once: true });
    run.onEnd(() => {
      clear();
      signal.removeEventListener('abort', onStop);
    });
    if (suspect) this.#watchSuspect(run);
    return run;
  }

  /** For the engine's call. */
  #options(run: Run): CallOptions {
    const onOver = (how: CallEnd): void => {
      if (how === 'died') this.#died();
      else run.finish(how);
    };
    return { signal: run.stopped, onOver };
  }

  /** Who is under suspicion, justly or not, doesn't keep others waiting for as long as its own time. */
  #watchSuspect(run: Run): void {
    const sinceMs = this.#clock.monotonicMs();
    const timer = setInterval(() => {
      if (this.#clock.monotonicMs() - sinceMs < SUSPECT_MS || !this.#turns.othersWait) return;
      clearInterval(timer);
      run.stop(keptOthersWaiting());
      this.#watchEnd(run);
    }, SUSPECT_LOOK_MS);
    timer.unref();
    run.onEnd(() => clearInterval(timer));
  }

  /** Nobody waits for it any more: it has to end. */
  #watchEnd(run: Run): void {
    const timer = setTimeout(() => void this.#endIfStuck(run), GRACE_MS);
    timer.unref();
    run.onEnd(() => clearTimeout(timer));
  }

  /** Kills the engine when it still works on what should have stopped. */
  async #endIfStuck(run: Run): Promise<void> {
    const { id, asked, caller } = run.statement;
    let queryIds: readonly string[];
    try {
      const signal = withDeadline(new AbortController().signal, GRACE_MS);
      const answer = await this.engine.call('running', {}, { signal });
      queryIds = (answer as { readonly queryIds: readonly string[] }).queryIds;
    } catch (thrown) {
      // An engine that doesn't answer at all is the supervisor's business.
      this.#logger.debug({ error: messageOf(thrown) }, 'The engine did not say what runs.');
      if (run.over === null) this.#watchEnd(run);
      return;
    }
    if (run.over !== null || this.#stuck?.over === null) return;
    if (!queryIds.includes(id)) {
      run.finish('answered');
      return;
    }
    this.#logger.warn(
      { queryId: id, who: caller.token, sql: asked?.text.slice(0, 500) ?? null },
      'A query does not stop.',
    );
    this.#stuck = run;
    this.engine.kill(`query ${id} does not stop`);
  }

  /** The engine is gone, and with it all that ran in it; told once for each of these. */
  #died(): void {
    const ran = [...this.#running];
    if (ran.length === 0) return;
    const causes = this.#stuck === null ? ran : [this.#stuck];
    this.#stuck = null;
    this.#deaths += 1;
    this.#strikes.died(causes.map(({ statement: { asked, caller } }) => ({ asked, who: caller.token })));
    for (const run of ran) run.finish('died');
  }

  #succeeded({ asked, step = false }: Statement): void {
    if (asked !== null && !step) this.#strikes.clear(asked);
  }

  #failed(run: Run, thrown: unknown): ArmorlakeError {
    if (run.over === 'died' && !run.stopped.aborted) {
      return new ArmorlakeError('NOT_READY', 'The database engine stopped while the query ran.', {
        hint: 'It is back within seconds. A query that needs too much memory can be the cause.',
        cause: thrown,
      });
    }
    return ArmorlakeError.from(thrown);
  }

  /** As `failed`, for what has no answer begun. */
  #refused(run: Run, thrown: unknown): ArmorlakeError {
    const error = this.#failed(run, thrown);
    // Neither answered nor left: it never came to the engine.
    if (run.over === null && !run.stopped.aborted) run.finish('answered');
    return error;
  }

  async *#chunksOf(run: Run, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    let whole = false;
    try {
      yield* chunks;
      whole = true;
    } catch (thrown) {
      whole = true;
      throw this.#failed(run, thrown);
    } finally {
      // Left early: the engine's call was cancelled with it.
      if (!whole && run.over === null) this.#watchEnd(run);
    }
  }
}

function keptOthersWaiting(): ArmorlakeError {
  return new ArmorlakeError('BUSY', `The query ran alone, and others waited for it for ${seconds(SUSPECT_MS)}.`, {
    hint: 'The database engine had stopped while it ran before, or while another query of its token did. Ask again in a minute.',
  });
}

function late(): ArmorlakeError {
  return new ArmorlakeError('DEADLINE', 'The query did not stop at its time limit.', {
    hint: 'Narrow the time range, aggregate, or raise limits.timeoutMs. What has to be stopped by force twice is refused for 10 minutes.',
  });
}
