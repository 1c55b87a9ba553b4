import { ArmorlakeError } from '../core/index.js';

/** Gives a slot back; calling it again does nothing. */
export type Release = () => void;

interface Waiter {
  grant(): void;
}

/** Slots for queries: callers that wait take turns, so one with a hundred queries doesn't hold back another with one. */
export class FairQueue {
  readonly #slots: number;
  readonly #maxWaiting: number;
  /** By caller, in the order of their turns. */
  readonly #waiting = new Map<string, Waiter[]>();
  #running = 0;
  #waitingCount = 0;

  constructor(slots: number, maxWaiting: number) {
    this.#slots = slots;
    this.#maxWaiting = maxWaiting;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waitingCount;
  }

  /**
   * Resolves when it is the caller's turn.
   * @throws ArmorlakeError BUSY when too many wait already; the signal's reason when it aborts first.
   */
  async acquire(caller: string, signal: AbortSignal): Promise<Release> {
    signal.throwIfAborted();
    if (this.#running >= this.#slots) {
      if (this.#waitingCount >= this.#maxWaiting) {
        throw new ArmorlakeError('BUSY', `${this.#waitingCount} queries are waiting already.`, {
          hint: 'Ask again in a moment, or ask fewer things at once.',
        });
      }
      await this.#turn(caller, signal);
    } else {
      this.#running += 1;
    }
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#running -= 1;
      this.#grantNext();
    };
  }

  #turn(caller: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        grant: () => {
          signal.removeEventListener('abort', onAbort);
          this.#running += 1;
          resolve();
        },
      };
      const onAbort = (): void => {
        this.#remove(caller, waiter);
        reject(ArmorlakeError.from(signal.reason));
      };
      const own = this.#waiting.get(caller);
      if (own === undefined) this.#waiting.set(caller, [waiter]);
      else own.push(waiter);
      this.#waitingCount += 1;
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  #remove(caller: string, waiter: Waiter): void {
    const rest = (this.#waiting.get(caller) ?? []).filter((each) => each !== waiter);
    if (rest.length === 0) this.#waiting.delete(caller);
    else this.#waiting.set(caller, rest);
    this.#waitingCount -= 1;
  }

  #grantNext(): void {
    const [next] = this.#waiting;
    if (next === undefined) return;
    const [caller, [waiter, ...rest]] = next;
    // To the end of the line: the next slot is another caller's.
    this.#waiting.delete(caller);
    if (rest.length > 0) this.#waiting.set(caller, rest);
    this.#waitingCount -= 1;
    waiter?.grant();
  }
}
