import type { Column, Table } from '../schema.js';
import { tableName } from '../schema.js';
import type { ColumnWriter, Place } from './columns.js';
import { FixedColumn, fixedColumn, ListColumn, MapColumn, TextColumn } from './columns.js';
import type { BatchHeader, ChunkLayout, DeadLetter, EventSection, Gap, LedgerDelta, Span } from './layout.js';
import { CHUNK_ROWS, align8 } from './layout.js';
import type { BatchWidening, PromisedColumn } from '../widening.js';
import { WideningBuilder, promisedColumns } from '../widening.js';

/** A value as the writers take it; timestamps are µs since 1970, maps flat pairs. */
export type CellValue = string | number | readonly string[] | null;

/** The writer of a column of any type. */
type AnyWriter = ColumnWriter<string> | ColumnWriter<number | bigint> | ListColumn | MapColumn;

/** Columns that the engine fills in. */
const engineColumns = new Set(['node', 'seq']);

/** The bytes of a batch while it grows. */
class Sections {
  readonly #parts: Uint8Array[] = [];
  length = 0;

  readonly place: Place = (bytes) => {
    const span: Span = [this.length, bytes.byteLength];
    const padded = new Uint8Array(align8(bytes.byteLength));
    padded.set(bytes);
    this.#parts.push(padded);
    this.length += padded.byteLength;
    return span;
  };

  finish(header: BatchHeader): ArrayBuffer {
    const headerBytes = Buffer.from(JSON.stringify(header));
    const base = align8(4 + headerBytes.length);
    const packed = new ArrayBuffer(base + this.length);
    const target = new Uint8Array(packed);
    new DataView(packed).setUint32(0, headerBytes.length, true);
    target.set(headerBytes, 4);
    let at = base;
    for (const part of this.#parts) {
      target.set(part, at);
      at += part.byteLength;
    }
    return packed;
  }
}

/**
 * Collects rows of one table in one open chunk. Writers are reached by column name once, then used for each row:
 * `rows.text('host').put(rows.row, 'edge-1')`, … then `rows.endRow()`. Every column but node and seq is put each row.
 */
export class TableRows {
  readonly table: Table;
  /** Index of the row being written within the open chunk. */
  row = 0;
  /** Rows written since the last `take`. */
  rows = 0;
  readonly #writers: readonly (AnyWriter | null)[];
  readonly #byName = new Map<string, number>();
  readonly #promised: readonly (readonly [PromisedColumn, TextColumn])[];
  readonly #time: FixedColumn | null;
  readonly #widening: WideningBuilder;
  #sections: Sections;
  #chunks: ChunkLayout[] = [];

