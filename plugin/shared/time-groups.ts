import { intervalLiteral } from './intervals.js';
import { timestampLiteral } from './quoting.js';
import type { ZoneOffset } from './time-zone.js';
import { zoneOffsets } from './time-zone.js';

/** Buckets of a time range: how wide they are and which clock their edges follow. */
export interface Buckets {
  readonly widthMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** The viewer's clock over the range; a single offset of 0 where UTC does as well. */
  readonly offsets: readonly ZoneOffset[];
}

/** DuckDB's time_bucket counts from here: a Monday's midnight. */
const ORIGIN = Date.UTC(2000, 0, 3);
const HOUR = 3_600_000;

const modulo = (value: number, by: number): number => ((value % by) + by) % by;

/**
 * Buckets over a range. Those of an hour or more follow the clock of `timezone` (IANA; UTC when left out), so that a
 * day begins at its midnight also when summer time begins or ends; shorter ones are the same everywhere.
 */
export function bucketsOf(
  range: { readonly fromMs: number; readonly toMs: number },
  widthMs: number,
  timezone: string | undefined,
): Buckets {
  const { fromMs, toMs } = range;
  const plain: Buckets = { widthMs, fromMs, toMs, offsets: [{ fromMs, offsetMs: 0 }] };
  if (widthMs < HOUR || timezone === undefined) return plain;
  // The first bucket begins before the range, the last one ends after it.
  const offsets = zoneOffsets(timezone, fromMs - widthMs, toMs + widthMs);
  const shift = modulo(offsets[0]?.offsetMs ?? 0, widthMs);
  const even = offsets.every(({ offsetMs }) => modulo(offsetMs, widthMs) === shift);
  return even ? { ...plain, offsets: [{ fromMs, offsetMs: shift }] } : { ...plain, offsets };
}

/** The local moment from which on local times are read with this offset: an hour that comes twice is the first one. */
function localEdge(offsets: readonly ZoneOffset[], index: number): number {
  const [before, after] = [offsets[index - 1], offsets[index]];
  return after === undefined || before === undefined
    ? -Infinity
    : after.fromMs + Math.max(before.offsetMs, after.offsetMs);
}

function toUtc(localMs: number, offsets: readonly ZoneOffset[]): number {
  const index = offsets.findLastIndex((_, at) => localMs >= localEdge(offsets, at));
  return localMs - (offsets[Math.max(index, 0)]?.offsetMs ?? 0);
}

function localStart(ms: number, { widthMs, offsets }: Buckets): number {
  const offset = (offsets.findLast(({ fromMs }) => ms >= fromMs) ?? offsets[0])?.offsetMs ?? 0;
  return Math.floor((ms + offset - ORIGIN) / widthMs) * widthMs + ORIGIN;
}

/** Where the bucket of a moment begins, ms since 1970; the same as `bucketSql` says. */
export function bucketStart(ms: number, buckets: Buckets): number {
  return toUtc(localStart(ms, buckets), buckets.offsets);
}

/** Where the bucket that begins at `start` ends: the next one's beginning, ms since 1970. */
export function bucketEnd(start: number, buckets: Buckets): number {
  return toUtc(localStart(start, buckets) + buckets.widthMs, buckets.offsets);
}

/** The beginnings of all buckets of the range, in order; at most `most`. */
export function bucketStarts(buckets: Buckets, most = 50_000): readonly number[] {
  const starts = new Set<number>();
  const last = localStart(buckets.toMs - 1, buckets);
  for (let local = localStart(buckets.fromMs, buckets); local <= last && starts.size < most; local += buckets.widthMs) {
    starts.add(toUtc(local, buckets.offsets));
  }
  return [...starts].sort((a, b) => a - b);
}

function choose(offsets: readonly ZoneOffset[], subject: string, edge: (index: number) => number): string {
  const literals = offsets.map(({ offsetMs }) => intervalLiteral(offsetMs));
  if (literals.length === 1) return literals.join('');
  const branches = literals.slice(0, -1).map((each, index) => {
    return `WHEN ${subject} < ${timestampLiteral(edge(index + 1))} THEN ${each}`;
  });
  return `CASE ${branches.join(' ')} ELSE ${literals.at(-1) ?? ''} END`;
}

/** SQL of the beginning (TIMESTAMP, UTC) of the bucket that the TIMESTAMP `time` (SQL) lies in. */
export function bucketSql(time: string, { widthMs, offsets }: Buckets): string {
  const width = intervalLiteral(widthMs);
  if (offsets.every(({ offsetMs }) => offsetMs === 0)) return `time_bucket(${width}, ${time})`;
  const local = `time_bucket(${width}, ${time} + ${choose(offsets, time, (index) => offsets[index]?.fromMs ?? 0)})`;
  return `(${local} - ${choose(offsets, local, (index) => localEdge(offsets, index))})`;
}
