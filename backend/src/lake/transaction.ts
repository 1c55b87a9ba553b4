import type { DuckDBConnection } from '@duckdb/node-api';

/** Runs a task in a transaction of its own on the connection: all of it is committed, or nothing. */
export async function transaction<Result>(connection: DuckDBConnection, task: () => Promise<Result>): Promise<Result> {
  await connection.run('BEGIN');
  try {
    const result = await task();
    await connection.run('COMMIT');
    return result;
  } catch (thrown) {
    await connection.run('ROLLBACK').catch(() => undefined);
    throw thrown;
  }
}
