import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../core/index.js';

/** A burst may use so many milliseconds before it is slowed. */
const BURST_MS = 2000;
/** No query waits longer than this for its turn. */
const LONGEST_WAIT_MS = 5000;

/** Caps what queries take of a core, on average: what was spent beyond the share is waited for by those that follow. */
export class QueryLoad {
  readonly #share: number;
  readonly #clock: Clock;
  #leftMs = BURST_MS;
  #countedMs: number;

  /** @param share of one core; 1 and more is no cap. */
  constructor(share: number, clock: Clock) {
    this.#share = share;
    this.#clock = clock;
    this.#countedMs = clock.monotonicMs();
  }

  /** Resolves when the next query may run; true when it had to wait. */
  async admit(signal: AbortSignal): Promise<boolean> {
    if (this.#share >= 1) return false;
    const waitMs = Math.min(LONGEST_WAIT_MS, -this.#refill() / this.#share);
    if (waitMs <= 0) return false;
    await sleep(waitMs, undefined, { signal });
    return true;
  }

  /** A query ran for so long. */
  spent(ms: number): void {
    this.#refill();
    this.#leftMs -= ms;
  }

  #refill(): number {
    const now = this.#clock.monotonicMs();
    this.#leftMs = Math.min(BURST_MS, this.#leftMs + (now - this.#countedMs) * this.#share);
    this.#countedMs = now;
    return this.#leftMs;
  }
}
