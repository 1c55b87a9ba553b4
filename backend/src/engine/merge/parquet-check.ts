import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { BINARY, I32, I64, LIST, STRUCT, ThriftReader } from './thrift.js';

/** What nodes write with: Snappy packs no more than 64 bytes into three, so that sizes can be held against it. */
const UNCOMPRESSED = 0;
const SNAPPY = 1;
const MOST_PACKING = 32;
const SLACK_BYTES = 64;
/** All encodings whose values take no more than what is in the page; DELTA_BYTE_ARRAY grows with its square. */
const ENCODINGS: ReadonlySet<number> = new Set([0, 2, 3, 5, 6, 8, 9]);
const DATA_PAGE = 0;
const DICTIONARY_PAGE = 2;
const DATA_PAGE_V2 = 3;
const REPEATED = 2;
const MAGIC = 'PAR1';
const TAIL_BYTES = 8;
const MOST_FOOTER_BYTES = 32 << 20;
const MOST_ROW_GROUPS = 10_000;
/** Elements of lists and maps in one row group: 130 in each row of DuckDB's largest. */
const MOST_ELEMENTS = 16_000_000;
const HEADER_BYTES = 256;
/** With the statistics of long texts in it. */
const MOST_HEADER_BYTES = 1 << 20;
const SMALL_BYTES = 256 << 10;

/** Something in the file that no node writes; the message goes on after "its file". */
class Unsound extends Error {}

interface Chunk {
  readonly nested: boolean;
  readonly start: number;
  readonly codec: number;
  readonly values: number;
  readonly compressed: number;
}

interface RowGroup {
  readonly rows: number;
  readonly chunks: readonly Chunk[];
}

/** Leaves of the schema, in order: whether they stand in a list or map. */
type Leaves = readonly boolean[];

/**
 * Reads a Parquet file's footer and the headers of its pages, so that DuckDB meets only what is as large as it says and
 * no larger than its bytes allow.
 * @returns its rows.
 * @throws Error with what is wrong with it.
 */
export function soundRows(path: string): number {
  const file = openSync(path, 'r');
  try {
    return rowsOf(new Bytes(file, fstatSync(file).size));
  } catch (thrown) {
    // Numbers and types that are none end up here as well, whatever the reader stumbled over.
    throw new Unsound(thrown instanceof Error ? thrown.message : 'it can’t be read', { cause: thrown });
  } finally {
    closeSync(file);
  }
}

/** A file, read where it is asked for; a small one at once. */
class Bytes {
  readonly #file: number;
  readonly size: number;
  readonly #whole: Buffer | null;

  constructor(file: number, size: number) {
    this.#file = file;
    this.size = size;
    this.#whole = size <= SMALL_BYTES ? this.#read(0, size) : null;
  }

  /** So many bytes from there on, fewer at the end. */
  at(from: number, length: number): Buffer {
    if (!Number.isSafeInteger(from) || from < 0 || from > this.size) throw new Unsound('it points outside of itself');
    const end = Math.min(this.size, from + length);
    return this.#whole?.subarray(from, end) ?? this.#read(from, end - from);
  }

  #read(from: number, length: number): Buffer {
    const buffer = Buffer.allocUnsafe(length);
    for (let read = 0; read < length;) {
      const more = readSync(this.#file, buffer, read, length - read, from + read);
      if (more === 0) throw new Unsound('it ends early');
      read += more;
    }
    return buffer;
  }
}

