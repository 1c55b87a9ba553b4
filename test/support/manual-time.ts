import type { Stop, Time } from '../../backend/src/network/index.js';

interface Timer {
  at: number;
  readonly every: number | null;
  readonly run: () => void;
}

/** Time that passes only when a test says so. */
export class ManualTime implements Time {
  readonly #timers = new Set<Timer>();
  readonly #startMs: number;
  #now = 0;

  constructor(startMs = Date.parse('2026-03-01T12:00:00Z')) {
    this.#startMs = startMs;
  }

  wallMs(): number {
    return this.#startMs + this.#now;
  }

  monotonicMs(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): Stop {
    return this.#add({ at: this.#now + ms, every: null, run });
  }

  every(ms: number, run: () => void): Stop {
    return this.#add({ at: this.#now + ms, every: ms, run });
  }

  /** Lets so much time pass; timers run in their order, each at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = [...this.#timers].reduce<Timer | null>(
        (first, timer) => (first === null || timer.at < first.at ? timer : first),
        null,
      );
      if (next === null || next.at > end) break;
      this.#now = Math.max(this.#now, next.at);
      if (next.every === null) this.#timers.delete(next);
      else next.at += next.every;
      next.run();
    }
    this.#now = end;
  }

  /** Lets so much time pass at once: what is due runs once, however often it would have. */
  skip(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.at > this.#now || !this.#timers.has(timer)) continue;
      if (timer.every === null) this.#timers.delete(timer);
      else timer.at = this.#now + timer.every;
      timer.run();
    }
  }

  #add(timer: Timer): Stop {
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
}

/** Lets what is under way in this process go on for some turns of the event loop. */
export async function turns(count: number): Promise<void> {
  for (let each = 0; each < count; each++) await new Promise((resolve) => setImmediate(resolve));
}
