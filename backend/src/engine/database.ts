import { mkdirSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteIdentifier, quoteString } from '../core/index.js';

/** Limits and folders of one DuckDB instance; all sizes in bytes. */
export interface DatabaseSettings {
  /** The database file and its catalog's name; null when there is only memory. */
  readonly file: { readonly path: string; readonly catalog: string; readonly rowGroupRows: number } | null;
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

/** One DuckDB instance, locked down before anybody's SQL runs on it. Only one may exist on a file in a process. */
export class Database {
  readonly #instance: DuckDBInstance;
  readonly #searchPath: string;

  private constructor(instance: DuckDBInstance, searchPath: readonly string[]) {
    this.#instance = instance;
    this.#searchPath = searchPath.join(',');
  }

  /** Opens and locks; throws DuckDB's own errors (a foreign lock, a damaged file or WAL). */
  static async open(settings: DatabaseSettings): Promise<Database> {
    mkdirSync(settings.temporaryFolder, { recursive: true, mode: 0o700 });
    const instance = await DuckDBInstance.create(':memory:', {
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
    });
    try {
      const connection = await instance.connect();
      try {
        await connection.run("SET GLOBAL TimeZone='UTC'");
        // Its analysis costs a third of a checkpoint, and it is hardly ever chosen for events.
        await connection.run("SET GLOBAL disabled_compression_methods='fsst'");
        if (settings.file !== null) {
          const { path, catalog, rowGroupRows } = settings.file;
          await connection.run(
            `ATTACH ${quoteString(path)} AS ${quoteIdentifier(catalog)} ` +
              `(ROW_GROUP_SIZE ${rowGroupRows}, BLOCK_SIZE ${BLOCK_BYTES}, STORAGE_VERSION ${quoteString(STORAGE_VERSION)})`,
          );
        }
        for (const catalog of settings.memoryCatalogs) {
          await connection.run(`ATTACH ':memory:' AS ${quoteIdentifier(catalog)}`);
        }
        const folders = [settings.temporaryFolder, ...settings.folders].map(quoteString).join(', ');
        await connection.run(`SET GLOBAL allowed_directories=[${folders}]`);
        await connection.run('SET GLOBAL enable_external_access=false');
        await connection.run('SET GLOBAL lock_configuration=true');
      } finally {
        connection.closeSync();
      }
      return new Database(instance, settings.searchPath);
    } catch (thrown) {
      instance.closeSync();
      throw thrown;
    }
  }

  /** A connection of the caller's own; never run two statements on it at the same time. */
  connect(): Promise<DuckDBConnection> {
    return this.#instance.connect();
  }

  /** A connection with the search path set; all its schemas must exist. */
  async connectForQueries(): Promise<DuckDBConnection> {
    const connection = await this.#instance.connect();
    try {
      await connection.run(`SET search_path=${quoteString(this.#searchPath)}`);
      return connection;
    } catch (thrown) {
      connection.closeSync();
      throw thrown;
    }
  }

  /** All connections must be closed before. */
  close(): void {
    this.#instance.closeSync();
  }
}
