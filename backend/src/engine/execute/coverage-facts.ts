import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { timestampValue } from '@duckdb/node-api';
import type { LakeReader } from './lake-reader.js';
import { isoMicros } from './json-rows.js';
import type { CoverageFacts, GapFact } from '../facts.js';
import { completeFacts } from '../facts.js';
import { withSelect } from './prepare.js';
import type { LeftOut, QueryTable, TimeSpan } from './sources.js';

const WORST_GAPS = 5;
const MINUTE = 60_000_000;

/** What was dropped is a gap, too: the ledger has it by the minute of the commit, a little after the drop itself. */
const DROPS = `SELECT connector, stream, minute - INTERVAL 1 MINUTE, minute + INTERVAL 1 MINUTE, reason, sum(dropped)::BIGINT
  FROM armorlake.ledger WHERE dropped > 0 GROUP BY ALL`;

/** A gap as far as a query's range meets it; µs since 1970. */
interface MetGap extends Pick<GapFact, 'connector' | 'stream' | 'cause' | 'estimated'> {
  readonly open: boolean;
  readonly start: number;
  readonly end: number;
}

/** Runs one of our own reads. */
export type ReadRows = (
  connection: DuckDBConnection,
  sql: string,
  values: Readonly<Record<string, DuckDBValue>>,
) => Promise<readonly (readonly DuckDBValue[])[]>;

const readOnce: ReadRows = (connection, sql, values) =>
  withSelect(connection, sql, async (prepared) => {
    prepared.bind({ ...values });
    return (await prepared.runAndReadAll()).getRows();
  });

/**
 * Looks up the gaps and the retention that a query's range meets.
 * @param tables the event tables read, views' own included.
 * @param nowMicros the end of gaps that are still open.
 * @param retainedSince since when tables are whole.
 * @param leftOut what of the tables can't be read now, whose range is a gap.
 * @param read for connections that keep what they have prepared.
 */
export async function coverageFacts(
  connection: DuckDBConnection,
  tables: readonly QueryTable[],
  span: TimeSpan,
  nowMicros: bigint,
  retainedSince: LakeReader['retainedSince'],
  leftOut: readonly LeftOut[],
  read: ReadRows = readOnce,
): Promise<CoverageFacts> {
  const events = tables.filter((table) => table.kind === 'event');
  if (events.length === 0) return completeFacts;
  const known = await gapsIn(connection, read, span, nowMicros, new Set(events.map((table) => table.name)));
  const gaps = summed([...known, ...leftOut.map((file) => leftOutGap(file, span))]);
  // Without a lower bound "all there is" was asked for: such a query is never short.
  if (span.from === null) return { gaps, shortFrom: null };
  const names = events.map((table) => `${table.schema}.${table.name}`);
  const since = await retainedSince(connection, names);
  return { gaps, shortFrom: since !== null && span.from <= since ? isoMicros(since) : null };
}

async function gapsIn(
  connection: DuckDBConnection,
  read: ReadRows,
  span: TimeSpan,
  nowMicros: bigint,
  streams: ReadonlySet<string>,
): Promise<readonly MetGap[]> {
  const from = span.from ?? -(2n ** 62n);
  const to = span.to !== null && span.to < nowMicros ? span.to : nowMicros;
  const rows = await read(
    connection,
    `SELECT connector, stream, epoch_us(greatest(from_time, $from)), epoch_us(least(coalesce(to_time, $now), $to)),
            to_time IS NULL, cause, estimated
       FROM (SELECT connector, stream, from_time, to_time, cause, estimated FROM armorlake.gaps UNION ALL ${DROPS})
      WHERE from_time < $to AND coalesce(to_time, $now) > $from ORDER BY from_time`,
    { from: timestampValue(from), to: timestampValue(to), now: timestampValue(nowMicros) },
  );
  const met: MetGap[] = [];
  for (const [connector, stream, start, end, open, cause, estimated] of rows) {
    // A gap of another stream says nothing of these tables; one without a stream (a crash) is everybody's.
    if (typeof stream === 'string' && stream !== '' && isEventStream(stream) && !streams.has(stream)) continue;
    const [first, last] = [Number(start), Number(end)];
    met.push({
      connector: String(connector ?? ''),
      stream: String(stream ?? ''),
      cause: String(cause ?? ''),
      estimated: estimated === null || estimated === undefined ? null : Number(estimated),
      open: open === true,
      start: first,
      end: last,
    });
  }
  return met;
}

/** What a file that is left out would have given within the span. */
function leftOutGap({ table, from, to, rows }: LeftOut, span: TimeSpan): MetGap {
  const start = span.from !== null && span.from > from ? span.from : from;
  const end = span.to !== null && span.to < to ? span.to : to;
  const [first, last] = [Number(start), Number(end)];
  return { connector: '*', stream: table, cause: 'archive', estimated: rows, open: false, start: first, end: last };
}

function summed(gaps: readonly MetGap[]): CoverageFacts['gaps'] {
  const met = gaps.toSorted((left, right) => left.start - right.start);
  const worst = met
    .toSorted((left, right) => right.end - right.start - (left.end - left.start))
    .slice(0, WORST_GAPS)
    .map(({ open, start, end, ...fact }): GapFact => ({
      ...fact,
      from: isoMicros(BigInt(start)),
      to: open ? null : isoMicros(BigInt(end)),
      minutes: Math.round(((end - start) / MINUTE) * 100) / 100,
    }));
  return { minutes: coveredMinutes(met), worst };
}

/** The streams that are named like the table they fill. */
function isEventStream(stream: string): boolean {
  return ['alerts', 'logs', 'messages'].includes(stream);
}

/** Minutes in at least one of the gaps (sorted by start), begun minutes counted whole, but for the µs of `<=`. */
function coveredMinutes(gaps: readonly { readonly start: number; readonly end: number }[]): number {
  let total = 0;
  let reached = -Infinity;
  for (const { start, end } of gaps) {
    total += Math.max(0, end - Math.max(start, reached));
    reached = Math.max(reached, end);
  }
  return Math.ceil(Math.max(0, total - 1) / MINUTE);
}
