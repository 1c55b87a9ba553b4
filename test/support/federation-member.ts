import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { ArmorlakeError, silentLogger } from '../../backend/src/core/index.js';
import type { ErrorShape } from '../../backend/src/core/index.js';
import { eventTables, tableName } from '../../backend/src/lake/index.js';
import { NetworkNode, Publication, systemTime } from '../../backend/src/network/index.js';
import type { ChunkSink, NodeMetadata, Time } from '../../backend/src/network/index.js';
import type { NodeFacts, ScatterRequest } from '../../backend/src/query/index.js';
import { makeLake } from './federation-data.js';
import { facts, grpcBackbone, identity, metadata } from './network.js';

/** A Parquet file of a SELECT. */
export type ParquetOf = (sql: string) => Promise<Buffer>;

export interface OddMemberOptions {
  readonly name: string;
  readonly hub: string;
  /** Its rows are those of `edge-<index>` in the tests' lakes. */
  readonly index?: number;
  readonly time?: Time;
  /** Columns its version has besides, by table. */
  readonly columns?: Readonly<Record<string, readonly { readonly name: string; readonly type: string }[]>>;
}

/** A member in this process that answers from a DuckDB of its own, or as a test would have it. */
export class OddMember {
  readonly requests: ScatterRequest[] = [];
  readonly aborted: number[] = [];
  /** It refuses with this error instead of answering. */
  refusal: ErrorShape | null = null;
  /** What it does with a request; set it to misbehave. */
  work: (emit: ChunkSink, request: ScatterRequest, signal: AbortSignal) => Promise<NodeFacts>;
  readonly #node: NetworkNode;
  readonly #connection: DuckDBConnection;
  readonly #folder = mkdtempSync(join(tmpdir(), 'armorlake-member-'));
  readonly #rowsOf = new WeakMap<Buffer, number>();
  #files = 0;

  private constructor(node: NetworkNode, connection: DuckDBConnection) {
    this.#node = node;
    this.#connection = connection;
    this.work = (emit, request) => this.answer(emit, request);
  }

  static async start(options: OddMemberOptions): Promise<OddMember> {
    const { name, hub, index = 7, columns = {} } = options;
    const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
    const connection = await instance.connect();
    await connection.run("SET TimeZone='UTC'");
    await makeLake(connection, [index], 300);
    for (const [table, added] of Object.entries(columns)) {
      for (const column of added) {
        await connection.run(`ALTER TABLE ${table} ADD COLUMN "${column.name}" ${column.type} DEFAULT '${name}'`);
      }
    }
    const [host = '', port = ''] = hub.split(':');
    const holder: { member: OddMember | null } = { member: null };
    const node = await NetworkNode.start({
      identity: identity(name),
      lake: {
        publication: new Publication(metadataOf(columns)),
        runner: { run: (request, emit, signal) => member(holder).run(request, emit, signal) },
        engineAgeMs: () => 0,
      },
      backbone: grpcBackbone({ listen: null }),
      listen: false,
      join: [{ host, port: Number(port) }],
      dataFolder: null,
      log: silentLogger,
      time: options.time ?? systemTime,
    });
    return (holder.member = new OddMember(node, connection));
  }

  async run(request: ScatterRequest, emit: ChunkSink, signal: AbortSignal): Promise<NodeFacts> {
    this.requests.push(request);
    signal.addEventListener('abort', () => this.aborted.push(performance.now()));
    if (this.refusal !== null) throw ArmorlakeError.fromShape(this.refusal);
    return await this.work(emit, request, signal);
  }

  /** As an honest node would; `parquet` may give other bytes for a fragment. */
  async answer(
    emit: ChunkSink,
    { fragments }: ScatterRequest,
    parquet: ParquetOf = (sql) => this.parquet(sql),
  ): Promise<NodeFacts> {
    let rows = 0;
    for (const { name, sql } of fragments) {
      const file = await parquet(sql);
      rows += this.#rowsOf.get(file) ?? 0;
      await emit.chunk(name, file);
    }
    return { ...facts, rows };
  }

  /** The rows of a SELECT as a node would pack them, or otherwise. */
  async parquet(sql: string, how = 'COMPRESSION snappy'): Promise<Buffer> {
    const path = join(this.#folder, `${this.#files++}.parquet`);
    const result = await this.#connection.runAndReadAll(`COPY (${sql}) TO '${path}' (FORMAT parquet, ${how})`);
    const file = readFileSync(path);
    this.#rowsOf.set(file, Number(result.getRows()[0]?.[0]));
    return file;
  }

  async close(): Promise<void> {
    await this.#node.close();
    this.#connection.closeSync();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function member({ member: one }: { readonly member: OddMember | null }): OddMember {
  if (one === null) throw new Error('The member has not started.');
  return one;
}

/** Nothing is pruned by it: its tables may hold anything. */
function metadataOf(added: NonNullable<OddMemberOptions['columns']>): NodeMetadata {
  return {
    ...metadata,
    tables: eventTables.map((table) => ({
      name: tableName(table),
      columns: [...table.columns.map(({ name, type }) => ({ name, type })), ...(added[tableName(table)] ?? [])],
      rows: 300,
      bytes: 1000,
      minTimeMicros: Number.MIN_SAFE_INTEGER,
      retentionMs: null,
    })),
    values: { cluster: null, host: null, namespace: null, policy: null },
  };
}
