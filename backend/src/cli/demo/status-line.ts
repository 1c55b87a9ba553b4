import type { Io } from '../io.js';

/** One line that is rewritten on a terminal, and printed now and then elsewhere. */
export class StatusLine {
  readonly #io: Io;
  #shownMs = -Infinity;
  #open = false;

  constructor(io: Io) {
    this.#io = io;
  }

  async show(text: string, nowMs: number): Promise<void> {
    if (this.#io.outIsTerminal) {
      this.#open = true;
      await this.#io.out(`\r\x1b[K${text.slice(0, this.#io.columns - 1)}`);
    } else if (nowMs - this.#shownMs >= 5000) {
      this.#shownMs = nowMs;
      await this.#io.out(`${text}\n`);
    }
  }

  /** Ends the line, before other text. */
  async end(): Promise<void> {
    if (this.#open) await this.#io.out('\n');
    this.#open = false;
  }
}
