/**
 * A batch is what crosses from the connectors' worker to the lake engine: one ArrayBuffer, packed once, forwarded
 * unread, and laid out as DuckDB's own vectors so that the engine only copies memory.
 *
 *   u32 length of the header | header (JSON) | padding to 8 | sections
 *
 * Offsets in the header count from the first byte after that padding. All numbers are little-endian. Sections begin
 * on multiples of 8. String vectors hold 16-byte entries as DuckDB's string_t: u32 length, then up to 12 bytes inline,
 * or 4 bytes of prefix and a u64; that u64 is the string's offset in the column's heap, and the engine adds the heap's
 * address to it.
 */

/** Rows in one chunk at most: DuckDB's vector size. */
export const CHUNK_ROWS = 2048;

/** [offset, byte length] of a section. */
export type Span = readonly [offset: number, length: number];

/** One column of one chunk. */
export type ColumnLayout =
  /** The engine fills it in: `node` and `seq`. */
  | { readonly kind: 'engine' }
  /** Every row is NULL. */
  | { readonly kind: 'null' }
  /** BOOLEAN (u8), UTINYINT (u8), INTEGER (i32), BIGINT and TIMESTAMP (i64; µs since 1970), DOUBLE (f64). */
  | { readonly kind: 'fixed'; readonly validity: Span | null; readonly data: Span }
  | { readonly kind: 'text'; readonly validity: Span | null; readonly entries: Span; readonly heap: Span }
  /** Entries are pairs of u64 (offset, length) into the children. */
  | {
      readonly kind: 'list';
      readonly validity: Span | null;
      readonly entries: Span;
      readonly childRows: number;
      readonly child: ColumnLayout;
    }
  | {
      readonly kind: 'map';
      readonly validity: Span | null;
      readonly entries: Span;
      readonly childRows: number;
      readonly keys: ColumnLayout;
      readonly values: ColumnLayout;
    };

/** Up to CHUNK_ROWS rows; the columns stand in the table's order. */
export interface ChunkLayout {
  readonly rows: number;
  readonly columns: readonly ColumnLayout[];
}

/** The rows of one event table. */
export interface EventSection {
  /** As `kubearmor.logs`. */
  readonly table: string;
  readonly rows: number;
  readonly chunks: readonly ChunkLayout[];
}

/** What one batch adds to the account: received = stored + deadLettered + dropped. */
export interface LedgerDelta {
  readonly connector: string;
  readonly stream: string;
  readonly received: number;
  readonly stored: number;
  readonly deadLettered: number;
  readonly dropped: number;
  /** Why something was dropped or dead-lettered; null when all was stored. */
  readonly reason: string | null;
}

/** A stretch of time in which events may be missing; times in µs since 1970. */
export interface Gap {
  readonly connector: string;
  readonly stream: string;
  readonly fromMicros: number;
  readonly toMicros: number;
  readonly cause: string;
  readonly estimated: number | null;
}

/** A message kept as it came. */
export interface DeadLetter {
  readonly connector: string;
  readonly stream: string;
  readonly timeMicros: number;
  readonly error: string;
  /** The row made from it: its place among the batch's event rows (sections in order, rows in order); null when none was made. */
  readonly eventIndex: number | null;
  readonly bytes: Span;
}

export interface BatchHeader {
  readonly sections: readonly EventSection[];
  readonly ledger: readonly LedgerDelta[];
  readonly gaps: readonly Gap[];
  readonly deadLetters: readonly DeadLetter[];
}

/** The header of a packed batch, and where its sections start. */
export function readBatch(buffer: ArrayBuffer): { header: BatchHeader; base: number } {
  const headerLength = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(Buffer.from(buffer, 4, headerLength).toString('utf8')) as BatchHeader;
  return { header, base: align8(4 + headerLength) };
}

export function align8(offset: number): number {
  return (offset + 7) & ~7;
}
