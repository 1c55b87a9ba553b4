import type { Answer } from '../query/types.js';
import { printable } from '../../shared/printable.js';
import type { Codes } from './codes.js';
import { codesOf } from './codes.js';
import type { NumericVector, TimeVector, Vector } from './vector.js';
import { isNumeric, isValid, numbersOf } from './vector.js';

/** The points of one value column under one set of labels; times rise. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** µs since 1970: exact until the year 2255. */
  readonly times: readonly number[];
  readonly values: readonly (number | null)[];
}

/** What the columns of an answer are to a time series. */
export interface SeriesColumns {
  readonly time: Vector | null;
  readonly values: readonly { readonly name: string; readonly vector: NumericVector }[];
  readonly labels: readonly { readonly name: string; readonly vector: Vector }[];
}

/** The first time is the time, numbers are values, all text is labels; other times are left out. */
export function seriesColumns({ columns }: Answer): SeriesColumns {
  return {
    time: columns.find(({ vector }) => vector.kind === 'time')?.vector ?? null,
    values: columns.flatMap(({ name, vector }) => (isNumeric(vector) ? [{ name, vector }] : [])),
    labels: columns.filter(({ vector }) => vector.kind === 'text' || vector.kind === 'bool'),
  };
}

interface Group {
  readonly labels: Readonly<Record<string, string>>;
  readonly rows: number[];
}

/** Rows as series, by name and labels in order; rows without a time belong to none. */
export function longToSeries({ time, values, labels }: SeriesColumns): readonly Series[] {
  if (time === null || time.kind !== 'time') return [];
  const micros = microsOf(time);
  const columns = values.map(({ name, vector }) => ({ name, vector, numbers: numbersOf(vector) }));
  const series = groupRows(labels, micros).flatMap(({ labels: own, rows }) => {
    const ordered = inOrder(rows, micros);
    const times = ordered.map((row) => micros[row] ?? 0);
    return columns.map(({ name, vector, numbers }): Series => {
      const points = ordered.map((row) => (isValid(vector, row) ? (numbers[row] ?? null) : null));
      return { name, labels: own, times, values: points };
    });
  });
  return series
    .map((each) => ({ each, key: seriesName(each, true) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ each }) => each);
}

/** Label values (or the column's name) as people see them. */
export function seriesName({ name, labels }: Pick<Series, 'name' | 'labels'>, withColumn: boolean): string {
  const values = Object.values(labels).filter((value) => value !== '');
  if (values.length === 0) return name;
  return withColumn ? `${values.join(', ')} ${name}` : values.join(', ');
}

/** NaN where there is none. */
function microsOf(time: TimeVector): Float64Array {
  const micros = new Float64Array(time.length);
  for (let row = 0; row < time.length; row += 1) {
    micros[row] = isValid(time, row) ? Number((time.values[row] ?? 0n) / 1000n) : NaN;
  }
  return micros;
}

function groupRows(columns: SeriesColumns['labels'], micros: Float64Array): readonly Group[] {
  const codes = columns.map(({ vector }) => codesOf(vector));
  let groupOfRow: Codes = { codes: new Int32Array(micros.length), texts: [''] };
  for (const each of codes) groupOfRow = combined(groupOfRow, each);
  const groups = groupOfRow.texts.map((): number[] => []);
  micros.forEach((time, row) => {
    if (!Number.isNaN(time)) groups[groupOfRow.codes[row] ?? 0]?.push(row);
  });
  return groups
    .filter(({ length }) => length > 0)
    .map((rows) => ({ rows, labels: labelsOf(columns, codes, rows[0] ?? 0) }));
}

/** One code for each pair of codes that there is. */
function combined(left: Codes, right: Codes): Codes {
  const byPair = new Map<number, number>();
  const width = right.texts.length + 1;
  const codes = left.codes.map((code, row) => {
    const pair = code * width + (right.codes[row] ?? 0) + 1;
    const known = byPair.get(pair) ?? byPair.size;
    byPair.set(pair, known);
    return known;
  });
  return { codes, texts: Array.from(byPair.keys(), () => '') };
}

/** NULL is no label. Labels reach legends, alerts and mails. */
function labelsOf(
  columns: SeriesColumns['labels'],
  codes: readonly Codes[],
  row: number,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    columns.flatMap(({ name }, index) => {
      const text = codes[index]?.texts[codes[index]?.codes[row] ?? -1];
      return text === undefined ? [] : [[printable(name), printable(text)]];
    }),
  );
}

function inOrder(rows: readonly number[], micros: Float64Array): readonly number[] {
  const at = (row: number | undefined): number => micros[row ?? 0] ?? 0;
  const sorted = rows.every((row, index) => index === 0 || at(rows[index - 1]) <= at(row));
  return sorted ? rows : [...rows].sort((a, b) => at(a) - at(b));
}
