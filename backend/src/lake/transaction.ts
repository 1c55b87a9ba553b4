import type { DuckDBConnection } from '@duckdb/node-api';

/** Runs a task in a transaction of its own on the connection: all of it is committed, or nothing. */
export async function transaction(connection: DuckDBConnection, task: () => Promise<void>): Promise<void> {
  await connection.run('BEGIN');
  try {
    await task();
    await connection.run('COMMIT');
  } catch (thrown) {
    await connection.run('ROLLBACK').catch(() => undefined);
    throw thrown;
  }
}
