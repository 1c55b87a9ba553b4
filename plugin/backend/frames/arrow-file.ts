import type { FlatTable, FlatValue } from './flat-writer.js';
import { FlatWriter } from './flat-writer.js';
import type { Field, Frame } from './frame.js';
import type { Vector } from './vector.js';
import { isText } from './vector.js';

/** Numbers of Arrow's format (Message.fbs, Schema.fbs). */
const VERSION_5 = 4;
const HEADER = { schema: 1, recordBatch: 3 } as const;
const NANOSECOND = 3;
const MAGIC = 'ARROW1';
const CONTINUATION = 0xffffffff;

const short = (value: number): FlatValue => ({ bytes: 2, value });
const byte = (value: number): FlatValue => ({ bytes: 1, value });
const int = (bitWidth: number, signed: boolean): ArrowType => [
  2,
  { slots: [{ bytes: 4, value: bitWidth }, byte(signed ? 1 : 0)] },
];

/** The number of the type in Arrow's union, and its table. */
type ArrowType = readonly [number, FlatTable];

const arrowTypes: Readonly<Record<Vector['kind'], ArrowType>> = {
  int8: int(8, true),
  int16: int(16, true),
  int32: int(32, true),
  int64: int(64, true),
  uint8: int(8, false),
  uint16: int(16, false),
  uint32: int(32, false),
  uint64: int(64, false),
  float32: [3, { slots: [short(1)] }],
  float64: [3, { slots: [short(2)] }],
  json: [4, { slots: [] }],
  text: [5, { slots: [] }],
  bool: [6, { slots: [] }],
  time: [10, { slots: [short(NANOSECOND)] }],
};

/** What Grafana's SDK writes as `tstype`; its decoder looks at `enum` only. */
function tsType(kind: Vector['kind']): string {
  if (kind === 'time') return 'time';
  if (kind === 'text') return 'string';
  if (kind === 'bool') return 'boolean';
  return kind === 'json' ? 'other' : 'number';
}

/**
 * A frame as an Arrow IPC file of one record batch, as Grafana's plugin protocol has it: name, refId and meta in the
 * schema's metadata, labels and config in those of the fields.
 */
export function encodeFrame(frame: Frame, refId: string): Buffer {
  const rows = frame.fields[0]?.vector.length ?? 0;
  const schema = schemaTable(frame, refId);
  const buffers = frame.fields.flatMap(({ vector }) => buffersOf(vector));
  const { words, bodyBytes } = places(buffers);
  const nodes = frame.fields.flatMap(({ vector }) => [vector.length, missing(vector)]);
  const batch: FlatTable = {
    slots: [
      { bytes: 8, value: rows },
      { words: nodes, width: 2 },
      { words, width: 2 },
    ],
  };
  const head = Buffer.alloc(8);
  head.write(MAGIC);
  const schemaMessage = message(HEADER.schema, schema, 0);
  const batchMessage = message(HEADER.recordBatch, batch, bodyBytes);
  const block = [head.length + schemaMessage.length, batchMessage.length, bodyBytes];
  const footer = FlatWriter.write({
    slots: [short(VERSION_5), schema, { words: [], width: 3 }, { words: block, width: 3 }],
  });
  const tail = Buffer.alloc(4 + MAGIC.length);
  tail.writeUInt32LE(footer.length, 0);
  tail.write(MAGIC, 4);
  const end = Buffer.alloc(8);
  end.writeUInt32LE(CONTINUATION, 0);
  return Buffer.concat([head, schemaMessage, batchMessage, ...buffers.flatMap(padded), end, footer, tail]);
}

function schemaTable({ name, meta, fields }: Frame, refId: string): FlatTable {
  return {
    slots: [
      short(0),
      { tables: fields.map(fieldTable) },
      { tables: [keyValue('name', name), keyValue('refId', refId), keyValue('meta', JSON.stringify(meta))] },
    ],
  };
}

function fieldTable({ name, vector, labels, config }: Field): FlatTable {
  const [number, type] = arrowTypes[vector.kind];
  const metadata = [
    ...(labels === undefined ? [] : [keyValue('labels', JSON.stringify(labels))]),
    ...(config === undefined ? [] : [keyValue('config', JSON.stringify(config))]),
    keyValue('tstype', tsType(vector.kind)),
  ];
  return {
    slots: [
      { text: name },
      byte(vector.validity === null ? 0 : 1),
      byte(number),
      type,
      null,
      { tables: [] },
      { tables: metadata },
    ],
  };
}

function keyValue(key: string, value: string): FlatTable {
  return { slots: [{ text: key }, { text: value }] };
}

/** An encapsulated message without its body. */
function message(type: number, header: FlatTable, bodyBytes: number): Buffer {
  const metadata = FlatWriter.write({
    slots: [short(VERSION_5), byte(type), header, { bytes: 8, value: bodyBytes }],
  });
  const prefix = Buffer.alloc(8);
  prefix.writeUInt32LE(CONTINUATION, 0);
  prefix.writeUInt32LE(metadata.length, 4);
  return Buffer.concat([prefix, metadata]);
}

/** The Arrow buffers of a column: validity first; an empty one: all values are there. */
function buffersOf(vector: Vector): readonly Uint8Array[] {
  const validity = vector.validity?.subarray(0, (vector.length + 7) >> 3) ?? new Uint8Array(0);
  if (isText(vector)) {
    return [validity, bytesOf(vector.offsets.subarray(0, vector.length + 1)), vector.bytes];
  }
  return [validity, vector.kind === 'bool' ? vector.bits : bytesOf(vector.values)];
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Offset and length of each buffer within the body; each begins at a multiple of 8. */
function places(buffers: readonly Uint8Array[]): { readonly words: number[]; readonly bodyBytes: number } {
  const words: number[] = [];
  let bodyBytes = 0;
  for (const { length } of buffers) {
    words.push(bodyBytes, length);
    bodyBytes += (length + 7) & ~7;
  }
  return { words, bodyBytes };
}

const PADDING = Buffer.alloc(8);

function padded(buffer: Uint8Array): readonly Uint8Array[] {
  const rest = -buffer.length & 7;
  return rest === 0 ? [buffer] : [buffer, PADDING.subarray(0, rest)];
}

function missing({ validity, length }: Vector): number {
  if (validity === null) return 0;
  let count = 0;
  for (let row = 0; row < length; row += 1) if (((validity[row >> 3] ?? 0) & (1 << (row & 7))) === 0) count += 1;
  return count;
}
