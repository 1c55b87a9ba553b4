import type { ColumnType } from '../schema.js';
import type { ColumnLayout, Span } from './layout.js';
import { CHUNK_ROWS } from './layout.js';

/** Takes a section's bytes, copies them to the batch, and says where they went. */
export type Place = (bytes: Uint8Array) => Span;

/** Collects the values of one column of one chunk. `put` is called once a row, in order; null is SQL's NULL. */
export interface ColumnWriter<Value> {
  put(row: number, value: Value | null): void;
  finish(rows: number, place: Place): ColumnLayout;
  reset(): void;
}

/** Bit per row, 1 = valid, as DuckDB's validity mask. */
class Validity {
  readonly #bits: Uint8Array;
  #nulls = 0;

  constructor(capacity: number) {
    this.#bits = new Uint8Array(Math.ceil(capacity / 64) * 8).fill(0xff);
  }

  setNull(row: number): void {
    const byte = row >> 3;
    this.#bits[byte] = (this.#bits[byte] ?? 0) & ~(1 << (row & 7));
    this.#nulls++;
  }

  allNull(rows: number): boolean {
    return this.#nulls === rows;
  }

  isNull(row: number): boolean {
    return this.#nulls > 0 && ((this.#bits[row >> 3] ?? 0) & (1 << (row & 7))) === 0;
  }

  finish(rows: number, place: Place): Span | null {
    return this.#nulls === 0 ? null : place(this.#bits.subarray(0, Math.ceil(rows / 64) * 8));
  }

  reset(): void {
    if (this.#nulls > 0) this.#bits.fill(0xff);
    this.#nulls = 0;
  }
}

/** Rows a column has room for before it has to grow: a small batch shall not cost a large one's memory. */
const FIRST_ROWS = 64;

function grownRows(rows: number): number {
  return Math.max(FIRST_ROWS, 2 ** Math.ceil(Math.log2(rows)));
}

type NumberArray = Uint8Array | Int32Array | Float64Array;

/** Numbers of a fixed width; TIMESTAMP and BIGINT take a safe integer or a bigint (timestamps: µs since 1970). */
export abstract class FixedColumn implements ColumnWriter<number | bigint> {
  protected readonly validity = new Validity(CHUNK_ROWS);

  abstract put(row: number, value: number | bigint | null): void;

  /** The first `rows` values. */
  protected abstract bytes(rows: number): Uint8Array;

  protected abstract valueAt(row: number): number;

  /** The smallest of the first `rows` values, or a little less where a number can't be exact; null when all are NULL. */
  least(rows: number): number | null {
    let least: number | null = null;
    for (let row = 0; row < rows; row++) {
      if (this.validity.isNull(row)) continue;
      const value = this.valueAt(row);
      if (least === null || value < least) least = value;
    }
    return least === null ? null : lowerBound(least);
  }

  finish(rows: number, place: Place): ColumnLayout {
    if (this.validity.allNull(rows)) return { kind: 'null' };
    return { kind: 'fixed', validity: this.validity.finish(rows, place), data: place(this.bytes(rows)) };
  }

  reset(): void {
    this.validity.reset();
  }
}

class NumberColumn extends FixedColumn {
  #data: NumberArray;

  constructor(data: NumberArray) {
    super();
    this.#data = data;
  }

