/** Time as the node sees it; tests inject their own. */
export interface Clock {
  /** Milliseconds since the Unix epoch (UTC), by the wall clock; it may jump. */
  wallMs(): number;
  /** Milliseconds that only go forward, from an arbitrary start. */
  monotonicMs(): number;
}

export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};

/** A wall clock that falls behind the monotonic one by more than this was wrong and has been set right. */
const SET_RIGHT_MS = 600_000;

/**
 * Arrival times in microseconds since the Unix epoch that never go backwards, whatever the wall clock does: unless it was
 * far ahead and is set right, as every later arrival would else bear that wrong time.
 * Numbers, not bigints: they stay below 2^53 until the year 2255.
 */
export class ArrivalClock {
  #last = 0;
  #wallMs = -Infinity;
  #monotonicMs = 0;
  readonly #clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  nowMicros(): number {
    const wallMs = this.#clock.wallMs();
    const monotonicMs = this.#clock.monotonicMs();
    const behindMs = this.#wallMs + monotonicMs - this.#monotonicMs - wallMs;
    this.#wallMs = wallMs;
    this.#monotonicMs = monotonicMs;
    const micros = Math.round(wallMs * 1000);
    this.#last = behindMs > SET_RIGHT_MS ? micros : Math.max(this.#last, micros);
    return this.#last;
  }
}
