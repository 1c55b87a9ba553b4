import type { AddSpan, Text } from './text.js';
import { isQuote, isSpace, skipSpaces } from './text.js';
import { looksRandom } from './randomness.js';
import { secretOf } from './values.js';

const schemes =
  /^(?:basic|bearer|token|apikey|api-key|negotiate|ntlm|key|splunk|genie-?key|ssws|bot|sso-key|zoho-oauthtoken|discogs|discourse|klaviyo-api-key|pve(?:api|auth)?token|deepl-auth-key|snowflake|jwt|oauth2?|keyauth|macaroon|user|linodetoken|bot|private-token|shippotoken|voucherify|wp|x-api-key|dpop|firebase|session|signature|client|pat|hmac|secret|auth|gogs|sentry|dsn|digest|aws4-hmac-sha256)[ \t]{1,8}/i;
const pairSchemes = /^(?:digest|aws4-hmac-sha256|oauth\s+\w+=|hawk|signature\s+\w+=|pve|hmac-)/i;

/** `Authorization: Bearer x`, `Authorization: Basic x` and its like, and `Bearer x` anywhere. */
export function findAuthorization(text: Text, add: AddSpan): void {
  let enclosing = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (isQuote(code)) {
      enclosing = code;
      continue;
    }
    if ((code === 0x61 || code === 0x41) && (text.charCodeAt(at + 1) | 0x20) === 0x75) {
      const name = /^authorization\\{0,3}["']?[ \t]{0,8}(?:[:=,]|=>)[ \t]{0,8}/i.exec(text.slice(at, at + 36))?.[0];
      if (name === undefined) continue;
      at = addCredentials(text, at + name.length, enclosing, add) - 1;
    } else if ((code === 0x62 || code === 0x42) && (at === 0 || !/[\w-]/.test(text.slice(at - 1, at)))) {
      const name = /^bearer[ \t]{1,8}(?=[\w.~+/=-]{8})/i.exec(text.slice(at, at + 24))?.[0];
      if (name === undefined) continue;
      at = addWord(text, at + name.length, add, !/^bearer (?:token|auth)/i.test(text.slice(at, at + 12))) - 1;
    }
  }
}

/** The credentials at `start`; where reading goes on. */
function addCredentials(text: Text, start: number, enclosing: number, add: AddSpan): number {
  let at = start;
  while (text.charCodeAt(at) === 0x5c) at++;
  if (isQuote(text.charCodeAt(at)) && text.charCodeAt(at) !== enclosing) at++;
  else if (isQuote(text.charCodeAt(at)) && at > start) at++;
  else if (isQuote(text.charCodeAt(at)) && text.charCodeAt(start - 1) !== 0x3a) at++;
  const ahead = text.slice(at, at + 64);
  if (pairSchemes.test(ahead)) return addPairs(text, at, add);
  const scheme = schemes.exec(ahead)?.[0];
  if (scheme !== undefined) return addWord(text, at + scheme.length, add, true);
  return addWord(text, at, add, true);
}

/** `response="…"`, `Signature=…`: the last part of such credentials that is secret. */
function addPairs(text: Text, start: number, add: AddSpan): number {
  const seen = text.slice(start, start + 1024);
  for (const match of seen.matchAll(
    /\b(?:response|signature|oauth_signature|oauth_token|mac|secret)=\\?"?([\w%+/=-]{16,512})/gi,
  )) {
    const value = match[1] ?? '';
    const from = start + match.index + match[0].length - value.length;
    add(from, from + value.length);
  }
  return start + 1;
}

function addWord(text: Text, start: number, add: AddSpan, sure: boolean): number {
  let end = start;
  for (const reach = Math.min(text.length, start + 8192); end < reach; end++) {
    const code = text.charCodeAt(end);
    if (isSpace(code) || isQuote(code) || code === 0x5c) break;
    if (code === 0x24 && text.charCodeAt(end + 1) === 0x28) break;
  }
  while (end > start && /[,;)\]}|&]/.test(text.slice(end - 1, end))) end--;
  if (end <= start || !sure) return Math.max(end, start + 1);
  const secret = secretOf(text, { start, end, quoted: false }, 'sure');
  if (secret !== null) add(secret.start, secret.end);
  return end;
}

const cookieNames = /sess|sid|token|auth|jwt|csrf|xsrf|remember|login|ticket|secret|key|sso|credential|^id$/i;

/** `Cookie: a=b; c=d`: the values of those that look like a session. */
export function findCookies(text: Text, add: AddSpan): void {
  for (let at = indexOfCookie(text, 0); at >= 0; at = indexOfCookie(text, at)) {
    at += 6;
    const sign = /^s?\\{0,3}["']?[:=,]? ?\\{0,3}["']?/i.exec(text.slice(at, at + 12))?.[0].length ?? 0;
    if (sign > 0) at = addCookies(text, at + sign, add);
  }
}

function indexOfCookie(text: Text, from: number): number {
  const lower = text.indexOf('ookie', from);
  return lower < 0 ? -1 : lower - 1;
}

/** The pairs from `at` on, as long as a `;` stands between them; where they end. */
export function addCookies(text: Text, at: number, add: AddSpan): number {
  for (;;) {
    const pair = /^ ?([\w.%-]{1,64})=/.exec(text.slice(at, at + 66));
    if (pair === null) return at;
    const start = at + pair[0].length;
    let end = start;
    for (const reach = Math.min(text.length, start + 4096); end < reach; end++) {
      const code = text.charCodeAt(end);
      if (isSpace(code) || code === 0x3b || code === 0x2c || code === 0x5c || code === 0x27 || code === 0x60) break;
      if (code === 0x22 && end > start) break;
    }
    const from = text.charCodeAt(start) === 0x22 ? start + 1 : start;
    const seen = text.slice(from, Math.min(end, from + 256));
    const named = cookieNames.test(pair[1] ?? '');
    if ((named && seen.length >= 6) || looksRandom(seen, 16)) {
      const secret = secretOf(text, { start: from, end, quoted: false }, 'sure');
      if (secret !== null) add(secret.start, secret.end);
    }
    at = end;
    if (text.charCodeAt(at) !== 0x3b) return at;
    at = skipSpaces(text, at + 1, 2);
  }
}
