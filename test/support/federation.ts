import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { DuckDBInstance } from '@duckdb/node-api';
import { SPREAD, SchemaFrontend } from '../../backend/src/engine/host.js';
import type { QueryNode } from '../../backend/src/engine/index.js';
import type { FederatedTable, Plan, PlannerContext, ResultColumn } from '../../backend/src/query/federate/index.js';
import { incomingSql, outgoingSql, plan } from '../../backend/src/query/federate/index.js';

/** A result as comparable text: names, types, rows. */
export interface Answer {
  readonly columns: readonly ResultColumn[];
  readonly rows: readonly (string | null)[][];
}

async function textRows(connection: DuckDBConnection, sql: string): Promise<readonly (string | null)[][]> {
  const result = await connection.runAndReadAll(sql);
  return result.getRows().map((row) => row.map((value) => (value === null ? null : String(value))));
}

export async function describeSql(connection: DuckDBConnection, sql: string): Promise<readonly ResultColumn[]> {
  const rows = await textRows(connection, `DESCRIBE ${sql}`);
  return rows.map(([name, type]) => ({ name: name ?? '', type: type ?? '' }));
}

export async function answerOf(connection: DuckDBConnection, sql: string): Promise<Answer> {
  return { columns: await describeSql(connection, sql), rows: await textRows(connection, sql) };
}

/** Several lakes in one process, one DuckDB with all their rows, and a merge engine without tables. */
export class InProcessFederation {
  readonly #folder = mkdtempSync(join(tmpdir(), 'armorlake-federation-'));

  private constructor(
    readonly whole: DuckDBConnection,
    readonly nodes: readonly DuckDBConnection[],
    readonly merge: DuckDBConnection,
    readonly context: PlannerContext,
  ) {}

  /** `setup` makes and fills the tables of one lake; null is the one with all rows. */
  static async create(
    nodeCount: number,
    tables: readonly FederatedTable[],
    setup: (connection: DuckDBConnection, node: number | null) => Promise<void>,
  ): Promise<InProcessFederation> {
    const open = async (): Promise<DuckDBConnection> => {
      const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
      const connection = await instance.connect();
      await connection.run("SET TimeZone='UTC'");
      return connection;
    };
    const whole = await open();
    await setup(whole, null);
    const nodes: DuckDBConnection[] = [];
    for (let node = 0; node < nodeCount; node++) {
      const connection = await open();
      await setup(connection, node);
      nodes.push(connection);
    }
    const merge = await open();
    await merge.run(SPREAD);
    const frontend = new SchemaFrontend(whole);
    const aggregates = new Set(
      (
        await textRows(whole, "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'")
      ).map(([name]) => name ?? ''),
    );
    const context: PlannerContext = {
      frontend,
      subqueries: null,
      isAggregate: (name) => aggregates.has(name),
      findTable: (schema, name) =>
        tables.find((table) => table.schema === schema.toLowerCase() && table.name === name.toLowerCase()) ?? null,
    };
    return new InProcessFederation(whole, nodes, merge, context);
  }

  /** Runs the query over the nodes, as a network would. */
  async run(sql: string): Promise<Answer & { plan: Plan }> {
    return await this.#runNode(await this.context.frontend.parse(sql));
  }

  async #runNode(root: QueryNode): Promise<Answer & { plan: Plan }> {
    const subqueries = { run: async (node: QueryNode) => await this.#runNode(node) };
    const planned = await plan(root, { ...this.context, subqueries });
    for (const fragment of planned.fragments) {
      const text = outgoingSql(await this.context.frontend.print(fragment.node), fragment.columns);
      const files: { path: string; node: string | null }[] = [];
      for (const [index, node] of this.nodes.entries()) {
        const file = join(this.#folder, `${fragment.name}-${index}.parquet`);
        await node.run(`COPY (${text}) TO '${file}' (FORMAT parquet)`);
        files.push({ path: file, node: null });
      }
      await this.merge.run(`CREATE OR REPLACE TEMP VIEW ${fragment.name} AS ${incomingSql(files, fragment)}`);
    }
    const answer = await answerOf(this.merge, await this.context.frontend.print(planned.merge));
    // As an answer calls them: by what was asked, not by what the merge became.
    const columns = answer.columns.map(({ type }, index) => ({ name: planned.columns[index]?.name ?? '', type }));
    return { columns, rows: answer.rows, plan: planned };
  }

  close(): void {
    for (const connection of [this.whole, this.merge, ...this.nodes]) connection.closeSync();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
