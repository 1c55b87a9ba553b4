import type { Answer } from '../query/types.js';
import { printable } from '../../shared/printable.js';
import type { Codes } from './codes.js';
import { codesOf } from './codes.js';
import type { NumberVector, NumericVector, Vector } from './vector.js';
import { isNumeric, microsOf, pickNumbers } from './vector.js';

/** The points of one value column under one set of labels; times rise. */
export interface Series {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What it is grouped by, in the order of the columns: a label's text, or null. */
  readonly groups: readonly (string | null)[];
  /** µs since 1970: exact until the year 2255. */
  readonly times: Float64Array;
  readonly values: NumberVector;
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
  readonly groups: readonly (string | null)[];
  readonly rows: Int32Array;
}

/** Rows as series, by name and labels in order; rows without a time belong to none. */
export function longToSeries({ time, values, labels }: SeriesColumns): readonly Series[] {
  if (time === null || time.kind !== 'time') return [];
  const micros = microsOf(time);
  const columns = values.map(({ name, vector }) => ({ name, pick: pickNumbers(vector) }));
  const series = groupRows(labels, micros).flatMap(({ labels: own, groups, rows }) => {
    sortByTime(rows, micros);
    const times = new Float64Array(rows.length);
    for (let at = 0; at < rows.length; at += 1) times[at] = micros[rows[at] ?? 0] ?? 0;
    return columns.map(({ name, pick }): Series => ({ name, labels: own, groups, times, values: pick(rows) }));
  });
  return series.sort(byGroups);
}

/** Whole numbers by their size, texts by their characters; what has no group comes last. */
function byGroups(left: Series, right: Series): number {
  for (const [index, group] of left.groups.entries()) {
    const order = compare(group, right.groups[index] ?? null);
    if (order !== 0) return order;
  }
  return compare(left.name, right.name);
}

const WHOLE = /^-?\d{1,15}$/;

function compare(left: string | null, right: string | null): number {
  if (left === right) return 0;
  if (left === null || right === null) return left === null ? 1 : -1;
  const [whole, other] = [WHOLE.test(left), WHOLE.test(right)];
  if (whole && other && Number(left) !== Number(right)) return Number(left) - Number(right);
  if (whole !== other) return whole ? -1 : 1;
  return left < right ? -1 : 1;
}

/** What a group is called that is NULL or empty. */
const NO_GROUP = '(none)';

/** Label values (or the column's name) as people see them. */
export function seriesName({ name, groups }: Pick<Series, 'name' | 'groups'>, withColumn: boolean): string {
  if (groups.length === 0) return name;
  const values = groups.map((group) => (group === null || group === '' ? NO_GROUP : group)).join(', ');
  return withColumn ? `${values} ${name}` : values;
}

function groupRows(columns: SeriesColumns['labels'], micros: Float64Array): readonly Group[] {
  const codes = columns.map(({ vector }) => codesOf(vector));
  let groupOfRow: Codes = { codes: new Int32Array(micros.length), texts: [''] };
  for (const each of codes) groupOfRow = combined(groupOfRow, each);
  return rowsByCode(groupOfRow, micros)
    .filter(({ length }) => length > 0)
    .map((rows) => {
      const groups = groupsOf(codes, rows[0] ?? 0);
      return { rows, groups, labels: labelsOf(columns, groups) };
    });
}

/** The rows of each code that have a time, as parts of one array. */
function rowsByCode({ codes, texts }: Codes, micros: Float64Array): readonly Int32Array[] {
  const ends = new Int32Array(texts.length);
  const hasTime = (row: number): boolean => !Number.isNaN(micros[row]);
  for (let row = 0; row < codes.length; row += 1) {
    const code = codes[row] ?? 0;
    if (hasTime(row)) ends[code] = (ends[code] ?? 0) + 1;
  }
  const begins = new Int32Array(texts.length);
  for (let code = 1; code < ends.length; code += 1) begins[code] = (begins[code - 1] ?? 0) + (ends[code - 1] ?? 0);
  const rows = new Int32Array(codes.length);
  ends.set(begins);
  for (let row = 0; row < codes.length; row += 1) {
    if (!hasTime(row)) continue;
    const code = codes[row] ?? 0;
    const at = ends[code] ?? 0;
    rows[at] = row;
    ends[code] = at + 1;
  }
  return texts.map((_, code) => rows.subarray(begins[code], ends[code]));
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

/** Texts reach legends, alerts and mails. */
function groupsOf(codes: readonly Codes[], row: number): readonly (string | null)[] {
  return codes.map(({ codes: own, texts }) => {
    const text = texts[own[row] ?? -1];
    return text === undefined ? null : printable(text);
  });
}

/** NULL is no label. */
function labelsOf(
  columns: SeriesColumns['labels'],
  groups: readonly (string | null)[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    columns.flatMap(({ name }, index) => {
      const text = groups[index] ?? null;
      return text === null ? [] : [[printable(name), text]];
    }),
  );
}

/** In place; answers are mostly in order already. */
function sortByTime(rows: Int32Array, micros: Float64Array): void {
  const at = (row: number | undefined): number => micros[row ?? 0] ?? 0;
  const sorted = rows.every((row, index) => index === 0 || at(rows[index - 1]) <= at(row));
  if (!sorted) rows.sort((a, b) => at(a) - at(b));
}
