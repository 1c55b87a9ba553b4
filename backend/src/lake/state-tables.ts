import type { DuckDBConnection } from '@duckdb/node-api';
import { ArmorlakeError } from '../core/index.js';
import type { Database } from '../engine/host.js';
import { RowAppender } from '../engine/host.js';
import type { JsonRow } from './json-rows.js';
import { rowValues } from './json-rows.js';
import { STATE_CATALOG, createStateTables, replaceStateTable } from './migrations.js';
import { tables } from './tables.js';

const stateTables = tables.filter((table) => table.kind === 'state');

/** The tables of the catalog in memory: what is so now. One call at a time. */
export class StateTables {
  readonly #connection: DuckDBConnection;
  readonly #node: string;
  readonly #current = new Map<string, string>();

  private constructor(connection: DuckDBConnection, node: string) {
    this.#connection = connection;
    this.#node = node;
  }

  static async create(database: Database, node: string): Promise<StateTables> {
    const connection = await database.connect();
    await createStateTables(connection);
    return new StateTables(connection, node);
  }

  /** Replaces the rows of the named tables; throws BAD_REQUEST on an unknown table or column. */
  async replace(rowsByTable: Readonly<Record<string, readonly JsonRow[]>>): Promise<void> {
    for (const [name, rows] of Object.entries(rowsByTable)) {
      const table = stateTables.find((each) => each.name === name);
      if (table === undefined) throw new ArmorlakeError('BAD_REQUEST', `There is no state table ${name}.`);
      const text = JSON.stringify(rows);
      if (this.#current.get(name) === text) continue;
      const values = rows.map((row) => rowValues(table, row, this.#node));
      // A new table each time: deleted rows of a table in memory would never be given back.
      await this.#connection.run('BEGIN');
      try {
        await this.#connection.run(replaceStateTable(table));
        const types = table.columns.map((column) => column.type);
        const appender = await RowAppender.create(this.#connection, STATE_CATALOG, table.schema, table.name, types);
        for (const row of values) appender.append(row);
        appender.close();
        await this.#connection.run('COMMIT');
      } catch (thrown) {
        await this.#connection.run('ROLLBACK').catch(() => undefined);
        throw thrown;
      }
      this.#current.set(name, text);
    }
  }

  close(): void {
    this.#connection.closeSync();
  }
}
