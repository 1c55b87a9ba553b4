import { stat } from 'node:fs/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { ArmorlakeError, messageOf, quoteIdentifier, quoteString } from '../../core/index.js';
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
import { BROKEN } from './broken.js';
import type { MergeDatabase } from './merge-database.js';
import { soundRows } from './parquet-check.js';

/** What nodes answered to one fragment: their files, the columns these have to have, and the SQL that reads them. */
export interface MergeRelation {
  readonly name: string;
  /** Reads the files, and ends with an error where a value is none that its node can have sent. */
  readonly sql: string;
  /** Reads them without looking at that. */
  readonly plain: string;
  /** Gives rows where there is such a value; null: nothing is known of the columns. */
  readonly broken: string | null;
  readonly files: readonly string[];
  readonly columns: readonly QueryColumn[];
}

/** A node that sent files: they have to be sound, and hold as many rows as it said. */
export interface Sender {
  readonly rows: number;
  readonly files: readonly string[];
}

/** Above this a look at the bounded columns first is quicker than one at each value in the merge. */
const SMALL_BYTES = 1 << 20;

/** Up to this size damage in a file shows before the first row is sent; above it files are read twice. */
const HELD_BYTES = 32 << 20;
/** A million rows of 4,000 bytes; more text than that is no answer of one node. */
const MOST_TEXT_BYTES = 4e9;

/** What `merge` is asked: SQL over relations, each with the SQL that reads it from the files that arrived. */
export interface MergeRequest {
  readonly queryId: string;
  readonly relations: readonly MergeRelation[];
  /** Who sent the files; those of this node's own lake are nobody's. */
  readonly senders: readonly Sender[];
  readonly sql: string;
  /** What its columns are called: the merge's own SQL may say other expressions. */
  readonly names: readonly string[];
  readonly limits: SendLimits & { readonly timeoutMs: number };
  readonly format: 'json' | 'arrow';
}

/** Runs a merge and streams its rows: the head has the schema, the tail the counts. */
export async function merge(database: MergeDatabase, request: MergeRequest, context: CallContext): Promise<QueryTail> {
  const started = performance.now();
  const { queryId, limits } = request;
  return await database.runs.guarded(queryId, limits.timeoutMs, context.signal, async (connection, guard) => {
    const { relations, senders } = request;
    if (senders.some((sender) => senderFault(sender) !== null)) {
      throw new ArmorlakeError('INTERNAL', 'What a node answered is not what it said.');
    }
    await beginRead(connection);
    await checkRelations(database, connection, relations);
    const bytes = await bytesOf(relations);
    const held = bytes <= HELD_BYTES;
    const looked = bytes > SMALL_BYTES;
    if (looked) await checkValues(connection, relations);
    if (!held) for (const relation of relations) await readWhole(connection, relation.plain).catch(asQueryError);
    const sources = relations.map(({ name, sql, plain }) => ({ name, sql: looked ? plain : sql }));
    const sql = await withRelations(connection, request.sql, sources);
    const run = withSelect(connection, sql, (prepared) => (held ? prepared.run() : prepared.stream()));
    const result = await run.catch(asQueryError);
    const schema = columnsOf(result).map(({ name, type }, index) => ({ name: request.names[index] ?? name, type }));
    context.head({ schema } satisfies { schema: readonly QueryColumn[] });
    const sent =
      request.format === 'json'
        ? await sendJson(result, limits, context, guard)
        : await sendArrow(result, limits, context, guard, request.names);
    return { ...sent, elapsedMs: performance.now() - started };
  });
}

