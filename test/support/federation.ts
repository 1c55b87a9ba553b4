import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { DuckDBInstance } from '@duckdb/node-api';
import type { Expression, QueryNode } from '../../backend/src/engine/index.js';
import { emptyFrom, selectNode } from '../../backend/src/engine/index.js';
import type {
  FederatedTable,
  Plan,
  PlannerContext,
  ResultColumn,
  SqlFrontend,
} from '../../backend/src/query/federate/index.js';
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

/** The planner's frontend straight on a DuckDB connection that has the tables, empty or not. */
export class DirectFrontend implements SqlFrontend {
  constructor(private readonly connection: DuckDBConnection) {}

  async parse(sql: string): Promise<QueryNode> {
    const result = await this.connection.runAndReadAll('SELECT json_serialize_sql($1::VARCHAR)', [sql]);
    // query_location can be 2^64-1, which JSON.parse would change and DuckDB then refuse.
    const text = String(result.getRows()[0]?.[0]).replaceAll(/"query_location":\d+/g, '"query_location":0');
    const parsed = JSON.parse(text) as { statements: [{ node: QueryNode }] };
    return parsed.statements[0].node;
  }

  async print(node: QueryNode): Promise<string> {
    const text = JSON.stringify({ error: false, statements: [{ node, named_param_map: [] }] });
    const result = await this.connection.runAndReadAll('SELECT json_deserialize_sql($1::JSON)', [text]);
    return String(result.getRows()[0]?.[0]);
  }

  async timesOf(constants: readonly Expression[]): Promise<readonly (number | null)[]> {
    if (constants.length === 0) return [];
    const sql = await this.print(selectNode({ select_list: constants, from_table: emptyFrom }));
    const result = await this.connection.runAndReadAll(`SELECT epoch_us(CAST(COLUMNS(*) AS TIMESTAMP)) FROM (${sql})`);
    return (result.getRows()[0] ?? []).map((value) => (value === null ? null : Number(value)));
  }

  async describe(node: QueryNode): Promise<readonly ResultColumn[]> {
    return await describeSql(this.connection, await this.print(node));
  }
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
    await merge.run(
      'CREATE MACRO armorlake_spread(weights, means) AS list_sum(list_transform(list_zip(weights, means), ' +
        'lambda pair: pair[1] * (pair[2] - list_sum(list_transform(list_zip(weights, means), lambda each: each[1] * each[2])) / list_sum(weights)) ** 2))',
    );
    const frontend = new DirectFrontend(whole);
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
      const files: string[] = [];
      for (const [index, node] of this.nodes.entries()) {
        const file = join(this.#folder, `${fragment.name}-${index}.parquet`);
        await node.run(`COPY (${text}) TO '${file}' (FORMAT parquet)`);
        files.push(file);
      }
      await this.merge.run(`CREATE OR REPLACE TEMP VIEW ${fragment.name} AS ${incomingSql(files, fragment.columns)}`);
    }
    const answer = await answerOf(this.merge, await this.context.frontend.print(planned.merge));
    return { ...answer, plan: planned };
  }

  close(): void {
    for (const connection of [this.whole, this.merge, ...this.nodes]) connection.closeSync();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
