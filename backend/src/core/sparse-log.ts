import type { Clock } from './clock.js';

/** A key has its lines anew after this. */
const EVERY_MS = 60_000;
/** Keys that are told apart; what comes of more is told together. */
const MOST_KEYS = 256;

/**
 * Lines that somebody else can cause as often as he likes: of each key the first ones of a minute are written at once,
 * the rest is counted and told with the last of them when something comes after the minute. So it is seen, and can't
 * fill the disk.
 */
export class SparseLog<Line> {
  readonly #clock: Clock;
  readonly #write: (line: Line, times: number) => void;
  readonly #burst: number;
  readonly #told = new Map<string, { readonly sinceMs: number; written: number; waiting: number; last: Line }>();

  /**
   * @param write gets a line and for how many it stands.
   * @param burst lines of a key a minute.
   */
  constructor(clock: Clock, write: (line: Line, times: number) => void, burst = 1) {
    this.#clock = clock;
    this.#write = write;
    this.#burst = burst;
  }

  add(key: string, line: Line): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [each, { sinceMs, waiting, last }] of this.#told) {
      if (nowMs - sinceMs < EVERY_MS) continue;
      this.#told.delete(each);
      if (waiting > 0) this.#write(last, waiting);
    }
    const own = this.#told.has(key) || this.#told.size < MOST_KEYS ? key : 'others';
    const known = this.#told.get(own) ?? { sinceMs: nowMs, written: 0, waiting: 0, last: line };
    this.#told.set(own, known);
    if (known.written < this.#burst) {
      known.written += 1;
      this.#write(line, 1);
    } else {
      known.waiting += 1;
      known.last = line;
    }
  }
}
