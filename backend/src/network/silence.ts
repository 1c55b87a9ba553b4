import type { Clock } from '../core/index.js';
import type { Stop, Time } from './time.js';

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

/** How often whoever judges others looks at its own time. */
export const LOOK_MS = 100;
/** Between two looks nothing of ours can have run for so long, unless it did not run. */
const STOOD_MS = 500;

/**
 * Time in which this process ran: none passes while it is stopped, its machine stalls, or its loop is held. What others
 * sent meanwhile lies unread, so it is no silence of theirs. Somebody has to look each LOOK_MS.
 */
export class RunningTime {
  readonly #clock: Clock;
  #lookedMs: number;
  #ranMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lookedMs = clock.monotonicMs();
  }

  /** Milliseconds since it was made. */
  look(): number {
    const nowMs = this.#clock.monotonicMs();
    const passedMs = nowMs - this.#lookedMs;
    if (passedMs < STOOD_MS) this.#ranMs += passedMs;
    this.#lookedMs = nowMs;
    return this.#ranMs;
  }
}

/** Waits for signs of life from one other process. */
export class Listening {
  readonly #running: RunningTime;
  readonly #stop: Stop;
  #silentAt: number;

  /** @param silent called once, when no sign has come for the limit. */
  constructor(time: Time, limitMs: number, silent: () => void) {
    this.#running = new RunningTime(time);
    this.#silentAt = limitMs;
    this.#stop = time.every(LOOK_MS, () => {
      if (this.#running.look() < this.#silentAt) return;
      this.stop();
      silent();
    });
  }

  /** Time that this process has run since it listens. */
  get runMs(): number {
    return this.#running.look();
  }

  /** A sign has come; the next one has so long. */
  heard(limitMs: number): void {
    this.#silentAt = this.runMs + limitMs;
  }

  stop(): void {
    this.#stop();
  }
}
