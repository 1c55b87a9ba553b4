import { printable } from '../../core/index.js';

/** A text cut to so many characters. */
export function clip(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

/** Somebody by another node's word: `ann at q1`, or `at q1` where it names nobody. The node's name stays whole. */
export function whoAt(who: string, node: string, most: number): string {
  return who === '' ? `at ${node}` : `${clip(who, most)} at ${node}`;
}

/** What another node says of itself, for people to read: controls visible, and cut to so many characters. */
export function sentence(text: string, most: number): string {
  return clip(printable(clip(text, most)), most);
}

/** A 64-bit number of the wire that counts something: never below zero. */
export function toCount(value: bigint): number {
  return Math.max(0, toNumber(value));
}

/** A 64-bit number of the wire as a JavaScript number, held within what it can stand for exactly. */
export function toNumber(value: bigint): number {
  if (value > MOST) return Number.MAX_SAFE_INTEGER;
  return value < -MOST ? -Number.MAX_SAFE_INTEGER : Number(value);
}

const MOST = BigInt(Number.MAX_SAFE_INTEGER);

/** A JavaScript number as a 64-bit number of the wire: whole, and 0 for what is none. */
export function toBigint(value: number): bigint {
  if (Number.isNaN(value)) return 0n;
  return BigInt(Math.trunc(Math.min(Number.MAX_SAFE_INTEGER, Math.max(-Number.MAX_SAFE_INTEGER, value))));
}
