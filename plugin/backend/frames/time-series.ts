import type { Fill } from '../../shared/index.js';
import { PluginError } from '../errors.js';
import type { Answer } from '../query/types.js';
import { outcomeColors } from './field-config.js';
import type { Field, FieldConfig, Frame } from './frame.js';
import type { Series } from './series.js';
import { longToSeries, seriesColumns, seriesName } from './series.js';
import type { NumberVector } from './vector.js';
import { floatVector, isValid, microsVector } from './vector.js';

/** Series of one panel; a browser gets slow above. */
const MOST_SHOWN = 500;
/** Series of an alert rule: none is ever left out, so above this it is refused. */
const MOST_JUDGED = 10_000;

export interface TimeSeriesOptions {
  readonly fill: Fill;
  /** Where the range's buckets begin up to now, ms since 1970, in order; empty: nothing is filled. */
  readonly bucketStarts: readonly number[];
  /** The end of the bucket that begins there, ms since 1970, as a field that links take; null: no such field. */
  readonly bucketEnd: ((startMs: number) => number) | null;
  readonly alert: boolean;
}

/**
 * Rows as time series: one wide frame when all series have the same times (or gaps are filled), a frame for each series
 * otherwise, as a wide one would invent nulls.
 * @throws PluginError BAD_QUERY when there is no time or no number, LIMIT_EXCEEDED for an alert of too many series.
 */
export function timeSeriesFrames(answer: Answer, options: TimeSeriesOptions): readonly Frame[] {
  if (answer.rows === 0) return [emptyFrame()];
  const columns = seriesColumns(answer);
  if (columns.time === null) {
    throw new PluginError('BAD_QUERY', 'A time series needs a time, and this answer has no column of type TIMESTAMP.', {
      hint: 'Select one, as $__timeGroup(time, $__interval) AS time, or choose Table.',
    });
  }
  if (columns.values.length === 0) {
    throw new PluginError('BAD_QUERY', 'A time series needs a number, and this answer has no column of numbers.', {
      hint: 'Select one, as count(*) AS events, or choose Table.',
    });
  }
  const all = longToSeries(columns);
  if (all.length === 0) return [emptyFrame()];
  const { kept, notice } = capped(all, options.alert);
  const filled = fillSeries(kept, options);
  const onlyColumn = columns.values.length === 1;
  const wide = haveEqualTimes(filled);
  const frames = wide ? [wideFrame(filled, onlyColumn, options)] : multiFrames(filled, onlyColumn, options);
  const [first] = frames;
  if (notice === null || first === undefined) return frames;
  return [{ ...first, meta: { ...first.meta, notices: [{ severity: 'warning', text: notice }] } }, ...frames.slice(1)];
}

/** Reads as NoData: alerting takes a frame without fields for that, and a panel says so. */
export function emptyFrame(): Frame {
  return { name: '', meta: { type: 'timeseries-wide', typeVersion: [0, 1] }, fields: [] };
}

function capped(
  all: readonly Series[],
  alert: boolean,
): { readonly kept: readonly Series[]; readonly notice: string | null } {
  if (alert && all.length > MOST_JUDGED) {
    throw new PluginError(
      'LIMIT_EXCEEDED',
      `The alert's query makes ${all.length} series; ${MOST_JUDGED} is the most.`,
      {
        hint: 'Group by fewer columns, or filter.',
      },
    );
  }
  if (alert || all.length <= MOST_SHOWN) return { kept: all, notice: null };
  const totals = all.map(({ values }, index) => ({ index, total: total(values) }));
  const largest = new Set(
    totals
      // Two infinite totals have no difference.
      .sort((a, b) => (a.total === b.total ? 0 : a.total < b.total ? 1 : -1))
      .slice(0, MOST_SHOWN)
      .map(({ index }) => index),
  );
  return {
    kept: all.filter((_, index) => largest.has(index)),
    notice: `The ${MOST_SHOWN} largest of ${all.length} series are shown: group by fewer columns, or filter.`,
  };
}

