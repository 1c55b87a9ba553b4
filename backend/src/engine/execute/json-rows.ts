import { DuckDBTimestampValue, DuckDBTypeId } from '@duckdb/node-api';
import type { RawColumn } from './columns.js';
import { bytesAt, isValid } from './columns.js';

/** Writes one row's value as JSON text. */
type Writer = (row: number) => string;

const SAFE = BigInt(Number.MAX_SAFE_INTEGER);
/** Beyond ±275,760 years JavaScript's dates end; DuckDB's own text serves. */
const DATE_LIMIT_MS = 8_640_000_000_000_000n;
const INFINITY = 9223372036854775807n;

/** Quotient and remainder with the remainder never negative. */
function split(value: bigint, by: bigint): [bigint, bigint] {
  const quotient = value / by - (value % by < 0n ? 1n : 0n);
  return [quotient, value - quotient * by];
}

/** µs since 1970 as `2026-01-31T12:00:00.123456Z`; infinities as DuckDB writes them. */
export function isoMicros(micros: bigint): string {
  const [milliseconds, rest] = split(micros, 1000n);
  const infinite = micros === INFINITY || micros === -INFINITY;
  if (infinite || milliseconds > DATE_LIMIT_MS || milliseconds < -DATE_LIMIT_MS) {
    return new DuckDBTimestampValue(micros).toString();
  }
  // toISOString ends in `.123Z`.
  return `${new Date(Number(milliseconds)).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

/** Ns since 1970, with nine decimals: nothing is lost. */
function isoNanos(nanos: bigint): string {
  const [micros, rest] = split(nanos, 1000n);
  return `${isoMicros(micros).slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

function doubleText(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  return Number.isNaN(value) ? '"NaN"' : value > 0 ? '"Infinity"' : '"-Infinity"';
}

/** The shortest decimal that is this 32-bit float. */
function floatText(value: number): string {
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return doubleText(short);
  }
  return doubleText(value);
}

function integerText(value: bigint): string {
  return value > SAFE || value < -SAFE ? `"${value}"` : String(value);
}

/**
 * A column's writer, in the contract's forms: integers beyond ±(2^53−1), DECIMAL, NaN and Infinity as strings; TIMESTAMP
 * as ISO 8601 with µs and Z; MAP (keys as text) and STRUCT as objects; LIST as arrays; BLOB as base64; other types as
 * DuckDB's own text.
 */
export function jsonWriter(column: RawColumn): Writer {
  const write = valueWriter(column);
  if (column.validity === null) return write;
  return (row) => (isValid(column, row) ? write(row) : 'null');
}

function valueWriter(column: RawColumn): Writer {
  switch (column.kind) {
    case 'fixed':
      return (
        fixedWriters[column.type.typeId]?.(column.data.buffer, column.data.byteOffset, column.rows) ?? (() => 'null')
      );
    case 'bytes': {
      const { data } = column;
      if (column.type.typeId === DuckDBTypeId.BLOB) return (row) => `"${bufferAt(data, row).toString('base64')}"`;
      return (row) => JSON.stringify(bufferAt(data, row).toString('utf8'));
    }
    case 'list': {
      const { entries } = column;
      const item = jsonWriter(column.child);
      return (row) => `[${range(entries, row, item).join(',')}]`;
    }
    case 'map': {
      const { entries } = column;
      const key = jsonWriter(column.keys);
      const value = jsonWriter(column.values);
      return (row) => `{${range(entries, row, (at) => `${asKey(key(at))}:${value(at)}`).join(',')}}`;
    }
    case 'array': {
      const { size } = column;
      const item = jsonWriter(column.child);
      return (row) => `[${Array.from({ length: size }, (_, index) => item(row * size + index)).join(',')}]`;
    }
    case 'struct': {
      const names = column.names.map((name) => JSON.stringify(name));
      const fields = column.fields.map(jsonWriter);
      // A row without names, as (policy, action): an object would keep only its last field.
      if (column.names.includes('')) return (row) => `[${fields.map((field) => field(row)).join(',')}]`;
      return (row) => `{${fields.map((field, index) => `${names[index] ?? '""'}:${field(row)}`).join(',')}}`;
    }
    case 'other': {
      const { vector } = column;
      if (column.type.typeId === DuckDBTypeId.HUGEINT || column.type.typeId === DuckDBTypeId.UHUGEINT) {
        return (row) => integerText(BigInt(String(vector.getItem(row))));
      }
      return (row) => JSON.stringify(String(vector.getItem(row)));
    }
  }
}

function bufferAt(data: Uint8Array, row: number): Buffer {
  const bytes = bytesAt(data, row);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function range(entries: BigUint64Array, row: number, write: Writer): string[] {
  const offset = Number(entries[row * 2] ?? 0n);
  return Array.from({ length: Number(entries[row * 2 + 1] ?? 0n) }, (_, index) => write(offset + index));
}

/** A map's key as a JSON string: the value's own JSON text, quoted when it isn't a string already. */
function asKey(text: string): string {
  return text.startsWith('"') ? text : JSON.stringify(text);
}

type Place = readonly [buffer: ArrayBufferLike, offset: number, rows: number];

function numbers(values: { readonly [index: number]: number }, text: (value: number) => string = String): Writer {
  return (row) => text(values[row] ?? 0);
}

function bigints(values: { readonly [index: number]: bigint }, text: (value: bigint) => string): Writer {
  return (row) => text(values[row] ?? 0n);
}

/** A time that counts in units of so many µs. */
function scaled(microsOfUnit: bigint): (value: bigint) => string {
  return (value) => `"${isoMicros(value === INFINITY || value === -INFINITY ? value : value * microsOfUnit)}"`;
}

const fixedWriters: Readonly<Partial<Record<DuckDBTypeId, (...at: Place) => Writer>>> = {
  [DuckDBTypeId.BOOLEAN]: (...at) => numbers(new Uint8Array(...at), (value) => (value === 0 ? 'false' : 'true')),
  [DuckDBTypeId.TINYINT]: (...at) => numbers(new Int8Array(...at)),
  [DuckDBTypeId.UTINYINT]: (...at) => numbers(new Uint8Array(...at)),
  [DuckDBTypeId.SMALLINT]: (...at) => numbers(new Int16Array(...at)),
  [DuckDBTypeId.USMALLINT]: (...at) => numbers(new Uint16Array(...at)),
  [DuckDBTypeId.INTEGER]: (...at) => numbers(new Int32Array(...at)),
  [DuckDBTypeId.UINTEGER]: (...at) => numbers(new Uint32Array(...at)),
  [DuckDBTypeId.FLOAT]: (...at) => numbers(new Float32Array(...at), floatText),
  [DuckDBTypeId.DOUBLE]: (...at) => numbers(new Float64Array(...at), doubleText),
  [DuckDBTypeId.BIGINT]: (...at) => bigints(new BigInt64Array(...at), integerText),
  [DuckDBTypeId.UBIGINT]: (...at) => bigints(new BigUint64Array(...at), integerText),
  [DuckDBTypeId.TIMESTAMP]: (...at) => bigints(new BigInt64Array(...at), scaled(1n)),
  [DuckDBTypeId.TIMESTAMP_TZ]: (...at) => bigints(new BigInt64Array(...at), scaled(1n)),
  [DuckDBTypeId.TIMESTAMP_S]: (...at) => bigints(new BigInt64Array(...at), scaled(1_000_000n)),
  [DuckDBTypeId.TIMESTAMP_MS]: (...at) => bigints(new BigInt64Array(...at), scaled(1000n)),
  [DuckDBTypeId.TIMESTAMP_NS]: (...at) => bigints(new BigInt64Array(...at), (value) => `"${isoNanos(value)}"`),
};

/** The first rows of a chunk as JSON arrays. */
export function* jsonRows(writers: readonly Writer[], rows: number): Generator<string, void, undefined> {
  for (let row = 0; row < rows; row += 1) {
    let text = '[';
    let separator = '';
    for (const write of writers) {
      text += separator + write(row);
      separator = ',';
    }
    yield `${text}]`;
  }
}
