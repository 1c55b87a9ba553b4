/**
 * The tokens of DuckDB's SQL that matter to what is put into it. DuckDB's own rules, measured with 1.5: block comments
 * nest; `''` in strings, backslashes only in E'…'; `$tag$…$tag$`; `"…"` with `""`; a line comment ends at \n or \r.
 */
export type TokenKind =
  | 'space'
  | 'comment'
  /** '…' */
  | 'string'
  /** E'…', with backslash escapes */
  | 'escapeString'
  /** $$…$$ and $tag$…$tag$ */
  | 'dollarString'
  /** "…" */
  | 'quoted'
  | 'word'
  | 'number'
  /** $name, ${name…} and [[name]]: a macro, a variable or a parameter */
  | 'variable'
  | 'symbol';

export interface Token {
  readonly kind: TokenKind;
  /** As written. */
  readonly text: string;
  /** Offset of its first character. */
  readonly start: number;
  readonly end: number;
}

const letter = 'A-Za-z_\\u0080-\\uffff';

/** By order: the first that matches at a place is the token. */
const patterns: readonly (readonly [TokenKind, RegExp])[] = [
  ['space', /\s+/y],
  ['comment', /--[^\n\r]*/y],
  ['variable', /\$\{[^{}]*\}/y],
  ['variable', /\[\[\w+(?::\w+)?\]\]/y],
  ['variable', /\$\w+/y],
  ['number', /(?:\d[\d_]*(?:\.[\d_]*)?|\.\d+)(?:[eE][+-]?\d+)?/y],
  ['word', new RegExp(`[${letter}](?:[${letter}\\d]|\\$(?!\\{))*`, 'y')],
];

const dollarTag = new RegExp(`\\$(?:[${letter}][${letter}\\d]*)?\\$`, 'y');

function matchAt(pattern: RegExp, sql: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0] ?? null;
}

/** Where a quoted token ends: after its closing quote, or at the end of the text when it has none. */
function quotedEnd(sql: string, from: number, quote: string, backslashes: boolean): number {
  let at = from + 1;
  while (at < sql.length) {
    const character = sql[at];
    if (backslashes && character === '\\') at += 2;
    else if (character !== quote) at += 1;
    else if (sql[at + 1] === quote) at += 2;
    else return at + 1;
  }
  return sql.length;
}

function commentEnd(sql: string, from: number): number {
  let depth = 0;
  for (let at = from; at < sql.length;) {
    const pair = sql.slice(at, at + 2);
    if (pair === '/*') depth += 1;
    else if (pair === '*/') depth -= 1;
    at += pair === '/*' || pair === '*/' ? 2 : 1;
    if (depth === 0) return at;
  }
  return sql.length;
}

function tokenAt(sql: string, start: number): { readonly kind: TokenKind; readonly end: number } {
  const first = sql[start];
  if (first === "'") return { kind: 'string', end: quotedEnd(sql, start, "'", false) };
  if (first === '"') return { kind: 'quoted', end: quotedEnd(sql, start, '"', false) };
  if ((first === 'E' || first === 'e') && sql[start + 1] === "'") {
    return { kind: 'escapeString', end: quotedEnd(sql, start + 1, "'", true) };
  }
  if (first === '/' && sql[start + 1] === '*') return { kind: 'comment', end: commentEnd(sql, start) };
  const tag = matchAt(dollarTag, sql, start);
  if (tag !== null) {
    const close = sql.indexOf(tag, start + tag.length);
    // Without its end it is no string but variables side by side, as $a$b.
    if (close >= 0) return { kind: 'dollarString', end: close + tag.length };
  }
  for (const [kind, pattern] of patterns) {
    const text = matchAt(pattern, sql, start);
    if (text !== null) return { kind, end: start + text.length };
  }
  return { kind: 'symbol', end: start + 1 };
}

/** The tokens of a text, which together are the text. */
export function tokenize(sql: string): readonly Token[] {
  const tokens: Token[] = [];
  for (let start = 0; start < sql.length;) {
    const { kind, end } = tokenAt(sql, start);
    tokens.push({ kind, text: sql.slice(start, end), start, end });
    start = end;
  }
  return tokens;
}

/** Space and comments: what SQL does not read. */
export function isBlank(token: Token): boolean {
  return token.kind === 'space' || token.kind === 'comment';
}
