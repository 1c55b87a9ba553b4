import { printable } from '../../shared/printable.js';
import type { TextVector, Vector } from './vector.js';
import { textAt, textVector } from './vector.js';

/**
 * Text as people may see it: events are an attacker's, and Grafana draws ANSI colours, follows direction marks and shows
 * nothing of invisible characters. They become visible escapes; lines and tabs stay, which a table shows as such.
 */
export function screenText<Any extends Vector>(vector: Any): Any | TextVector {
  if (vector.kind !== 'text' || !isSuspicious(vector.bytes)) return vector;
  const texts = Array.from({ length: vector.length }, (_, row) => {
    const text = textAt(vector, row);
    return text === null
      ? null
      : text
          .split(/([\n\t])/)
          .map((part) => (/^[\n\t]$/.test(part) ? part : printable(part)))
          .join('');
  });
  return textVector(texts);
}

/** Whether UTF-8 holds any character that `printable` escapes; may say yes for a few others. */
function isSuspicious(bytes: Uint8Array): boolean {
  const first = Math.min(-bytes.byteOffset & 3, bytes.length);
  const words = (bytes.length - first) >> 2;
  if (words === 0) return isSuspiciousIn(bytes, 0, bytes.length);
  // Four bytes at a time: nearly all text is plain ASCII.
  const quads = new Int32Array(bytes.buffer, bytes.byteOffset + first, words);
  for (let index = 0; index < words; index += 1) {
    const quad = quads[index] ?? 0;
    // Some byte is below 0x20, above 0x7f, or 0x7f (which plus one is above).
    const odd = ((quad - 0x20202020) | quad | (quad + 0x01010101)) & 0x80808080;
    if (odd !== 0 && isSuspiciousIn(bytes, first + index * 4, first + index * 4 + 4)) return true;
  }
  return isSuspiciousIn(bytes, 0, first) || isSuspiciousIn(bytes, first + words * 4, bytes.length);
}

function isSuspiciousIn(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte >= 0x20 && byte < 0x7f) continue;
    if (byte < 0x20) {
      if (byte !== 0x0a && byte !== 0x09) return true;
    } else if (byte === 0x7f || (byte >= 0xc2 && isSuspiciousLead(byte, bytes[at + 1] ?? 0, bytes[at + 2] ?? 0)))
      return true;
  }
  return false;
}

/** By the first three bytes of a character's UTF-8. */
function isSuspiciousLead(first: number, second: number, third: number): boolean {
  switch (first) {
    case 0xc2:
      return second < 0xa0 || second === 0xad;
    case 0xd8:
      return second === 0x9c;
    case 0xe1:
      return second === 0xa0 && third === 0x8e;
    case 0xe2:
      // U+200B to 200F, 2028 to 202E; 2060 to 206F.
      if (second === 0x81) return third >= 0xa0 && third < 0xb0;
      return second === 0x80 && ((third >= 0x8b && third < 0x90) || (third >= 0xa8 && third < 0xaf));
    case 0xef:
      return second === 0xbb && third === 0xbf;
    case 0xf3:
      return second === 0xa0;
    default:
      return false;
  }
}
