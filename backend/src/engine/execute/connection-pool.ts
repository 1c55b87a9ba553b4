import type { DuckDBConnection } from '@duckdb/node-api';
import { ArmorlakeError } from '../../core/index.js';
import type { LakeReader } from './lake-reader.js';
import { PreparedReads } from './prepared-reads.js';

/**
 * Connections for queries, each used by one at a time (two statements at once on one have crashed DuckDB). Their number
 * bounds how many of libuv's threads queries take, so that appends always find one.
 */
export class ConnectionPool {
  /** What every query reads, prepared on these connections. */
  readonly reads = new PreparedReads();
  readonly #lake: Pick<LakeReader, 'openReader' | 'closeReader'>;
  readonly #size: number;
  readonly #idle: DuckDBConnection[] = [];
  readonly #waiting: (() => void)[] = [];
  #used = 0;
  #closed = false;

  constructor(lake: Pick<LakeReader, 'openReader' | 'closeReader'>, size: number) {
    this.#lake = lake;
    this.#size = size;
  }

  /**
   * Runs `work` with a connection of its own, waiting for one in the order of the calls.
   * @throws ArmorlakeError CANCELLED when the signal aborts while waiting, NOT_READY after `close`.
   */
  async use<T>(signal: AbortSignal, work: (connection: DuckDBConnection) => Promise<T>): Promise<T> {
    await this.#slot(signal);
    let connection: DuckDBConnection | undefined;
    try {
      connection = this.#idle.pop() ?? (await this.#lake.openReader());
      const result = await work(connection);
      this.#idle.push(connection);
      return result;
    } catch (thrown) {
      // A query's own error leaves the connection usable; anything else doesn't deserve the trust.
      if (connection !== undefined) {
        if (thrown instanceof ArmorlakeError && !this.#closed) this.#idle.push(connection);
        else this.#closeReader(connection);
      }
      throw thrown;
    } finally {
      this.#used -= 1;
      this.#waiting.shift()?.();
      if (this.#closed) this.#closeIdle();
    }
  }

  close(): void {
    this.#closed = true;
    this.#closeIdle();
  }

  #closeIdle(): void {
    for (const connection of this.#idle.splice(0)) this.#closeReader(connection);
  }

  #closeReader(connection: DuckDBConnection): void {
    this.reads.drop(connection);
    this.#lake.closeReader(connection);
  }

  async #slot(signal: AbortSignal): Promise<void> {
    while (this.#used >= this.#size) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          signal.removeEventListener('abort', wake);
          const at = this.#waiting.indexOf(wake);
          if (at >= 0) this.#waiting.splice(at, 1);
          resolve();
        };
        this.#waiting.push(wake);
        signal.addEventListener('abort', wake, { once: true });
        if (signal.aborted) wake();
      });
      if (signal.aborted) {
        // The wake-up may have been meant for a free slot: pass it on.
        if (this.#used < this.#size) this.#waiting[0]?.();
        throw ArmorlakeError.from(signal.reason);
      }
    }
    if (this.#closed) throw new ArmorlakeError('NOT_READY', 'The database engine is stopping.');
    this.#used += 1;
  }
}