function rowsOf(bytes: Bytes): number {
  if (bytes.size < 2 * MAGIC.length + 4) throw new Unsound('it is no Parquet');
  if (bytes.at(0, 4).toString('latin1') !== MAGIC) throw new Unsound('it is no Parquet');
  const tail = bytes.at(bytes.size - TAIL_BYTES, TAIL_BYTES);
  const length = tail.readUInt32LE(0);
  const end = bytes.size - TAIL_BYTES - length;
  if (tail.toString('latin1', 4) !== MAGIC || length > MOST_FOOTER_BYTES || end < MAGIC.length) {
    throw new Unsound('it is no Parquet');
  }
  const { rows, groups } = footerOf(bytes.at(end, length));
  let packed = 0;
  let counted = 0;
  for (const group of groups) {
    counted += group.rows;
    for (const chunk of group.chunks) {
      packed += chunk.compressed;
      // Chunks that share their pages would unpack the same bytes again and again.
      if (packed > end) throw new Unsound('its columns are longer than the file');
      checkValues(chunk, group.rows);
      checkPages(bytes, chunk, end);
    }
  }
  if (counted !== rows) throw new Unsound('its row groups have other rows than it says');
  return rows;
}

function checkValues({ nested, values }: Chunk, rows: number): void {
  if (!nested && values !== rows) throw new Unsound('a column has other rows than its row group');
  if (nested && (values < rows || values > MOST_ELEMENTS + rows)) throw new Unsound('its lists have too many elements');
}

/** As DuckDB does: page after page from the start of the chunk, until it has all of its values. */
function checkPages(bytes: Bytes, chunk: Chunk, end: number): void {
  let at = chunk.start;
  const last = Math.min(end, at + chunk.compressed);
  for (let values = 0; values < chunk.values;) {
    if (at >= last) throw new Unsound('a column ends early');
    const page = headerAt(bytes, at);
    at += page.headerBytes + page.packed;
    if (at > last) throw new Unsound('a page is longer than its column');
    const most = chunk.codec === SNAPPY ? page.packed * MOST_PACKING + SLACK_BYTES : page.packed;
    if (page.unpacked > most) throw new Unsound('a page says it unpacks to more than it can');
    values += page.values;
    if (values > chunk.values) throw new Unsound('a page has more values than its column');
  }
}

/** How to read the fields of a struct, by number: its type, and what to do. Another type is another field, to DuckDB too. */
type Fields = Readonly<Record<number, readonly [type: number, read: () => void]>>;

function readStruct(reader: ThriftReader, fields: Fields): void {
  reader.struct((id, type) => {
    const [wanted, read] = fields[id] ?? [];
    if (read !== undefined && wanted === type) read();
    else reader.skip(type);
  });
}

interface Page {
  readonly headerBytes: number;
  readonly unpacked: number;
  readonly packed: number;
  readonly values: number;
}

/** Most headers are short; one with long statistics is read again with more. */
function headerAt(bytes: Bytes, at: number): Page {
  try {
    return pageOf(bytes.at(at, HEADER_BYTES));
  } catch (thrown) {
    if (thrown instanceof RangeError) return pageOf(bytes.at(at, MOST_HEADER_BYTES));
    throw thrown;
  }
}

function pageOf(bytes: Buffer): Page {
  const reader = new ThriftReader(bytes);
  const page = { type: -1, unpacked: -1, packed: -1, values: 0, encoding: -1 };
  const data = (encodingField: number): readonly [number, () => void] => [
    STRUCT,
    () =>
      readStruct(reader, {
        1: [I32, () => (page.values = natural(reader.integer()))],
        [encodingField]: [I32, () => (page.encoding = reader.integer())],
      }),
  ];
  readStruct(reader, {
    1: [I32, () => (page.type = reader.integer())],
    2: [I32, () => (page.unpacked = natural(reader.integer()))],
    3: [I32, () => (page.packed = natural(reader.integer()))],
    5: data(2),
    7: data(2),
    8: data(4),
  });
  if (![DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2].includes(page.type))
    throw new Unsound('it has a page of another kind');
  if (!ENCODINGS.has(page.encoding)) throw new Unsound('it has an encoding that no node writes');
  if (page.unpacked < 0 || page.packed < 0) throw new Unsound('a page does not say how long it is');
  const values = page.type === DICTIONARY_PAGE ? 0 : page.values;
  if (page.type !== DICTIONARY_PAGE && values === 0) throw new Unsound('a page has no values');
  return { headerBytes: reader.position, unpacked: page.unpacked, packed: page.packed, values };
}

