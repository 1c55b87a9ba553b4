import { tokenize } from '../../../shared/index.js';

/** A stretch of text as Monaco counts: lines and columns from 1, the end not included. */
export interface TextRange {
  readonly startLineNumber: number;
  readonly startColumn: number;
  readonly endLineNumber: number;
  readonly endColumn: number;
}

/** The token at a position; without one the name that the sentence speaks of; all of the text where neither is known. */
export function problemRange(sql: string, position: number | undefined, message = ''): TextRange {
  if (position === undefined) {
    const named = nameIn(sql, message);
    return named === undefined ? rangeOf(sql, 0, sql.length) : rangeOf(sql, named.start, named.end);
  }
  const start = Math.min(Math.max(0, position), Math.max(0, sql.length - 1));
  const token = tokenize(sql).find(({ end }) => end > start);
  return rangeOf(sql, start, token?.kind === 'space' || token === undefined ? start + 1 : token.end);
}

/** The first word of the SQL that stands in quotes in a sentence: `Referenced column "polcy" not found`. */
function nameIn(sql: string, message: string): { readonly start: number; readonly end: number } | undefined {
  const [, name] = /["']([^"']+)["']/.exec(message) ?? [];
  if (name === undefined) return undefined;
  const wanted = name.toLowerCase();
  return tokenize(sql).find(({ kind, text }) => kind !== 'string' && text.toLowerCase().replaceAll('"', '') === wanted);
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
