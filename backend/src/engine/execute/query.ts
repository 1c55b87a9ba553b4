import type { DuckDBConnection, DuckDBPreparedStatement, DuckDBResult } from '@duckdb/node-api';
import { DuckDBTypeId } from '@duckdb/node-api';
import type { Clock } from '../../core/index.js';
import { ArmorlakeError } from '../../core/index.js';
import type { CallContext } from '../types.js';
import { LateHead, SuspectFiles, readError } from './archive-suspects.js';
import type { ConnectionPool } from './connection-pool.js';
import type { CoverageFacts } from '../facts.js';
import type { LakeReader } from './lake-reader.js';
import type { Parameters } from './parameters.js';
import { bindParameters, checkPatterns } from './parameters.js';
import type { Plan } from './plan.js';
import { Planner } from './plan.js';
import { beginRead, withSelect } from './prepare.js';
import { Runs } from './runs.js';
import type { SendLimits, Sent } from './send.js';
import { sendArrow, sendJson } from './send.js';
import type { QueryTable, TimeSpan } from './sources.js';

/** What `query` is asked. */
export interface QueryCall {
  readonly queryId: string;
  readonly sql: string;
  readonly params: Parameters;
  readonly timeRange: TimeSpan;
  readonly limits: SendLimits & { readonly timeoutMs: number };
  readonly format: 'json' | 'arrow';
}

export interface QueryColumn {
  readonly name: string;
  readonly type: string;
}

/** The head of a query's answer: known before the first row. */
export interface QueryHead {
  readonly schema: readonly QueryColumn[];
  readonly tables: readonly string[];
  readonly facts: CoverageFacts;
}

/** The tail of a query's answer. */
export interface QueryTail extends Sent {
  readonly elapsedMs: number;
}

/** What a statement reads and gives, without running it. */
export interface Description {
  readonly tables: readonly string[];
  readonly parameters: readonly string[];
  readonly schema: readonly QueryColumn[];
}

export interface QueryRunnerOptions {
  readonly pool: ConnectionPool;
  readonly tables: readonly QueryTable[];
  readonly lake: LakeReader;
  /** Where the files of armorlake.archive are; null when there are none. */
  readonly archiveFolder: string | null;
  readonly clock: Clock;
}

/** Runs contained queries on a lake: one connection, one read transaction and one deadline each. */
export class QueryRunner {
  readonly planner: Planner;
  readonly runs: Runs;
  readonly #options: QueryRunnerOptions;

  constructor(options: QueryRunnerOptions) {
    this.#options = options;
    this.runs = new Runs(options.pool);
    this.planner = new Planner(options.tables, options.lake, options.archiveFolder, options.pool.reads);
  }

  /**
   * Analyses, bounds and runs a query; the rows go to `context.write` chunk by chunk, never materialised.
   * @throws ArmorlakeError BAD_QUERY, NOT_ALLOWED, UNKNOWN_TABLE, LIMIT_EXCEEDED, DEADLINE, CANCELLED.
   */
  async run(call: QueryCall, context: CallContext): Promise<QueryTail> {
    const started = this.#options.clock.monotonicMs();
    const late = new LateHead(context);
    const sent = await this.reading(late, () =>
      this.runs.guarded(call.queryId, call.limits.timeoutMs, context.signal, async (connection, guard) => {
        const request = { ...call, rows: call.limits.rows + 1 };
        await beginRead(connection);
        const plan = await this.planner.query(connection, request, this.nowMicros());
        guard.check();
        const result = await execute(connection, plan, call.params);
        const schema = columnsOf(result);
        late.head({ schema, tables: plan.analysed.tables, facts: plan.facts } satisfies QueryHead);
        try {
          return call.format === 'json'
            ? await sendJson(result, call.limits, late, guard)
            : await sendArrow(result, call.limits, late, guard);
        } catch (thrown) {
          throw readError(thrown, plan);
        }
      }),
    );
    late.end();
    return { ...sent, elapsedMs: this.#options.clock.monotonicMs() - started };
  }

  /** What a query reads and gives. @throws ArmorlakeError as `run` does. */
  async describe(queryId: string, sql: string, timeoutMs: number, signal: AbortSignal): Promise<Description> {
    return this.reading(null, () =>
      this.runs.guarded(queryId, timeoutMs, signal, async (connection) => {
        const request = { sql, params: [], timeRange: { from: null, to: null }, rows: 1 };
        await beginRead(connection);
        const plan = await this.planner.query(connection, request, this.nowMicros());
        const schema = await withSelect(connection, plan.sql, preparedColumns).catch((thrown: unknown) => {
          throw readError(thrown, plan);
        });
        return { tables: plan.analysed.tables, parameters: plan.analysed.parameters, schema };
      }),
    );
  }

  nowMicros(): bigint {
    return BigInt(Math.round(this.#options.clock.wallMs() * 1000));
  }

  /**
   * Runs what reads the lake; again without the archive file that turned out to be damaged, which is put aside and known as
   * a gap by then.
   * @param answer what the caller has seen of the answer: once it has begun it can't be begun again.
   */
  async reading<T>(answer: LateHead | null, run: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await run();
      } catch (thrown) {
        if (!(thrown instanceof SuspectFiles)) throw thrown;
        if (!(await this.#options.lake.checkArchiveFiles(thrown.paths, thrown.likely))) throw thrown.failure;
        if (answer?.begun === true || attempt === ATTEMPTS) throw cutShort();
      }
    }
  }
}

/** So many damaged archive files one query finds at most. */
const ATTEMPTS = 10;

function cutShort(): ArmorlakeError {
  return new ArmorlakeError('INTERNAL', 'An archive file could not be read to its end; it is left out now.', {
    hint: 'Ask again: what it holds is a gap until it can be read.',
  });
}

/** Starts a planned statement; the result streams. */
export async function execute(
  connection: DuckDBConnection,
  plan: Pick<Plan, 'sql' | 'analysed' | 'files'>,
  params: Parameters,
): Promise<DuckDBResult> {
  checkPatterns(params, plan.analysed.patterns);
  try {
    return await withSelect(connection, plan.sql, (prepared) => {
      bindParameters(prepared, params, plan.analysed.parameters);
      return prepared.stream();
    });
  } catch (thrown) {
    throw readError(thrown, plan);
  }
}

/** Names and types of what a prepared statement gives. */
export function preparedColumns(prepared: DuckDBPreparedStatement): readonly QueryColumn[] {
  return Array.from({ length: prepared.columnCount }, (_, index) => ({
    name: prepared.columnName(index),
    // What a parameter decides alone has no type before it is bound.
    type: prepared.columnTypeId(index) === DuckDBTypeId.INVALID ? 'UNKNOWN' : String(prepared.columnType(index)),
  }));
}

export function columnsOf(result: DuckDBResult): readonly QueryColumn[] {
  const types = result.columnTypes();
  return result.columnNames().map((name, index) => ({ name, type: String(types[index]) }));
}
