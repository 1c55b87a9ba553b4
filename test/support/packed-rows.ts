import type { ColumnLayout, EventSection, Span } from '../../backend/src/lake/index.js';
import { findTable, readBatch } from '../../backend/src/lake/index.js';

/** A cell as the reader gives it: timestamps and BIGINT as bigint, maps as pairs. */
export type Cell = string | number | bigint | readonly string[] | readonly (readonly [string, string])[] | null;
export type PackedRow = Readonly<Record<string, Cell>>;

export interface ReadBack {
  readonly table: string;
  readonly rows: readonly PackedRow[];
}

/** Reads a packed batch by its documented layout, byte for byte, without any of the packer's code. */
export function readPackedRows(buffer: ArrayBuffer): readonly ReadBack[] {
  const { header, base } = readBatch(buffer);
  return header.sections.map((section) => ({ table: section.table, rows: readSection(buffer, base, section) }));
}

/** The bytes of a span, as of a dead letter. */
export function spanBytes(buffer: ArrayBuffer, span: Span): Buffer {
  const { base } = readBatch(buffer);
  return Buffer.from(buffer, base + span[0], span[1]);
}

function readSection(buffer: ArrayBuffer, base: number, section: EventSection): readonly PackedRow[] {
  const table = findTable(section.table);
  if (table === undefined) throw new Error(`No table ${section.table}`);
  return section.chunks.flatMap((chunk) => {
    const columns = chunk.columns.map((layout, index) => {
      const column = table.columns[index];
      if (column === undefined) throw new Error(`Column ${index} of ${section.table} is unknown`);
      return { name: column.name, cells: readColumn(buffer, base, layout, chunk.rows, column.type) };
    });
    return Array.from({ length: chunk.rows }, (_, row) =>
      Object.fromEntries(columns.map(({ name, cells }) => [name, cells[row] ?? null])),
    );
  });
}

function readColumn(
  buffer: ArrayBuffer,
  base: number,
  layout: ColumnLayout,
  rows: number,
  type: string,
): readonly Cell[] {
  const view = new DataView(buffer);
  const all = <Value extends Cell>(read: (row: number) => Value): (Value | null)[] => {
    if (!('validity' in layout)) throw new Error('No validity');
    return Array.from({ length: rows }, (_, row) => (isValid(view, base, layout.validity, row) ? read(row) : null));
  };
  switch (layout.kind) {
    case 'engine':
    case 'null':
      return new Array<null>(rows).fill(null);
    case 'fixed': {
      aligned(layout.data);
      const at = base + layout.data[0];
      return all((row): number | bigint => {
        if (type === 'TIMESTAMP' || type === 'BIGINT') return view.getBigInt64(at + row * 8, true);
        if (type === 'INTEGER') return view.getInt32(at + row * 4, true);
        if (type === 'DOUBLE') return view.getFloat64(at + row * 8, true);
        return view.getUint8(at + row);
      });
    }
    case 'text':
      return all((row) => readText(buffer, base, layout.entries, layout.heap, row));
    case 'list': {
      const child = readColumn(buffer, base, layout.child, layout.childRows, 'VARCHAR');
      return all((row) => childrenOf(view, base, layout.entries, row).map((index) => asText(child[index])));
    }
    case 'map': {
      const keys = readColumn(buffer, base, layout.keys, layout.childRows, 'VARCHAR');
      const values = readColumn(buffer, base, layout.values, layout.childRows, 'VARCHAR');
      return all((row) =>
        childrenOf(view, base, layout.entries, row).map(
          (index) => [asText(keys[index]), asText(values[index])] as const,
        ),
      );
    }
  }
}

function asText(cell: Cell | undefined): string {
  if (typeof cell !== 'string') throw new Error('A child that is no text');
  return cell;
}

function readText(buffer: ArrayBuffer, base: number, entries: Span, heap: Span, row: number): string {
  aligned(entries);
  const view = new DataView(buffer);
  const at = base + entries[0] + row * 16;
  const length = view.getUint32(at, true);
  if (length <= 12) {
    const unused = Buffer.from(buffer, at + 4 + length, 12 - length);
    // DuckDB compares inline strings whole.
    if (unused.some((byte) => byte !== 0)) throw new Error('An inline string is not padded with zeros');
    return Buffer.from(buffer, at + 4, length).toString('utf8');
  }
  const offset = Number(view.getBigUint64(at + 8, true));
  if (offset + length > heap[1]) throw new Error('A string reaches beyond its heap');
  const bytes = Buffer.from(buffer, base + heap[0] + offset, length);
  if (!bytes.subarray(0, 4).equals(Buffer.from(buffer, at + 4, 4))) throw new Error('The prefix differs');
  return bytes.toString('utf8');
}

function childrenOf(view: DataView, base: number, entries: Span, row: number): readonly number[] {
  const at = base + entries[0] + row * 16;
  const offset = Number(view.getBigUint64(at, true));
  const length = Number(view.getBigUint64(at + 8, true));
  return Array.from({ length }, (_, index) => offset + index);
}

function isValid(view: DataView, base: number, validity: Span | null, row: number): boolean {
  return validity === null || (view.getUint8(base + validity[0] + (row >> 3)) & (1 << (row & 7))) !== 0;
}

function aligned(span: Span): void {
  if (span[0] % 8 !== 0) throw new Error('A section does not begin on a multiple of 8');
}
