import type { TextVector, Vector } from './vector.js';
import { isValid, textAt, textBetween } from './vector.js';

/** Equal values have equal codes, counted from 0; −1: no value. */
export interface Codes {
  readonly codes: Int32Array;
  /** The text of each code. */
  readonly texts: readonly string[];
}

/** Numbers the different texts of a column; each is decoded once, not for every row. */
export function codesOf(vector: Vector): Codes {
  return vector.kind === 'text' ? textCodes(vector) : otherCodes(vector);
}

function textCodes(vector: TextVector): Codes {
  const { bytes, offsets, length } = vector;
  const codes = new Int32Array(length);
  /** Where each code's text begins and ends. */
  const begins: number[] = [];
  const ends: number[] = [];
  const byHash = new Map<number, number[]>();
  const isSame = (code: number, from: number, to: number): boolean => {
    const begin = begins[code] ?? 0;
    if ((ends[code] ?? 0) - begin !== to - from) return false;
    for (let at = 0; at < to - from; at += 1) if (bytes[begin + at] !== bytes[from + at]) return false;
    return true;
  };
  const lookUp = (from: number, to: number): number => {
    const hash = hashOf(bytes, from, to);
    const known = byHash.get(hash);
    const found = known?.find((code) => isSame(code, from, to));
    if (found !== undefined) return found;
    const code = begins.length;
    begins.push(from);
    ends.push(to);
    if (known === undefined) byHash.set(hash, [code]);
    else known.push(code);
    return code;
  };
  /** What came after each code the last time: within each moment labels often come in one order. */
  const successors: number[] = [];
  let last = -1;
  for (let row = 0; row < length; row += 1) {
    if (!isValid(vector, row)) {
      codes[row] = -1;
      continue;
    }
    const from = offsets[row] ?? 0;
    const to = offsets[row + 1] ?? 0;
    // Grouped rows often repeat.
    if (last < 0 || !isSame(last, from, to)) {
      const guess = successors[last];
      const code = guess !== undefined && isSame(guess, from, to) ? guess : lookUp(from, to);
      if (last >= 0) successors[last] = code;
      last = code;
    }
    codes[row] = last;
  }
  return { codes, texts: begins.map((begin, code) => textBetween(bytes, begin, ends[code] ?? begin)) };
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  return hash;
}

function otherCodes(vector: Vector): Codes {
  const byText = new Map<string, number>();
  const codes = new Int32Array(vector.length);
  for (let row = 0; row < vector.length; row += 1) {
    const text = textAt(vector, row);
    const code = text === null ? -1 : (byText.get(text) ?? byText.size);
    if (text !== null) byText.set(text, code);
    codes[row] = code;
  }
  return { codes, texts: [...byText.keys()] };
}
