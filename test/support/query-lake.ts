import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Clock } from '../../backend/src/core/index.js';
import { quoteIdentifier, quoteQualified, systemClock } from '../../backend/src/core/index.js';
import type { LakeReader } from '../../backend/src/engine/host.js';
import { Database, queryHandlers } from '../../backend/src/engine/host.js';
import type { CallContext, CallHandlers } from '../../backend/src/engine/index.js';
import { tables } from '../../backend/src/lake/tables.js';

/** What one call of a handler gave. */
export interface Answer {
  readonly head: unknown;
  readonly body: Buffer;
  readonly tail: unknown;
}

/** A lake of this test's own, with the real tables and the engine's query handlers, in this process. */
export class QueryLake implements LakeReader, AsyncDisposable {
  readonly folder: string;
  readonly archiveFolder: string;
  readonly connection: DuckDBConnection;
  readonly handlers: CallHandlers;
  /** The latest time that retention has taken. */
  retained: bigint | null = null;
  readonly checked: string[] = [];
  readonly #listeners = new Set<(commit: { readonly lastSeq: number }) => void>();
  #lastSeq = 0;
  readonly #database: Database;
  readonly #close: () => void;

  private constructor(
    folder: string,
    database: Database,
    connection: DuckDBConnection,
    clock: Clock,
    connections: number,
  ) {
    this.folder = folder;
    this.archiveFolder = join(folder, 'archive');
    this.#database = database;
    this.connection = connection;
    const queries = queryHandlers({
      lake: this,
      connections,
      tables,
      archiveFolder: this.archiveFolder,
      clock,
    });
    this.handlers = queries.handlers;
    this.#close = queries.close;
  }

  static async open(clock: Clock = systemClock, connections = 4): Promise<QueryLake> {
    const folder = mkdtempSync(join(tmpdir(), 'armorlake-query-'));
    const database = await Database.open({
      file: { path: join(folder, 'lake.duckdb'), catalog: 'lake', rowGroupRows: 122_880 },
      threads: 2,
      memoryLimitBytes: 512 << 20,
      temporaryFolder: join(folder, 'tmp'),
      spillBytes: 0,
      folders: [join(folder, 'archive')],
      memoryCatalogs: ['state'],
      searchPath: ['lake.armorlake', 'state.armorlake'],
    });
    const maker = await database.connect();
    for (const table of tables.filter((each) => each.kind !== 'view')) {
      const catalog = table.kind === 'state' ? 'state' : 'lake';
      const columns = table.columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`).join(', ');
      await maker.run(`CREATE SCHEMA IF NOT EXISTS ${quoteQualified(catalog, table.schema)}`);
      await maker.run(`CREATE TABLE ${quoteQualified(catalog, table.schema, table.name)} (${columns})`);
    }
    maker.closeSync();
    const connection = await database.connectForQueries();
    return new QueryLake(folder, database, connection, clock, connections);
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Says that rows up to this seq are there. */
  commit(lastSeq: number): void {
    this.#lastSeq = lastSeq;
    for (const listener of this.#listeners) listener({ lastSeq });
  }

  onCommit(listener: (commit: { readonly lastSeq: number }) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  openReader(): Promise<DuckDBConnection> {
    return this.#database.connectForQueries();
  }

  closeReader(connection: DuckDBConnection): void {
    connection.closeSync();
  }

  retainedSince(): Promise<bigint | null> {
    return Promise.resolve(this.retained);
  }

  archiveHere(): Promise<boolean> {
    return Promise.resolve(true);
  }

  /** Takes the file out of the manifest, as the lake does with damaged ones. */
  async checkArchiveFiles(paths: readonly string[], likely: boolean): Promise<boolean> {
    if (!likely) return false;
    for (const path of paths) {
      this.checked.push(path);
      await this.connection.run('DELETE FROM armorlake.archive WHERE file = ?', [basename(path)]);
    }
    return true;
  }

  /** Calls a handler and collects what it streams. */
  async call(method: string, parameters: unknown, signal = new AbortController().signal): Promise<Answer> {
    const chunks: Uint8Array[] = [];
    let head: unknown;
    const context: CallContext = {
      signal,
      bulk: null,
      head: (value) => {
        head = value;
      },
      write: (chunk) => {
        chunks.push(Buffer.from(chunk));
        return Promise.resolve();
      },
    };
    const handler = this.handlers[method];
    if (handler === undefined) throw new Error(`no handler ${method}`);
    const tail = await handler(parameters, context);
    return { head, body: Buffer.concat(chunks), tail };
  }

  /** Runs a query with generous limits; the rows parsed. */
  async query(
    sql: string,
    more: Record<string, unknown> = {},
  ): Promise<{
    readonly head: Record<string, unknown>;
    readonly rows: unknown[][];
    readonly tail: Record<string, unknown>;
  }> {
    const limits = { rows: 10_000, bytes: 64 << 20, timeoutMs: 30_000 };
    const answer = await this.call('query', { queryId: 'test', sql, limits, ...more });
    return {
      head: answer.head as Record<string, unknown>,
      rows: JSON.parse(`[${answer.body.toString()}]`) as unknown[][],
      tail: answer.tail as Record<string, unknown>,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#close();
    this.connection.closeSync();
    this.#database.close();
    rmSync(this.folder, { recursive: true, force: true });
    return Promise.resolve();
  }
}
