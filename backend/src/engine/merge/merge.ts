import { stat } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { ArmorlakeError, messageOf, quoteString } from '../../core/index.js';
import { beginRead, readRows, withSelect } from '../execute/prepare.js';
import type { QueryColumn, QueryTail } from '../execute/query.js';
import { columnsOf, preparedColumns } from '../execute/query.js';
import type { SendLimits } from '../execute/send.js';
import { sendArrow, sendJson } from '../execute/send.js';
import { queryError } from '../execute/duckdb-errors.js';
import { deserialize, serialize } from '../execute/statements.js';
import type { TreeRecord } from '../sql/index.js';
import { withCtes } from '../sql/index.js';
import type { CallContext } from '../types.js';
import type { MergeDatabase } from './merge-database.js';

/** What nodes answered to one fragment: their files, the columns these have to have, and the SQL that reads them. */
export interface MergeRelation {
  readonly name: string;
  readonly sql: string;
  readonly files: readonly string[];
  readonly columns: readonly QueryColumn[];
}

/** Up to this size damage in a file shows before the first row is sent; above it files are read twice. */
const HELD_BYTES = 32 << 20;

/** What `merge` is asked: SQL over relations, each with the SQL that reads it from the files that arrived. */
export interface MergeRequest {
  readonly queryId: string;
  readonly relations: readonly MergeRelation[];
  readonly sql: string;
  readonly limits: SendLimits & { readonly timeoutMs: number };
  readonly format: 'json' | 'arrow';
}

/** Runs a merge and streams its rows: the head has the schema, the tail the counts. */
export async function merge(database: MergeDatabase, request: MergeRequest, context: CallContext): Promise<QueryTail> {
  const started = performance.now();
  const { queryId, limits } = request;
  return await database.runs.guarded(queryId, limits.timeoutMs, context.signal, async (connection, guard) => {
    const { relations } = request;
    await beginRead(connection);
    await checkRelations(database, connection, relations);
    const held = (await bytesOf(relations)) <= HELD_BYTES;
    if (!held) for (const { files } of relations) for (const file of files) await readWhole(connection, file);
    const sql = await withRelations(connection, request.sql, relations);
    const result = await withSelect(connection, sql, (prepared) => (held ? prepared.run() : prepared.stream())).catch(
      (thrown: unknown) => {
        throw queryError(thrown);
      },
    );
    context.head({ schema: columnsOf(result) } satisfies { schema: readonly QueryColumn[] });
    const sent =
      request.format === 'json'
        ? await sendJson(result, limits, context, guard)
        : await sendArrow(result, limits, context, guard);
    return { ...sent, elapsedMs: performance.now() - started };
  });
}

/** The statement with its relations as CTEs before its own; views would be bound twice, and have to go again. */
async function withRelations(
  connection: DuckDBConnection,
  sql: string,
  relations: readonly MergeRelation[],
): Promise<string> {
  const statement = await serialize(connection, sql);
  const ctes = new Map<string, TreeRecord>();
  for (const relation of relations) ctes.set(relation.name, await serialize(connection, relation.sql));
  return deserialize(connection, withCtes(statement, ctes));
}

async function bytesOf(relations: readonly MergeRelation[]): Promise<number> {
  const sizes = await Promise.all(relations.flatMap(({ files }) => files).map(async (path) => (await stat(path)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Files of other columns than were asked for would change what the other nodes' files are read as. */
async function checkRelations(
  { schemas }: MergeDatabase,
  connection: DuckDBConnection,
  relations: readonly MergeRelation[],
): Promise<void> {
  for (const { files, columns } of relations) {
    const [first] = files;
    if (first === undefined) continue;
    const [[schema] = [], ...others] = await readRows(
      connection,
      `SELECT DISTINCT schema FROM (SELECT list((name, type, type_length, repetition_type, num_children, converted_type, ` +
        `scale, precision, logical_type))::VARCHAR AS schema FROM parquet_schema([${files.map(quoteString).join(', ')}]) GROUP BY file_name)`,
    );
    const key = JSON.stringify([columns, schema]);
    if (others.length === 0 && schemas.has(key)) continue;
    if (others.length > 0 || !(await hasColumns(connection, { path: first, columns }))) {
      throw new ArmorlakeError('INTERNAL', 'What a node answered has other columns than were asked for.');
    }
    schemas.add(key);
  }
}

/** A file that a node sent, and the columns it has to have. */
export interface ArrivedFile {
  readonly path: string;
  readonly columns: readonly QueryColumn[];
}

/** What `check` is asked. */
export interface CheckCall {
  readonly queryId: string;
  readonly files: readonly ArrivedFile[];
  /** Reads all of each file, to find damage in its pages. */
  readonly deep: boolean;
  readonly timeoutMs: number;
}

/**
 * Looks whether files are what they should be: Parquet, with these columns and types.
 * @returns what is wrong, by path.
 */
export async function checkFiles(
  database: MergeDatabase,
  { queryId, files, deep, timeoutMs }: CheckCall,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const wrong: Record<string, string> = {};
  await database.runs.guarded(queryId, timeoutMs, signal, async (connection) => {
    for (const file of files) {
      const reason = await fault(connection, file, deep);
      if (reason !== null) wrong[file.path] = reason;
    }
  });
  return wrong;
}

async function fault(connection: DuckDBConnection, file: ArrivedFile, deep: boolean): Promise<string | null> {
  try {
    if (!(await hasColumns(connection, file))) return 'Its answer has other columns than were asked for.';
    if (deep) await readWhole(connection, file.path);
    return null;
  } catch (thrown) {
    if (thrown instanceof ArmorlakeError) throw thrown;
    return `Its answer can't be read: ${messageOf(thrown).split('\n')[0] ?? ''}`;
  }
}

async function hasColumns(connection: DuckDBConnection, { path, columns }: ArrivedFile): Promise<boolean> {
  const got = await withSelect(connection, `SELECT * FROM read_parquet([${quoteString(path)}])`, preparedColumns);
  return JSON.stringify(got) === JSON.stringify(columns);
}

async function readWhole(connection: DuckDBConnection, path: string): Promise<void> {
  await readRows(connection, `SELECT count(hash(COLUMNS(*))) FROM read_parquet([${quoteString(path)}])`);
}
