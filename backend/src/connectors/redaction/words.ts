import type { ShellText } from './shell.js';
import type { Text } from './text.js';
import { isNamePart, isSpace, quoteAt } from './text.js';

/** A word of a command line: `start` to `end` without the quotes around it. */
export interface Word {
  readonly start: number;
  readonly end: number;
  readonly quoted: boolean;
  /** A `;`, `|`, `&` or line end stands behind it, or it is one. */
  readonly ends: string;
}

const BACKSLASH = 0x5c;
const MAX_QUOTED = 16_384;

/**
 * The words of text[from, to), as a shell would split them, forgiving what a flattened command line lost: a quote that
 * nothing closes and an apostrophe within a word are plain characters.
 */
export function wordsOf(text: Text, shell: ShellText, from: number, to: number): readonly Word[] {
  const words: Word[] = [];
  const unclosed = new Set<string>();
  let at = from;
  while (at < to) {
    const code = text.charCodeAt(at);
    if (isSpace(code)) {
      if (code === 0x0a) end(words, '\n');
      at++;
      continue;
    }
    const start = at;
    let stop = at;
    let operator = '';
    while (stop < to) {
      const each = text.charCodeAt(stop);
      if (isPlain(each)) {
        stop++;
        continue;
      }
      if (isSpace(each)) break;
      if (each === 0x3b || each === 0x7c || each === 0x26) {
        // An operator ends a word where a space or another one follows, where it stands alone, and where a shell reads it.
        const next = stop + 1 < to ? text.charCodeAt(stop + 1) : 0x20;
        if (isSpace(next) || next === each || stop === start || shell.endsAt(stop)) {
          operator = String.fromCharCode(each);
          break;
        }
      }
      const quote = quoteAt(text, stop);
      if (quote === '' || unclosed.has(quote) || (stop > start && isApostrophe(text, start, stop))) {
        stop++;
        continue;
      }
      const close = closing(text, quote, stop + quote.length, Math.min(to, stop + MAX_QUOTED));
      if (close < 0) {
        unclosed.add(quote);
        stop++;
      } else stop = close + quote.length;
    }
    if (stop > start) words.push(word(text, start, stop));
    if (operator !== '') {
      let behind = stop;
      while (behind < to && ';|&'.includes(text.slice(behind, behind + 1))) behind++;
      end(words, operator);
      stop = behind;
    }
    at = Math.max(stop, at + 1);
  }
  return words;
}

/** What is neither a space nor a quote, a backslash or an operator. */
function isPlain(code: number): boolean {
  return isNamePart(code) || code === 0x2f || code > 127;
}

function end(words: Word[], operator: string): void {
  const last = words.at(-1);
  if (last !== undefined && last.ends === '') words[words.length - 1] = { ...last, ends: operator };
}

function word(text: Text, start: number, end: number): Word {
  const quote = quoteAt(text, start);
  const { length } = quote;
  if (length > 0 && end - start >= 2 * length && text.startsWith(quote, end - length))
    return { start: start + length, end: end - length, quoted: true, ends: '' };
  return { start, end, quoted: false, ends: '' };
}

function isApostrophe(text: Text, start: number, at: number): boolean {
  if (text.charCodeAt(at) !== 0x27) return false;
  return /^[A-Za-z]+$/.test(text.slice(Math.max(start, at - 24), at)) && /^[a-z]/.test(text.slice(at + 1, at + 2));
}

function closing(text: Text, quote: string, from: number, to: number): number {
  const first = quote.charCodeAt(0);
  const single = quote === "'";
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (code === first && (quote.length === 1 || text.startsWith(quote, at))) return at;
    if (code === BACKSLASH && !single) at++;
  }
  return -1;
}
