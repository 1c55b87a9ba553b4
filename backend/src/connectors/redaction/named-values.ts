import type { NameKind } from './names.js';
import type { ShellText } from './shell.js';
import type { AddSpan, Text } from './text.js';
import { isNamePart, isQuote, isSpace, skipSpaces } from './text.js';
import type { Value, ValueReader } from './values.js';
import { secretOf } from './values.js';

const MAX_NAME = 64;
const DASH = 0x2d;
const COLON = 0x3a;
const EQUALS = 0x3d;
const AMPERSAND = 0x26;
const QUESTION = 0x3f;
const BACKSLASH = 0x5c;

/**
 * Values behind a secret's name: `--password x`, `--password=x`, `TOKEN=x`, `"api_key": "x"`, `X-Api-Key: x`,
 * `?token=x&…`, `pass:x`, `<password>x<`, `['token'] = 'x'`, `Password("x")`.
 * @param kindOf what a name says of its value
 */
export function findNamedValues(
  text: Text,
  reader: ValueReader,
  shell: ShellText,
  kindOf: (name: string) => NameKind,
  add: AddSpan,
): void {
  let enclosing = 0;
  const { length } = text;
  let at = 0;
  while (at < length) {
    const code = text.charCodeAt(at);
    if (!isNamePart(code)) {
      if (isQuote(code)) enclosing = quoteStep(text, at, enclosing);
      else if (code === BACKSLASH && isQuote(text.charCodeAt(at + 1))) at++;
      at++;
      continue;
    }
    const start = at;
    while (at < length && isNamePart(text.charCodeAt(at))) at++;
    if (at - start > MAX_NAME && text.charCodeAt(at) !== EQUALS) continue;
    const found = valueBehind(text, reader, kindOf, start, at, enclosing);
    if (found === null) continue;
    // A variable that is run holds a command, whatever its name.
    if (text.charCodeAt(at) === EQUALS && shell.runs(text.slice(Math.max(start, at - MAX_NAME), at))) continue;
    const secret = secretOf(text, found.value, found.kind, found.credentials);
    if (secret === null) {
      if (found.parameter) at = Math.max(at, found.value.end);
      continue;
    }
    add(secret.start, secret.end);
    at = Math.max(at, secret.end);
  }
}

/** The quote that encloses what follows the quote at `at`. */
function quoteStep(text: Text, at: number, enclosing: number): number {
  const code = text.charCodeAt(at);
  if (enclosing === code) return 0;
  if (enclosing !== 0) return enclosing;
  const before = at === 0 ? 0x20 : text.charCodeAt(at - 1);
  // An apostrophe within a word opens nothing.
  return isSpace(before) || '=(:,[{$@'.includes(String.fromCharCode(before)) || (before === 0x70 && code !== 0x60)
    ? code
    : 0;
}

interface Found {
  readonly value: Value;
  readonly kind: 'sure' | 'likely';
  readonly parameter: boolean;
  /** Whether the value may be `user:secret`. */
  readonly credentials: boolean;
}

function valueBehind(
  text: Text,
  reader: ValueReader,
  kindOf: (name: string) => NameKind,
  nameStart: number,
  nameEnd: number,
  enclosing: number,
): Found | null {
  let at = nameEnd;
  // The quote and bracket that close the name.
  if (text.charCodeAt(at) === BACKSLASH) while (at < nameEnd + 3 && text.charCodeAt(at) === BACKSLASH) at++;
  let closed = false;
  if (isQuote(text.charCodeAt(at))) {
    closed = true;
    at++;
  } else at = nameEnd;
  if (closed && text.charCodeAt(at) === 0x5d) at++;
  const next = skipSpaces(text, at);
  const sign = text.charCodeAt(next);
  const before = nameStart === 0 ? 0x20 : text.charCodeAt(nameStart - 1);
  const isFlag = text.charCodeAt(nameStart) === DASH;
  const isCall = sign === 0x28 && isQuote(text.charCodeAt(next + 1));
  const isElement = sign === 0x3e && before === 0x3c;
  const isPairSign = sign === EQUALS || sign === COLON || sign === 0x2c;
  const isNetrc =
    next > at &&
    text.startsWith('password', nameStart) &&
    nameEnd - nameStart === 8 &&
    /\blogin\s+\S+\s+$/.test(text.slice(Math.max(0, nameStart - 80), nameStart));
  if (!isPairSign && !isCall && !isElement && !isNetrc && !(isFlag && next > at)) return null;
  const name = text.slice(Math.max(nameStart, nameEnd - MAX_NAME), nameEnd);
  const kind = kindOf(name);
  if (kind === null) return null;
  const inner = closed ? 0 : enclosing;
  const found = (value: Value, parameter = false): Found => ({
    value,
    kind,
    parameter,
    credentials: /(?:auth|creds?|credentials?|login|userpass|userpwd)$/i.test(name),
  });
  if (isCall || isElement) return found(reader.read(next + 1, inner));
  if (sign === EQUALS) {
    let start = next + 1;
    if (text.charCodeAt(start) === EQUALS) return null;
    if (text.charCodeAt(start) === 0x3e) start++;
    if (before === QUESTION || before === AMPERSAND) return found(reader.readParameter(start), true);
    if (next > at || closed || text.charCodeAt(start - 1) === 0x3e) start = skipSpaces(text, start);
    if (before === 0x2f && !isFlag) return found(cutAt(text, reader.read(start, inner), 0x2f));
    return found(reader.read(start, inner));
  }
  if (sign === COLON) {
    // `${NAME:?sentence}` and its like are the shell's.
    if (before === 0x7b && text.charCodeAt(nameStart - 2) === 0x24) return null;
    let start = next + 1;
    if (text.charCodeAt(start) === EQUALS) start++;
    else if (text.charCodeAt(start) === COLON) return null;
    const first = start;
    start = skipSpaces(text, start);
    const isPair =
      closed ||
      start > first ||
      /^pass(?:word)?$|[-_]|^-/.test(name) ||
      isQuote(text.charCodeAt(start)) ||
      before === 0x7b ||
      before === 0x2c;
    // `/p:x` and `/password:x` are flags of Windows; `/etc/passwd:` is a path.
    const isSlashFlag =
      before === 0x2f && (nameStart < 2 || isSpace(text.charCodeAt(nameStart - 2))) && /^pass(?:word)?$/i.test(name);
    if (!isPair || (before === 0x2f && !isSlashFlag) || before === COLON) return null;
    return found(reader.read(start, inner));
  }
  if (sign === 0x2c) {
    // A pair of arguments: ('password', 'x').
    const start = skipSpaces(text, next + 1);
    return closed && isQuote(text.charCodeAt(start)) && nameStart > 1 && text.charCodeAt(nameStart - 2) === 0x28
      ? found(reader.read(start, 0))
      : null;
  }
  if (closed || sign === DASH) return null;
  return found(reader.read(next, inner));
}

/** A value that a script's delimiter ends, as in `s/PASSWORD=.*\/PASSWORD=x/`. */
function cutAt(text: Text, value: Value, delimiter: number): Value {
  for (let at = value.start; at < Math.min(value.end, value.start + 256); at++) {
    if (text.charCodeAt(at) === delimiter) return { ...value, end: at };
  }
  return value;
}
