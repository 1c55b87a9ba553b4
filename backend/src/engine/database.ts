import { mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { DuckDBConnection } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import { quoteIdentifier, quoteString } from '../core/index.js';

/** Limits and folders of one DuckDB instance; all sizes in bytes. */
export interface DatabaseSettings {
  /** The database file and its catalog's name; null when there is only memory. */
  readonly file: { readonly path: string; readonly catalog: string; readonly rowGroupRows: number } | null;
  /** Another file to be read from. */
  readonly readOnly?: { readonly path: string; readonly catalog: string };
  readonly threads: number;
  readonly memoryLimitBytes: number;
  /** Where sorts and joins spill to and COPY writes; created when missing. */
  readonly temporaryFolder: string;
  /** 0: nothing is spilled. */
  readonly spillBytes: number;
  /** Besides the temporary folder, what SQL may read and write. */
  readonly folders: readonly string[];
  /** In-memory catalogs to attach. */
  readonly memoryCatalogs: readonly string[];
  /** What connections for queries look in, in this order: `catalog.schema`. */
  readonly searchPath: readonly string[];
}

/**
 * Of new files. A quarter of DuckDB's own: each of some sixty column segments is at least one block, so checkpoints of the
 * wide event tables take less than half of the memory, and the file is a fifth smaller.
 */
const BLOCK_BYTES = 65_536;

/** Of new files: compresses better than what DuckDB takes to stay readable for its old versions. */
const STORAGE_VERSION = 'v1.5.0';

/** No commit ever reaches it: checkpoints are ours alone. */
const NEVER = '1TB';

const CHECKPOINT_POLL_MS = 2;
/** A worker thread has begun a checkpoint long before, unless all of them are busy with queries. */
const CHECKPOINT_POLLS = 250;

/** One DuckDB instance, locked down before anybody's SQL runs on it. Only one may exist on a file in a process. */
export class Database {
  readonly #instance: duckdb.Database;
  readonly #checkpoints: duckdb.Connection;
  readonly #settings: DatabaseSettings;

  private constructor(instance: duckdb.Database, checkpoints: duckdb.Connection, settings: DatabaseSettings) {
    this.#instance = instance;
    this.#checkpoints = checkpoints;
    this.#settings = settings;
  }

  /** Opens and locks; throws DuckDB's own errors (a foreign lock, a damaged file or WAL). */
  static async open(settings: DatabaseSettings): Promise<Database> {
    mkdirSync(settings.temporaryFolder, { recursive: true, mode: 0o700 });
    const config = duckdb.create_config();
    for (const [name, value] of Object.entries(options(settings))) duckdb.set_config(config, name, value);
    const instance = await duckdb.open(':memory:', config);
    try {
      const connection = await duckdb.connect(instance);
      for (const statement of setUp(settings)) await duckdb.query(connection, statement);
      return new Database(instance, connection, settings);
    } catch (thrown) {
      duckdb.close_sync(instance);
      throw thrown;
    }
  }

  /** A connection of the caller's own; never run two statements on it at the same time. */
  async connect(): Promise<DuckDBConnection> {
    return new DuckDBConnection(await duckdb.connect(this.#instance));
  }

  /** A connection with the search path set; all its schemas must exist. */
  async connectForQueries(): Promise<DuckDBConnection> {
    const connection = await this.connect();
    try {
      await connection.run(`SET search_path=${quoteString(this.#settings.searchPath.join(','))}`);
      return connection;
    } catch (thrown) {
      connection.closeSync();
      throw thrown;
    }
  }

  /**
   * Writes what the WAL holds into the file; one call at a time. DuckDB's client spins while a worker thread does it, which
   * doubles its cost: so it is left to the workers first, and only looked at.
   */
  async checkpoint(): Promise<void> {
    const { file, threads } = this.#settings;
    if (file === null) return;
    const statement = await duckdb.prepare(this.#checkpoints, `CHECKPOINT ${quoteIdentifier(file.catalog)}`);
    try {
      const pending = duckdb.pending_prepared(statement);
      // With one thread there are no workers besides the client.
      for (let poll = 0; threads > 1 && poll < CHECKPOINT_POLLS; poll++) {
        if (duckdb.pending_execution_is_finished(duckdb.pending_execute_check_state(pending))) break;
        await delay(CHECKPOINT_POLL_MS);
      }
      await duckdb.execute_pending(pending);
    } finally {
      duckdb.destroy_prepare_sync(statement);
    }
  }

  /** Connections that are still open keep the file open. */
  close(): void {
    duckdb.disconnect_sync(this.#checkpoints);
    duckdb.close_sync(this.#instance);
  }
}

function options(settings: DatabaseSettings): Readonly<Record<string, string>> {
  return {
    threads: String(settings.threads),
    memory_limit: `${Math.floor(settings.memoryLimitBytes / 1024)}KiB`,
    temp_directory: settings.spillBytes === 0 ? '' : settings.temporaryFolder,
    max_temp_directory_size: `${Math.floor(settings.spillBytes / 1024)}KiB`,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    allow_persistent_secrets: 'false',
    checkpoint_threshold: NEVER,
    auto_checkpoint_skip_wal_threshold: '1000000000000',
    // It takes a file for a former one of the same path, size and second, and keeps something of every file it ever saw.
    enable_external_file_cache: 'false',
  };
}

/** Statements of a new instance, in an order that matters: after the last three nothing can be attached or set. */
function setUp({ file, readOnly, memoryCatalogs, temporaryFolder, folders }: DatabaseSettings): readonly string[] {
  const allowed = [temporaryFolder, ...folders].map(quoteString).join(', ');
  return [
    "SET GLOBAL TimeZone='UTC'",
    // Its analysis costs a third of a checkpoint, and it is hardly ever chosen for events.
    "SET GLOBAL disabled_compression_methods='fsst'",
    ...(file === null
      ? []
      : [
          `ATTACH ${quoteString(file.path)} AS ${quoteIdentifier(file.catalog)} ` +
            `(ROW_GROUP_SIZE ${file.rowGroupRows}, BLOCK_SIZE ${BLOCK_BYTES}, STORAGE_VERSION ${quoteString(STORAGE_VERSION)})`,
        ]),
    ...(readOnly === undefined
      ? []
      : [`ATTACH ${quoteString(readOnly.path)} AS ${quoteIdentifier(readOnly.catalog)} (READ_ONLY)`]),
    ...memoryCatalogs.map((catalog) => `ATTACH ':memory:' AS ${quoteIdentifier(catalog)}`),
    `SET GLOBAL allowed_directories=[${allowed}]`,
    'SET GLOBAL enable_external_access=false',
    'SET GLOBAL lock_configuration=true',
  ];
}
