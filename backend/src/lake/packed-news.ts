import { lowerBound } from './batch/columns.js';
import type { ColumnLayout } from './batch/layout.js';
import { readBatch } from './batch/layout.js';
import { findTable } from './tables.js';
import type { BatchWidening } from './widening.js';
import { WideningBuilder, noWidening, promisedColumns } from './widening.js';

const INLINE_BYTES = 12;

/** Values and times of a packed batch, read before it is written: writing changes its text entries in place. */
export function packedNews(packed: ArrayBuffer | null): BatchWidening {
  if (packed === null) return noWidening;
  const { header, base } = readBatch(packed);
  const widening = new WideningBuilder();
  for (const section of header.sections) {
    const names = findTable(section.table)?.columns.map(({ name }) => name) ?? [];
    for (const { rows, columns } of section.chunks) {
      for (const column of promisedColumns) {
        const layout = columns[names.indexOf(column)];
        if (layout !== undefined) widening.addValues(column, textsIn(layout, packed, base, rows));
      }
      const time = columns[names.indexOf('time')];
      if (time !== undefined) widening.addTime(section.table, leastIn(time, packed, base, rows));
    }
  }
  return widening.take();
}

/** The distinct values of a text column; a chunk stores each once, so that equal entries are equal values. */
function textsIn(layout: ColumnLayout, packed: ArrayBuffer, base: number, rows: number): ReadonlySet<string> {
  const values = new Set<string>();
  if (layout.kind !== 'text') return values;
  const [start] = layout.entries;
  const words = new BigUint64Array(packed, base + start, rows * 2);
  const bytes = Buffer.from(packed, base + start, rows * 16);
  const heap = Buffer.from(packed, base + layout.heap[0], layout.heap[1]);
  const valid = validRows(layout.validity, packed, base);
  const seen = new Map<bigint, Set<bigint>>();
  let [lastHead, lastTail] = [-1n, -1n];
  for (let row = 0; row < rows; row++) {
    const head = words[row * 2] ?? 0n;
    const tail = words[row * 2 + 1] ?? 0n;
    // NULL rows are zero, as empty texts are.
    if ((head === lastHead && tail === lastTail) || !valid(row)) continue;
    lastHead = head;
    lastTail = tail;
    const tails = seen.get(head);
    if (tails?.has(tail) === true) continue;
    if (tails === undefined) seen.set(head, new Set([tail]));
    else tails.add(tail);
    const length = bytes.readUInt32LE(row * 16);
    const at = row * 16 + 4;
    const offset = Number(tail);
    values.add(
      length <= INLINE_BYTES ? bytes.toString('utf8', at, at + length) : heap.toString('utf8', offset, offset + length),
    );
  }
  return values;
}

/** A lower bound of a TIMESTAMP column's values; null when it has none. */
export function leastIn(layout: ColumnLayout, packed: ArrayBuffer, base: number, rows: number): number | null {
  if (layout.kind !== 'fixed') return null;
  const words = new Uint32Array(packed, base + layout.data[0], rows * 2);
  const valid = validRows(layout.validity, packed, base);
  let least = Infinity;
  for (let row = 0; row < rows; row++) {
    const micros = ((words[row * 2 + 1] ?? 0) | 0) * 0x1_0000_0000 + (words[row * 2] ?? 0);
    if (micros < least && valid(row)) least = micros;
  }
  return least === Infinity ? null : lowerBound(least);
}

function validRows(
  validity: readonly [offset: number, length: number] | null,
  packed: ArrayBuffer,
  base: number,
): (row: number) => boolean {
  if (validity === null) return () => true;
  const bits = new Uint8Array(packed, base + validity[0], validity[1]);
  return (row) => ((bits[row >> 3] ?? 0) & (1 << (row & 7))) !== 0;
}