function footerOf(bytes: Buffer): { readonly rows: number; readonly groups: readonly RowGroup[] } {
  const reader = new ThriftReader(bytes);
  let leaves: Leaves = [];
  let rows = -1;
  const groups: RowGroup[] = [];
  readStruct(reader, {
    2: [LIST, () => (leaves = readLeaves(reader))],
    3: [I64, () => (rows = natural(reader.integer()))],
    4: [
      LIST,
      () => {
        groups.length = 0;
        reader.list(LIST, () => {
          if (groups.length >= MOST_ROW_GROUPS) throw new Unsound('it has too many row groups');
          groups.push(readGroup(reader, leaves));
        });
      },
    ],
    8: [STRUCT, encrypted],
  });
  if (rows < 0) throw new Unsound('it does not say how many rows it has');
  return { rows, groups };
}

/** The schema is a list of nodes, each followed by its children. */
function readLeaves(reader: ThriftReader): Leaves {
  const leaves: boolean[] = [];
  /** Of each node that is open: how many children are to come, and whether they stand in a list. */
  const open: { left: number; nested: boolean }[] = [];
  let isRoot = true;
  reader.list(LIST, () => {
    let [repetition, children] = [0, 0];
    readStruct(reader, {
      3: [I32, () => (repetition = reader.integer())],
      5: [I32, () => (children = natural(reader.integer()))],
    });
    const parent = open.at(-1);
    if (parent !== undefined) parent.left--;
    const nested = parent?.nested === true || (!isRoot && repetition === REPEATED);
    if (children > 0) open.push({ left: children, nested });
    else if (!isRoot) leaves.push(nested);
    isRoot = false;
    while (open.at(-1)?.left === 0) open.pop();
  });
  return leaves;
}

function readGroup(reader: ThriftReader, leaves: Leaves): RowGroup {
  const chunks: Chunk[] = [];
  let rows = -1;
  readStruct(reader, {
    1: [
      LIST,
      () => {
        chunks.length = 0;
        reader.list(LIST, () => chunks.push(readChunk(reader, leaves[chunks.length] ?? false)));
      },
    ],
    3: [I64, () => (rows = natural(reader.integer()))],
  });
  if (rows < 0 || chunks.length !== leaves.length) throw new Unsound('a row group has other columns than it says');
  return { rows, chunks };
}

function readChunk(reader: ThriftReader, nested: boolean): Chunk {
  const meta = { codec: -1, values: -1, compressed: -1, data: -1, dictionary: 0 };
  const fields: Fields = {
    4: [I32, () => (meta.codec = reader.integer())],
    5: [I64, () => (meta.values = natural(reader.integer()))],
    7: [I64, () => (meta.compressed = natural(reader.integer()))],
    9: [I64, () => (meta.data = natural(reader.integer()))],
    11: [I64, () => (meta.dictionary = natural(reader.integer()))],
  };
  readStruct(reader, {
    1: [BINARY, elsewhere],
    3: [STRUCT, () => readStruct(reader, fields)],
    8: [STRUCT, encrypted],
  });
  const { codec, values, compressed, data, dictionary } = meta;
  if (codec !== UNCOMPRESSED && codec !== SNAPPY) throw new Unsound('it is packed otherwise than nodes do');
  if (values < 0 || compressed < 0 || data < 0) throw new Unsound('a column does not say where it is');
  // The dictionary, where there is one, stands before the values.
  return { nested, codec, values, compressed, start: dictionary >= MAGIC.length ? dictionary : data };
}

function encrypted(): never {
  throw new Unsound('it is encrypted');
}

function elsewhere(): never {
  throw new Unsound('a column is in another file');
}

function natural(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new Unsound('it has a number that is none');
}
