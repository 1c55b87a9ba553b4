import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { ArmorlakeError } from '../../core/index.js';
import type { CoverageFacts } from '../facts.js';
import { completeFacts } from '../facts.js';
import { readError } from './archive-suspects.js';
import { withinFolder } from './growing-folder.js';
import type { Guard } from './guard.js';
import { bindParameters } from './parameters.js';
import type { Plan } from './plan.js';
import { beginRead, withCopy } from './prepare.js';
import type { QueryRunner } from './query.js';
import type { Expected, TimeSpan } from './sources.js';

/** What `fragments` is asked: parts of one query, run in one read transaction. */
export interface FragmentsCall {
  readonly queryId: string;
  readonly fragments: readonly { readonly name: string; readonly sql: string }[];
  readonly timeRange: TimeSpan;
  /** Columns the network knows of the tables read: what this node's schema lacks reads NULL. */
  readonly expects: Expected;
  /** What this node may ship; more is refused, never cut. */
  readonly budget: { readonly rows: number; readonly bytes: number };
  readonly timeoutMs: number;
  /** A folder below the engine's temporary folder, for the caller to read and remove. */
  readonly folder: string;
}

/** Where the answers are. */
export interface FragmentsAnswer {
  readonly files: readonly {
    readonly name: string;
    readonly path: string;
    readonly rows: number;
    readonly bytes: number;
  }[];
  readonly facts: CoverageFacts;
  readonly missingColumns: readonly string[];
  readonly elapsedMs: number;
}

/**
 * Contains each fragment again, runs it and writes its rows to a Parquet file in the folder.
 * @throws ArmorlakeError of containment and execution, LIMIT_EXCEEDED over the budget.
 */
export async function runFragments(
  runner: QueryRunner,
  call: FragmentsCall,
  signal: AbortSignal,
): Promise<FragmentsAnswer> {
  const started = performance.now();
  try {
    const answer = await runner.reading(null, async () => {
      // A run before may have left files there.
      await rm(call.folder, { recursive: true, force: true });
      await mkdir(call.folder, { recursive: true, mode: 0o700 });
      return await runner.runs.guarded(call.queryId, call.timeoutMs, signal, async (connection, guard) => {
        await beginRead(connection);
        return await runAll(runner, call, connection, guard);
      });
    });
    return { ...answer, elapsedMs: performance.now() - started };
  } catch (thrown) {
    await rm(call.folder, { recursive: true, force: true });
    throw thrown;
  }
}

async function runAll(
  runner: QueryRunner,
  call: FragmentsCall,
  connection: DuckDBConnection,
  guard: Guard,
): Promise<Omit<FragmentsAnswer, 'elapsedMs'>> {
  const files: FragmentsAnswer['files'][number][] = [];
  const missing = new Set<string>();
  let facts = completeFacts;
  let rowsLeft = call.budget.rows;
  for (const [index, { name, sql }] of call.fragments.entries()) {
    const request = { sql, params: [], timeRange: call.timeRange, rows: rowsLeft + 1, expects: call.expects };
    const plan = await runner.planner.query(connection, request, runner.nowMicros());
    guard.check();
    const path = join(call.folder, `${index}.parquet`);
    const rows = await withinFolder(
      call.folder,
      call.budget.bytes,
      () => connection.interrupt(),
      () => overBudget(`${call.budget.bytes} bytes`),
      () => copy(connection, plan, path),
    );
    const bytes = (await stat(path)).size;
    if (rows > rowsLeft) throw overBudget(`${call.budget.rows} rows`);
    rowsLeft -= rows;
    files.push({ name, path, rows, bytes });
    for (const column of plan.missingColumns) missing.add(column);
    facts = worse(facts, plan.facts);
  }
  return { files, facts, missingColumns: [...missing] };
}

async function copy(connection: DuckDBConnection, plan: Plan, path: string): Promise<number> {
  try {
    return await withCopy(connection, plan.sql, path, async (prepared) => {
      bindParameters(prepared, [], plan.analysed.parameters);
      return Number((await prepared.runAndReadAll()).getRows()[0]?.[0] ?? 0);
    });
  } catch (thrown) {
    throw readError(thrown, plan);
  }
}

function overBudget(what: string): ArmorlakeError {
  return new ArmorlakeError('LIMIT_EXCEEDED', `The query would ship more than ${what} from one node.`, {
    hint: 'Add a time filter, or aggregate.',
  });
}

/** Of two fragments of one query the less complete says how complete the query is. */
function worse(left: CoverageFacts, right: CoverageFacts): CoverageFacts {
  const shortFrom = [left.shortFrom, right.shortFrom].filter((from) => from !== null).sort();
  return {
    // A gap of one moment has no minutes.
    gaps: left.gaps.worst.length === 0 || right.gaps.minutes > left.gaps.minutes ? right.gaps : left.gaps,
    shortFrom: shortFrom.at(-1) ?? null,
  };
}