/** NaN is no size: a series of nothing else comes behind all others. */
function total(values: NumberVector): number {
  let sum = -1;
  for (let row = 0; row < values.length; row += 1) {
    const size = isValid(values, row) ? Math.abs(values.values[row] ?? 0) : NaN;
    if (!Number.isNaN(size)) sum = Math.max(sum, 0) + size;
  }
  return sum;
}

/** Adds the range's buckets that a series lacks. */
function fillSeries(series: readonly Series[], { fill, bucketStarts }: TimeSeriesOptions): readonly Series[] {
  if (fill.mode === 'none' || bucketStarts.length === 0) return series;
  const all = new Set(bucketStarts.map((ms) => ms * 1000));
  for (const times of new Set(series.map(({ times }) => times))) for (const time of times) all.add(time);
  const times = Float64Array.from(all).sort();
  return series.map(({ name, labels, groups, times: own, values }) => {
    const empty = fill.mode === 'value' ? fill.value : null;
    let next = 0;
    let previous: number | null = null;
    const filled = Array.from(times, (time) => {
      if (own[next] !== time) return fill.mode === 'previous' ? previous : empty;
      // The last of several at one time.
      while (own[next + 1] === time) next += 1;
      previous = isValid(values, next) ? (values.values[next] ?? null) : null;
      next += 1;
      return previous;
    });
    return { name, labels, groups, times, values: floatVector(filled) };
  });
}

function haveEqualTimes(series: readonly Series[]): boolean {
  const [first] = series;
  return series.every(
    ({ times }) =>
      times === first?.times ||
      (times.length === first?.times.length && times.every((time, index) => time === first.times[index])),
  );
}

function wideFrame(series: readonly Series[], onlyColumn: boolean, options: TimeSeriesOptions): Frame {
  const times = series[0]?.times ?? new Float64Array();
  return {
    name: '',
    meta: { type: 'timeseries-wide', typeVersion: [0, 1], preferredVisualisationType: 'graph' },
    fields: [timeField(times), ...series.map((each) => valueField(each, onlyColumn)), ...untilField(times, options)],
  };
}

function multiFrames(series: readonly Series[], onlyColumn: boolean, options: TimeSeriesOptions): readonly Frame[] {
  // The values of one group share their times.
  const timeFields = new Map(
    [...new Set(series.map(({ times }) => times))].map((times) => [
      times,
      { first: [timeField(times)], last: untilField(times, options) },
    ]),
  );
  return series.map((each) => {
    const { first = [], last = [] } = timeFields.get(each.times) ?? {};
    return {
      name: '',
      meta: { type: 'timeseries-multi', typeVersion: [0, 1], preferredVisualisationType: 'graph' },
      fields: [...first, valueField(each, onlyColumn), ...last],
    };
  });
}

/** No `interval` in its config: Grafana would invent a null wherever a bucket is missing. */
function timeField(times: Float64Array): Field {
  return { name: 'time', vector: microsVector(times) };
}

/** Not drawn, as graphs draw numbers only; a bar's link leads to exactly its bucket. */
function untilField(times: Float64Array, { bucketEnd }: TimeSeriesOptions): readonly Field[] {
  if (bucketEnd === null) return [];
  return [{ name: 'until', vector: microsVector(times.map((micros) => bucketEnd(micros / 1000) * 1000)) }];
}

function valueField(series: Series, onlyColumn: boolean): Field {
  const { name, labels, groups, values } = series;
  const keys = Object.keys(labels);
  const color = keys.length === 1 ? outcomeColors[labels['outcome'] ?? ''] : undefined;
  const config: FieldConfig = {
    ...(groups.length === 0 ? {} : { displayNameFromDS: seriesName(series, !onlyColumn) }),
    ...(color === undefined ? {} : { color: { mode: 'fixed', fixedColor: color } }),
  };
  return {
    name,
    vector: values,
    ...(keys.length === 0 ? {} : { labels }),
    ...(groups.length === 0 ? {} : { config }),
  };
}
