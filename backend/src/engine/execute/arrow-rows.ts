import type { DuckDBType } from '@duckdb/node-api';
import { DuckDBArrayType, DuckDBListType, DuckDBMapType, DuckDBStructType, DuckDBTypeId } from '@duckdb/node-api';
import {
  Binary,
  BufferType,
  Bool,
  Data,
  DataType,
  Field,
  Float32,
  Float64,
  Int16,
  Int32,
  Int64,
  Int8,
  List,
  Map_,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimeUnit,
  Timestamp,
  Uint16,
  Uint32,
  Uint64,
  Uint8,
  Utf8,
} from 'apache-arrow';
import type { RawColumn } from './columns.js';
import { bytesAt, isValid } from './columns.js';
import { jsonWriter } from './json-rows.js';

const scalarTypes: Readonly<Partial<Record<DuckDBTypeId, () => DataType>>> = {
  [DuckDBTypeId.BOOLEAN]: () => new Bool(),
  [DuckDBTypeId.TINYINT]: () => new Int8(),
  [DuckDBTypeId.UTINYINT]: () => new Uint8(),
  [DuckDBTypeId.SMALLINT]: () => new Int16(),
  [DuckDBTypeId.USMALLINT]: () => new Uint16(),
  [DuckDBTypeId.INTEGER]: () => new Int32(),
  [DuckDBTypeId.UINTEGER]: () => new Uint32(),
  [DuckDBTypeId.BIGINT]: () => new Int64(),
  [DuckDBTypeId.UBIGINT]: () => new Uint64(),
  [DuckDBTypeId.FLOAT]: () => new Float32(),
  [DuckDBTypeId.DOUBLE]: () => new Float64(),
  [DuckDBTypeId.TIMESTAMP]: () => new Timestamp(TimeUnit.MICROSECOND, 'UTC'),
  [DuckDBTypeId.TIMESTAMP_TZ]: () => new Timestamp(TimeUnit.MICROSECOND, 'UTC'),
  [DuckDBTypeId.TIMESTAMP_S]: () => new Timestamp(TimeUnit.SECOND, 'UTC'),
  [DuckDBTypeId.TIMESTAMP_MS]: () => new Timestamp(TimeUnit.MILLISECOND, 'UTC'),
  [DuckDBTypeId.TIMESTAMP_NS]: () => new Timestamp(TimeUnit.NANOSECOND, 'UTC'),
  [DuckDBTypeId.BLOB]: () => new Binary(),
};

/** A type's Arrow form. What Arrow (or its readers) can't hold without loss goes as the text that JSON answers have. */
export function arrowType(type: DuckDBType): DataType {
  return scalarTypes[type.typeId]?.() ?? nestedType(type);
}

function nestedType(type: DuckDBType): DataType {
  if (type instanceof DuckDBListType || type instanceof DuckDBArrayType) {
    return new List(new Field('item', arrowType(type.valueType), true));
  }
  if (type instanceof DuckDBMapType) {
    const entry = new Struct<{ key: DataType; value: DataType }>([
      new Field('key', arrowType(type.keyType), false),
      new Field('value', arrowType(type.valueType), true),
    ]);
    return new Map_(new Field('entries', entry, false));
  }
  if (type instanceof DuckDBStructType) {
    return new Struct(
      // The fields of a row without names are called by their place.
      type.entryTypes.map((entry, at) => new Field(type.entryNames[at] || String(at + 1), arrowType(entry), true)),
    );
  }
  return new Utf8();
}

/** Which rows of a column, in which order; null: the first `length`. List items are picked, for DuckDB leaves holes. */
interface Rows {
  readonly length: number;
  readonly picked: readonly number[] | null;
}

/** A column's rows as Arrow data; everything is copied, DuckDB's memory goes with its chunk. */
function arrowData(column: RawColumn, type: DataType, rows: Rows): Data {
  const { nullBitmap, nullCount } = validity(column, rows);
  const make = (offsets: Int32Array | null, values: ArrayBufferView | null, children: Data[] = []): Data =>
    new Data(
      type,
      0,
      rows.length,
      nullCount,
      {
        ...(offsets === null ? {} : { [BufferType.OFFSET]: offsets }),
        ...(values === null ? {} : { [BufferType.DATA]: values }),
        ...(nullBitmap === null ? {} : { [BufferType.VALIDITY]: nullBitmap }),
      },
      children,
    );
  const fields = type.children ?? [];
  switch (column.kind) {
    case 'fixed':
      return make(null, fixedValues(column.data, column.rows, type, rows));
    case 'bytes': {
      const { offsets, bytes } = texts(rows, (row) => (isValid(column, row) ? bytesAt(column.data, row) : null));
      return make(offsets, bytes);
    }
    case 'other': {
      const write = jsonWriter(column);
      const { offsets, bytes } = texts(rows, (row) =>
        isValid(column, row) ? Buffer.from(plainText(write(row))) : null,
      );
      return make(offsets, bytes);
    }
    case 'list': {
      const { offsets, items } = flatten(column, column.entries, rows);
      return make(offsets, null, [arrowData(column.child, typeOf(fields[0]), items)]);
    }
    case 'map': {
      const { offsets, items } = flatten(column, column.entries, rows);
      const entry = typeOf(fields[0]);
      const [key, value] = entry.children ?? [];
      const children = [arrowData(column.keys, typeOf(key), items), arrowData(column.values, typeOf(value), items)];
      const pairs = new Data(entry, 0, items.length, 0, {}, children);
      return make(offsets, null, [pairs]);
    }
    case 'array': {
      const { size } = column;
      const picked = Array.from({ length: rows.length * size }, (_, index) => {
        return at(rows, Math.floor(index / size)) * size + (index % size);
      });
      const offsets = Int32Array.from({ length: rows.length + 1 }, (_, index) => index * size);
      return make(offsets, null, [arrowData(column.child, typeOf(fields[0]), { length: picked.length, picked })]);
    }
    case 'struct':
      return make(
        null,
        null,
        column.fields.map((field, index) => arrowData(field, typeOf(fields[index]), rows)),
      );
  }
}

