import type { DuckDBConnection } from '@duckdb/node-api';
import { ArmorlakeError } from '../../core/index.js';

/** How often an interrupt is repeated: one that falls between two statements is forgotten by DuckDB. */
const INTERRUPT_EVERY_MS = 20;

/** Interrupts what runs on a connection when its caller goes away or its time is over. */
export class Guard {
  readonly #connection: DuckDBConnection;
  readonly #caller: AbortSignal;
  readonly #deadline: NodeJS.Timeout;
  readonly #onAbort = (): void => this.#stop();
  readonly #stopping: Promise<never>;
  #rejectStopping: (reason: ArmorlakeError) => void = () => undefined;
  #repeat: NodeJS.Timeout | null = null;
  #late = false;

  constructor(connection: DuckDBConnection, caller: AbortSignal, timeoutMs: number) {
    this.#connection = connection;
    this.#caller = caller;
    this.#stopping = new Promise((_resolve, reject) => {
      this.#rejectStopping = reject;
    });
    this.#stopping.catch(() => undefined);
    this.#deadline = setTimeout(() => {
      this.#late = true;
      this.#stop();
    }, timeoutMs);
    caller.addEventListener('abort', this.#onAbort, { once: true });
    if (caller.aborted) this.#stop();
  }

  /** @throws ArmorlakeError DEADLINE or CANCELLED once stopped. */
  check(): void {
    if (this.#repeat !== null) throw this.reason();
  }

  /** Waits for a promise, as a reader that is slow to take more, but not longer than the guard allows. */
  async within<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#stopping]);
  }

  /** True once it was stopped. */
  get stopped(): boolean {
    return this.#repeat !== null;
  }

  reason(): ArmorlakeError {
    if (this.#late) {
      return new ArmorlakeError('DEADLINE', 'The query took longer than its time limit.', {
        hint: 'Narrow the time range, aggregate, or raise limits.timeoutMs.',
      });
    }
    return ArmorlakeError.from(this.#caller.reason);
  }

  release(): void {
    clearTimeout(this.#deadline);
    if (this.#repeat !== null) clearInterval(this.#repeat);
    this.#caller.removeEventListener('abort', this.#onAbort);
  }

  #stop(): void {
    if (this.#repeat !== null) return;
    this.#rejectStopping(this.reason());
    this.#connection.interrupt();
    this.#repeat = setInterval(() => this.#connection.interrupt(), INTERRUPT_EVERY_MS);
  }
}
