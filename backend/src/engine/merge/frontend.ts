import type { DuckDBConnection } from '@duckdb/node-api';
import type { WrittenSql } from '../execute/duckdb-errors.js';
import { queryError } from '../execute/duckdb-errors.js';
import { readRows, reading, withSelect } from '../execute/prepare.js';
import { preparedColumns } from '../execute/query.js';
import { columnName, deserialize, serialize } from '../execute/statements.js';
import type { Expression, QueryNode, TreeRecord } from '../sql/index.js';
import {
  attempt,
  castTo,
  classOf,
  contains,
  emptyFrom,
  functionCall,
  isRecord,
  isStar,
  recordOf,
  recordsOf,
  selectNode,
  textOf,
} from '../sql/index.js';

/** DuckDB's parser, printer and binder, on a connection whose tables exist but are empty. */
export class SchemaFrontend {
  readonly #connection: DuckDBConnection;
  readonly #written: WrittenSql | undefined;

  /** @param written the SQL that what is bound was made of: errors are placed in it. */
  constructor(connection: DuckDBConnection, written?: WrittenSql) {
    this.#connection = connection;
    this.#written = written;
  }

  /** The root query node of one SELECT of our own. */
  async parse(sql: string): Promise<QueryNode> {
    const node = (await serialize(this.#connection, sql))['node'];
    if (!isRecord(node)) throw new TypeError('DuckDB gave a statement without a query');
    return node;
  }

  async print(node: QueryNode): Promise<string> {
    return await deserialize(this.#connection, { node, named_param_map: [] });
  }

  /** Names and types of what the node gives; throws BAD_QUERY when it can't be bound. */
  async describe(node: QueryNode): Promise<readonly { readonly name: string; readonly type: string }[]> {
    const sql = await this.print(node);
    try {
      return await withSelect(this.#connection, sql, preparedColumns);
    } catch (thrown) {
      throw queryError(thrown, this.#written);
    }
  }

  /** So many rows at most of a query that reads no tables, its values as DuckDB's text; null when it fails. */
  async compute(node: QueryNode, maxRows: number): Promise<readonly (readonly (string | null)[])[] | null> {
    const sql = `SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (${await this.print(node)}) LIMIT ${maxRows}`;
    try {
      const rows = await reading(this.#connection, () => readRows(this.#connection, sql));
      return rows.map((row) => row.map((value) => (typeof value === 'string' ? value : null)));
    } catch {
      return null; // The query itself will say what is wrong with it.
    }
  }

  /**
   * Names of the columns of a SELECT that parameters stand in, before these have values; null for those that have an
   * alias or no parameter, and for all where a star hides which is which.
   */
  async namesOf(statement: TreeRecord): Promise<readonly (string | null)[]> {
    const node = recordOf(statement, 'node');
    const items = node === null ? [] : recordsOf(node, 'select_list');
    if (items.some((item) => contains(item, isStar))) return [];
    const isParameter = (each: TreeRecord): boolean => classOf(each) === 'PARAMETER';
    const names: (string | null)[] = [];
    for (const item of items) {
      const named = textOf(item, 'alias') !== '' || !contains(item, isParameter);
      names.push(named ? null : await columnName(this.#connection, item));
    }
    return names;
  }

  /** The rows that a node gives over the empty tables, as text. */
  async rowsOf(node: QueryNode): Promise<readonly (readonly (string | null)[])[]> {
    const sql = await this.print(node);
    try {
      const rows = await reading(this.#connection, () => readRows(this.#connection, sql));
      return rows.map((row) => row.map((value) => (value === null ? null : String(value))));
    } catch (thrown) {
      throw queryError(thrown, this.#written);
    }
  }

  /** Constant timestamps computed, in microseconds since 1970; null for what is no time. */
  async timesOf(constants: readonly Expression[]): Promise<readonly (number | null)[]> {
    if (constants.length === 0) return [];
    const list = constants.map((constant) => attempt(functionCall('epoch_us', [castTo('TIMESTAMP', constant)])));
    const sql = await this.print(selectNode({ select_list: list, from_table: emptyFrom }));
    try {
      const [row = []] = await reading(this.#connection, () => readRows(this.#connection, sql));
      return row.map((value) => (typeof value === 'bigint' ? Number(value) : null));
    } catch {
      return constants.map(() => null); // The query itself will say what is wrong with them.
    }
  }
}
