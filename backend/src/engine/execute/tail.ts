import { setTimeout as sleep } from 'node:timers/promises';
import { ArmorlakeError } from '../../core/index.js';
import type { TreeRecord } from '../sql/index.js';
import { isRecord, recordsOf, textOf } from '../sql/index.js';
import type { CallContext } from '../types.js';
import { LateHead, readError } from './archive-suspects.js';
import type { RawColumn } from './columns.js';
import type { LakeReader } from './lake-reader.js';
import type { ParameterValue, Parameters } from './parameters.js';
import { beginRead } from './prepare.js';
import type { QueryCall, QueryRunner } from './query.js';
import { columnsOf, execute } from './query.js';
import { sendJson } from './send.js';

/** Filters of a live tail: exact by column, patterns (RE2) by column, labels that all have to be there. */
export interface TailFilters {
  readonly equal: Readonly<Record<string, readonly string[]>>;
  readonly match: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Severity at least this. */
  readonly severity: number | null;
  /** A condition in SQL, contained as any query, and its parameters. */
  readonly where: string | null;
  readonly params: Parameters;
}

/** What `tail` is asked: the next rows of an event table, or of a view of some. */
export interface TailCall {
  readonly queryId: string;
  readonly table: string;
  readonly filters: TailFilters;
  /** Rows after this seq; null: those that come from now on. */
  readonly afterSeq: number | null;
  readonly limits: QueryCall['limits'];
}

/** The end of one tail call: the next one goes on after `lastSeq`. */
export interface TailEnd {
  readonly rows: number;
  readonly lastSeq: number;
}

/** Commits that come so near to each other are read at once. */
const COALESCE_MS = 250;

const equalColumns: ReadonlySet<string> = new Set([
  'namespace',
  'pod',
  'container',
  'host',
  'cluster',
  'connector',
  'operation',
  'type',
  'policy',
  'workload',
  'result',
  'outcome',
  'action',
]);
const matchColumns: ReadonlySet<string> = new Set(['source', 'resource', 'process', 'message']);

/**
 * The SELECT of a tail, without the bounds on seq: those are put into the table's source. Values are bound; only column
 * names of a fixed list and the caller's own condition become SQL, and containment sees all of it.
 */
export function tailSql(table: string, filters: TailFilters): { readonly sql: string; readonly params: Parameters } {
  const named: Record<string, ParameterValue> = {};
  const placed: ParameterValue[] = [];
  // Places and names don't mix in one statement: the caller's form is taken, and the caller's places come first.
  const given = filters.params;
  const byPlace = isList(given) && given.length > 0;
  if (isList(given)) placed.push(...given);
  else Object.assign(named, given);
  const bind = (value: ParameterValue): string => {
    if (byPlace) return `$${placed.push(value)}`;
    const name = `tail_${Object.keys(named).length}`;
    named[name] = value;
    return `$${name}`;
  };
  // On lines of its own: a comment at the end of the condition must not swallow the bracket.
  const conditions = filters.where === null ? [] : [`(\n${filters.where}\n)`];
  for (const [column, values] of Object.entries(filters.equal)) {
    if (!equalColumns.has(column)) throw unknownFilter(column);
    conditions.push(`${column} IN ${bind(values)}`);
  }
  for (const [column, pattern] of Object.entries(filters.match)) {
    if (!matchColumns.has(column)) throw unknownFilter(column);
    conditions.push(`regexp_matches(${column}, ${bind(pattern)})`);
  }
  for (const [label, value] of Object.entries(filters.labels)) {
    conditions.push(`labels[${bind(label)}] = ${bind(value)}`);
  }
  if (filters.severity !== null) conditions.push(`severity >= ${bind(filters.severity)}`);
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  return { sql: `SELECT * FROM ${table}${where} ORDER BY seq`, params: byPlace ? placed : named };
}

function isList(params: Parameters): params is readonly ParameterValue[] {
  return Array.isArray(params);
}

function unknownFilter(column: string): ArmorlakeError {
  return new ArmorlakeError('BAD_REQUEST', `The tail can't be filtered by ${column}.`, {
    hint: `By ${[...equalColumns, ...matchColumns].join(', ')}, labels and severity, or any condition in "where".`,
  });
}

/** Refuses a `where` that made something else of the SELECT than a filter. */
function checkTail(statement: TreeRecord): void {
  const node = statement['node'];
  const from = isRecord(node) ? node['from_table'] : undefined;
  const plain =
    isRecord(node) &&
    textOf(node, 'type') === 'SELECT_NODE' &&
    recordsOf(node, 'modifiers').length === 1 &&
    recordsOf(node, 'group_expressions').length === 0 &&
    node['having'] === null &&
    node['qualify'] === null &&
    isRecord(from) &&
    textOf(from, 'type') === 'BASE_TABLE';
  if (!plain) {
    throw new ArmorlakeError('NOT_ALLOWED', 'The tail takes one condition, as the text after WHERE.', {
      hint: "As operation = 'Process' AND resource LIKE '/etc/%'.",
    });
  }
}

/** The lake's last seq, once it has more than `afterSeq` or the time is over: nothing of a user's is looked at. */
export async function committed(
  lake: LakeReader,
  { afterSeq, waitMs }: { readonly afterSeq: number; readonly waitMs: number },
  signal: AbortSignal,
): Promise<{ readonly lastSeq: number }> {
  if (lake.lastSeq > afterSeq || waitMs <= 0) return { lastSeq: lake.lastSeq };
  const woken = new AbortController();
  const stop = lake.onCommit(() => woken.abort());
  try {
    await sleep(waitMs, undefined, { signal: AbortSignal.any([signal, woken.signal]) });
  } catch {
    signal.throwIfAborted();
    await sleep(COALESCE_MS, undefined, { signal });
  } finally {
    stop();
  }
  return { lastSeq: lake.lastSeq };
}

/**
 * The rows of a tail that are new, in the order of seq, as far as they are committed. They go to `context.write` in
 * the form of a query's JSON rows.
 * @throws ArmorlakeError as a query does.
 */
export async function tail(
  runner: QueryRunner,
  lake: LakeReader,
  call: TailCall,
  context: CallContext,
): Promise<TailEnd> {
  const after = call.afterSeq ?? lake.lastSeq;
  const { sql, params } = tailSql(call.table, call.filters);
  const interval = { after, upTo: Math.max(after, lake.lastSeq) };
  const late = new LateHead(context);
  const end = await runner.reading(late, () =>
    runner.runs.guarded(call.queryId, call.limits.timeoutMs, context.signal, async (connection, guard) => {
      const request = { sql, params, timeRange: { from: null, to: null }, rows: call.limits.rows + 1 };
      await beginRead(connection);
      const plan = await runner.planner.tail(connection, request, interval, runner.nowMicros(), checkTail);
      const result = await execute(connection, plan, params);
      const schema = columnsOf(result);
      const seqAt = schema.findIndex(({ name }) => name === 'seq');
      late.head({ schema });
      let lastSent = after;
      try {
        const sent = await sendJson(result, call.limits, late, guard, (columns, rows) => {
          lastSent = seqIn(columns[seqAt], rows - 1) ?? lastSent;
        });
        return { rows: sent.rows, lastSeq: sent.truncated ? lastSent : interval.upTo };
      } catch (thrown) {
        throw readError(thrown, plan);
      }
    }),
  );
  late.end();
  return end;
}

function seqIn(column: RawColumn | undefined, row: number): number | null {
  if (column?.kind !== 'fixed' || row < 0) return null;
  return Number(new DataView(column.data.buffer, column.data.byteOffset + row * 8, 8).getBigInt64(0, true));
}
