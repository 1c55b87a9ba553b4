import { looksRandom } from './randomness.js';
import type { AddSpan, Text } from './text.js';
import { isQuote, isSpace } from './text.js';
import { secretOf } from './values.js';

const PASSWORD_REACH = 256;
/** User info without a colon that is this long is a token, not a user's name. */
const TOKEN_LENGTH = 20;
const MAX_USER_INFO = 4096;
const MAX_NESTED = 4;
const SLASH = 0x2f;

/** Passwords and tokens in URLs: `scheme://user:password@host`, `https://token@host`, and those in the paths of webhooks. */
export function findUrlSecrets(text: Text, add: AddSpan): void {
  let end = 0;
  let nested = 0;
  for (let at = text.indexOf('://', 0); at >= 0; at = text.indexOf('://', at + 3)) {
    const start = at + 3;
    // A URL may stand in another one's path or query, but not in a hundred.
    nested = start < end ? nested + 1 : 0;
    if (nested > MAX_NESTED) continue;
    if (nested === 0) end = endOfUrl(text, start);
    const host = addUserInfo(text, start, end, add);
    addPathSecrets(text, host, end, add);
  }
  for (let at = text.indexOf('@tcp(', 0); at >= 0; at = text.indexOf('@tcp(', at + 5)) addDsn(text, at, add);
  for (let at = text.indexOf('@unix(', 0); at >= 0; at = text.indexOf('@unix(', at + 6)) addDsn(text, at, add);
}

function endOfUrl(text: Text, start: number): number {
  let end = start;
  while (end < text.length && !endsUrl(text.charCodeAt(end))) end++;
  return end;
}

/** Where the host begins. */
function addUserInfo(text: Text, start: number, end: number, add: AddSpan): number {
  let stop = start;
  let colon = -1;
  let sign = -1;
  for (const reach = Math.min(end, start + MAX_USER_INFO); stop < reach; stop++) {
    const code = text.charCodeAt(stop);
    if (code === 0x3a && colon < 0) colon = stop;
    else if (code === 0x40) sign = stop;
    else if (code === SLASH || code === 0x3f || code === 0x23) break;
    if (code === 0x2c && sign >= 0) break;
  }
  // A password may hold an unescaped slash; digits behind the colon are a port.
  if (sign < 0 && colon >= 0 && stop < end && !/^\d{0,5}$/.test(text.slice(colon + 1, Math.min(stop, colon + 8)))) {
    const reach = Math.min(end, stop + PASSWORD_REACH);
    for (let next = stop; next < reach; next++) if (text.charCodeAt(next) === 0x40) sign = next;
  }
  if (sign < 0) return start;
  if (colon >= 0 && colon < sign) {
    const password = text.slice(colon + 1, Math.min(sign, colon + 64));
    const isToken =
      sign - colon <= 24 &&
      colon - start >= TOKEN_LENGTH &&
      looksRandom(text.slice(start, Math.min(colon, start + 256)));
    if (isToken) add(start, colon);
    if (password !== 'x-oauth-basic') addPassword(text, colon + 1, sign, add);
  } else if (sign - start >= TOKEN_LENGTH && /\d/.test(text.slice(start, Math.min(sign, start + 256)))) {
    add(start, sign);
  }
  return sign + 1;
}

function addPassword(text: Text, start: number, end: number, add: AddSpan): void {
  const value = text.slice(start, Math.min(end, start + 256));
  if (/^\$\{?\w+\}?$|^\$\(|^%[A-Z_]+%$|^\{\{|^<[\w-]+>$|^\*+$|^\[redacted:/.test(value)) return;
  if (value.startsWith('${')) {
    const secret = secretOf(text, { start, end, quoted: false }, 'sure');
    if (secret !== null) add(secret.start, secret.end);
  } else if (end > start) add(start, end);
}

/** Go's MySQL form: `user:password@tcp(host:3306)/db`. */
function addDsn(text: Text, sign: number, add: AddSpan): void {
  let start = sign;
  let colon = -1;
  for (const reach = Math.max(0, sign - PASSWORD_REACH); start > reach; start--) {
    const code = text.charCodeAt(start - 1);
    if (isSpace(code) || isQuote(code) || code === SLASH || code === 0x3d) break;
    if (code === 0x3a) colon = start - 1;
  }
  if (colon >= 0 && sign > colon + 1) addPassword(text, colon + 1, sign, add);
}

/** Services whose paths hold a secret: what stands in the URL, behind which each part that looks random is one. */
const secretPaths =
  /hook|\/bot\d|bot\d+:|hc-ping\.com|maker\.ifttt\.com|events\.pagerduty\.com\/integration|\.infura\.io|\.alchemy(?:api)?\.(?:com|io)|quiknode\.pro|api\.telegram\.org|\/robot\/|ntfy\.sh|logic\.azure|gitlab[^/]*\/api\/v4\/feed|@sentry|\/ingest\/|nodereal\.io/i;

function addPathSecrets(text: Text, host: number, end: number, add: AddSpan): void {
  const [url = ''] = text.slice(host, Math.min(end, host + 512)).split(/[?#]/, 1);
  const place = url.search(secretPaths);
  if (place < 0) return;
  let start = Math.max(place, url.indexOf('/'));
  if (start < 0) return;
  while (start >= 0 && start < url.length) {
    const next = url.indexOf('/', start + 1);
    const part = url.slice(start + 1, next < 0 ? url.length : next);
    // A bot's number stays before the colon.
    const own = /^bot\d+:/.exec(part)?.[0].length ?? 0;
    const token = part.slice(own).replace(/[^\w-]+$/, '');
    if (token.length >= 16 && (looksRandom(token, 16) || /^[a-z0-9]{26}$/.test(token)))
      add(host + start + 1 + own, host + start + 1 + own + token.length);
    start = next;
  }
}

function endsUrl(code: number): boolean {
  return isSpace(code) || isQuote(code) || code === 0x3c || code === 0x3e || code === 0x5c;
}
