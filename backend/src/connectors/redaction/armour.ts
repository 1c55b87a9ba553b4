import type { AddSpan, Text } from './text.js';

const MAX_KEY = 16_384;
/** Lines of a key are that long at least; only its last one is shorter. */
const LINE = 16;

/**
 * Private keys in armour, `-----BEGIN … PRIVATE KEY-----`: the lines of base64 behind it, and nothing else, whether
 * the end is there or was cut off. What somebody writes behind a forged beginning stays.
 */
export function findPrivateKeys(text: Text, add: AddSpan): void {
  let from = 0;
  for (;;) {
    const at = text.indexOf('--BEGIN ', from);
    if (at < 0) break;
    from = at + 8;
    const head = /^(?:[A-Z0-9]+ ){0,5}PRIVATE KEY(?: BLOCK)?-----/.exec(text.slice(from, from + 64))?.[0];
    if (head === undefined) continue;
    from = addLines(text, from + head.length, add);
  }
  for (let at = text.indexOf('Private-Lines:', 0); at >= 0;) {
    at = text.indexOf('Private-Lines:', addLines(text, at + 14, add));
  }
}

/** Adds the key's lines from `start` on; where they end. */
function addLines(text: Text, start: number, add: AddSpan): number {
  const stop = Math.min(text.length, start + MAX_KEY);
  let first = -1;
  let end = start;
  let at = start;
  while (at < stop) {
    const gap = gapEnd(text, at, stop);
    if (text.startsWith('-----END', gap)) break;
    const header =
      /^(?:Proc-Type|DEK-Info|Version|Comment|Hash|Charset|MessageID|Encryption): ?[\w ,.+/():@<>-]{0,80}?(?=[\r\n\\]|$| {2})/.exec(
        text.slice(gap, gap + 100),
      )?.[0];
    if (header !== undefined) {
      at = gap + header.length;
      continue;
    }
    let run = gap;
    while (run < stop && isBase64(text.charCodeAt(run))) run++;
    if (run === gap) break;
    const length = run - gap;
    const isLast = text.startsWith('-----END', gapEnd(text, run, stop));
    const isChecksum = text.charCodeAt(gap) === 0x3d && length === 5;
    const isCut = run === text.length && (end > start || looksLikeKey(text, gap));
    if (
      length < LINE &&
      !isChecksum &&
      !isCut &&
      !(isLast && (end > start || gap === start || looksLikeKey(text, gap)))
    )
      if (!(length < LINE && isLast && /\d|[A-Z].*[a-z].*[A-Z]/.test(text.slice(gap, run)))) break;
    if (first < 0) first = gap;
    end = run;
    at = run;
  }
  if (first >= 0) add(first, end);
  return Math.max(start, end);
}

/** Past spaces, line ends, and `\n` written as text; quotes, commas and `+` between the lines of a script. */
function gapEnd(text: Text, at: number, stop: number): number {
  for (; at < stop; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) continue;
    if (code === 0x5c && 'nr\\'.includes(text.slice(at + 1, at + 2))) {
      if (text.charCodeAt(at + 1) !== 0x5c) at++;
      continue;
    }
    break;
  }
  return at;
}

function looksLikeKey(text: Text, at: number): boolean {
  return (
    text.startsWith('MI', at) || text.startsWith('b3Bl', at) || text.startsWith('lQ', at) || text.startsWith('x', at)
  );
}

function isBase64(code: number): boolean {
  return (
    (code >= 0x61 && code <= 0x7a) ||
    (code >= 0x41 && code <= 0x5a) ||
    (code >= 0x2f && code <= 0x39) ||
    code === 0x2b ||
    code === 0x3d
  );
}
