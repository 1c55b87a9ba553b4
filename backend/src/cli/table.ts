import { printable } from '../core/index.js';

/** A column of a table for people; `type` is DuckDB's, numbers are set right. */
export interface TableColumn {
  readonly name: string;
  readonly type?: string;
}

const numeric = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL)/;

/** A value as one line of text; event text is made printable. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return printable(value);
  return printable(typeof value === 'object' ? JSON.stringify(value) : String(value));
}

/**
 * Rows as an aligned table with a header. Cells longer than `width` characters are cut with an ellipsis
 * (0: never).
 */
export function renderTable(columns: readonly TableColumn[], rows: readonly (readonly unknown[])[], width = 0): string {
  const texts = textsOf(columns, rows);
  return alignedTable(
    columns,
    texts,
    columns.map(() => (width > 0 ? width : Infinity)),
  );
}

/** Longest cell of a table on a terminal, and what a column keeps of its cells at least. */
const MOST_CELL = 80;
const LEAST_CELL = 12;

/** Rows as a table that is at most `width` characters wide, cells cut where they must be; null when that can't be. */
export function fittedTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly unknown[])[],
  width: number,
): string | null {
  const texts = textsOf(columns, rows);
  const least = columns.map(({ name }) => size(printable(name)));
  const widths = least.map((name, index) =>
    texts.reduce((widest, row) => Math.max(widest, Math.min(MOST_CELL, size(row[index] ?? ''))), name),
  );
  let over = widths.reduce((sum, each) => sum + each + 2, -2) - width;
  while (over > 0) {
    // The widest gives way first.
    const room = widths.map((each, index) => each - Math.max(LEAST_CELL, least[index] ?? 0));
    const widest = widths.reduce(
      (best, each, index) => ((room[index] ?? 0) > 0 && (best < 0 || each > (widths[best] ?? 0)) ? index : best),
      -1,
    );
    if (widest < 0) return null;
    widths[widest] = (widths[widest] ?? 0) - 1;
    over--;
  }
  return alignedTable(columns, texts, widths);
}

/** Each row as lines of a name and a value, for rows that are wider than the terminal. */
export function renderVertical(columns: readonly TableColumn[], rows: readonly (readonly unknown[])[]): string {
  const names = columns.map(({ name }) => printable(name));
  const width = Math.max(0, ...names.map(size));
  return rows
    .map((row, at) => {
      const lines = names.map((name, index) =>
        `${name}${' '.repeat(width - size(name))}  ${cellText(row[index])}`.trimEnd(),
      );
      return [`── row ${at + 1} ${'─'.repeat(Math.max(3, width - 4))}`, ...lines].join('\n') + '\n';
    })
    .join('');
}

function textsOf(columns: readonly TableColumn[], rows: readonly (readonly unknown[])[]): string[][] {
  return rows.map((row) => columns.map((_, index) => cellText(row[index])));
}

/** @param most widths that cells are cut to */
function alignedTable(
  columns: readonly TableColumn[],
  cells: readonly (readonly string[])[],
  most: readonly number[],
): string {
  const texts = cells.map((row) => row.map((cell, index) => cut(cell, most[index] ?? Infinity)));
  const names = columns.map((column) => printable(column.name));
  const widths = names.map((name, index) =>
    texts.reduce((widest, row) => Math.max(widest, size(row[index] ?? '')), size(name)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) => {
        const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - size(cell)));
        return numeric.test(columns[index]?.type ?? '') ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd();
  const rule = widths.map((each) => '─'.repeat(each)).join('  ');
  return [line(names), rule, ...texts.map(line)].join('\n') + '\n';
}

function size(text: string): number {
  return [...text].length;
}

function cut(text: string, width: number): string {
  return size(text) > width ? `${[...text].slice(0, width - 1).join('')}…` : text;
}
