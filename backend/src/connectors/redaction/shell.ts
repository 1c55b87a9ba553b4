import { isCommand } from './commands.js';
import type { Text } from './text.js';
import { isSpace, quoteAt } from './text.js';

const BACKSLASH = 0x5c;
/** So much before a word says whether a shell reads it. */
const LOOK_BACK = 64;
/** Behind these a shell reads the next word, or all that comes. */
const opener =
  /(?:^|[\s/"'`(;|&=])(?:(?:ba|da|a|z|k|mk)?sh["']?(?:\s+[-+][\w-]+(?:\s+pipefail)?)*\s+-[A-Za-z]*c|(?:su|runuser|script|flock|sg)\s(?:\S+\s+){0,4}-[A-Za-z]*c|eval|export)\s+$/;
const remote = /(?:^|[\s/;|&])(?:ssh|rsh|watch|parallel)\s+$/;
const assignment = /^\s{0,4}[A-Za-z_]\w{0,63}=/;
const script = /^\s{0,4}\w{1,64}[=\s;|&]/;
/** Where a command begins that is in a variable: behind an operator, or behind a word that runs what follows. */
const runs =
  /(?:[;|&\n]|\$\(|^|\b(?:eval|exec|sudo|nohup|then|do|else|time|command|(?:ba|da|a|z|k|mk)?sh\s{1,4}-\w{0,4}c))\s{0,4}\\?["']?\s{0,4}\$\{?([A-Za-z_]\w{0,63})/g;

interface Level {
  readonly quote: string;
  /** Whether a shell reads what stands here. */
  shell: boolean;
  /** Whether a shell elsewhere reads the quoted words that stand here. */
  sends: boolean;
  operators: number[];
}

/**
 * What a shell would make of a text: where an operator without quotes around it ends a word, and which variables are
 * run as commands. In what no shell reads, as the arguments of `app --password a;b`, such signs belong to their word.
 */
export class ShellText {
  readonly #text: Text;
  #ends: readonly number[] | null = null;
  #run: ReadonlySet<string> | null = null;

  constructor(text: Text) {
    this.#text = text;
  }

  /** Whether the operator at `at` ends a word. */
  endsAt(at: number): boolean {
    return this.endOf(at, at + 1) === at;
  }

  /** The first place in text[start, end) where an operator ends a word, or `end`. */
  endOf(start: number, end: number): number {
    while (start < end && !isOperator(this.#text.charCodeAt(start))) start++;
    if (start >= end) return end;
    const ends = (this.#ends ??= operatorsOf(this.#text));
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle] ?? 0) < start) low = middle + 1;
      else high = middle;
    }
    return Math.min(end, ends[low] ?? end);
  }

  /** Whether the text runs the variable as a command: `password='…'; $password`. */
  runs(name: string): boolean {
    const text = this.#text;
    this.#run ??=
      text.indexOf('$', 0) < 0
        ? new Set()
        : new Set(Array.from(text.slice(0, text.length).matchAll(runs), ([, variable = '']) => variable));
    return this.#run.has(name);
  }
}

/** The operators outside quotes in what a shell reads, in order. */
function operatorsOf(text: Text): readonly number[] {
  const found: number[] = [];
  const levels: Level[] = [{ quote: '', shell: assignment.test(text.slice(0, 80)), sends: false, operators: [] }];
  const unclosed = new Map<string, number>();
  const leave = (): void => {
    const level = levels.pop();
    if (level?.shell === true) for (const at of level.operators) found.push(at);
  };
  for (let at = 0; at < text.length; at++) {
    const level = levels.at(-1);
    if (level === undefined) break;
    const code = text.charCodeAt(at);
    const isFirst = at > 0 && isSpace(text.charCodeAt(at - 1)) && !isSpace(code);
    const before = isFirst ? text.slice(Math.max(0, at - LOOK_BACK), at) : '';
    const isRead = before !== '' && opener.test(before);
    if (before !== '' && remote.test(before)) level.shell = level.sends = true;
    const quote = shellQuoteAt(text, at);
    if (quote !== '') {
      const open = levels.findLastIndex((each) => each.quote === quote);
      if (open > 0) while (levels.length > open) leave();
      else if (isClosed(text, quote, at + quote.length, unclosed)) {
        const isSent = level.sends && isFirst && !/(?:^|\s)-\S*\s+$/.test(before);
        const shell = isRead || (isSent && script.test(text.slice(at + quote.length, at + quote.length + 70)));
        levels.push({ quote, shell, sends: false, operators: [] });
      }
      at += quote.length - 1;
      continue;
    }
    if (isRead && !level.shell) {
      level.shell = true;
      level.operators = [];
    }
    if (code === BACKSLASH) at++;
    else if (isOperator(code)) {
      level.operators.push(at);
      if (!level.shell && beginsCommand(text, at, code)) level.shell = true;
    }
  }
  while (levels.length > 0) leave();
  return found.sort((a, b) => a - b);
}

/** `;`, `|`, `&`, `<`, `>` and `)`. */
function isOperator(code: number): boolean {
  return code === 0x3b || code === 0x7c || code === 0x26 || code === 0x3c || code === 0x3e || code === 0x29;
}

/** Whether a sign is an operator also where nothing else says that a shell reads it: `&&`, `||`, ` | `, `; id`. */
function beginsCommand(text: Text, at: number, code: number): boolean {
  if (code !== 0x3b && code !== 0x7c && code !== 0x26) return false;
  const next = text.charCodeAt(at + 1);
  if (code !== 0x3b && next === code) return true;
  if (at > 0 && code === 0x7c && isSpace(next)) return isSpace(text.charCodeAt(at - 1));
  if (code !== 0x3b || !isSpace(next)) return false;
  const ahead = text.slice(at + 2, at + 34);
  return /^(?:[$/]|\.{1,2}\/|[A-Za-z_]\w*=)/.test(ahead) || isCommand(/^[\w.-]*/.exec(ahead)?.[0] ?? '');
}

/** A quote that a shell reads as one: an apostrophe within a word is none. */
function shellQuoteAt(text: Text, at: number): string {
  const quote = quoteAt(text, at);
  const isApostrophe = quote !== '' && at > 0 && /[a-z]'[a-z]/.test(text.slice(at - 1, at + 2));
  return isApostrophe ? '' : quote;
}

function isClosed(text: Text, quote: string, from: number, unclosed: Map<string, number>): boolean {
  if (from >= (unclosed.get(quote) ?? Number.POSITIVE_INFINITY)) return false;
  if (text.indexOf(quote, from) >= 0) return true;
  unclosed.set(quote, from);
  return false;
}
