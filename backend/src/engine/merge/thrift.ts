/** Types of Thrift's compact protocol. */
const STOP = 0;
const TRUE = 1;
const FALSE = 2;
export const I32 = 5;
export const I64 = 6;
const DOUBLE = 7;
export const BINARY = 8;
export const LIST = 9;
const SET = 10;
const MAP = 11;
export const STRUCT = 12;
/** Nesting of Parquet's own structures is below ten. */
const MOST_DEPTH = 20;

/** Called for each field of a struct; what it doesn't read is to be skipped. */
export type OnField = (id: number, type: number) => void;

/** Reads Thrift's compact protocol, in which Parquet writes its footers and page headers. Throws RangeError at the end. */
export class ThriftReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get position(): number {
    return this.#at;
  }

  struct(onField: OnField): void {
    let id = 0;
    for (;;) {
      const head = this.#byte();
      const type = head & 0x0f;
      if (type === STOP) return;
      // DuckDB's reader keeps 16 bits of it: 65,537 is field 1.
      id = ((head >> 4 === 0 ? this.integer() : id + (head >> 4)) << 16) >> 16;
      onField(id, type);
    }
  }

  /** Calls for each element of a list, with its type. */
  list(type: number, onElement: (type: number) => void): void {
    if (type !== LIST) throw new TypeError('a list is none');
    const head = this.#byte();
    const size = head >> 4 === 15 ? this.#unsigned() : head >> 4;
    for (let each = 0; each < size; each++) onElement(head & 0x0f);
  }

  /** A 16, 32 or 64-bit integer; beyond 2^53 it is not exact. */
  integer(): number {
    const value = this.#unsigned();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  binary(): Buffer {
    const length = this.#unsigned();
    return this.#bytes.subarray(this.#at, this.#move(length));
  }

  /** Passes over a value. */
  skip(type: number, depth = 0): void {
    if (depth > MOST_DEPTH) throw new TypeError('it is nested too deeply');
    if (type === TRUE || type === FALSE) return;
    if (type === STRUCT) this.struct((_, inner) => this.skip(inner, depth + 1));
    else if (type === LIST || type === SET) this.list(LIST, (element) => this.#skipElement(element, depth));
    else if (type === MAP) this.#skipMap(depth);
    else if (type === BINARY) this.binary();
    else if (type === DOUBLE) this.#move(8);
    else if (type === 3) this.#byte();
    else if (type >= 4 && type <= I64) this.#unsigned();
    else throw new TypeError('it has a type that Thrift has not');
  }

  /** In lists a boolean is a byte of its own. */
  #skipElement(type: number, depth: number): void {
    if (type === TRUE || type === FALSE) this.#byte();
    else this.skip(type, depth + 1);
  }

  #skipMap(depth: number): void {
    const size = this.#unsigned();
    if (size === 0) return;
    const types = this.#byte();
    for (let each = 0; each < size; each++) {
      this.#skipElement(types >> 4, depth);
      this.#skipElement(types & 0x0f, depth);
    }
  }

  #unsigned(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      if (scale > 2 ** 63) throw new TypeError('it has a number that is too long');
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    if (byte === undefined) throw new RangeError('it ends early');
    this.#at++;
    return byte;
  }

  /** Where what is so long ends. */
  #move(length: number): number {
    if (this.#at + length > this.#bytes.length) throw new RangeError('it ends early');
    return (this.#at += length);
  }
}
