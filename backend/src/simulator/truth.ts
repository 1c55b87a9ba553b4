import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { ArmorlakeError, messageOf } from '../core/index.js';
import type { StreamName } from './event.js';

const FLUSH_EVERY_MS = 100;

/** A line of the truth file. */
export interface TruthLine {
  readonly stream: StreamName;
  /** The event's running number; twice in the file when two subscribers were sent it. */
  readonly number: number;
  /** The subscriber's running number. */
  readonly subscriber: number;
  readonly UpdatedTime?: string | undefined;
  readonly HostName?: string | undefined;
  readonly HostPID?: number | undefined;
  readonly Operation?: string | undefined;
  readonly Resource?: string | undefined;
  /** The whole event under KubeArmor's own field names. */
  readonly event: object;
  /** Base64 of bytes that are no event; `event` is empty then. */
  readonly malformed?: string;
}

/** Where the simulator writes down what it handed to a subscribed stream; appended to, flushed every 100 ms. */
export class TruthFile {
  readonly #handle: FileHandle;
  readonly #timer: NodeJS.Timeout;
  #lines: string[] = [];
  #writing: Promise<void> = Promise.resolve();
  #failure: unknown;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
    this.#timer = setInterval(() => {
      void this.#flush();
    }, FLUSH_EVERY_MS);
  }

  /** Begins an empty file. @throws ArmorlakeError BAD_REQUEST when it can't be written */
  static async open(file: string): Promise<TruthFile> {
    try {
      return new TruthFile(await open(file, 'w'));
    } catch (error) {
      throw new ArmorlakeError('BAD_REQUEST', `The truth file ${file} can't be written: ${messageOf(error)}.`, {
        hint: 'Give a file in a folder that exists and is yours.',
        cause: error,
      });
    }
  }

  add(line: TruthLine): void {
    this.#lines.push(JSON.stringify(line));
  }

  /** Writes what is left. @throws what writing threw, now or before */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#flush();
    await this.#handle.close();
    if (this.#failure !== undefined) throw ArmorlakeError.from(this.#failure);
  }

  #flush(): Promise<void> {
    if (this.#lines.length > 0) {
      const text = `${this.#lines.join('\n')}\n`;
      this.#lines = [];
      this.#writing = this.#writing
        .then(() => this.#handle.appendFile(text))
        .catch((error: unknown) => {
          this.#failure ??= error;
        });
    }
    return this.#writing;
  }
}
