import { ArmorlakeError } from '../../core/index.js';
import { CHUNK_BYTES } from '../limits.js';

/** How much more may be sent; who takes one waits until there is one. */
export class Credits {
  #left = 0;
  readonly #signal: AbortSignal;
  readonly #waiting: { resolve(): void; reject(error: unknown): void }[] = [];

  /** @param signal once aborted, waiting and later takers are rejected with its reason */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => {
      for (const each of this.#waiting.splice(0)) each.reject(reasonOf(signal));
    });
  }

  grant(credits: number): void {
    this.#left += credits;
    while (this.#left > 0) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#left--;
      next.resolve();
    }
  }

  take(): Promise<void> {
    if (this.#signal.aborted) return Promise.reject(reasonOf(this.#signal));
    if (this.#left > 0) {
      this.#left--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }
}

/** Bytes in chunks that may travel. */
export function* pieces(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

function reasonOf(signal: AbortSignal): ArmorlakeError {
  return ArmorlakeError.from(signal.reason);
}
