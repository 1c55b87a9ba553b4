/** Events a second over the last minute, in steps of a second. */
export class RateMeter {
  readonly #counts = new Uint32Array(60);
  readonly #began: number;
  #second: number;

  constructor(nowMs: number) {
    this.#second = Math.floor(nowMs / 1000);
    this.#began = this.#second;
  }

  add(nowMs: number): void {
    this.#advance(nowMs);
    const slot = this.#second % 60;
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
  }

  rate(nowMs: number): number {
    this.#advance(nowMs);
    const seconds = Math.min(60, Math.max(1, this.#second - this.#began + 1));
    return this.#counts.reduce((sum, count) => sum + count, 0) / seconds;
  }

  #advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1000);
    // A minute at most is behind us, however far the clock went.
    for (let next = Math.max(this.#second + 1, second - 59); next <= second; next++) this.#counts[next % 60] = 0;
    this.#second = Math.max(this.#second, second);
  }
}
