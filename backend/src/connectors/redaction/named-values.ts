import { isSecretName } from './names.js';
import type { AddSpan } from './spans.js';

const NAME_REACH = 64;
const SPACE_REACH = 8;

/**
 * Values behind a secret's name: `--password x`, `--password=x`, `TOKEN=x`, `"api_key": "x"`, `X-Api-Key: x`,
 * `?token=x&…`, `pass:x`. Linear: what was looked at is never looked at again, but for the reach of a name.
 */
export function findNamedValues(text: string, add: AddSpan): void {
  const word =
    /pass|pwd|secret|token|credential|(?:api|access|account|auth|encryption|master|private|shared|signing)[-_.]?key|rediscli_auth/gi;
  for (let match = word.exec(text); match !== null; match = word.exec(text)) {
    let nameStart = match.index;
    while (nameStart > 0 && match.index - nameStart < NAME_REACH && isNamePart(text.charCodeAt(nameStart - 1)))
      nameStart--;
    let nameEnd = match.index + match[0].length;
    const reach = nameEnd + NAME_REACH;
    while (nameEnd < reach && isNamePart(text.charCodeAt(nameEnd))) nameEnd++;
    word.lastIndex = nameEnd;
    const name = text.slice(nameStart, nameEnd);
    if (!isSecretName(name)) continue;
    const value = valueOf(text, name, nameStart, nameEnd);
    if (value === null) continue;
    if (value.end > value.start) add(value.start, value.end);
    word.lastIndex = Math.max(nameEnd, value.end);
  }
}

function valueOf(text: string, name: string, nameStart: number, nameEnd: number) {
  const before = nameStart === 0 ? '' : text.charAt(nameStart - 1);
  let at = nameEnd;
  const closed = isQuote(text.charAt(at));
  if (closed) at++;
  const next = skipSpaces(text, at);
  const spaced = next > at;
  const sign = text.charAt(next);
  if (sign === '=') {
    const start = spaced ? skipSpaces(text, next + 1) : next + 1;
    return readValue(text, start, closed ? '' : before);
  }
  if (sign === ':') {
    const start = skipSpaces(text, next + 1);
    const isPair = closed || start > next + 1 || name === 'pass' || /[-_]/.test(name);
    if (!isPair || before === '/' || text.charAt(start) === '/') return null;
    return readValue(text, start, closed ? '' : before);
  }
  if (!spaced || !name.startsWith('-') || sign === '-' || sign === '') return null;
  return readValue(text, next, '');
}

/** The value at `start`: a quoted string's inside, or up to a space; in a URL's query up to `&`. */
function readValue(text: string, start: number, before: string): { start: number; end: number } {
  const quote = text.charAt(start);
  if (isQuote(quote)) {
    const close = closingQuote(text, start + 1, quote);
    return { start: start + 1, end: close };
  }
  const inQuery = before === '?' || before === '&';
  const enclosing = isQuote(before) ? before : '';
  let end = start;
  for (; end < text.length; end++) {
    const char = text.charAt(end);
    if (isSpace(char) || char === enclosing || (inQuery && (char === '&' || char === '#'))) break;
  }
  while (end > start && isQuote(text.charAt(end - 1))) end--;
  return { start, end };
}

function closingQuote(text: string, from: number, quote: string): number {
  for (let at = from; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\') at++;
    else if (char === quote) return at;
  }
  return text.length;
}

function skipSpaces(text: string, from: number): number {
  let at = from;
  while (at - from < SPACE_REACH && isSpace(text.charAt(at))) at++;
  return at;
}

export function isSpace(char: string): boolean {
  return char === ' ' || char === '\t' || char === '\n' || char === '\r' || char === '\0';
}

export function isQuote(char: string): boolean {
  return char === '"' || char === "'" || char === '`';
}

/** Letters, digits, `_`, `-` and `.`. */
function isNamePart(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x30 && code <= 0x39) ||
    code === 0x5f ||
    code === 0x2d ||
    code === 0x2e
  );
}
