import { tokenize } from '../../../shared/index.js';

/** A stretch of text as Monaco counts: lines and columns from 1, the end not included. */
export interface TextRange {
  readonly startLineNumber: number;
  readonly startColumn: number;
  readonly endLineNumber: number;
  readonly endColumn: number;
}

/** The token at a position; no position: all of the text. */
export function problemRange(sql: string, position: number | undefined): TextRange {
  if (position === undefined) return rangeOf(sql, 0, sql.length);
  const start = Math.min(Math.max(0, position), Math.max(0, sql.length - 1));
  const token = tokenize(sql).find(({ end }) => end > start);
  return rangeOf(sql, start, token?.kind === 'space' || token === undefined ? start + 1 : token.end);
}

function rangeOf(text: string, start: number, end: number): TextRange {
  const from = pointOf(text, start);
  const to = pointOf(text, end);
  return { startLineNumber: from.line, startColumn: from.column, endLineNumber: to.line, endColumn: to.column };
}

function pointOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const lines = text.slice(0, offset).split('\n');
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
