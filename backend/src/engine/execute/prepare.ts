import type { DuckDBConnection, DuckDBPreparedStatement, DuckDBValue } from '@duckdb/node-api';
import { StatementType } from '@duckdb/node-api';
import { ArmorlakeError, quoteString } from '../../core/index.js';

/** Opens the transaction that planning and running need: what runs in it can't write to any table. */
export async function beginRead(connection: DuckDBConnection): Promise<void> {
  await connection.run('BEGIN TRANSACTION READ ONLY');
}

/** Works in such a transaction of its own. */
export async function reading<T>(connection: DuckDBConnection, work: () => Promise<T>): Promise<T> {
  await beginRead(connection);
  try {
    return await work();
  } finally {
    await connection.run('ROLLBACK').catch(() => undefined);
  }
}

/**
 * Works with one SELECT, prepared: of several statements DuckDB prepares none, and what is no SELECT is not run. All SQL
 * with anything of other people in it goes this way.
 */
export async function withSelect<T>(
  connection: DuckDBConnection,
  sql: string,
  work: (prepared: DuckDBPreparedStatement) => Promise<T> | T,
): Promise<T> {
  return withPrepared(connection, sql, StatementType.SELECT, work);
}

/** The rows of one SELECT without parameters. */
export async function readRows(
  connection: DuckDBConnection,
  sql: string,
): Promise<readonly (readonly DuckDBValue[])[]> {
  return withSelect(connection, sql, async (prepared) => (await prepared.runAndReadAll()).getRows());
}

/**
 * Works with a SELECT whose rows go to a Parquet file, prepared. That the SQL is one statement by itself is looked at
 * before: then its brackets are its own and its last comment ends with its line, so that it can't reach the file's name.
 */
export async function withCopy<T>(
  connection: DuckDBConnection,
  sql: string,
  path: string,
  work: (prepared: DuckDBPreparedStatement) => Promise<T> | T,
): Promise<T> {
  const { count } = await connection.extractStatements(sql);
  if (count !== 1) throw notOne();
  const copy = `COPY (\n${sql}\n) TO ${quoteString(path)} (FORMAT parquet, COMPRESSION snappy)`;
  return withPrepared(connection, copy, StatementType.COPY, work);
}

/** Runs one statement of our own, of any kind, with names in it that others gave. */
export async function runOne(connection: DuckDBConnection, sql: string): Promise<void> {
  await withPrepared(connection, sql, null, (prepared) => prepared.run());
}

async function withPrepared<T>(
  connection: DuckDBConnection,
  sql: string,
  type: StatementType | null,
  work: (prepared: DuckDBPreparedStatement) => Promise<T> | T,
): Promise<T> {
  const prepared = await connection.prepare(sql);
  try {
    if (type !== null && prepared.statementType !== type) throw notOne();
    return await work(prepared);
  } finally {
    prepared.destroySync();
  }
}

function notOne(): ArmorlakeError {
  return new ArmorlakeError('NOT_ALLOWED', 'Only one SELECT is allowed.');
}
