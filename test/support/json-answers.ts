/** The body of an answer to POST /api/v1/query. */
export interface JsonAnswer {
  readonly schema: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
}

/** Equal, numbers to 1e-9 of their size: sums of floats depend on their order. */
function same(left: unknown, right: unknown): boolean {
  if (typeof left === 'number' && typeof right === 'number') {
    return Math.abs(left - right) <= 1e-9 * Math.max(Math.abs(left), Math.abs(right), 1e-9);
  }
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => same(item, right[index]));
  }
  if (typeof left === 'object' && typeof right === 'object' && left !== null && right !== null) {
    const [one, other] = [Object.entries(left), new Map(Object.entries(right))];
    return one.length === other.size && one.every(([key, value]) => other.has(key) && same(value, other.get(key)));
  }
  return left === right;
}

/** For sorting only: numbers cut to what the tolerance can't change. */
function sortKey(row: readonly unknown[]): string {
  return JSON.stringify(row, (_, value: unknown) => (typeof value === 'number' ? value.toPrecision(6) : value));
}

function sorted(rows: JsonAnswer['rows']): JsonAnswer['rows'] {
  return rows
    .map((row) => ({ row, key: sortKey(row) }))
    .sort((left, right) => (left.key < right.key ? -1 : 1))
    .map(({ row }) => row);
}

/** What differs between two answers, in a sentence; null when nothing does. Rows in any order unless `ordered`. */
export function jsonDifference(want: JsonAnswer, got: JsonAnswer, ordered: boolean): string | null {
  const columns = JSON.stringify(want.schema);
  if (columns !== JSON.stringify(got.schema)) return `columns ${columns} became ${JSON.stringify(got.schema)}`;
  if (want.rows.length !== got.rows.length) return `${want.rows.length} rows became ${got.rows.length}`;
  const [left, right] = ordered ? [want.rows, got.rows] : [sorted(want.rows), sorted(got.rows)];
  const at = left.findIndex((row, index) => !same(row, right[index]));
  return at < 0 ? null : `row ${at}: ${JSON.stringify(left[at])} became ${JSON.stringify(right[at])}`;
}
