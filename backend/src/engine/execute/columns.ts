import type { DuckDBDataChunk, DuckDBType } from '@duckdb/node-api';
import {
  DuckDBArrayType,
  DuckDBListType,
  DuckDBMapType,
  DuckDBStructType,
  DuckDBTypeId,
  DuckDBVector,
} from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';

/**
 * One column of a chunk as DuckDB holds it. All memory is DuckDB's own and goes with the chunk: whoever keeps some copies
 * it first. `validity` has a bit a row, least significant first, as Arrow; null when no row is NULL.
 */
export type RawColumn = { readonly rows: number; readonly validity: Uint8Array | null; readonly type: DuckDBType } & (
  | { readonly kind: 'fixed'; readonly data: Uint8Array }
  | { readonly kind: 'bytes'; readonly data: Uint8Array }
  /** `entries` are pairs of u64: offset and length in the child. */
  | { readonly kind: 'list'; readonly entries: BigUint64Array; readonly child: RawColumn }
  | {
      readonly kind: 'map';
      readonly entries: BigUint64Array;
      readonly keys: RawColumn;
      readonly values: RawColumn;
    }
  | { readonly kind: 'array'; readonly size: number; readonly child: RawColumn }
  | { readonly kind: 'struct'; readonly names: readonly string[]; readonly fields: readonly RawColumn[] }
  /** Types that are answered as DuckDB's own text. */
  | { readonly kind: 'other'; readonly vector: DuckDBVector }
);

/** Bytes of one value of the types that are numbers in memory. */
const widths: Readonly<Partial<Record<DuckDBTypeId, number>>> = {
  [DuckDBTypeId.BOOLEAN]: 1,
  [DuckDBTypeId.TINYINT]: 1,
  [DuckDBTypeId.UTINYINT]: 1,
  [DuckDBTypeId.SMALLINT]: 2,
  [DuckDBTypeId.USMALLINT]: 2,
  [DuckDBTypeId.INTEGER]: 4,
  [DuckDBTypeId.UINTEGER]: 4,
  [DuckDBTypeId.FLOAT]: 4,
  [DuckDBTypeId.BIGINT]: 8,
  [DuckDBTypeId.UBIGINT]: 8,
  [DuckDBTypeId.DOUBLE]: 8,
  [DuckDBTypeId.TIMESTAMP]: 8,
  [DuckDBTypeId.TIMESTAMP_TZ]: 8,
  [DuckDBTypeId.TIMESTAMP_S]: 8,
  [DuckDBTypeId.TIMESTAMP_MS]: 8,
  [DuckDBTypeId.TIMESTAMP_NS]: 8,
};

/** The columns of a chunk. */
export function rawColumns(chunk: DuckDBDataChunk, types: readonly DuckDBType[]): readonly RawColumn[] {
  const rows = chunk.rowCount;
  return types.map((type, index) => rawColumn(duckdb.data_chunk_get_vector(chunk.chunk, index), type, rows));
}

function rawColumn(vector: duckdb.Vector, type: DuckDBType, rows: number): RawColumn {
  const base = { rows, type, validity: validityOf(vector, rows) };
  const width = widths[type.typeId];
  if (width !== undefined) return { ...base, kind: 'fixed', data: duckdb.vector_get_data(vector, rows * width) };
  if (type.typeId === DuckDBTypeId.VARCHAR || type.typeId === DuckDBTypeId.BLOB) {
    return { ...base, kind: 'bytes', data: duckdb.vector_get_data(vector, rows * 16) };
  }
  if (type instanceof DuckDBListType) {
    const child = rawColumn(duckdb.list_vector_get_child(vector), type.valueType, duckdb.list_vector_get_size(vector));
    return { ...base, kind: 'list', entries: entriesOf(vector, rows), child };
  }
  if (type instanceof DuckDBMapType) {
    const pairs = duckdb.list_vector_get_child(vector);
    const count = duckdb.list_vector_get_size(vector);
    return {
      ...base,
      kind: 'map',
      entries: entriesOf(vector, rows),
      keys: rawColumn(duckdb.struct_vector_get_child(pairs, 0), type.keyType, count),
      values: rawColumn(duckdb.struct_vector_get_child(pairs, 1), type.valueType, count),
    };
  }
  if (type instanceof DuckDBArrayType) {
    const child = rawColumn(duckdb.array_vector_get_child(vector), type.valueType, rows * type.length);
    return { ...base, kind: 'array', size: type.length, child };
  }
  if (type instanceof DuckDBStructType) {
    const fields = type.entryTypes.map((entry, index) =>
      rawColumn(duckdb.struct_vector_get_child(vector, index), entry, rows),
    );
    return { ...base, kind: 'struct', names: type.entryNames, fields };
  }
  return { ...base, kind: 'other', vector: DuckDBVector.create(vector, rows, type) };
}

function validityOf(vector: duckdb.Vector, rows: number): Uint8Array | null {
  // The binding gives null when every row is valid, which its declaration doesn't say.
  const bytes: Uint8Array | null = duckdb.vector_get_validity(vector, Math.ceil(rows / 64) * 8);
  return bytes;
}

function entriesOf(vector: duckdb.Vector, rows: number): BigUint64Array {
  const data = duckdb.vector_get_data(vector, rows * 16);
  return new BigUint64Array(data.buffer, data.byteOffset, rows * 2);
}

export function isValid(column: RawColumn, row: number): boolean {
  return column.validity === null || ((column.validity[row >> 3] ?? 0) & (1 << (row & 7))) !== 0;
}

/** The bytes of a VARCHAR or BLOB: up to 12 stand in the entry, more behind its pointer. */
export function bytesAt(data: Uint8Array, row: number): Uint8Array {
  const at = data.byteOffset + row * 16;
  const view = new DataView(data.buffer, at, 16);
  const length = view.getUint32(0, true);
  if (length <= 12) return new Uint8Array(data.buffer, at + 4, length);
  return duckdb.get_data_from_pointer(data.buffer as ArrayBuffer, at + 8, length);
}
