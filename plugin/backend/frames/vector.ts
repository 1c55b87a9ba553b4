/** A column's values in memory as Arrow has them; `validity` is a bitmap (bit set: there is a value), null: all are there. */
interface Values {
  readonly length: number;
  readonly validity: Uint8Array | null;
}

export interface Int64Vector extends Values {
  readonly kind: 'int64';
  readonly values: BigInt64Array;
}

export interface Uint64Vector extends Values {
  readonly kind: 'uint64';
  readonly values: BigUint64Array;
}

export interface NumberVector extends Values {
  readonly kind: 'int8' | 'int16' | 'int32' | 'uint8' | 'uint16' | 'uint32' | 'float32' | 'float64';
  readonly values:
    Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array;
}

export interface BoolVector extends Values {
  readonly kind: 'bool';
  readonly bits: Uint8Array;
}

/** Nanoseconds since 1970. */
export interface TimeVector extends Values {
  readonly kind: 'time';
  readonly values: BigInt64Array;
}

/** UTF-8; a JSON vector holds one JSON text a row. Row i is `bytes[offsets[i], offsets[i + 1])`. */
export interface TextVector extends Values {
  readonly kind: 'text' | 'json';
  readonly offsets: Int32Array;
  readonly bytes: Uint8Array;
}

/** The types that Grafana's decoder takes. */
export type Vector = Int64Vector | Uint64Vector | NumberVector | BoolVector | TimeVector | TextVector;

export function isValid({ validity }: Values, row: number): boolean {
  return validity === null || ((validity[row >> 3] ?? 0) & (1 << (row & 7))) !== 0;
}

/** Text, or JSON text. */
export function isText(vector: Vector): vector is TextVector {
  return vector.kind === 'text' || vector.kind === 'json';
}

export type NumericVector = Int64Vector | Uint64Vector | NumberVector;

export function isNumeric(vector: Vector): vector is NumericVector {
  return vector.kind !== 'text' && vector.kind !== 'json' && vector.kind !== 'bool' && vector.kind !== 'time';
}

/** A value in JavaScript: 64-bit integers as bigint, times as bigint nanoseconds; null where there is none. */
export function valueAt(vector: Vector, row: number): string | number | bigint | boolean | null {
  if (row >= vector.length || !isValid(vector, row)) return null;
  if (vector.kind === 'bool') return ((vector.bits[row >> 3] ?? 0) & (1 << (row & 7))) !== 0;
  if (isText(vector)) {
    return textBetween(vector.bytes, vector.offsets[row] ?? 0, vector.offsets[row + 1] ?? 0);
  }
  return vector.values[row] ?? null;
}

/** Any value as text; null where there is none. */
export function textAt(vector: Vector, row: number): string | null {
  const value = vector.kind === 'time' ? timeTextAt(vector, row) : valueAt(vector, row);
  return value === null ? null : String(value);
}

/** A number, a boolean as 0 or 1, a time in milliseconds, text that is a number; null for all else. */
export function numberAt(vector: Vector, row: number): number | null {
  if (vector.kind === 'time') return timeMsAt(vector, row);
  const value = valueAt(vector, row);
  if (value === null || value === '') return null;
  const number = Number(value);
  return Number.isNaN(number) && typeof value === 'string' && value !== 'NaN' ? null : number;
}

/** All values of a column of numbers as doubles; what has no value is anything. */
export function numbersOf(vector: NumericVector): ArrayLike<number> {
  if (vector.kind !== 'int64' && vector.kind !== 'uint64') return vector.values;
  const { buffer, byteOffset } = vector.values;
  const low = new Uint32Array(buffer, byteOffset);
  const high = vector.kind === 'int64' ? new Int32Array(buffer, byteOffset) : low;
  // By halves: a BigInt for each takes ten times as long.
  const numbers = new Float64Array(vector.length);
  for (let row = 0; row < vector.length; row += 1) {
    numbers[row] = (high[row * 2 + 1] ?? 0) * 2 ** 32 + (low[row * 2] ?? 0);
  }
  return numbers;
}

/** The numbers of the rows that are asked for, as doubles. */
export function pickNumbers(vector: NumericVector): (rows: Int32Array) => NumberVector {
  const numbers = numbersOf(vector);
  return (rows) => {
    const { length } = rows;
    const values = new Float64Array(length);
    for (let at = 0; at < length; at += 1) values[at] = numbers[rows[at] ?? 0] ?? 0;
    return { kind: 'float64', length, values, validity: pickValidity(vector, rows) };
  };
}

function pickValidity(vector: Vector, rows: Int32Array): Uint8Array | null {
  if (vector.validity === null || rows.every((row) => isValid(vector, row))) return null;
  const bits = new Uint8Array((rows.length + 7) >> 3);
  rows.forEach((row, at) => {
    if (isValid(vector, row)) setBit(bits, at);
  });
  return bits;
}

