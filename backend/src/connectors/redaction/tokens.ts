import { isQuote, isSpace } from './named-values.js';
import type { AddSpan } from './spans.js';

/**
 * Tokens that tell themselves by their form. Every part is bounded below only where nothing follows it, so that no
 * input makes the expression go back further than it came.
 */
const tokenForms =
  /(?<![A-Za-z0-9_])(?:A[KS]IA[0-9A-Z]{16}(?![0-9A-Z])|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeoprs]-[A-Za-z0-9-]{10,}|[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|AIza[\w-]{35}|npm_[A-Za-z0-9]{36}|dckr_pat_[\w-]{20,}|hvs\.[\w-]{20,})/g;
/** A JWT's three parts; it begins only where no longer run of its letters does. */
const jwt = /(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*/g;
const bearer = /(?<![A-Za-z0-9_-])bearer[ \t]{1,8}(?=[\w.~+/=-]{8})/gi;
const authorization = /authorization["']?[ \t]{0,8}[:=][ \t]{0,8}/gi;
const scheme = /(?:basic|bearer|digest|token|apikey|negotiate|ntlm|key)[ \t]{1,8}/iy;

/** Cloud keys, tokens of well-known services, JWTs. */
export function findTokens(text: string, add: AddSpan): void {
  for (const match of text.matchAll(tokenForms)) add(match.index, match.index + match[0].length);
  for (const match of text.matchAll(jwt)) add(match.index, match.index + match[0].length);
}

/** `Authorization: Bearer x`, `Authorization: Basic x`, and `Bearer x` anywhere. */
export function findAuthorization(text: string, add: AddSpan): void {
  for (const match of text.matchAll(authorization)) {
    let start = match.index + match[0].length;
    scheme.lastIndex = start;
    const named = scheme.exec(text);
    if (named !== null) start += named[0].length;
    if (isQuote(text.charAt(start))) start++;
    addWord(text, start, add);
  }
  for (const match of text.matchAll(bearer)) addWord(text, match.index + match[0].length, add);
}

function addWord(text: string, start: number, add: AddSpan): void {
  let end = start;
  while (end < text.length && !isSpace(text.charAt(end)) && !isQuote(text.charAt(end))) end++;
  if (end > start) add(start, end);
}

/** Private keys in PEM: what stands between the BEGIN and END lines, or to the end of a cut text. */
export function findPrivateKeys(text: string, add: AddSpan): void {
  const begin = /-----BEGIN [A-Z0-9 ]{0,32}PRIVATE KEY-----/g;
  for (let match = begin.exec(text); match !== null; match = begin.exec(text)) {
    const start = match.index + match[0].length;
    const close = text.indexOf('-----END', start);
    const end = close < 0 ? text.length : close;
    if (end > start) add(start, end);
    begin.lastIndex = end;
  }
}

const PASSWORD_REACH = 256;
/** User info without a colon that is this long is a token, not a user's name. */
const TOKEN_LENGTH = 20;

/** Passwords and tokens in the user info of URLs: `scheme://user:password@host`, `https://token@host`. */
export function findUrlSecrets(text: string, add: AddSpan): void {
  for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', at + 3)) {
    const start = at + 3;
    let stop = start;
    let colon = -1;
    let sign = -1;
    for (; stop < text.length; stop++) {
      const char = text.charAt(stop);
      if (char === ':' && colon < 0) colon = stop;
      else if (char === '@') sign = stop;
      else if (char === '/' || char === '?' || char === '#' || endsUrl(char)) break;
    }
    // A password may hold an unescaped slash; digits behind the colon are a port.
    if (sign < 0 && colon >= 0 && stop < text.length && !/^\d*$/.test(text.slice(colon + 1, stop))) {
      const reach = Math.min(text.length, stop + PASSWORD_REACH);
      for (let next = stop; next < reach && !endsUrl(text.charAt(next)); next++)
        if (text.charAt(next) === '@') sign = next;
    }
    if (sign < 0) continue;
    if (colon >= 0 && colon < sign) {
      if (sign > colon + 1) add(colon + 1, sign);
    } else if (sign - start >= TOKEN_LENGTH) add(start, sign);
  }
}

function endsUrl(char: string): boolean {
  return isSpace(char) || isQuote(char) || char === '<' || char === '>';
}
