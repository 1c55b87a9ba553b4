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

/** Whether UTF-8 holds anything that `printable` escapes. */
function isSuspicious(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isPlain(bytes)) return text.includes('\\u{');
  return text
    .toString()
    .split(/[\n\t]/)
    .some((line) => printable(line) !== line);
}

/** Whether all bytes are printable ASCII, line ends or tabs. */
function isPlain(bytes: Uint8Array): boolean {
  const first = Math.min(-bytes.byteOffset & 3, bytes.length);
  const words = (bytes.length - first) >> 2;
  // Four bytes at a time: nearly all text is plain ASCII.
  const quads = new Int32Array(bytes.buffer, bytes.byteOffset + first, words);
  for (let index = 0; index < words; index += 1) {
    const quad = quads[index] ?? 0;
    // Some byte is below 0x20, above 0x7f, or 0x7f (which plus one is above).
    const odd = ((quad - 0x20202020) | quad | (quad + 0x01010101)) & 0x80808080;
    if (odd !== 0 && !isPlainIn(bytes, first + index * 4, first + index * 4 + 4)) return false;
  }
  return isPlainIn(bytes, 0, first) && isPlainIn(bytes, first + words * 4, bytes.length);
}

function isPlainIn(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    if ((byte < 0x20 && byte !== 0x0a && byte !== 0x09) || byte >= 0x7f) return false;
  }
  return true;
}
