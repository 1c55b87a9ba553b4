import { isAscii, isUtf8 } from 'node:buffer';
import type { TextCache } from './text-cache.js';

/** Bytes that aren't the message they should be; `position` is the offset of the byte where reading failed. */
export class WireError extends Error {
  readonly position: number;

  constructor(message: string, position: number) {
    super(`${message} at byte ${position}`);
    this.name = 'WireError';
    this.position = position;
  }
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;
/** In a table of known fields: no such field. */
const NO_FIELD = 255;

/** A message's known fields for `next`: the wire type by field number, all strings or messages but the varints. */
export function knownFields(last: number, varints: readonly number[]): Uint8Array {
  const known = new Uint8Array(last + 1).fill(LENGTH_DELIMITED);
  known[0] = NO_FIELD;
  for (const field of varints) known[field] = VARINT;
  return known;
}

const NONE: readonly string[] = Object.freeze([]);

/** Reads one protobuf message after another; never beyond the end it was given. */
export class WireReader {
  position = 0;
  end = 0;
  #bytes: Buffer = Buffer.alloc(0);
  #invalid: string[] | undefined;

  /** Begins with a message. */
  open(bytes: Uint8Array): void {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = 0;
    this.end = bytes.byteLength;
    this.#invalid = undefined;
  }

  /** Names of the fields read since `open` that weren't valid UTF-8. */
  get invalid(): readonly string[] {
    return this.#invalid ?? NONE;
  }

  /**
   * The number of the next field that `known` has (a wire type by field number), leaving out all others; 0 at `end`.
   * @throws WireError also when a known field comes with another wire type
   */
  next(known: Uint8Array, end: number): number {
    while (this.position < end) {
      const tag = this.int32() >>> 0;
      const field = tag >>> 3;
      const wireType = tag & 7;
      if (field === 0) throw new WireError('A field with number 0', this.position);
      const expected = field < known.length ? known[field] : NO_FIELD;
      if (expected === wireType) return field;
      if (expected !== NO_FIELD) throw new WireError(`Field ${field} with wire type ${wireType}`, this.position);
      this.#skip(field, wireType);
    }
    if (this.position > end) throw new WireError('A field that overruns its message', end);
    return 0;
  }

  /** A varint's low 32 bits as a signed integer: int32, and booleans and lengths of sane size. */
  int32(): number {
    const bytes = this.#bytes;
    const { end } = this;
    let at = this.position;
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw new WireError('The message ends inside a number', at);
      const byte = bytes[at] ?? 0;
      at += 1;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) {
        this.position = at;
        return value;
      }
    }
    throw new WireError('A number of more than 10 bytes', this.position);
  }

  /** A varint as int64 in a JavaScript number; beyond 2^53 it is rounded. */
  int64(): number {
    const bytes = this.#bytes;
    const { end } = this;
    let at = this.position;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) throw new WireError('The message ends inside a number', at);
      const byte = bytes[at] ?? 0;
      at += 1;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) {
        this.position = at;
        return high * 0x1_0000_0000 + (low >>> 0);
      }
    }
    throw new WireError('A number of more than 10 bytes', this.position);
  }

  /** The end of a length-delimited value that begins where the reader then stands. */
  lengthEnd(): number {
    const length = this.int32();
    const end = this.position + length;
    if (length < 0 || end > this.end) {
      throw new WireError(`A value of ${length >>> 0} bytes that overruns its message`, this.position);
    }
    return end;
  }

  /** A string field; `name` is what `invalid` calls it. */
  text(name: string, cache: TextCache | undefined): string {
    const end = this.lengthEnd();
    const start = this.position;
    this.position = end;
    if (end === start) return '';
    const known = cache?.ascii(this.#bytes, start, end);
    return known ?? this.#decode(start, end, name);
  }

  #skip(field: number, wireType: number): void {
    switch (wireType) {
      case VARINT:
        this.int64();
        return;
      case FIXED64:
        this.#skipBytes(8);
        return;
      case LENGTH_DELIMITED:
        this.position = this.lengthEnd();
        return;
      case FIXED32:
        this.#skipBytes(4);
        return;
      default:
        throw new WireError(`Field ${field} with wire type ${wireType}, which nobody sends`, this.position);
    }
  }

  #markInvalid(name: string): void {
    this.#invalid ??= [];
    if (!this.#invalid.includes(name)) this.#invalid.push(name);
  }

  #skipBytes(count: number): void {
    if (this.position + count > this.end) throw new WireError('The message ends inside a number', this.end);
    this.position += count;
  }

  #decode(start: number, end: number, name: string): string {
    const bytes = this.#bytes;
    if (allAscii(bytes, start, end)) return bytes.toString('latin1', start, end);
    const text = bytes.toString('utf8', start, end);
    // U+FFFD may be the sender's own; only then is it worth a second look.
    if (text.includes('\uFFFD') && !isUtf8(bytes.subarray(start, end))) this.#markInvalid(name);
    return text;
  }
}

function allAscii(bytes: Buffer, start: number, end: number): boolean {
  if (end - start > 256) return isAscii(bytes.subarray(start, end));
  let seen = 0;
  for (let index = start; index < end; index += 1) seen |= bytes[index] ?? 0;
  return seen < 0x80;
}
