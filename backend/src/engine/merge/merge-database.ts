import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteIdentifier, quoteQualified } from '../../core/index.js';
import { Database } from '../database.js';
import { ConnectionPool } from '../execute/connection-pool.js';
import { runOne } from '../execute/prepare.js';
import { Runs } from '../execute/runs.js';
import { isColumnType } from '../sql/index.js';

/** Limits and folders of a merge engine; sizes in bytes. */
export interface MergeSettings {
  readonly threads: number;
  readonly memoryLimitBytes: number;
  readonly spillBytes: number;
  readonly temporaryFolder: string;
  /** Where the nodes' answers arrive as Parquet. */
  readonly arrivals: string;
  /** Merges, and plans, at the same time. */
  readonly queries: number;
}

/** A table of the network without its rows. */
export interface EmptyTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

/**
 * Σ n·(mean − M)² over groups: what the variances within them leave out. M, the mean of all, is computed once, as the
 * only item of a list; within the lambda over the groups it would be computed again for each of them.
 */
export const SPREAD =
  'CREATE MACRO armorlake_spread(weights, means) AS list_transform(' +
  '[list_sum(list_transform(list_zip(weights, means), lambda each: each[1] * each[2])) / list_sum(weights)], ' +
  'lambda middle: list_sum(list_transform(list_zip(weights, means), ' +
  'lambda pair: pair[1] * (pair[2] - middle) ** 2)))[1]';

const KEPT_SCHEMAS = 500;

/** The last few hundred of them. */
class KnownSchemas {
  readonly #keys = new Set<string>();

  has(key: string): boolean {
    return this.#keys.has(key);
  }

  add(key: string): void {
    this.#keys.add(key);
    const [oldest] = this.#keys;
    if (this.#keys.size > KEPT_SCHEMAS && oldest !== undefined) this.#keys.delete(oldest);
  }
}

/** A DuckDB without base tables, which merges what nodes answer; queries planned against it would find nothing. */
export class MergeDatabase {
  readonly #database: Database;
  readonly #pool: ConnectionPool;
  readonly runs: Runs;
  /** Schemas of files that have been found to be those of their columns. */
  readonly schemas = new KnownSchemas();

  private constructor(database: Database, queries: number) {
    this.#database = database;
    this.#pool = poolOf(database, queries);
    this.runs = new Runs(this.#pool);
  }

  static async open(settings: MergeSettings): Promise<MergeDatabase> {
    const database = await openInMemory(settings);
    await run(database, [SPREAD]);
    return new MergeDatabase(database, settings.queries);
  }

  close(): void {
    this.#pool.close();
    this.#database.close();
  }
}

/** A DuckDB whose tables are the network's, all empty: against it queries are bound. */
export class SchemaDatabase {
  readonly #database: Database;
  readonly #pool: ConnectionPool;
  readonly runs: Runs;

  private constructor(database: Database, queries: number) {
    this.#database = database;
    this.#pool = poolOf(database, queries);
    this.runs = new Runs(this.#pool);
  }

  static async open(settings: MergeSettings): Promise<SchemaDatabase> {
    return new SchemaDatabase(await openInMemory(settings), settings.queries);
  }

  /** Makes the tables as they are now; queries being bound see the old ones or the new. */
  async setTables(tables: readonly EmptyTable[]): Promise<void> {
    const schemas = new Set(tables.map((table) => table.schema));
    await run(this.#database, [
      'BEGIN',
      ...[...schemas].map((schema) => `CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(schema)}`),
      ...tables.map(createTable),
      'COMMIT',
    ]);
  }

  close(): void {
    this.#pool.close();
    this.#database.close();
  }
}

function createTable({ schema, name, columns }: EmptyTable): string {
  const list = columns
    .filter(({ type }) => isColumnType(type))
    .map((column) => `${quoteIdentifier(column.name)} ${column.type}`);
  return `CREATE OR REPLACE TABLE ${quoteQualified(schema, name)} (${list.join(', ')})`;
}

function openInMemory(settings: MergeSettings): Promise<Database> {
  return Database.open({
    file: null,
    threads: settings.threads,
    memoryLimitBytes: settings.memoryLimitBytes,
    temporaryFolder: settings.temporaryFolder,
    spillBytes: settings.spillBytes,
    folders: [settings.arrivals],
    memoryCatalogs: [],
    searchPath: ['main'],
  });
}

function poolOf(database: Database, queries: number): ConnectionPool {
  const lake = {
    openReader: () => database.connect(),
    closeReader: (connection: DuckDBConnection) => connection.closeSync(),
  };
  return new ConnectionPool(lake, queries);
}

async function run(database: Database, statements: readonly string[]): Promise<void> {
  const connection = await database.connect();
  try {
    for (const statement of statements) await runOne(connection, statement);
  } finally {
    connection.closeSync();
  }
}
