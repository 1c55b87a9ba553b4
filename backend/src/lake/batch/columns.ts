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

  finish(rows: number, place: Place): Span | null {
    return this.#nulls === 0 ? null : place(this.#bits.subarray(0, Math.ceil(rows / 64) * 8));
  }

  reset(): void {
    if (this.#nulls > 0) this.#bits.fill(0xff);
    this.#nulls = 0;
  }
}

type NumberArray = Uint8Array | Int32Array | Float64Array | BigInt64Array;

/** Numbers of a fixed width; TIMESTAMP and BIGINT take a safe integer (µs since 1970). */
export class FixedColumn implements ColumnWriter<number> {
  readonly #data: NumberArray;
  readonly #validity = new Validity(CHUNK_ROWS);

  constructor(type: ColumnType) {
    this.#data = fixedArray(type);
  }

  put(row: number, value: number | null): void {
    if (value === null) this.#validity.setNull(row);
    else if (this.#data instanceof BigInt64Array) this.#data[row] = BigInt(value);
    else this.#data[row] = value;
  }

  finish(rows: number, place: Place): ColumnLayout {
    if (this.#validity.allNull(rows)) return { kind: 'null' };
    const data = this.#data;
    const bytes = new Uint8Array(data.buffer, 0, rows * data.BYTES_PER_ELEMENT);
    return { kind: 'fixed', validity: this.#validity.finish(rows, place), data: place(bytes) };
  }

  reset(): void {
    this.#validity.reset();
  }
}

function fixedArray(type: ColumnType): NumberArray {
  switch (type) {
    case 'BOOLEAN':
    case 'UTINYINT':
      return new Uint8Array(CHUNK_ROWS);
    case 'INTEGER':
      return new Int32Array(CHUNK_ROWS);
    case 'DOUBLE':
      return new Float64Array(CHUNK_ROWS);
    case 'BIGINT':
    case 'TIMESTAMP':
      return new BigInt64Array(CHUNK_ROWS);
    case 'VARCHAR':
    case 'BLOB':
    case 'VARCHAR[]':
    case 'MAP(VARCHAR, VARCHAR)':
      throw new TypeError(`${type} is not of a fixed width`);
  }
}

const INLINE_BYTES = 12;

/** Strings; a value seen before in the chunk is stored once. */
export class TextColumn implements ColumnWriter<string> {
  #entries: Uint32Array;
  #entryBytes: Buffer;
  #heap: Buffer = Buffer.allocUnsafe(4096);
  #heapLength = 0;
  readonly #rowOf = new Map<string, number>();
  #validity: Validity;
  #previous: string | null = null;
  #previousRow = 0;

  constructor(capacity: number = CHUNK_ROWS) {
    this.#entries = new Uint32Array(capacity * 4);
    this.#entryBytes = Buffer.from(this.#entries.buffer);
    this.#validity = new Validity(capacity);
  }

  put(row: number, value: string | null): void {
    if (value === null) {
      this.#validity.setNull(row);
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

  #repeat(row: number, from: number): void {
    this.#entries.copyWithin(row * 4, from * 4, from * 4 + 4);
  }

  #write(row: number, value: string): void {
    const at = row * 16;
    if (this.#heap.length - this.#heapLength < value.length * 3) this.#growHeap(value.length * 3);
    const length = this.#heap.write(value, this.#heapLength, 'utf8');
    this.#entries[row * 4] = length;
    if (length <= INLINE_BYTES) {
      this.#entries.fill(0, row * 4 + 1, row * 4 + 4);
      this.#heap.copy(this.#entryBytes, at + 4, this.#heapLength, this.#heapLength + length);
      return;
    }
    this.#heap.copy(this.#entryBytes, at + 4, this.#heapLength, this.#heapLength + 4);
    this.#entries[row * 4 + 2] = this.#heapLength;
    this.#entries[row * 4 + 3] = 0;
    this.#heapLength += length;
  }

  #growHeap(need: number): void {
    const grown = Buffer.allocUnsafe(Math.max(this.#heap.length * 2, this.#heapLength + need));
    this.#heap.copy(grown, 0, 0, this.#heapLength);
    this.#heap = grown;
  }

  /** Makes room for at least `rows` rows (children of lists and maps have no fixed bound). */
  reserve(rows: number): void {
    if (rows * 4 <= this.#entries.length) return;
    const grown = new Uint32Array(rows * 8);
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
    // The heap of an unusual chunk (long strings) is given back.
    if (this.#heap.length > 4 << 20) this.#heap = Buffer.allocUnsafe(4096);
    this.#heapLength = 0;
    this.#rowOf.clear();
    this.#validity.reset();
    this.#previous = null;
  }
}

/** Pairs of u64 (offset, length) of a list or map column. */
class ListEntries {
  readonly #words = new Uint32Array(CHUNK_ROWS * 4);
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
  readonly #child = new TextColumn();

  put(row: number, value: readonly string[] | null): void {
    if (value === null) {
      this.#entries.putNull(row);
      return;
    }
    const first = this.#entries.childRows;
    this.#child.reserve(first + value.length);
    value.forEach((item, index) => this.#child.put(first + index, item));
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
  readonly #keys = new TextColumn();
  readonly #values = new TextColumn();

  put(row: number, pairs: FlatPairs | null): void {
    if (pairs === null) {
      this.#entries.putNull(row);
      return;
    }
    const first = this.#entries.childRows;
    const count = pairs.length >> 1;
    this.#keys.reserve(first + count);
    this.#values.reserve(first + count);
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
