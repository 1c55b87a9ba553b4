/** What finders read a text through: strings have it, and so has a text that counts what is read of it. */
export interface Text {
  readonly length: number;
  charCodeAt(at: number): number;
  slice(start: number, end: number): string;
  indexOf(piece: string, from: number): number;
  startsWith(piece: string, at: number): boolean;
}

/** Takes the place of a secret: from start to before end. */
export type AddSpan = (start: number, end: number) => void;

const SPACE = 1;
const QUOTE = 2;
const LETTER = 4;
const DIGIT = 8;
const MARK = 16;

/** Kinds of characters by their code; what is above ASCII is none of them. */
const kinds = new Uint8Array(128);
for (const char of ' \t\n\r\0') kinds[char.charCodeAt(0)] = SPACE;
for (const char of '"\'`') kinds[char.charCodeAt(0)] = QUOTE;
for (let code = 0x61; code <= 0x7a; code++) kinds[code] = kinds[code - 0x20] = LETTER;
for (let code = 0x30; code <= 0x39; code++) kinds[code] = DIGIT;
for (const char of '_-.') kinds[char.charCodeAt(0)] = MARK;

function kindOf(code: number): number {
  return code < 128 ? (kinds[code] ?? 0) : 0;
}

export function isSpace(code: number): boolean {
  return kindOf(code) === SPACE;
}

export function isQuote(code: number): boolean {
  return kindOf(code) === QUOTE;
}

const BACKTICK = 0x60;
const BACKSLASH = 0x5c;

/** `"` or `'` at `at`, with up to three backslashes before it; empty when there is none. */
export function quoteAt(text: Text, at: number): string {
  const own = text.charCodeAt(at);
  if (own !== BACKSLASH && !isQuote(own)) return '';
  let first = at;
  while (first < at + 3 && text.charCodeAt(first) === BACKSLASH) first++;
  const code = text.charCodeAt(first);
  return isQuote(code) && code !== BACKTICK ? text.slice(at, first + 1) : '';
}

/** Letters and digits of ASCII. */
export function isAlphanumeric(code: number): boolean {
  return (kindOf(code) & (LETTER | DIGIT)) !== 0;
}

/** Letters, digits, `_`, `-` and `.`: what names of flags, variables and headers are made of. */
export function isNamePart(code: number): boolean {
  return (kindOf(code) & (LETTER | DIGIT | MARK)) !== 0;
}

/** The first place from `at` on that is no space, looking at most `reach` characters ahead. */
export function skipSpaces(text: Text, at: number, reach = 8): number {
  const stop = Math.min(text.length, at + reach);
  while (at < stop && isSpace(text.charCodeAt(at))) at++;
  return at;
}
