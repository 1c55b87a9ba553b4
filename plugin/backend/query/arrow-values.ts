import type { ArrowChunk, ArrowField } from './arrow-stream.js';

/** Reads a row's value; undefined where there is none. */
type Reader = (row: number) => unknown;

/**
 * A column of lists, maps, structs or bytes as text: JSON in the node's own forms (maps and structs as objects, integers
 * beyond ±(2^53−1), NaN and Infinity as strings, times as ISO 8601 with µs), bytes as base64.
 */
export function jsonTexts(field: ArrowField, chunks: readonly ArrowChunk[]): (string | null)[] {
  return chunks.flatMap((chunk) => {
    const read = readerOf(field, chunk);
    return Array.from({ length: chunk.length }, (_, row) => {
      const value = read(row);
      if (value === undefined) return null;
      return typeof value === 'string' ? value : JSON.stringify(value);
    });
  });
}

function readerOf(field: ArrowField, chunk: ArrowChunk): Reader {
  const { validity } = chunk;
  const read = plainReader(field, chunk);
  if (validity === null) return read;
  return (row) => (((validity[row >> 3] ?? 0) & (1 << (row & 7))) === 0 ? undefined : read(row));
}

function plainReader(field: ArrowField, chunk: ArrowChunk): Reader {
  const { type, children } = field;
  const { data, offsets } = chunk;
  const between = (row: number): [number, number] => [offsets.readInt32LE(row * 4), offsets.readInt32LE(row * 4 + 4)];
  const childReaders = children.map((child, index) => {
    const own = chunk.children[index];
    return own === undefined ? (): undefined => undefined : readerOf(child, own);
  });
  switch (type.is) {
    case 'int':
      return integerReader(data, type.bits / 8, type.signed);
    case 'float':
      return (row) => float(type.bits === 32 ? data.readFloatLE(row * 4) : data.readDoubleLE(row * 8));
    case 'bool':
      return (row) => ((data[row >> 3] ?? 0) & (1 << (row & 7))) !== 0;
    case 'utf8':
      return (row) => data.toString('utf8', ...between(row));
    case 'binary':
      return (row) => data.subarray(...between(row)).toString('base64');
    case 'timestamp':
      return (row) => isoTime(data.readBigInt64LE(row * 8), type.unit);
    case 'list': {
      const [item = (): null => null] = childReaders;
      return (row) => {
        const [from, to] = between(row);
        return Array.from({ length: to - from }, (_, index) => item(from + index) ?? null);
      };
    }
    case 'struct':
      return (row) => Object.fromEntries(children.map(({ name }, index) => [name, childReaders[index]?.(row) ?? null]));
    case 'map': {
      // Its only child is a struct of key and value.
      const [entryField] = children;
      const [entries] = chunk.children;
      const [keyField, valueField] = entryField?.children ?? [];
      const [keys, values] = entries?.children ?? [];
      if (keyField === undefined || valueField === undefined || keys === undefined || values === undefined) {
        return () => ({});
      }
      const key = readerOf(keyField, keys);
      const value = readerOf(valueField, values);
      return (row) => {
        const [from, to] = between(row);
        const pairs = Array.from({ length: to - from }, (_, index): [string, unknown] => {
          const name = key(from + index);
          return [typeof name === 'string' ? name : JSON.stringify(name), value(from + index) ?? null];
        });
        return Object.fromEntries(pairs);
      };
    }
  }
}

function integerReader(data: Buffer, bytes: number, signed: boolean): Reader {
  if (bytes < 8) return (row) => (signed ? data.readIntLE(row * bytes, bytes) : data.readUIntLE(row * bytes, bytes));
  return (row) => {
    const value = signed ? data.readBigInt64LE(row * 8) : data.readBigUInt64LE(row * 8);
    return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  };
}

function float(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}

const microsOf = { second: 1_000_000n, milli: 1000n, micro: 1n } as const;

function isoTime(value: bigint, unit: 'second' | 'milli' | 'micro' | 'nano'): string {
  const micros = unit === 'nano' ? value / 1000n : value * microsOf[unit];
  const rest = ((micros % 1000n) + 1000n) % 1000n;
  const ms = Number((micros - rest) / 1000n);
  if (Math.abs(ms) > 8.64e15) return micros > 0n ? 'infinity' : '-infinity';
  return `${new Date(ms).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}
