/** Lets so many work at a time; the others wait in the order they came. */
export class Turns {
  readonly #slots: number;
  readonly #waiting = new Set<() => void>();
  #busy = 0;

  constructor(slots: number) {
    this.#slots = slots;
  }

  /** Runs it in its turn. @throws the signal's reason when that aborts before; what the work throws. */
  async run<Value>(work: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
    signal.throwIfAborted();
    if (this.#busy < this.#slots) this.#busy += 1;
    else await this.#turn(signal);
    try {
      return await work();
    } finally {
      // The slot goes to the next, or is free.
      const [next] = this.#waiting;
      if (next === undefined) this.#busy -= 1;
      else next();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        this.#waiting.delete(granted);
        signal.removeEventListener('abort', aborted);
      };
      const granted = (): void => {
        settle();
        resolve();
      };
      const aborted = (): void => {
        settle();
        reject(signal.reason instanceof Error ? signal.reason : new Error('Aborted'));
      };
      this.#waiting.add(granted);
      signal.addEventListener('abort', aborted, { once: true });
    });
  }
}
