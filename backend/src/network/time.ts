import { systemClock } from '../core/index.js';
import type { Clock } from '../core/index.js';

/** Ends a timer; harmless when it has run. */
export type Stop = () => void;

/** Clocks and timers together, so that a test moves both. */
export interface Time extends Clock {
  after(ms: number, run: () => void): Stop;
  every(ms: number, run: () => void): Stop;
}

/** Timers don't keep the process alive. */
export const systemTime: Time = {
  ...systemClock,
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    timer.unref();
    return () => clearTimeout(timer);
  },
  every: (ms, run) => {
    const timer = setInterval(run, ms);
    timer.unref();
    return () => clearInterval(timer);
  },
};

/** Resolves after the wait, or at once when the signal aborts. */
export function pause(time: Time, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const done = (): void => {
      stop();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const stop = time.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
  });
}

/** Waits between attempts: 100 ms, doubling up to 2 s, each shortened by up to a half at random. */
export class Backoff {
  #failures = 0;
  readonly #random: () => number;

  /** @param random in [0, 1) */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  next(): number {
    return Math.min(2_000, 100 * 2 ** Math.min(this.#failures++, 10)) * (1 - this.#random() / 2);
  }

  reset(): void {
    this.#failures = 0;
  }
}
