import type {
  ArmorlakeModel,
  BuilderQuery,
  CompiledQuery,
  Filter,
  QueryContext,
  QueryType,
} from '../../plugin/shared/index.js';
import { compileQuery, defaultBuilder, defaultQuery } from '../../plugin/shared/index.js';
import { QueryApi } from './query-api.js';

export type Row = Readonly<Record<string, unknown>>;

/** What the events of these tests lie in. */
export const range: QueryContext = {
  fromMs: Date.UTC(2026, 0, 1),
  toMs: Date.UTC(2026, 0, 2),
  intervalMs: 60_000,
  maxDataPoints: 1_000,
};

/** Alerts of two nodes, some at one moment, the last after the range. */
export const storedAlerts: readonly Row[] = [
  {
    time: '2026-01-01T10:00:10',
    seq: 1,
    policy: 'p1',
    severity: 9,
    outcome: 'blocked',
    namespace: 'shop',
    pod: 'web-1',
    labels: { app: 'web' },
    process: '/bin/sh',
    resource: '/etc/shadow',
    operation: 'File',
    message: 'no <b>shadow</b>',
  },
  {
    time: '2026-01-01T10:00:20',
    seq: 2,
    policy: 'p1',
    severity: 5,
    outcome: 'happened',
    namespace: 'shop',
    pod: 'web-1',
    labels: { app: 'web' },
  },
  {
    time: '2026-01-01T10:00:20',
    seq: 3,
    policy: 'p2',
    severity: 1,
    outcome: 'happened',
    namespace: 'shop',
    pod: 'web-1',
  },
  {
    time: '2026-01-01T10:00:20.000001',
    seq: 4,
    policy: 'p2',
    outcome: 'blocked',
    namespace: 'bank',
    pod: 'db-1',
    labels: { app: 'db' },
  },
  {
    time: '2026-01-01T10:02:00',
    seq: 5,
    policy: 'p2',
    severity: 1,
    outcome: 'happened',
    namespace: 'shop',
    pod: 'web-1',
    labels: { app: 'web' },
  },
  {
    time: '2026-01-01T10:00:20',
    node: 'n2',
    seq: 2,
    policy: 'p3',
    outcome: 'happened',
    namespace: 'shop',
    pod: 'web-1',
  },
  { time: '2026-01-02T00:00:00', seq: 7, policy: 'after the range', outcome: 'happened' },
];

/** A builder query; what is not given is as in a new one. */
export function built(type: QueryType, table: string, parts: Partial<BuilderQuery> = {}): ArmorlakeModel {
  return { ...defaultQuery(type, table), builder: { ...defaultBuilder(table, type), ...parts } };
}

export interface NodeAnswer {
  readonly status: number;
  readonly rows: readonly Row[];
  readonly truncated: boolean;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
    readonly position?: number;
  };
}

/** A node of this test's own that is asked what the data source compiles. */
export class ModelNode implements AsyncDisposable {
  readonly api: QueryApi;

  private constructor(api: QueryApi) {
    this.api = api;
  }

  static async open(): Promise<ModelNode> {
    return new ModelNode(await QueryApi.open());
  }

  /** Stores rows; `time` is an ISO text, `node` and `seq` are given in order when left out. */
  async store(table: string, rows: readonly Row[]): Promise<void> {
    const filled = rows.map((row, index) => ({ time: '2026-01-01T12:00:00', node: 'n1', seq: index + 1, ...row }));
    for (const row of table.startsWith('armorlake.') ? rows : filled) {
      const names = Object.keys(row);
      const values = Object.values(row);
      const picked = names.map((name, index) => {
        const value = values[index];
        if (!Array.isArray(value) && typeof value !== 'object') return `? AS "${name}"`;
        return `${Array.isArray(value) ? "json_extract_string(?, '$[*]')" : 'json_transform(?, \'"MAP(VARCHAR, VARCHAR)"\')'} AS "${name}"`;
      });
      const bound = values.map((value) => (typeof value === 'object' ? JSON.stringify(value) : value));
      await this.api.lake.connection.run(
        `INSERT INTO ${table} BY NAME SELECT ${picked.join(', ')}`,
        bound as (string | number)[],
      );
    }
  }

  async ask({ sql, nodes, rows }: Pick<CompiledQuery, 'sql'> & Partial<CompiledQuery>): Promise<NodeAnswer> {
    const response = await this.api.app.inject({
      method: 'POST',
      url: '/api/v1/query',
      headers: { host: '127.0.0.1:7470' },
      payload: { sql, ...(nodes === undefined ? {} : { nodes }), ...(rows === undefined ? {} : { limits: { rows } }) },
    });
    const body = response.json<{
      schema?: { name: string }[];
      rows?: unknown[][];
      stats?: { truncated: boolean };
      error?: NonNullable<NodeAnswer['error']>;
    }>();
    const names = (body.schema ?? []).map(({ name }) => name);
    return {
      status: response.statusCode,
      rows: (body.rows ?? []).map((row) => Object.fromEntries(names.map((name, index) => [name, row[index]]))),
      truncated: body.stats?.truncated ?? false,
      ...(body.error === undefined ? {} : { error: body.error }),
    };
  }

  /** The rows that a model answers; throws what the node says when it refuses. */
  async rows(model: ArmorlakeModel, context: QueryContext = range): Promise<readonly Row[]> {
    const compiled = compileQuery(model, context);
    const { status, rows, error } = await this.ask(compiled);
    if (status !== 200) throw new Error(`${JSON.stringify(error)}\n${compiled.sql}`);
    return rows;
  }

  /** The seqs of the rows of a table that one filter lets through, in order. */
  async matching(table: string, filter: Filter): Promise<readonly number[]> {
    const model = defaultQuery('table', table);
    const rows = await this.rows({ ...model, builder: { ...model.builder, columns: ['seq'], filters: [filter] } });
    return rows.map(({ seq }) => Number(seq)).sort((a, b) => a - b);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api[Symbol.asyncDispose]();
  }
}
