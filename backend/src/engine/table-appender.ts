import duckdb from '@duckdb/node-bindings';
import { DuckDBDataChunk } from '@duckdb/node-api';
import type { DuckDBAppender, DuckDBConnection } from '@duckdb/node-api';

/**
 * One column of a chunk as packed bytes. Views start on multiples of 8 of their buffer. Validity: bit per row, 1 = valid;
 * null when all are. Text: 16 bytes a row as DuckDB's string_t, with offsets into `heap` instead of pointers; lists and
 * maps: two u64 a row (offset, length) into their children.
 */
export type PackedColumn =
  | { readonly kind: 'null' }
  | { readonly kind: 'constant'; readonly text: string }
  | { readonly kind: 'fixed'; readonly validity: Uint8Array | null; readonly data: Uint8Array }
  | {
      readonly kind: 'text';
      readonly validity: Uint8Array | null;
      readonly entries: Uint8Array;
      readonly heap: Uint8Array;
    }
  | {
      readonly kind: 'list';
      readonly validity: Uint8Array | null;
      readonly entries: Uint8Array;
      readonly childRows: number;
      readonly child: PackedColumn;
    }
  | {
      readonly kind: 'map';
      readonly validity: Uint8Array | null;
      readonly entries: Uint8Array;
      readonly childRows: number;
      readonly keys: PackedColumn;
      readonly values: PackedColumn;
    };

const INLINE_BYTES = 12;
const VECTOR_ROWS = 2048;
const noRowValid = new Uint8Array(VECTOR_ROWS / 8);

/**
 * Appends packed chunks to one table by copying memory into DuckDB's own vectors, which costs half of what setting values
 * does. It belongs to one connection and takes part in the transaction open there.
 */
export class TableAppender {
  readonly #appender: DuckDBAppender;
  readonly #chunk: DuckDBDataChunk;
  readonly #vectors: readonly duckdb.Vector[];

  private constructor(appender: DuckDBAppender) {
    this.#appender = appender;
    const types = Array.from({ length: appender.columnCount }, (_, index) => appender.columnType(index));
    this.#chunk = DuckDBDataChunk.create(types, VECTOR_ROWS);
    this.#vectors = types.map((_, index) => duckdb.data_chunk_get_vector(this.#chunk.chunk, index));
  }

  static async create(
    connection: DuckDBConnection,
    catalog: string,
    schema: string,
    table: string,
  ): Promise<TableAppender> {
    return new TableAppender(await connection.createAppender(table, schema, catalog));
  }

  /** Appends up to 2,048 rows; the columns in the table's order. Text entries are changed in place. */
  append(rows: number, columns: readonly PackedColumn[]): void {
    if (columns.length !== this.#vectors.length) {
      throw new RangeError(`A chunk has ${columns.length} columns, its table ${this.#vectors.length}`);
    }
    this.#chunk.reset();
    this.#vectors.forEach((vector, index) => {
      const column = columns[index];
      if (column !== undefined) fill(vector, rows, column);
    });
    this.#chunk.rowCount = rows;
    this.#appender.appendDataChunk(this.#chunk);
  }

  /** Hands what was appended to the open transaction. */
  flush(): void {
    this.#appender.flushSync();
  }

  /** Forgets what was appended and not flushed, as after a rollback. */
  clear(): void {
    this.#appender.clear();
  }

  close(): void {
    this.#appender.closeSync();
  }
}

function fill(vector: duckdb.Vector, rows: number, column: PackedColumn): void {
  switch (column.kind) {
    case 'null':
      fillValidity(vector, noRowValid);
      return;
    case 'constant':
      duckdb.vector_reference_value(vector, duckdb.create_varchar(column.text));
      return;
    case 'fixed':
      fillValidity(vector, column.validity);
      copy(vector, column.data);
      return;
    case 'text':
      fillValidity(vector, column.validity);
      fillText(vector, rows, column.entries, column.heap);
      return;
    case 'list': {
      fillEntries(vector, column);
      fill(duckdb.list_vector_get_child(vector), column.childRows, column.child);
      return;
    }
    case 'map': {
      fillEntries(vector, column);
      const pairs = duckdb.list_vector_get_child(vector);
      fill(duckdb.struct_vector_get_child(pairs, 0), column.childRows, column.keys);
      fill(duckdb.struct_vector_get_child(pairs, 1), column.childRows, column.values);
    }
  }
}

function fillEntries(
  vector: duckdb.Vector,
  column: { readonly validity: Uint8Array | null; readonly entries: Uint8Array; readonly childRows: number },
): void {
  fillValidity(vector, column.validity);
  copy(vector, column.entries);
  duckdb.list_vector_reserve(vector, column.childRows);
  duckdb.list_vector_set_size(vector, column.childRows);
}

function fillValidity(vector: duckdb.Vector, validity: Uint8Array | null): void {
  if (validity === null) return;
  duckdb.vector_ensure_validity_writable(vector);
  const { buffer, byteOffset, byteLength } = validity;
  duckdb.copy_data_to_vector_validity(vector, 0, plain(buffer), byteOffset, byteLength);
}

function copy(vector: duckdb.Vector, bytes: Uint8Array): void {
  if (bytes.byteLength === 0) return;
  duckdb.copy_data_to_vector(vector, 0, plain(bytes.buffer), bytes.byteOffset, bytes.byteLength);
}

/** The whole heap becomes one string of the vector; the entries then point into it. */
function fillText(vector: duckdb.Vector, rows: number, entries: Uint8Array, heap: Uint8Array): void {
  if (rows === 0) return;
  if (heap.byteLength > INLINE_BYTES) {
    duckdb.vector_assign_string_element_len(vector, 0, heap);
    const slot = duckdb.vector_get_data(vector, 16);
    const pointer = new DataView(slot.buffer, slot.byteOffset, 16);
    const low = pointer.getUint32(8, true);
    const high = pointer.getUint32(12, true);
    const words = new Uint32Array(entries.buffer, entries.byteOffset, rows * 4);
    for (let word = 0; word < words.length; word += 4) {
      if ((words[word] ?? 0) <= INLINE_BYTES) continue;
      const sum = low + (words[word + 2] ?? 0);
      words[word + 2] = sum;
      words[word + 3] = sum > 0xffff_ffff ? high + 1 : high;
    }
  }
  copy(vector, entries.subarray(0, rows * 16));
}

function plain(buffer: ArrayBufferLike): ArrayBuffer {
  if (buffer instanceof ArrayBuffer) return buffer;
  throw new TypeError('Packed bytes must not be in shared memory');
}
