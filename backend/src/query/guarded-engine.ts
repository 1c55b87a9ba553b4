import type { Clock, Logger } from '../core/index.js';
import { ArmorlakeError, messageOf } from '../core/index.js';
import type { CallOptions, CallStream, EngineClient } from '../engine/index.js';
import type { Strikes } from './strikes.js';

/** The engine, and the means to end it when it doesn't listen any more. */
export interface QueryEngine extends EngineClient {
  readonly state: string;
  kill(reason: string): void;
}

/** A statement that runs in an engine, should it turn out to be what breaks it. */
export interface Suspect {
  readonly id: string;
  readonly sql: string;
  /** The token's name; null where no token is configured. */
  readonly who: string | null;
  readonly timeoutMs: number;
}

/** After its deadline a query has so long to be interrupted; then its engine is killed. */
const GRACE_MS = 2000;
/** Queries that fail so soon after a kill are not its cause. */
const RESTART_MS = 5000;

/** An engine whose queries can't outlive their deadline: what doesn't stop when it is interrupted gets it killed. */
export class GuardedEngine {
  readonly engine: QueryEngine;
  readonly #strikes: Strikes;
  readonly #logger: Logger;
  readonly #clock: Clock;
  #killedAtMs = -Infinity;

  constructor(engine: QueryEngine, strikes: Strikes, logger: Logger, clock: Clock) {
    this.engine = engine;
    this.#strikes = strikes;
    this.#logger = logger;
    this.#clock = clock;
  }

  /** As the engine's `stream`; its errors say what became of the engine. */
  async stream(method: string, parameters: unknown, suspect: Suspect, signal: AbortSignal): Promise<CallStream> {
    const watch = this.#watch(suspect);
    let stream: CallStream;
    try {
      stream = await this.engine.stream(method, parameters, { signal });
    } catch (thrown) {
      throw watch(thrown);
    }
    const tail = stream.tail.then(
      (value) => {
        watch(null);
        return value;
      },
      (thrown: unknown) => {
        throw watch(thrown);
      },
    );
    // Whoever leaves the chunks early doesn't look at the tail.
    tail.catch(() => undefined);
    return { head: stream.head, chunks: stream.chunks, tail };
  }

  /** As the engine's `call`, under the same watch. */
  async call(method: string, parameters: unknown, suspect: Suspect, options: CallOptions): Promise<unknown> {
    const watch = this.#watch(suspect);
    try {
      const value = await this.engine.call(method, parameters, options);
      watch(null);
      return value;
    } catch (thrown) {
      throw watch(thrown);
    }
  }

  /** Starts the watch; calling what it returns ends it, and tells what a failure then was. */
  #watch(suspect: Suspect): (thrown: unknown) => ArmorlakeError {
    const wasReady = this.engine.state === 'ready';
    let killed = false;
    const timer = setTimeout(() => {
      void this.#killIfStuck(suspect).then((done) => (killed = done));
    }, suspect.timeoutMs + GRACE_MS);
    return (thrown) => {
      clearTimeout(timer);
      const error = ArmorlakeError.from(thrown);
      // Who goes away doesn't leave a query behind that can't be interrupted.
      if (error.code === 'CANCELLED') setTimeout(() => void this.#killIfStuck(suspect), GRACE_MS).unref();
      if (killed) {
        return new ArmorlakeError('DEADLINE', 'The query did not stop at its time limit; its engine was restarted.', {
          hint: 'Narrow the time range or aggregate earlier. A second time, and it is refused for 10 minutes.',
          cause: thrown,
        });
      }
      // It was up when the query came, and is gone: a suspect, unless the engine was killed for another query.
      if (!wasReady || error.code !== 'NOT_READY') return error;
      if (!this.#killedLately()) this.#strikes.strike(suspect.sql, suspect.who);
      return new ArmorlakeError('NOT_READY', 'The database engine stopped while the query ran.', {
        hint: 'It is back within a second. A query that needs too much memory can be the cause.',
        cause: thrown,
      });
    };
  }

  /** Kills the engine when it still works on a query that should have stopped; true when it was killed for it. */
  async #killIfStuck({ id, sql, who }: Suspect): Promise<boolean> {
    try {
      const answer = await this.engine.call('running', {}, { signal: AbortSignal.timeout(GRACE_MS) });
      if (!(answer as { readonly queryIds: readonly string[] }).queryIds.includes(id)) return false;
    } catch (thrown) {
      // Gone already; an engine that doesn't answer at all is the supervisor's business.
      this.#logger.debug({ error: messageOf(thrown) }, 'The engine did not say what runs.');
      return false;
    }
    this.#logger.warn({ queryId: id, who, sql: sql.slice(0, 500) }, 'A query does not stop.');
    this.#killedAtMs = this.#clock.monotonicMs();
    this.#strikes.strike(sql, who);
    this.engine.kill(`query ${id} does not stop`);
    return true;
  }

  #killedLately(): boolean {
    return this.#clock.monotonicMs() - this.#killedAtMs < RESTART_MS;
  }
}
