/** How long a stream waits for what, in milliseconds. */
export interface StreamTimings {
  /** Before it tries again: the first wait, which grows up to the last. */
  readonly firstRetryMs: number;
  readonly lastRetryMs: number;
  /** For the answer to a health check. */
  readonly probeMs: number;
  /** Without an event before it asks for the health check. */
  readonly quietMs: number;
  /** After the health check's answer until an open stream counts as subscribed. */
  readonly settleMs: number;
}

export const defaultTimings: StreamTimings = {
  firstRetryMs: 1000,
  lastRetryMs: 5000,
  probeMs: 10_000,
  quietMs: 30_000,
  settleMs: 500,
};

/** Waits that grow by half from attempt to attempt, each shortened by up to a half at random. */
export class Backoff {
  #failures = 0;
  readonly #timings: StreamTimings;
  readonly #random: () => number;

  /** @param random in [0, 1) */
  constructor(timings: StreamTimings = defaultTimings, random: () => number = Math.random) {
    this.#timings = timings;
    this.#random = random;
  }

  /** The wait before the next attempt. */
  next(): number {
    const { firstRetryMs, lastRetryMs } = this.#timings;
    const whole = Math.min(lastRetryMs, firstRetryMs * 1.5 ** this.#failures++);
    return whole * (1 - this.#random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
