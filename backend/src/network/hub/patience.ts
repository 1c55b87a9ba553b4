import type { Time } from '../time.js';

/** So many asks in a row without a word, and a node is known to be silent. */
const LATE = 3;
/** What a silent node is given. */
const SHORT_MS = 2_000;
/** So often a silent node is given the whole time again: it may only have been asked for much. */
const TRIAL_MS = 30_000;

/** How long a node's answer is waited for: the whole time, until it let that pass too often. */
export class Patience {
  readonly #time: Time;
  #late = 0;
  #trialMs = 0;

  constructor(time: Time) {
    this.#time = time;
  }

  /** @param wholeMs what the query has left */
  of(wholeMs: number): number {
    if (this.#late < LATE) return wholeMs;
    const nowMs = this.#time.monotonicMs();
    if (nowMs - this.#trialMs < TRIAL_MS) return Math.min(wholeMs, SHORT_MS);
    this.#trialMs = nowMs;
    return wholeMs;
  }

  /** @param late it let its time pass without a word */
  ended(late: boolean): void {
    this.#late = late ? this.#late + 1 : 0;
    if (this.#late === LATE) this.#trialMs = this.#time.monotonicMs();
  }
}
