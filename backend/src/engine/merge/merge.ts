import type { DuckDBConnection } from '@duckdb/node-api';
import { ArmorlakeError, messageOf, quoteIdentifier, quoteString } from '../../core/index.js';
import type { QueryColumn, QueryTail } from '../execute/query.js';
import { columnsOf } from '../execute/query.js';
import type { SendLimits } from '../execute/send.js';
import { sendArrow, sendJson } from '../execute/send.js';
import { queryError } from '../execute/duckdb-errors.js';
import type { CallContext } from '../types.js';
import type { MergeDatabase } from './merge-database.js';

/** What `merge` is asked: SQL over relations, each with the SQL that reads it from the files that arrived. */
export interface MergeRequest {
  readonly queryId: string;
  readonly relations: readonly { readonly name: string; readonly sql: string }[];
  readonly sql: string;
  readonly limits: SendLimits & { readonly timeoutMs: number };
  readonly format: 'json' | 'arrow';
}

/** Runs a merge and streams its rows: the head has the schema, the tail the counts. */
export async function merge(database: MergeDatabase, request: MergeRequest, context: CallContext): Promise<QueryTail> {
  const started = performance.now();
  const { queryId, limits } = request;
  return await database.runs.guarded(queryId, limits.timeoutMs, context.signal, async (connection, guard) => {
    try {
      for (const { name, sql } of request.relations) {
        await connection.run(`CREATE OR REPLACE TEMP VIEW ${quoteIdentifier(name)} AS ${sql}`);
      }
      const result = await connection.stream(request.sql).catch((thrown: unknown) => {
        throw queryError(thrown);
      });
      context.head({ schema: columnsOf(result) } satisfies { schema: readonly QueryColumn[] });
      const sent =
        request.format === 'json'
          ? await sendJson(result, limits, context, guard)
          : await sendArrow(result, limits, context, guard);
      return { ...sent, elapsedMs: performance.now() - started };
    } finally {
      for (const { name } of request.relations) {
        await connection.run(`DROP VIEW IF EXISTS temp.${quoteIdentifier(name)}`).catch(() => undefined);
      }
    }
  });
}

/** A file that a node sent, and the columns it has to have. */
export interface ArrivedFile {
  readonly path: string;
  readonly columns: readonly QueryColumn[];
}

/**
 * Looks whether files are what they should be: Parquet, with these columns and types.
 * @param deep reads all of each file, to find damage in its pages.
 * @returns what is wrong, by path.
 */
export async function checkFiles(
  database: MergeDatabase,
  files: readonly ArrivedFile[],
  deep: boolean,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const wrong: Record<string, string> = {};
  await database.runs.guarded('check', 30_000, signal, async (connection) => {
    for (const file of files) {
      const reason = await fault(connection, file, deep);
      if (reason !== null) wrong[file.path] = reason;
    }
  });
  return wrong;
}

async function fault(connection: DuckDBConnection, file: ArrivedFile, deep: boolean): Promise<string | null> {
  try {
    const source = `read_parquet([${quoteString(file.path)}])`;
    const prepared = await connection.prepare(`SELECT * FROM ${source}`);
    const got = Array.from({ length: prepared.columnCount }, (_, index) => ({
      name: prepared.columnName(index),
      type: String(prepared.columnType(index)),
    }));
    prepared.destroySync();
    const different = JSON.stringify(got) !== JSON.stringify(file.columns);
    if (different) return 'Its answer has other columns than were asked for.';
    if (deep) await connection.run(`SELECT count(hash(COLUMNS(*))) FROM ${source}`);
    return null;
  } catch (thrown) {
    if (thrown instanceof ArmorlakeError) throw thrown;
    return `Its answer can't be read: ${messageOf(thrown).split('\n')[0] ?? ''}`;
  }
}
