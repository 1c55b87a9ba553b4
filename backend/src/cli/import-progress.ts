import type { Clock } from '../core/index.js';
import type { Io } from './io.js';

const BAR_WIDTH = 30;

/** The progress bar of an import, on stderr where that is a terminal. */
export class ImportProgress {
  readonly #total: number;
  readonly #from: number;
  readonly #io: Io;
  readonly #clock: Clock;
  readonly #startedMs: number;
  #lines: number;

  constructor(total: number, from: number, io: Io, clock: Clock) {
    this.#total = total;
    this.#from = from;
    this.#lines = from;
    this.#io = io;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  /** Lines committed so far, those of earlier runs included. */
  get lines(): number {
    return this.#lines;
  }

  set(lines: number): void {
    this.#lines = lines;
    if (this.#io.errIsTerminal) this.#io.err(`\r\x1b[K${this.text()}`);
  }

  end(): void {
    if (this.#io.errIsTerminal && this.#lines > this.#from) this.#io.err('\n');
  }

  text(): string {
    const share = this.#total === 0 ? 1 : Math.min(1, this.#lines / this.#total);
    const full = Math.round(share * BAR_WIDTH);
    const seconds = (this.#clock.monotonicMs() - this.#startedMs) / 1000;
    const rate = seconds === 0 ? 0 : Math.round((this.#lines - this.#from) / seconds);
    return `[${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}] ${Math.floor(share * 100)} %  ${this.#lines} of ${this.#total} lines  ${rate}/s`;
  }
}
