import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { quoteString } from '../backend/src/core/index.js';
import { tableName, tables } from '../backend/src/lake/index.js';
import { NodeProcess } from './processes.js';
import { openLake, settingsOf } from './sample.js';

export const eventTables = tables.filter(({ schema, kind }) => schema === 'kubearmor' && kind === 'event');

/** The data folder of an edge. */
export interface Lake {
  readonly name: string;
  readonly data: string;
}

/** A node's lake: the sample's rows as hosts and pods of its own would have sent them. */
export async function deriveLake(sample: string, data: string, name: string, share: number): Promise<void> {
  await (await openLake({ ...settingsOf(data), node: name })).close();
  const instance = await DuckDBInstance.create(join(data, 'lake.duckdb'));
  const connection = await instance.connect();
  await connection.run(`ATTACH ${quoteString(sample)} AS sample (READ_ONLY)`);
  for (const table of eventTables) {
    const columns = table.columns.map((column) => column.name);
    const own = ['host', 'pod'].filter((column) => columns.includes(column));
    const replaced = [`'${name}' AS node`, ...own.map((column) => `${column} || '-${name}' AS ${column}`)].join(', ');
    await connection.run(
      `INSERT INTO ${tableName(table)} BY NAME SELECT * REPLACE (${replaced}) FROM sample.${tableName(table)} ` +
        `WHERE seq <= ${share} * (SELECT max(last_seq) FROM sample.internal.batches) ORDER BY seq`,
    );
  }
  await connection.run('INSERT INTO internal.batches SELECT * FROM sample.internal.batches');
  connection.closeSync();
  instance.closeSync();
}

export interface Asked {
  readonly ms: number;
  readonly rows: number;
  /** What the nodes shipped. */
  readonly bytes: number;
}

interface NetworkAnswer {
  readonly rows: readonly (readonly unknown[])[];
  readonly coverage: {
    readonly answered: number;
    readonly failed: number;
    readonly nodes: readonly { readonly bytes: number | null }[];
  };
}

/** A query node without data and its edges, each a process. */
export class Network {
  readonly #nodes: NodeProcess[] = [];
  #url = '';

  /** The query node's. */
  get url(): string {
    return this.#url;
  }

  static async start(folder: string, lakes: readonly Lake[]): Promise<Network> {
    const network = new Network();
    const query = await NodeProcess.start(join(folder, `query-${lakes.length}`), [
      '--name',
      'query',
      '--network',
      '127.0.0.1:0',
    ]);
    network.#nodes.push(query);
    network.#url = query.url;
    const status = (await (await fetch(`${query.url}/api/v1/status`)).json()) as { network: { listening: string } };
    for (const { name, data } of lakes) {
      network.#nodes.push(await NodeProcess.start(data, ['--name', name, '--join', status.network.listening]));
    }
    for (;;) {
      const { coverage } = await network.#query('SELECT count(*) FROM kubearmor.events');
      if (coverage.answered === lakes.length) return network;
    }
  }

  async ask(sql: string): Promise<Asked> {
    const began = performance.now();
    const { rows, coverage } = await this.#query(sql);
    const ms = performance.now() - began;
    if (coverage.failed > 0) throw new Error(`${sql}: ${JSON.stringify(coverage.nodes)}`);
    return { ms, rows: rows.length, bytes: coverage.nodes.reduce((sum, node) => sum + (node.bytes ?? 0), 0) };
  }

  cpuMicros(): number {
    return this.#nodes.reduce((sum, { group }) => sum + group.cpuMicros(), 0);
  }

  /** @returns the rows of the answer; integers beyond 2^53 as text */
  async rows(sql: string): Promise<readonly (readonly unknown[])[]> {
    return (await this.#query(sql)).rows;
  }

  async #query(sql: string): Promise<NetworkAnswer> {
    const response = await fetch(`${this.#url}/api/v1/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sql }),
    });
    const body = await response.text();
    if (!response.ok) throw new Error(`${sql}: ${body}`);
    return JSON.parse(body) as NetworkAnswer;
  }

  async end(): Promise<void> {
    for (const node of this.#nodes) await node.end();
  }
}