  constructor(table: Table, sections: Sections, widening: WideningBuilder) {
    this.table = table;
    this.#sections = sections;
    this.#widening = widening;
    this.#writers = table.columns.map((column) => (engineColumns.has(column.name) ? null : createWriter(column)));
    table.columns.forEach((column, index) => this.#byName.set(column.name, index));
    this.#promised = promisedColumns
      .filter((name) => this.#byName.has(name))
      .map((name) => [name, this.text(name)] as const);
    this.#time = this.#byName.has('time') ? this.fixed('time') : null;
  }

  text(name: string): TextColumn {
    return this.#writer(name, TextColumn);
  }

  fixed(name: string): FixedColumn {
    return this.#writer(name, FixedColumn);
  }

  list(name: string): ListColumn {
    return this.#writer(name, ListColumn);
  }

  map(name: string): MapColumn {
    return this.#writer(name, MapColumn);
  }

  #writer<Writer>(name: string, type: abstract new (...parameters: never[]) => Writer): Writer {
    const writer = this.#writers[this.#byName.get(name) ?? -1];
    if (!(writer instanceof type)) throw new TypeError(`${tableName(this.table)}.${name} is not a ${type.name}`);
    return writer;
  }

  endRow(): void {
    this.row++;
    this.rows++;
    if (this.row === CHUNK_ROWS) this.#endChunk();
  }

  #endChunk(): void {
    for (const [name, writer] of this.#promised) this.#widening.addValues(name, writer.distinct());
    this.#widening.addTime(tableName(this.table), this.#time?.least(this.row) ?? null);
    const columns = this.#writers.map(
      (writer) => writer?.finish(this.row, this.#sections.place) ?? { kind: 'engine' as const },
    );
    this.#chunks.push({ rows: this.row, columns });
    for (const writer of this.#writers) writer?.reset();
    this.row = 0;
  }

  /** The rows so far as a section; what follows goes to `sections`. */
  take(sections: Sections): EventSection {
    if (this.row > 0) this.#endChunk();
    const section = { table: tableName(this.table), rows: this.rows, chunks: this.#chunks };
    this.#chunks = [];
    this.rows = 0;
    this.#sections = sections;
    return section;
  }
}

function createWriter(column: Column): AnyWriter {
  switch (column.type) {
    case 'VARCHAR':
    case 'BLOB':
      return new TextColumn();
    case 'VARCHAR[]':
      return new ListColumn();
    case 'MAP(VARCHAR, VARCHAR)':
      return new MapColumn();
    case 'BOOLEAN':
    case 'UTINYINT':
    case 'INTEGER':
    case 'BIGINT':
    case 'DOUBLE':
    case 'TIMESTAMP':
      return fixedColumn(column.type);
  }
}

/** What a dead letter is before its bytes are placed; `row` counts the rows of `table` in this batch. */
export interface DeadLetterInput {
  readonly connector: string;
  readonly stream: string;
  readonly timeMicros: number;
  readonly error: string;
  readonly event: { readonly table: string; readonly row: number } | null;
  readonly bytes: Uint8Array;
}

/** Builds batches one after the other; a batch commits whole or not at all. */
export class BatchBuilder {
  #sections = new Sections();
  readonly #tables = new Map<string, TableRows>();
  readonly #widening = new WideningBuilder();
  readonly #ledger = new Map<string, LedgerDelta>();
  #gaps: Gap[] = [];
  #deadLetters: (Omit<DeadLetter, 'eventIndex'> & { event: DeadLetterInput['event'] })[] = [];

  constructor(tables: readonly Table[]) {
    for (const table of tables)
      this.#tables.set(tableName(table), new TableRows(table, this.#sections, this.#widening));
  }

  rowsOf(table: Table): TableRows {
    const rows = this.#tables.get(tableName(table));
    if (rows === undefined) throw new TypeError(`This batch has no rows of ${tableName(table)}`);
    return rows;
  }

  /** Event rows so far. */
  get rows(): number {
    let sum = 0;
    for (const rows of this.#tables.values()) sum += rows.rows;
    return sum;
  }

  /** True when there is nothing to commit. */
  get empty(): boolean {
    return this.rows === 0 && this.#ledger.size === 0 && this.#gaps.length === 0 && this.#deadLetters.length === 0;
  }

  /** Adds to the account; deltas of the same connector, stream and reason are summed. */
  count(delta: LedgerDelta): void {
    const key = JSON.stringify([delta.connector, delta.stream, delta.reason]);
    const sum = this.#ledger.get(key);
    this.#ledger.set(
      key,
      sum === undefined
        ? delta
        : {
            ...delta,
            received: sum.received + delta.received,
            stored: sum.stored + delta.stored,
            deadLettered: sum.deadLettered + delta.deadLettered,
            dropped: sum.dropped + delta.dropped,
          },
    );
  }

  addGap(gap: Gap): void {
    this.#gaps.push(gap);
  }

  addDeadLetter(letter: DeadLetterInput): void {
    this.#deadLetters.push({ ...letter, bytes: this.#sections.place(letter.bytes) });
  }

  /** The packed batch; the builder starts anew. */
  finish(): { buffer: ArrayBuffer; header: BatchHeader; widening: BatchWidening } {
    const sections = this.#sections;
    const next = new Sections();
    const firstIndex = new Map<string, number>();
    const taken: EventSection[] = [];
    let index = 0;
    for (const [name, rows] of this.#tables) {
      const section = rows.take(next);
      firstIndex.set(name, index);
      index += section.rows;
      if (section.rows > 0) taken.push(section);
    }
    const header: BatchHeader = {
      sections: taken,
      ledger: [...this.#ledger.values()],
      gaps: this.#gaps,
      deadLetters: this.#deadLetters.map(({ event, ...letter }) => ({
        ...letter,
        eventIndex: event === null ? null : (firstIndex.get(event.table) ?? 0) + event.row,
      })),
    };
    this.#sections = next;
    this.#ledger.clear();
    this.#gaps = [];
    this.#deadLetters = [];
    return { buffer: sections.finish(header), header, widening: this.#widening.take() };
  }
}
