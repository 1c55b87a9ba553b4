import { setImmediate as nextTurn } from 'node:timers/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { Clock } from '../core/index.js';
import { ArmorlakeError, quoteQualified } from '../core/index.js';
import type { Database, PackedColumn, RowValue } from '../engine/host.js';
import { RowAppender, TableAppender } from '../engine/host.js';
import type { ArchiveEntry } from './archive.js';
import { removeFromManifest } from './archive.js';
import type { BatchHeader, DeadLetter, EventSection, Gap, LedgerDelta } from './batch/layout.js';
import { CHUNK_ROWS, readBatch } from './batch/layout.js';
import { leastIn } from './packed-news.js';
import { packedColumn } from './packed-view.js';
import { INTERNAL_SCHEMA, LAKE_CATALOG } from './migrations.js';
import type { Recovery } from './recovery.js';
import type { Table } from './schema.js';
import { tableName, timeColumn } from './schema.js';
import { countedTables, deadLetters, eventTables, findTable, gaps, ledger, nodeMetrics, queries } from './tables.js';
import type { Difference, KnownTotals, TotalsRecord } from './settlement.js';
import { compare, recordOf } from './settlement.js';
import type { TotalsDelta } from './totals.js';
import { ANY_TABLE, countCopies, noSeqs, readHeld, readTotals, seqsFrom } from './totals.js';

/** What one commit takes besides the rows of its batch. */
export interface Extras {
  readonly ledger: readonly LedgerDelta[];
  readonly gaps: readonly Gap[];
}

export const noExtras: Extras = { ledger: [], gaps: [] };

/** One transaction's worth of writing. */
export interface WriteRequest {
  readonly batch: number;
  /** Packed rows; its text entries are changed in place. Null: extras only. */
  readonly packed: ArrayBuffer | null;
  readonly extras: Extras;
  /** The seq of the first row. */
  readonly firstSeq: number;
}

const emptyHeader: BatchHeader = { sections: [], ledger: [], gaps: [], deadLetters: [] };

/** An event table in the file: its appender, and for each of the file's columns its place in tables.ts. */
interface EventTarget {
  readonly appender: TableAppender;
  readonly order: readonly number[];
}

/** Event rows a packed batch holds. */
export function rowsIn(packed: ArrayBuffer | null): number {
  if (packed === null) return 0;
  return readBatch(packed).header.sections.reduce((sum, section) => sum + section.rows, 0);
}

/**
 * Writes batches, each in one transaction with its part of the account, on a connection of its own. One call at a time.
 * After a failure nothing of the batch is stored.
 */
export class BatchWriter {
  readonly #connection: DuckDBConnection;
  readonly #node: string;
  readonly #clock: Clock;
  readonly #seq = new BigInt64Array(CHUNK_ROWS);
  readonly #events = new Map<string, EventTarget>();
  readonly #rows = new Map<string, RowAppender>();
  /** What the open transaction adds to the totals. */
  #totals: TotalsDelta[] = [];

  private constructor(connection: DuckDBConnection, node: string, clock: Clock) {
    this.#connection = connection;
    this.#node = node;
    this.#clock = clock;
  }

  static async create(database: Database, node: string, clock: Clock): Promise<BatchWriter> {
    const writer = new BatchWriter(await database.connect(), node, clock);
    await writer.#createAppenders();
    return writer;
  }

