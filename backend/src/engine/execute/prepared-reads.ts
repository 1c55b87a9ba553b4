import type { DuckDBConnection, DuckDBPreparedStatement, DuckDBValue } from '@duckdb/node-api';

/** Reads of our own that every query makes: prepared once on each connection, since preparing costs more than running. */
export class PreparedReads {
  readonly #byConnection = new Map<DuckDBConnection, Map<string, DuckDBPreparedStatement>>();

  async rows(
    connection: DuckDBConnection,
    sql: string,
    values: Readonly<Record<string, DuckDBValue>> = {},
  ): Promise<readonly (readonly DuckDBValue[])[]> {
    const prepared = await this.#prepared(connection, sql);
    prepared.bind({ ...values });
    return (await prepared.runAndReadAll()).getRows();
  }

  /** Before the connection is closed: what is prepared on it would keep the database open. */
  drop(connection: DuckDBConnection): void {
    for (const prepared of this.#byConnection.get(connection)?.values() ?? []) prepared.destroySync();
    this.#byConnection.delete(connection);
  }

  async #prepared(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
    const known = this.#byConnection.get(connection) ?? new Map<string, DuckDBPreparedStatement>();
    this.#byConnection.set(connection, known);
    const prepared = known.get(sql) ?? (await connection.prepare(sql));
    known.set(sql, prepared);
    return prepared;
  }
}
