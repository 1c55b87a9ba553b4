import type { Clock } from '../core/index.js';
import type { Io } from './io.js';

const BAR_WIDTH = 30;

/** The progress bar of an import, on stderr where that is a terminal. */
export class ImportProgress {
  /** Null where that can't be known. */
  readonly #total: number | null;
  readonly #from: number;
  readonly #io: Io;
  readonly #clock: Clock;
  readonly #startedMs: number;
  #records: number;

  constructor(total: number | null, from: number, io: Io, clock: Clock) {
    this.#total = total;
    this.#from = from;
    this.#records = from;
    this.#io = io;
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  /** Records committed so far, those of earlier runs included. */
  get records(): number {
    return this.#records;
  }

  add(records: number): void {
    this.#records += records;
    if (this.#io.errIsTerminal) this.#io.err(`\r\x1b[K${this.#bar()}`);
  }

  end(): void {
    if (this.#io.errIsTerminal && this.#records > this.#from) this.#io.err('\n');
  }

  /** As `record 3 of 10`. */
  text(): string {
    return `record ${this.#records}${this.#total === null ? '' : ` of ${this.#total}`}`;
  }

  #bar(): string {
    const seconds = (this.#clock.monotonicMs() - this.#startedMs) / 1000;
    const rate = seconds === 0 ? 0 : Math.round((this.#records - this.#from) / seconds);
    if (this.#total === null) return `${this.#records} records  ${rate}/s`;
    const share = this.#total === 0 ? 1 : Math.min(1, this.#records / this.#total);
    const full = Math.round(share * BAR_WIDTH);
    return `[${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}] ${Math.floor(share * 100)} %  ${this.#records} of ${this.#total} records  ${rate}/s`;
  }
}