function at(rows: Rows, index: number): number {
  return rows.picked === null ? index : (rows.picked[index] ?? 0);
}

function typeOf(field: Field | undefined): DataType {
  return field?.type ?? new Utf8();
}

/** What a JSON string says, or a JSON number's digits. */
function plainText(json: string): string {
  const value: unknown = json.startsWith('"') ? JSON.parse(json) : json;
  return String(value);
}

function validity(column: RawColumn, rows: Rows): { nullBitmap: Uint8Array | null; nullCount: number } {
  if (column.validity === null) return { nullBitmap: null, nullCount: 0 };
  const nullBitmap = new Uint8Array(Math.ceil(rows.length / 8));
  let nullCount = 0;
  for (let index = 0; index < rows.length; index += 1) {
    if (isValid(column, at(rows, index))) setBit(nullBitmap, index);
    else nullCount += 1;
  }
  return { nullBitmap, nullCount };
}

function setBit(bits: Uint8Array, index: number): void {
  bits[index >> 3] = (bits[index >> 3] ?? 0) | (1 << (index & 7));
}

function fixedValues(data: Uint8Array, allRows: number, type: DataType, rows: Rows): ArrayBufferView {
  if (DataType.isBool(type)) {
    const bits = new Uint8Array(Math.ceil(rows.length / 8));
    for (let index = 0; index < rows.length; index += 1) if (data[at(rows, index)] !== 0) setBit(bits, index);
    return bits;
  }
  const width = allRows === 0 ? 0 : data.byteLength / allRows;
  const copy = new Uint8Array(rows.length * width);
  if (rows.picked === null) copy.set(data.subarray(0, copy.byteLength));
  else rows.picked.forEach((row, index) => copy.set(data.subarray(row * width, (row + 1) * width), index * width));
  const values: ArrayBufferView = new type.ArrayType(copy.buffer);
  return values;
}

function texts(
  rows: Rows,
  bytesOf: (row: number) => Uint8Array | null,
): { readonly offsets: Int32Array; readonly bytes: Uint8Array } {
  const offsets = new Int32Array(rows.length + 1);
  const parts: Uint8Array[] = [];
  let length = 0;
  for (let index = 0; index < rows.length; index += 1) {
    const bytes = bytesOf(at(rows, index));
    if (bytes !== null) {
      parts.push(bytes);
      length += bytes.byteLength;
    }
    offsets[index + 1] = length;
  }
  return { offsets, bytes: Buffer.concat(parts, length) };
}

/** Arrow's offsets of a list or map column, and the places of its items in DuckDB's child. */
function flatten(column: RawColumn, entries: BigUint64Array, rows: Rows): { offsets: Int32Array; items: Rows } {
  const offsets = new Int32Array(rows.length + 1);
  const picked: number[] = [];
  for (let index = 0; index < rows.length; index += 1) {
    const row = at(rows, index);
    if (isValid(column, row)) {
      const first = Number(entries[row * 2] ?? 0n);
      const count = Number(entries[row * 2 + 1] ?? 0n);
      for (let item = 0; item < count; item += 1) picked.push(first + item);
    }
    offsets[index + 1] = picked.length;
  }
  return { offsets, items: { length: picked.length, picked } };
}

/** Bytes of the end-of-stream mark. */
const END_BYTES = 8;

/** Encodes the chunks of one result as the messages of an Arrow IPC stream. */
export class ArrowEncoder {
  readonly #schema: Schema;
  readonly #begin: Uint8Array;
  readonly #end: Uint8Array;

  /** Column names as DuckDB gives them: two may be equal. */
  constructor(names: readonly string[], types: readonly DuckDBType[]) {
    const fields = types.map(
      (type, index) => new Field(names[index] ?? '', arrowType(type), true, new Map([['duckdb.type', String(type)]])),
    );
    this.#schema = new Schema(fields);
    const empty = this.#stream(null);
    this.#begin = empty.subarray(0, -END_BYTES);
    this.#end = empty.subarray(-END_BYTES);
  }

  /** The schema message: the stream's beginning. */
  begin(): Uint8Array {
    return this.#begin;
  }

  /** The first `rows` rows of a chunk as a record batch message. */
  batch(columns: readonly RawColumn[], rows: number): Uint8Array {
    const children = columns.map((column, index) =>
      arrowData(column, typeOf(this.#schema.fields[index]), { length: rows, picked: null }),
    );
    const data = new Data(new Struct(this.#schema.fields), 0, rows, 0, {}, children);
    const stream = this.#stream(new RecordBatch(this.#schema, data));
    return stream.subarray(this.#begin.byteLength, -END_BYTES);
  }

  /** The end-of-stream mark. */
  end(): Uint8Array {
    return this.#end;
  }

  /** A whole stream; its writer has no other synchronous way to give a message. */
  #stream(batch: RecordBatch | null): Uint8Array {
    const writer = new RecordBatchStreamWriter();
    writer.reset(undefined, this.#schema);
    if (batch !== null) writer.write(batch);
    writer.finish();
    return writer.toUint8Array(true);
  }
}
