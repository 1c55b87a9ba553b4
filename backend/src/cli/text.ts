import type { ArmorlakeError } from '../core/index.js';
import { printable } from '../core/index.js';

/** JSON on one line in which controls and invisible characters are escaped: the same value, harmless on a terminal. */
export function jsonLine(value: unknown): string {
  return `${harmless(JSON.stringify(value))}\n`;
}

/** The same over many lines. */
export function prettyJson(value: unknown): string {
  return `${harmless(JSON.stringify(value, null, 2))}\n`;
}

function harmless(json: string): string {
  return json.replace(
    /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** An error for a terminal: the sentence, the place in the SQL where there is one, and what to do. */
export function errorText(error: ArmorlakeError, sql?: string): string {
  const lines = error.message.split('\n').map((line) => `armorlake: ${printable(line)}`);
  if (sql !== undefined && error.position !== undefined) lines.push(...pointAt(sql, error.position));
  if (error.hint !== undefined) lines.push(`  → ${printable(error.hint)}`);
  return `${lines.join('\n')}\n`;
}

function pointAt(sql: string, position: number): readonly string[] {
  const start = sql.lastIndexOf('\n', position - 1) + 1;
  const line = sql.slice(start).split('\n')[0] ?? '';
  const from = Math.max(0, position - start - 40);
  const shown = printable(line.slice(from, from + 100));
  const caret = printable(line.slice(from, position - start)).length;
  return [`  ${shown}`, `  ${' '.repeat(caret)}^`];
}
