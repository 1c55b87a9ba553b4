import type { Time } from '../time.js';
import type { AnswerGate } from './answer-gate.js';

/** So many asks in a row that it let pass, and a node is known to be silent. */
const LATE = 3;
/** What a silent node is given. */
const SHORT_MS = 2_000;
/** So often a silent node is given the whole time again: it may only have been asked for much. */
const TRIAL_MS = 30_000;

/** Whether a node let its time pass: without a word, or with a beginning that it did not go on with. */
export function letPass({ passed, silentMs }: Pick<AnswerGate, 'passed' | 'silentMs'>): boolean {
  return !passed || silentMs >= SHORT_MS;
}

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

  /** @param late it let its time pass, as `letPass` says */
  ended(late: boolean): void {
    this.#late = late ? this.#late + 1 : 0;
    if (this.#late === LATE) this.#trialMs = this.#time.monotonicMs();
  }
}
