import { PluginError, messageOf } from '../errors.js';
import { FlatReader } from './flat-reader.js';

/** The types that nodes answer with. */
export type ArrowType =
  | { readonly is: 'int'; readonly bits: number; readonly signed: boolean }
  | { readonly is: 'float'; readonly bits: 32 | 64 }
  | { readonly is: 'binary' | 'utf8' | 'bool' | 'list' | 'struct' | 'map' }
  | { readonly is: 'timestamp'; readonly unit: 'second' | 'milli' | 'micro' | 'nano' };

export interface ArrowField {
  readonly name: string;
  readonly type: ArrowType;
  /** Metadata `duckdb.type`. */
  readonly duckType: string;
  readonly children: readonly ArrowField[];
}

/** One column of one record batch; buffers lie in the answer's own memory, at any alignment. */
export interface ArrowChunk {
  readonly length: number;
  readonly validity: Buffer | null;
  readonly offsets: Buffer;
  readonly data: Buffer;
  readonly children: readonly ArrowChunk[];
}

export interface ArrowStream {
  readonly fields: readonly ArrowField[];
  readonly metadata: ReadonlyMap<string, string>;
  /** Batches → columns. */
  readonly batches: readonly (readonly ArrowChunk[])[];
}

const HEADER = { schema: 1, recordBatch: 3 } as const;
const NONE = Buffer.alloc(0);

/**
 * Reads a whole Arrow IPC stream (https://arrow.apache.org/docs/format/Columnar.html): schema, then record batches, no
 * dictionaries, no compression.
 * @throws PluginError NODE_INTERNAL when it is cut off or holds what nodes don't send.
 */
export function readArrowStream(bytes: Buffer): ArrowStream {
  return readable(() => parse(bytes));
}

/** Reads some of a node's answer. @throws PluginError NODE_INTERNAL whatever it trips over. */
export function readable<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (thrown) {
    if (thrown instanceof PluginError) throw thrown;
    throw broken(thrown instanceof RangeError ? 'it ends early or is damaged' : messageOf(thrown));
  }
}

function broken(why: string): PluginError {
  return new PluginError('NODE_INTERNAL', `The node's answer can't be read: ${why}.`, {
    hint: 'Ask again; if it stays, look into the log of the node and of what lies between.',
  });
}

function parse(bytes: Buffer): ArrowStream {
  let fields: readonly ArrowField[] | null = null;
  const metadata = new Map<string, string>();
  const batches: (readonly ArrowChunk[])[] = [];
  for (let at = 0; ;) {
    if (bytes.readUInt32LE(at) !== 0xffffffff) throw broken('it is no Arrow stream');
    const size = bytes.readUInt32LE(at + 4);
    if (size === 0) break;
    const message = FlatReader.root(slice(bytes, at + 8, size));
    const header = message.table(2);
    const bodyBytes = message.long(3);
    const body = slice(bytes, at + 8 + size, bodyBytes);
    at += 8 + size + bodyBytes;
    if (header !== null && message.byte(1) === HEADER.schema) {
      fields = header.tables(1).map(fieldOf);
      for (const entry of header.tables(2)) metadata.set(entry.text(0), entry.text(1));
    } else if (header !== null && message.byte(1) === HEADER.recordBatch && fields !== null) {
      batches.push(new BatchReader(header, body).columns(fields));
    } else {
      throw broken('it holds a message that nodes do not send');
    }
  }
  if (fields === null) throw broken('it has no schema');
  return { fields, metadata, batches };
}

function slice(bytes: Buffer, from: number, length: number): Buffer {
  if (length < 0 || from + length > bytes.length) throw new RangeError();
  return bytes.subarray(from, from + length);
}

function fieldOf(table: FlatReader): ArrowField {
  const metadata = table.tables(6).find((entry) => entry.text(0) === 'duckdb.type');
  return {
    name: table.text(0),
    type: typeOf(table.byte(2), table.table(3)),
    duckType: metadata?.text(1) ?? '',
    children: table.tables(5).map(fieldOf),
  };
}

const units = ['second', 'milli', 'micro', 'nano'] as const;

function typeOf(number: number, table: FlatReader | null): ArrowType {
  switch (number) {
    case 2:
      return { is: 'int', bits: table?.int(0) ?? 0, signed: table?.byte(1) === 1 };
    case 3:
      return { is: 'float', bits: table?.short(0) === 1 ? 32 : 64 };
    case 4:
      return { is: 'binary' };
    case 5:
      return { is: 'utf8' };
    case 6:
      return { is: 'bool' };
    case 10:
      return { is: 'timestamp', unit: units[table?.short(0) ?? 0] ?? 'second' };
    case 12:
      return { is: 'list' };
    case 13:
      return { is: 'struct' };
    case 17:
      return { is: 'map' };
    default:
      throw broken(`it has a column of Arrow type ${number}`);
  }
}

/** Takes the nodes and buffers of a batch in their order, depth first. */
class BatchReader {
  readonly #body: Buffer;
  readonly #nodes: Iterator<number>;
  readonly #buffers: Iterator<number>;

  constructor(header: FlatReader, body: Buffer) {
    if (header.table(3) !== null) throw broken('it is compressed');
    this.#body = body;
    this.#nodes = header.words(1, 2)[Symbol.iterator]();
    this.#buffers = header.words(2, 2)[Symbol.iterator]();
  }

  columns(fields: readonly ArrowField[]): readonly ArrowChunk[] {
    return fields.map((field) => this.#column(field));
  }

  #column({ type, children }: ArrowField): ArrowChunk {
    const length = this.#next(this.#nodes);
    // Nothing takes less than a bit a row.
    if (length < 0 || length > this.#body.length * 8) throw new RangeError();
    const nulls = this.#next(this.#nodes);
    const bits = this.#buffer();
    const offsets = ['utf8', 'binary', 'list', 'map'].includes(type.is) ? this.#buffer() : NONE;
    const data = ['list', 'map', 'struct'].includes(type.is) ? NONE : this.#buffer();
    return {
      length,
      validity: nulls === 0 || bits.length === 0 ? null : bits,
      offsets,
      data,
      children: this.columns(children),
    };
  }

  #buffer(): Buffer {
    const offset = this.#next(this.#buffers);
    return slice(this.#body, offset, this.#next(this.#buffers));
  }

  #next(numbers: Iterator<number>): number {
    const next = numbers.next();
    if (next.done === true) throw new RangeError();
    return next.value;
  }
}
