import type { PackedColumn } from '../engine/host.js';
import type { ColumnLayout, Span } from './batch/layout.js';

/** The view of one column of a packed batch; `fill` gives those that the engine fills in. */
export function packedColumn(
  layout: ColumnLayout,
  buffer: ArrayBuffer,
  base: number,
  fill: () => PackedColumn,
): PackedColumn {
  const view = (span: Span): Uint8Array => new Uint8Array(buffer, base + span[0], span[1]);
  const validity = (span: Span | null): Uint8Array | null => (span === null ? null : view(span));
  switch (layout.kind) {
    case 'engine':
      return fill();
    case 'null':
      return layout;
    case 'fixed':
      return { kind: 'fixed', validity: validity(layout.validity), data: view(layout.data) };
    case 'text':
      return {
        kind: 'text',
        validity: validity(layout.validity),
        entries: view(layout.entries),
        heap: view(layout.heap),
      };
    case 'list':
      return {
        kind: 'list',
        validity: validity(layout.validity),
        entries: view(layout.entries),
        childRows: layout.childRows,
        child: packedColumn(layout.child, buffer, base, fill),
      };
    case 'map':
      return {
        kind: 'map',
        validity: validity(layout.validity),
        entries: view(layout.entries),
        childRows: layout.childRows,
        keys: packedColumn(layout.keys, buffer, base, fill),
        values: packedColumn(layout.values, buffer, base, fill),
      };
  }
}