  put(row: number, value: number | bigint | null): void {
    if (row >= this.#data.length) this.#data = grownArray(this.#data, row + 1);
    if (value === null) {
      this.validity.setNull(row);
      this.#data[row] = 0;
    } else this.#data[row] = Number(value);
  }

  protected override bytes(rows: number): Uint8Array {
    return new Uint8Array(this.#data.buffer, 0, rows * this.#data.BYTES_PER_ELEMENT);
  }

  protected override valueAt(row: number): number {
    return this.#data[row] ?? 0;
  }
}

/** A number that is not above the integer this one was rounded from: between 2^62 and 2^63 doubles are 1,024 apart. */
export function lowerBound(rounded: number): number {
  return Number.isSafeInteger(rounded) || !Number.isInteger(rounded) ? rounded : rounded - 2048;
}

function grownArray(data: NumberArray, rows: number): NumberArray {
  const length = grownRows(rows);
  if (data instanceof Uint8Array) {
    const grown = new Uint8Array(length);
    grown.set(data);
    return grown;
  }
  const grown = data instanceof Int32Array ? new Int32Array(length) : new Float64Array(length);
  grown.set(data);
  return grown;
}

/** 64-bit integers, written as two words: a BigInt for each value would cost several times as much. */
class LongColumn extends FixedColumn {
  #words = new Uint32Array(FIRST_ROWS * 2);

  put(row: number, value: number | bigint | null): void {
    const at = row * 2;
    if (at >= this.#words.length) {
      const grown = new Uint32Array(grownRows(row + 1) * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    if (value === null) {
      this.validity.setNull(row);
      this.#words[at] = 0;
      this.#words[at + 1] = 0;
    } else if (typeof value === 'number') {
      const high = Math.floor(value / 0x1_0000_0000);
      this.#words[at] = value - high * 0x1_0000_0000;
      this.#words[at + 1] = high;
    } else {
      this.#words[at] = Number(BigInt.asUintN(32, value));
      this.#words[at + 1] = Number(BigInt.asUintN(32, value >> 32n));
    }
  }

  protected override bytes(rows: number): Uint8Array {
    return new Uint8Array(this.#words.buffer, 0, rows * 8);
  }

  protected override valueAt(row: number): number {
    return ((this.#words[row * 2 + 1] ?? 0) | 0) * 0x1_0000_0000 + (this.#words[row * 2] ?? 0);
  }
}

/** @throws TypeError for a type that isn't of a fixed width */
export function fixedColumn(type: ColumnType): FixedColumn {
  switch (type) {
    case 'BOOLEAN':
    case 'UTINYINT':
      return new NumberColumn(new Uint8Array(FIRST_ROWS));
    case 'INTEGER':
      return new NumberColumn(new Int32Array(FIRST_ROWS));
    case 'DOUBLE':
      return new NumberColumn(new Float64Array(FIRST_ROWS));
    case 'BIGINT':
    case 'TIMESTAMP':
      return new LongColumn();
    case 'VARCHAR':
    case 'BLOB':
    case 'VARCHAR[]':
    case 'MAP(VARCHAR, VARCHAR)':
      throw new TypeError(`${type} is not of a fixed width`);
  }
}

const INLINE_BYTES = 12;
/** Up to here a loop over ASCII characters is faster than a call of Buffer's. */
const SHORT_TEXT = 32;
const FIRST_HEAP = 4096;
/** A heap larger than this is given back after its chunk. */
const KEPT_HEAP = 4 << 20;

/** Strings; a value seen before in the chunk is stored once. Entries of NULL rows are zero. */
export class TextColumn implements ColumnWriter<string> {
  #entries = new Uint32Array(FIRST_ROWS * 4);
  #entryBytes = Buffer.from(this.#entries.buffer);
  #heap: Buffer = Buffer.allocUnsafe(FIRST_HEAP);
  #heapLength = 0;
  readonly #rowOf = new Map<string, number>();
  readonly #validity: Validity;
  #previous: string | null = null;
  #previousRow = 0;

  /** @param nullable false for children, of which there may be more than a chunk has rows */
  constructor(nullable = true) {
    this.#validity = new Validity(nullable ? CHUNK_ROWS : 0);
  }

  put(row: number, value: string | null): void {
    if (row * 4 >= this.#entries.length) this.#grow(row + 1);
    if (value === null) {
      this.#validity.setNull(row);
      this.#entries.fill(0, row * 4, row * 4 + 4);
      return;
    }
    if (value === this.#previous) {
      this.#repeat(row, this.#previousRow);
      return;
    }
    const seen = this.#rowOf.get(value);
    if (seen === undefined) {
      this.#write(row, value);
      this.#rowOf.set(value, row);
    } else {
      this.#repeat(row, seen);
    }
    this.#previous = value;
    this.#previousRow = row;
  }

  /** The values of the chunk, each once. */
  distinct(): Iterable<string> {
    return this.#rowOf.keys();
  }

  #repeat(row: number, from: number): void {
    const entries = this.#entries;
    const to = row * 4;
    const at = from * 4;
    entries[to] = entries[at] ?? 0;
    entries[to + 1] = entries[at + 1] ?? 0;
    entries[to + 2] = entries[at + 2] ?? 0;
    entries[to + 3] = entries[at + 3] ?? 0;
  }

  #write(row: number, value: string): void {
    if (this.#heap.length - this.#heapLength < value.length * 3) this.#growHeap(value.length * 3);
    const heap = this.#heap;
    const start = this.#heapLength;
    const length = writeText(heap, start, value);
    const entries = this.#entries;
    const at = row * 4;
    entries[at] = length;
    if (length <= INLINE_BYTES) {
      entries[at + 1] = 0;
      entries[at + 2] = 0;
      entries[at + 3] = 0;
      const inline = this.#entryBytes;
      for (let index = 0; index < length; index++) inline[row * 16 + 4 + index] = heap[start + index] ?? 0;
      return;
    }
    entries[at + 1] =
      (heap[start] ?? 0) |
      ((heap[start + 1] ?? 0) << 8) |
      ((heap[start + 2] ?? 0) << 16) |
      ((heap[start + 3] ?? 0) << 24);
    entries[at + 2] = start;
    entries[at + 3] = 0;
    this.#heapLength = start + length;
  }

  #growHeap(need: number): void {
    const grown = Buffer.allocUnsafe(Math.max(this.#heap.length * 2, this.#heapLength + need));
    this.#heap.copy(grown, 0, 0, this.#heapLength);
    this.#heap = grown;
  }

  #grow(rows: number): void {
    const grown = new Uint32Array(grownRows(rows) * 4);
    grown.set(this.#entries);
    this.#entries = grown;
    this.#entryBytes = Buffer.from(grown.buffer);
  }

  finish(rows: number, place: Place): ColumnLayout {
    if (rows > 0 && this.#validity.allNull(rows)) return { kind: 'null' };
    return {
      kind: 'text',
      validity: this.#validity.finish(rows, place),
      entries: place(this.#entryBytes.subarray(0, rows * 16)),
      heap: place(this.#heap.subarray(0, this.#heapLength)),
    };
  }

  reset(): void {
    if (this.#heap.length > KEPT_HEAP) this.#heap = Buffer.allocUnsafe(FIRST_HEAP);
    this.#heapLength = 0;
    this.#rowOf.clear();
    this.#validity.reset();
    this.#previous = null;
  }
}

/** Writes a text as UTF-8; its length in bytes. */
function writeText(target: Buffer, start: number, text: string): number {
  const { length } = text;
  if (length > SHORT_TEXT) return target.write(text, start, 'utf8');
  for (let index = 0; index < length; index++) {
    const code = text.charCodeAt(index);
    if (code > 0x7f) return target.write(text, start, 'utf8');
    target[start + index] = code;
  }
  return length;
}

/** Pairs of u64 (offset, length) of a list or map column. */
class ListEntries {
  #words = new Uint32Array(FIRST_ROWS * 4);
  readonly #validity = new Validity(CHUNK_ROWS);
  childRows = 0;

  putNull(row: number): void {
    this.#validity.setNull(row);
    this.#set(row, 0);
  }

  /** Takes the next `length` child rows for this row. */
  put(row: number, length: number): void {
    this.#set(row, length);
    this.childRows += length;
  }

  #set(row: number, length: number): void {
    if (row * 4 >= this.#words.length) {
      const grown = new Uint32Array(grownRows(row + 1) * 4);
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words[row * 4] = this.childRows;
    this.#words[row * 4 + 1] = 0;
    this.#words[row * 4 + 2] = length;
    this.#words[row * 4 + 3] = 0;
  }

  allNull(rows: number): boolean {
    return this.#validity.allNull(rows);
  }

  finish(rows: number, place: Place): { validity: Span | null; entries: Span; childRows: number } {
    return {
      validity: this.#validity.finish(rows, place),
      entries: place(new Uint8Array(this.#words.buffer, 0, rows * 16)),
      childRows: this.childRows,
    };
  }

  reset(): void {
    this.#validity.reset();
    this.childRows = 0;
  }
}

/** VARCHAR[]. */
export class ListColumn implements ColumnWriter<readonly string[]> {
  readonly #entries = new ListEntries();
  readonly #child = new TextColumn(false);

  put(row: number, value: readonly string[] | null): void {
    if (value === null) {
      this.#entries.putNull(row);
      return;
    }
    const first = this.#entries.childRows;
    for (let index = 0; index < value.length; index++) this.#child.put(first + index, value[index] ?? '');
    this.#entries.put(row, value.length);
  }

  finish(rows: number, place: Place): ColumnLayout {
    if (this.#entries.allNull(rows)) return { kind: 'null' };
    const { childRows, ...own } = this.#entries.finish(rows, place);
    return { kind: 'list', ...own, childRows, child: this.#child.finish(childRows, place) };
  }

  reset(): void {
    this.#entries.reset();
    this.#child.reset();
  }
}

/** Pairs of a MAP(VARCHAR, VARCHAR), keys unique: key, value, key, value, … */
export type FlatPairs = readonly string[];

/** MAP(VARCHAR, VARCHAR). */
export class MapColumn implements ColumnWriter<FlatPairs> {
  readonly #entries = new ListEntries();
  readonly #keys = new TextColumn(false);
  readonly #values = new TextColumn(false);

  put(row: number, pairs: FlatPairs | null): void {
    if (pairs === null) {
      this.#entries.putNull(row);
      return;
    }
    const first = this.#entries.childRows;
    const count = pairs.length >> 1;
    for (let index = 0; index < count; index++) {
      this.#keys.put(first + index, pairs[index * 2] ?? '');
      this.#values.put(first + index, pairs[index * 2 + 1] ?? '');
    }
    this.#entries.put(row, count);
  }

  finish(rows: number, place: Place): ColumnLayout {
    if (this.#entries.allNull(rows)) return { kind: 'null' };
    const { childRows, ...own } = this.#entries.finish(rows, place);
    return {
      kind: 'map',
      ...own,
      childRows,
      keys: this.#keys.finish(childRows, place),
      values: this.#values.finish(childRows, place),
    };
  }

  reset(): void {
    this.#entries.reset();
    this.#keys.reset();
    this.#values.reset();
  }
}