/** Times in microseconds since 1970, rounded down; NaN where there is none. */
export function microsOf(time: TimeVector): Float64Array {
  const { buffer, byteOffset } = time.values;
  const low = new Uint32Array(buffer, byteOffset);
  const high = new Int32Array(buffer, byteOffset);
  const micros = new Float64Array(time.length);
  for (let row = 0; row < time.length; row += 1) {
    // By halves, as 2 ** 32 is 4,294,967 × 1,000 + 296: a BigInt for each takes ten times as long.
    const upper = high[row * 2 + 1] ?? 0;
    micros[row] = isValid(time, row) ? upper * 4_294_967 + Math.floor((upper * 296 + (low[row * 2] ?? 0)) / 1000) : NaN;
  }
  return micros;
}

/** Milliseconds since 1970, with decimals down to a microsecond; null unless it is a time. */
export function timeMsAt(vector: Vector, row: number): number | null {
  if (vector.kind !== 'time' || !isValid(vector, row)) return null;
  const micros = (vector.values[row] ?? 0n) / 1000n;
  return Number(micros) / 1000;
}

/** ISO 8601 with six decimals and Z. */
function timeTextAt(vector: TimeVector, row: number): string | null {
  if (!isValid(vector, row)) return null;
  const micros = (vector.values[row] ?? 0n) / 1000n;
  const rest = ((micros % 1000n) + 1000n) % 1000n;
  const ms = Number((micros - rest) / 1000n);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}

export function textBetween(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString('utf8');
}

/** Text of each row, null where there is none. */
export function textVector(values: readonly (string | null)[], kind: 'text' | 'json' = 'text'): TextVector {
  const joined = values.map((value) => value ?? '').join('');
  const bytes = Buffer.from(joined, 'utf8');
  const offsets = new Int32Array(values.length + 1);
  // Plain ASCII, by far the most: a text's length is its bytes'.
  const ascii = bytes.length === joined.length;
  let at = 0;
  values.forEach((value, row) => {
    if (value !== null) at += ascii ? value.length : Buffer.byteLength(value, 'utf8');
    offsets[row + 1] = at;
  });
  return { kind, length: values.length, offsets, bytes, validity: bitmapOf(values) };
}

export function floatVector(values: readonly (number | null)[]): NumberVector {
  const numbers = new Float64Array(values.length);
  // A loop: `Float64Array.from` takes ten times as long.
  for (let row = 0; row < values.length; row += 1) numbers[row] = values[row] ?? 0;
  return { kind: 'float64', length: values.length, values: numbers, validity: bitmapOf(values) };
}

export function int64Vector(values: readonly (bigint | null)[]): Int64Vector {
  const numbers = new BigInt64Array(values.length);
  for (let row = 0; row < values.length; row += 1) numbers[row] = values[row] ?? 0n;
  return { kind: 'int64', length: values.length, values: numbers, validity: bitmapOf(values) };
}

/** Times in nanoseconds since 1970. */
export function timeVector(values: readonly (bigint | null)[]): TimeVector {
  return { ...int64Vector(values), kind: 'time' };
}

/** Times in whole microseconds since 1970, which doubles hold until the year 2255. */
export function microsVector(micros: ArrayLike<number>): TimeVector {
  const values = new BigInt64Array(micros.length);
  const words = new Int32Array(values.buffer);
  // By 32-bit halves: a BigInt for each takes many times as long.
  for (let row = 0; row < micros.length; row += 1) {
    const value = micros[row] ?? 0;
    const upper = Math.floor(value / 2 ** 32);
    const lower = (value - upper * 2 ** 32) * 1000;
    words[row * 2] = lower % 2 ** 32;
    words[row * 2 + 1] = upper * 1000 + Math.floor(lower / 2 ** 32);
  }
  return { kind: 'time', length: micros.length, values, validity: null };
}

export function boolVector(values: readonly (boolean | null)[]): BoolVector {
  const bits = new Uint8Array((values.length + 7) >> 3);
  values.forEach((value, row) => {
    if (value === true) setBit(bits, row);
  });
  return { kind: 'bool', length: values.length, bits, validity: bitmapOf(values) };
}

export function setBit(bits: Uint8Array, row: number): void {
  bits[row >> 3] = (bits[row >> 3] ?? 0) | (1 << (row & 7));
}

function bitmapOf(values: readonly unknown[]): Uint8Array | null {
  if (!values.includes(null)) return null;
  const bits = new Uint8Array((values.length + 7) >> 3);
  values.forEach((value, row) => {
    if (value !== null) setBit(bits, row);
  });
  return bits;
}
