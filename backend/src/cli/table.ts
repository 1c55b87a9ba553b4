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
  const texts = rows.map((row) => columns.map((_, index) => cut(cellText(row[index]), width)));
  const names = columns.map((column) => printable(column.name));
  const widths = names.map((name, index) =>
    texts.reduce((most, row) => Math.max(most, size(row[index] ?? '')), size(name)),
  );
  const line = (cells: readonly string[]): string =>
    cells
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
  return width > 0 && size(text) > width ? `${[...text].slice(0, width - 1).join('')}…` : text;
}