/** The statement with its relations as CTEs before its own; views would be bound twice, and have to go again. */
async function withRelations(
  connection: DuckDBConnection,
  sql: string,
  relations: readonly Pick<MergeRelation, 'name' | 'sql'>[],
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

/** Large parts are looked at before they are merged. */
async function checkValues(connection: DuckDBConnection, relations: readonly MergeRelation[]): Promise<void> {
  for (const { broken } of relations) {
    if (broken === null || (await readRows(connection, broken).catch(asQueryError)).length === 0) continue;
    throw new ArmorlakeError('INTERNAL', 'What a node answered is none that it can have.');
  }
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

/** A file that a node sent, the columns it has to have, and the SQL that reads it as a merge would. */
export interface ArrivedFile {
  readonly path: string;
  readonly columns: readonly QueryColumn[];
  readonly sql: string;
}

/** What `check` is asked: all that one node sent to one query. */
export interface CheckRequest {
  readonly queryId: string;
  readonly rows: number;
  readonly files: readonly ArrivedFile[];
  readonly timeoutMs: number;
}

/**
 * Looks whether a node's files are what they should be: sound Parquet of the rows it said, with these columns and types,
 * every value readable, within its bounds, and no larger than memory is for.
 * @returns what is wrong; null when nothing is.
 */
export async function checkSender(
  database: MergeDatabase,
  { queryId, rows, files, timeoutMs }: CheckRequest,
  signal: AbortSignal,
): Promise<string | null> {
  const unsound = senderFault({ rows, files: files.map(({ path }) => path) });
  if (unsound !== null) return unsound;
  return await database.runs.guarded(queryId, timeoutMs, signal, async (connection, guard) => {
    await beginRead(connection);
    for (const file of files) {
      const reason = await fault(connection, file);
      // A look that was cut short has seen nothing.
      guard.check();
      if (reason !== null) return reason;
    }
    return null;
  });
}

function senderFault({ rows, files }: Sender): string | null {
  let found = 0;
  try {
    for (const file of files) found += soundRows(file);
  } catch (thrown) {
    return `Its answer can't be read: ${messageOf(thrown)}.`;
  }
  return found === rows ? null : `It said it sent ${rows} rows, and sent ${found}.`;
}

async function fault(connection: DuckDBConnection, file: ArrivedFile): Promise<string | null> {
  try {
    if (!(await hasColumns(connection, file))) return 'Its answer has other columns than were asked for.';
    const bytes = await textBytes(connection, file);
    if (bytes > MOST_TEXT_BYTES) return `Its answer unpacks to ${bytes} bytes of text.`;
    await readWhole(connection, file.sql);
    return null;
  } catch (thrown) {
    const [first = ''] = messageOf(thrown).split('\n');
    const broken = first.indexOf(BROKEN);
    return broken >= 0 ? first.slice(broken + BROKEN.length) : `Its answer can't be read: ${first}`;
  }
}

/** What its texts come to: a dictionary lets one long text stand in each row of a short file. */
async function textBytes(connection: DuckDBConnection, { path, columns }: ArrivedFile): Promise<number> {
  const lengths = columns.flatMap(({ name, type }) => {
    const length = { VARCHAR: 'strlen', BLOB: 'octet_length' }[type];
    return length === undefined ? [] : [`coalesce(sum(${length}(${quoteIdentifier(name)})), 0)`];
  });
  if (lengths.length === 0) return 0;
  const sql = `SELECT (${lengths.join(' + ')})::DOUBLE FROM read_parquet([${quoteString(path)}])`;
  const [[bytes] = []] = await readRows(connection, sql);
  return Number(bytes ?? 0);
}

async function hasColumns(
  connection: DuckDBConnection,
  { path, columns }: Pick<ArrivedFile, 'path' | 'columns'>,
): Promise<boolean> {
  const got = await withSelect(connection, `SELECT * FROM read_parquet([${quoteString(path)}])`, preparedColumns);
  return JSON.stringify(got) === JSON.stringify(columns);
}

async function readWhole(connection: DuckDBConnection, sql: string): Promise<void> {
  await readRows(connection, `SELECT count(hash(COLUMNS(*))) FROM (${sql})`);
}

function asQueryError(thrown: unknown): never {
  throw queryError(thrown);
}
