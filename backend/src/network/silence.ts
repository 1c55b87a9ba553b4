export interface SilenceRules {
  /** Silence after which the other side of a steady link has failed. */
  readonly silenceMs: number;
  /** The most that an unsteady link may get. */
  readonly mostMs: number;
}

export const defaultSilence: SilenceRules = { silenceMs: 2_000, mostMs: 15_000 };

/** How much silence a link is given: more when its signs of life come unsteadily. */
export class Silence {
  readonly #rules: SilenceRules;
  #mean: number | null = null;
  #spread = 0;

  constructor(rules: SilenceRules) {
    this.#rules = rules;
  }

  get limitMs(): number {
    const { silenceMs, mostMs } = this.#rules;
    return Math.min(mostMs, Math.max(silenceMs, (this.#mean ?? 0) + 8 * this.#spread));
  }

  /** A sign of life has come so long after it was due to be sent, or after the one before. */
  measure(ms: number): void {
    if (this.#mean === null) {
      this.#mean = ms;
      return;
    }
    this.#spread += (Math.abs(ms - this.#mean) - this.#spread) / 8;
    this.#mean += (ms - this.#mean) / 8;
  }
}
