import type { DuckDBConnection } from '@duckdb/node-api';
import type { ConnectionPool } from './connection-pool.js';
import { queryError } from './duckdb-errors.js';
import { Guard } from './guard.js';

/** Runs work on connections of a pool, each with a deadline, and knows what runs. */
export class Runs {
  readonly #pool: ConnectionPool;
  readonly #running = new Set<string>();

  constructor(pool: ConnectionPool) {
    this.#pool = pool;
  }

  /** Ids of what runs now, also of what was cancelled and doesn't stop. */
  get running(): readonly string[] {
    return [...this.#running];
  }

  /**
   * Runs `work` on a connection of its own, interrupted at its deadline or when the signal aborts; ends whatever
   * transaction it leaves.
   * @throws ArmorlakeError, what `work` throws as one; DEADLINE, CANCELLED.
   */
  async guarded<T>(
    id: string,
    timeoutMs: number,
    signal: AbortSignal,
    work: (connection: DuckDBConnection, guard: Guard) => Promise<T>,
  ): Promise<T> {
    return this.#pool.use(signal, async (connection) => {
      const guard = new Guard(connection, signal, timeoutMs);
      this.#running.add(id);
      try {
        return await work(connection, guard);
      } catch (thrown) {
        throw guard.stopped ? guard.reason() : queryError(thrown);
      } finally {
        guard.release();
        // Ends the transaction and whatever was still streaming; there may be none.
        await connection.run('ROLLBACK').catch(() => undefined);
        this.#running.delete(id);
      }
    });
  }
}
