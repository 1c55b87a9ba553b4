import type { Answer } from './federation.js';

type Cell = string | null;

const decimal = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

function numberOf(cell: Cell): number | null {
  return cell !== null && decimal.test(cell) ? Number(cell) : null;
}

/** Equal as text, or as numbers to 1e-9: sums of floats depend on their order. */
function sameCell(left: Cell, right: Cell): boolean {
  if (left === right) return true;
  const [a, b] = [numberOf(left), numberOf(right)];
  return a !== null && b !== null && Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(a), Math.abs(b), 1e-9);
}

/** For sorting only: numbers cut to what the tolerance can't change. */
function sortKey(row: readonly Cell[]): string {
  return JSON.stringify(row.map((cell) => numberOf(cell)?.toPrecision(6) ?? cell));
}

function sorted(rows: readonly (readonly Cell[])[]): readonly (readonly Cell[])[] {
  return [...rows].sort((left, right) => (sortKey(left) < sortKey(right) ? -1 : 1));
}

/** What differs between two answers, in a sentence; null when nothing does. Rows in any order unless `ordered`. */
export function difference(want: Answer, got: Answer, ordered: boolean): string | null {
  const columns = JSON.stringify(want.columns);
  if (columns !== JSON.stringify(got.columns)) return `columns ${columns} became ${JSON.stringify(got.columns)}`;
  if (want.rows.length !== got.rows.length) return `${want.rows.length} rows became ${got.rows.length}`;
  const [left, right] = ordered ? [want.rows, got.rows] : [sorted(want.rows), sorted(got.rows)];
  for (const [index, row] of left.entries()) {
    const other = right[index] ?? [];
    if (!row.every((cell, at) => sameCell(cell, other[at] ?? null))) {
      return `row ${index}: ${JSON.stringify(row)} became ${JSON.stringify(other)}`;
    }
  }
  return null;
}
