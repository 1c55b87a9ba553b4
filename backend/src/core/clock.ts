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

/**
 * Arrival times in microseconds since the Unix epoch that never go backwards, whatever the wall clock does.
 * Numbers, not bigints: they stay below 2^53 until the year 2255.
 */
export class ArrivalClock {
  #last = 0;
  readonly #clock: Clock;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  nowMicros(): number {
    this.#last = Math.max(this.#last, Math.round(this.#clock.wallMs() * 1000));
    return this.#last;
  }
}