  async write(request: WriteRequest): Promise<{ rows: number; committedAtMicros: number }> {
    const nowMicros = Math.round(this.#clock.wallMs() * 1000);
    return this.#transaction(async () => {
      const { packed } = request;
      const { header, base } = packed === null ? { header: emptyHeader, base: 0 } : readBatch(packed);
      let seq = request.firstSeq;
      for (const section of header.sections) {
        if (packed === null) continue;
        this.#totals.push(sectionTotals(section, packed, base, seq));
        seq = await this.#writeSection(section, packed, base, seq);
      }
      this.#writeLedger([...header.ledger, ...request.extras.ledger], nowMicros);
      this.#writeGaps([...header.gaps, ...request.extras.gaps]);
      if (packed !== null) this.#writeDeadLetters(header.deadLetters, packed, base, request.firstSeq);
      const rows = seq - request.firstSeq;
      this.#append('internal.batches', [
        [request.batch, rows === 0 ? null : request.firstSeq, seq - 1, rows, nowMicros],
      ]);
      return { rows, committedAtMicros: nowMicros };
    });
  }

  /** What was found missing at the start, and where the lake goes on. */
  async writeRecovery(recovery: Recovery): Promise<void> {
    const nowMicros = Math.round(this.#clock.wallMs() * 1000);
    await this.#transaction(() => {
      this.#writeGaps(recovery.gaps);
      const { lostRows } = recovery;
      // Of which tables they were nobody knows: they are booked by seq.
      if (lostRows > 0) this.#totals.push({ table: ANY_TABLE, appended: lostRows, lost: lostRows });
      this.#append('internal.batches', [[recovery.lastBatch, null, recovery.lastSeq, 0, nowMicros]]);
      return Promise.resolve();
    });
  }

  /** Gap rows alone. */
  async writeGaps(gaps: readonly Gap[]): Promise<void> {
    if (gaps.length === 0) return;
    await this.#transaction(() => {
      this.#writeGaps(gaps);
      return Promise.resolve();
    });
  }

  /**
   * Compares what was appended and taken with what is held and with what was known of it, books each difference and writes
   * a gap row for it. An upgraded or undamaged lake has none.
   */
  async settle(known: KnownTotals): Promise<readonly Difference[]> {
    const nowMicros = Math.round(this.#clock.wallMs() * 1000);
    return this.#transaction(async () => {
      const held = await readHeld(this.#connection);
      const copies = (table: string): Promise<number> => countCopies(this.#connection, table);
      const { differences, deltas } = await compare(held, known, nowMicros, copies);
      this.#writeGaps(differences.map(({ gap }) => gap));
      this.#totals.push(...deltas);
      return differences;
    });
  }

  /** The totals as they are now, to be kept beside the lake file. */
  async totals(): Promise<TotalsRecord> {
    return recordOf(await readTotals(this.#connection));
  }

  /** An archive file leaves the manifest and its rows are lost, with a gap row, all in one transaction. */
  async loseFile({ file, table, rows, minTimeMicros, maxTimeMicros }: ArchiveEntry): Promise<void> {
    await this.#transaction(async () => {
      await removeFromManifest(this.#connection, file);
      this.#totals.push({ table, lost: rows });
      const [fromMicros, toMicros] = [Number(minTimeMicros), Number(maxTimeMicros)];
      this.#writeGaps([{ connector: '*', stream: table, fromMicros, toMicros, cause: 'archive', estimated: rows }]);
    });
  }

  /** Rows of a history table that come as they are, values in the order of its columns. */
  async writeRows(table: Table, rows: readonly (readonly RowValue[])[]): Promise<void> {
    await this.#transaction(() => {
      this.#append(tableName(table), rows);
      return Promise.resolve();
    });
  }

  close(): void {
    this.#closeAppenders();
    this.#connection.closeSync();
  }

  async #transaction<Result>(task: () => Promise<Result>): Promise<Result> {
    await this.#connection.run('BEGIN');
    try {
      const result = await task();
      this.#writeTotals();
      await this.#connection.run('COMMIT');
      return result;
    } catch (thrown) {
      this.#totals = [];
      // An appender that failed keeps its rows: only new ones are clean.
      this.#closeAppenders();
      await this.#connection.run('ROLLBACK').catch(() => undefined);
      await this.#createAppenders();
      throw thrown;
    }
  }

  async #writeSection(section: EventSection, packed: ArrayBuffer, base: number, firstSeq: number): Promise<number> {
    const target = this.#events.get(section.table);
    if (target === undefined) {
      throw new ArmorlakeError('BAD_REQUEST', `A batch has rows of ${section.table}, which is no event table.`);
    }
    let seq = firstSeq;
    for (const chunk of section.chunks) {
      const seqColumn = this.#seqColumn(seq, chunk.rows);
      const columns = target.order.map((place): PackedColumn => {
        const layout = chunk.columns[place];
        if (layout === undefined) return { kind: 'null' };
        return packedColumn(layout, packed, base, () =>
          place === NODE_PLACE ? { kind: 'constant', text: this.#node } : seqColumn,
        );
      });
      target.appender.append(chunk.rows, columns);
      target.appender.flush();
      seq += chunk.rows;
      // Answers to queries go out between two chunks.
      await nextTurn();
    }
    return seq;
  }

  #seqColumn(first: number, rows: number): PackedColumn {
    for (let row = 0; row < rows; row++) this.#seq[row] = BigInt(first + row);
    return { kind: 'fixed', validity: null, data: new Uint8Array(this.#seq.buffer, 0, rows * 8) };
  }

  #writeLedger(deltas: readonly LedgerDelta[], nowMicros: number): void {
    const minute = Math.floor(nowMicros / 60_000_000) * 60_000_000;
    this.#append(
      tableName(ledger),
      deltas.map((delta) => [
        minute,
        this.#node,
        delta.connector,
        delta.stream,
        delta.received,
        delta.stored,
        delta.deadLettered,
        delta.dropped,
        delta.reason,
      ]),
    );
  }

  #writeGaps(rows: readonly Gap[]): void {
    this.#append(
      tableName(gaps),
      rows.map((gap) => [
        this.#node,
        gap.connector,
        gap.stream,
        gap.fromMicros,
        gap.toMicros,
        gap.cause,
        gap.estimated,
      ]),
    );
  }

  /** With the last rows of a transaction. */
  #writeTotals(): void {
    const deltas = this.#totals;
    this.#totals = [];
    this.#append(
      'internal.totals',
      deltas.map(({ table, appended = 0, expired = 0, lost = 0, minTimeMicros = null, seqs = noSeqs }) => [
        table,
        appended,
        expired,
        lost,
        minTimeMicros,
        seqs.sum,
        seqs.xor,
      ]),
    );
  }

  #writeDeadLetters(letters: readonly DeadLetter[], packed: ArrayBuffer, base: number, firstSeq: number): void {
    this.#append(
      tableName(deadLetters),
      letters.map((letter) => [
        letter.timeMicros,
        this.#node,
        letter.connector,
        letter.stream,
        letter.eventIndex === null ? null : firstSeq + letter.eventIndex,
        letter.error,
        new Uint8Array(packed, base + letter.bytes[0], letter.bytes[1]),
      ]),
    );
  }

  #append(table: string, rows: readonly (readonly RowValue[])[]): void {
    if (rows.length === 0) return;
    const appender = this.#rows.get(table);
    if (appender === undefined) throw new TypeError(`There is no appender for ${table}`);
    for (const row of rows) appender.append(row);
    appender.flush();
    const counted = countedHistory.get(table);
    if (counted === undefined) return;
    const times = rows.map((row) => row[counted]).filter((time) => typeof time === 'number');
    this.#totals.push({ table, appended: rows.length, minTimeMicros: times.length === 0 ? null : Math.min(...times) });
  }

  async #createAppenders(): Promise<void> {
    for (const table of eventTables) {
      this.#events.set(tableName(table), {
        appender: await TableAppender.create(this.#connection, LAKE_CATALOG, table.schema, table.name),
        order: await this.#columnOrder(table),
      });
    }
    for (const table of [ledger, gaps, deadLetters, queries, nodeMetrics]) {
      const types = table.columns.map((column) => column.type);
      this.#rows.set(
        tableName(table),
        await RowAppender.create(this.#connection, LAKE_CATALOG, table.schema, table.name, types),
      );
    }
    this.#rows.set(
      'internal.batches',
      await RowAppender.create(this.#connection, LAKE_CATALOG, INTERNAL_SCHEMA, 'batches', [
        'BIGINT',
        'BIGINT',
        'BIGINT',
        'BIGINT',
        'TIMESTAMP',
      ]),
    );
    this.#rows.set(
      'internal.totals',
      await RowAppender.create(this.#connection, LAKE_CATALOG, INTERNAL_SCHEMA, 'totals', [
        'VARCHAR',
        'BIGINT',
        'BIGINT',
        'BIGINT',
        'TIMESTAMP',
        'HUGEINT',
        'BIGINT',
      ]),
    );
  }

  /** A migrated file may have its columns in another order than a new one. */
  async #columnOrder(table: Table): Promise<readonly number[]> {
    const described = await this.#connection.runAndReadAll(
      `SELECT * FROM ${quoteQualified(LAKE_CATALOG, table.schema, table.name)} LIMIT 0`,
    );
    return described.columnNames().map((name) => table.columns.findIndex((column) => column.name === name));
  }

  #closeAppenders(): void {
    for (const appender of [...this.#rows.values(), ...[...this.#events.values()].map((each) => each.appender)]) {
      try {
        appender.close();
      } catch {
        // What it still held is rolled back anyway.
      }
    }
    this.#events.clear();
    this.#rows.clear();
  }
}

/** `node` stands at the same place in every event table. */
const NODE_PLACE = findTable('kubearmor.logs')?.columns.findIndex((column) => column.name === 'node') ?? -1;

/** `time` stands at the same place in every event table. */
const TIME_PLACE = findTable('kubearmor.logs')?.columns.findIndex((column) => column.name === 'time') ?? -1;

/** Of each history table whose rows are counted: where its time stands. */
const countedHistory = new Map(
  countedTables
    .filter(({ kind }) => kind === 'history')
    .map((table) => [tableName(table), table.columns.findIndex(({ name }) => name === timeColumn(table))]),
);

function sectionTotals(
  { table, rows, chunks }: EventSection,
  packed: ArrayBuffer,
  base: number,
  firstSeq: number,
): TotalsDelta {
  let least: number | null = null;
  for (const chunk of chunks) {
    const time = chunk.columns[TIME_PLACE];
    const micros = time === undefined ? null : leastIn(time, packed, base, chunk.rows);
    if (micros !== null && (least === null || micros < least)) least = micros;
  }
  return { table, appended: rows, minTimeMicros: least, seqs: seqsFrom(firstSeq, rows) };
}
