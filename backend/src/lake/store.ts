import { statSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { ArmorlakeError, messageOf } from '../core/index.js';
import { archiveLook } from './archive-presence.js';
import { ArchiveKeeper } from './archive-keeper.js';
import { Contents } from './contents.js';
import { DiskWatch, isDiskFull, readDisk } from './disk.js';
import type { LakeInfo } from './info.js';
import { readHeldInfo } from './info.js';
import type { JsonRow } from './json-rows.js';
import { rowValues } from './json-rows.js';
import { Lane } from './lane.js';
import type { MaintenanceReport } from './maintenance.js';
import { Maintenance } from './maintenance.js';
import type { LakeMetadata } from './metadata.js';
import { readMetadata } from './metadata.js';
import { openParts } from './open-lake.js';
import type { LakeOptions, LakeParts } from './open-lake.js';
import { isFileDamage, lakePath, walPath } from './opening.js';
import { batchesTable } from './recovery.js';
import { byteCap, expiredTable, longestAgeMs } from './retention.js';
import type { Table } from './schema.js';
import type { LakeSettings } from './settings.js';
import { nodeMetrics, queries } from './tables.js';
import { WriteGate } from './write-gate.js';
import type { Extras } from './writer.js';
import { rowsIn } from './writer.js';

/** The answer to `append`; for rows stored earlier under the same batch number the seqs may be unknown. */
export interface Appended {
  readonly firstSeq: number | null;
  readonly lastSeq: number | null;
  readonly rows: number;
  /** True when the batch had been committed before, and nothing was stored now. */
  readonly repeated: boolean;
}

/** Events that have just been committed. */
export interface Commit {
  readonly firstSeq: number;
  readonly lastSeq: number;
}

const WARNINGS_KEPT = 100;
/** The lake of one node, in the engine's process: the only writer of its file. */
export class LakeStore {
  readonly settings: LakeSettings;
  readonly #parts: LakeParts;
  readonly #lane = new Lane();
  readonly #disk: DiskWatch;
  readonly #gate: WriteGate;
  readonly #keeper: ArchiveKeeper | null;
  readonly #maintenance: Maintenance;
  readonly #contents: Contents;
  readonly #maintenanceReader: DuckDBConnection;
  readonly #readers = new Set<DuckDBConnection>();
  readonly #listeners = new Set<(commit: Commit) => void>();
  /** The parts' own. */
  readonly #warnings: string[];
  readonly #timer: NodeJS.Timeout;
  #lastBatch: number;
  #checkpointQueued = false;
  #closing = false;

  private constructor(parts: LakeParts, maintenanceReader: DuckDBConnection) {
    const { clock, uptime, guard, archive, sequence, maintainer, options } = parts;
    this.#parts = parts;
    this.#maintenanceReader = maintenanceReader;
    this.settings = options.settings;
    this.#lastBatch = parts.lastBatch;
    this.#warnings = parts.warnings;
    this.#disk = new DiskWatch(this.settings.dataFolder, clock, options.readDisk ?? readDisk);
    this.#gate = new WriteGate({
      settings: this.settings,
      disk: this.#disk,
      start: parts.start,
      sequence,
      logger: options.logger,
      onFatal: (reason) => options.onFatal?.(reason),
    });
    const openReader = (): Promise<DuckDBConnection> => this.openReader();
    const closeReader = (connection: DuckDBConnection): void => this.closeReader(connection);
    this.#keeper =
      archive === null
        ? null
        : new ArchiveKeeper({
            ...archive,
            lane: this.#lane,
            gate: this.#gate,
            sequence,
            writer: parts.writer,
            maintainer,
            clock,
            logger: options.logger,
            openReader,
            closeReader,
            warn: (sentence) => this.#warn(sentence),
            returned: () => {
              if (archive.reachable) this.#maintainInBackground();
              else options.onFatal?.('The archive folder answers again, which hung at the start.');
            },
          });
    this.#contents = new Contents({
      keeper: this.#keeper,
      clock,
      logger: options.logger,
      openReader,
      closeReader,
      writesEnded: () => this.#lane.run(() => Promise.resolve()),
    });
    this.#maintenance = new Maintenance({
      settings: this.settings,
      lane: this.#lane,
      writer: maintainer,
      reader: maintenanceReader,
      keeper: this.#keeper,
      clock,
      uptime,
      guard,
      lastSeq: () => sequence.last,
      // Written again within the hour: a full disk must not keep retention from running.
      keepClock: (record) => this.#gate.unlessFull(() => sequence.update({ clock: record })),
      warn: (sentence) => {
        this.#warn(sentence);
        options.logger.warn({}, sentence);
      },
      disk: this.#disk,
      settle: () => this.#settle(),
      checkpoint: () => this.#checkpoint(),
      retained: (deleted) => this.#contents.retained(deleted),
    });
    this.#timer = setInterval(() => this.#maintainInBackground(), this.settings.maintainEveryMs);
  }

  /**
   * Opens the lake, repairs what can be repaired and writes down what was lost. Throws BAD_CONFIG for a newer schema (before
   * the file is touched), CONFLICT when another process has it open.
   */
  static async open(options: LakeOptions): Promise<LakeStore> {
    try {
      return await LakeStore.#open(options, null);
    } catch (thrown) {
      // DuckDB reads most blocks only when a statement asks for them: met by the start, it is the damage of a file that won't open.
      if (!isFileDamage(thrown)) throw thrown;
      return LakeStore.#open(options, messageOf(thrown));
    }
  }

  static async #open(options: LakeOptions, damaged: string | null): Promise<LakeStore> {
    const parts = await openParts(options, damaged);
    const store = new LakeStore(parts, await parts.database.connect());
    try {
      // Nobody else has begun anything: unlike a later write's, damage met here needs no new process.
      await store.#lane.run(() => store.#gate.begin((task) => task()));
    } catch (thrown) {
      if (isFileDamage(thrown)) {
        clearInterval(store.#timer);
        store.#closeParts();
      }
      store.#beginLater(thrown);
    }
    await store.#keeper?.atStart((options.archiveLook ?? archiveLook).withinMs);
    return store;
  }

  get node(): string {
    return this.settings.node;
  }

  /** The last seq committed. */
  get lastSeq(): number {
    return this.#parts.sequence.last;
  }

  /** The number of the last batch committed. */
  get lastBatch(): number {
    return this.#lastBatch;
  }

  /** A connection for queries, with the search path set; `closeReader` takes it back. */
  async openReader(): Promise<DuckDBConnection> {
    const connection = await this.#parts.database.connectForQueries();
    this.#readers.add(connection);
    return connection;
  }

  closeReader(connection: DuckDBConnection): void {
    if (this.#readers.delete(connection)) connection.closeSync();
  }

  /** Calls the listener after each commit that stored events, until the returned function is called. */
  onCommit(listener: (commit: Commit) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks at archive files that a query failed on; true when asking again helps: a damaged one is put aside now. */
  async checkArchiveFiles(paths: readonly string[], likely: boolean): Promise<boolean> {
    return (await this.#keeper?.suspected(paths, likely)) ?? false;
  }

  /** Whether the files of the manifest are there to be read, as of a second ago at most. */
  async archiveHere(): Promise<boolean> {
    return (await this.#keeper?.recently()) ?? false;
  }

  /** The latest event time, in µs since 1970, that is gone for good from any of the tables (`schema.name`); null: none. */
  async retainedSince(connection: DuckDBConnection, tableNames: readonly string[]): Promise<bigint | null> {
    const read = await connection.runAndReadAll(
      `SELECT epoch_us(max(last_time)) FROM ${expiredTable} WHERE table_name IN (${tableNames.map(() => '?').join(', ')})`,
      [...tableNames],
    );
    const time = read.getRowsJS()[0]?.[0];
    return typeof time === 'bigint' ? time : null;
  }

  /**
   * Stores a packed batch, its part of the account and the extras, in one transaction. A batch number that is not above the
   * last one has been stored already. Throws DISK_FULL when there is no room; the account alone still finds some.
   */
  append(batch: number, packed: ArrayBuffer | null, extras: Extras): Promise<Appended> {
    return this.#lane.run(async () => {
      if (batch <= this.#lastBatch) return this.#repeated(batch);
      await this.#gate.requireRoom(packed === null ? this.#gate.accountBytes : this.settings.minFreeBytes);
      await this.#gate.begin();
      const { sequence, writer, mark } = this.#parts;
      const rows = rowsIn(packed);
      const news = this.#contents.news(packed);
      const firstSeq = await this.#gate.guard(async () => {
        const first = sequence.next(rows);
        await writer.write({ batch, packed, extras, firstSeq: first });
        return first;
      });
      this.#contents.committed(news);
      sequence.advance(rows);
      this.#lastBatch = batch;
      // Committed all the same; a mark that is behind is no lie.
      this.#gate.unlessFull(() => mark.write({ lastSeq: sequence.last, lastBatch: batch }));
      if (rows > 0) for (const listener of this.#listeners) listener({ firstSeq, lastSeq: sequence.last });
      this.#checkpointIfDue();
      return { firstSeq, lastSeq: sequence.last, rows, repeated: false };
    });
  }

  /** Appends rows of armorlake.queries. */
  appendQueries(rows: readonly JsonRow[]): Promise<void> {
    return this.#appendRows(queries, rows);
  }

  /** Appends rows of armorlake.node_metrics. */
  appendMetrics(rows: readonly JsonRow[]): Promise<void> {
    return this.#appendRows(nodeMetrics, rows);
  }

  /** Replaces state tables, as armorlake.connectors. */
  replaceState(rows: Readonly<Record<string, readonly JsonRow[]>>): Promise<void> {
    return this.#lane.run(() => this.#parts.state.replace(rows));
  }

  /** What a hub's clock says now: a wall clock that says the same is believed. */
  hubSays(wallMs: number): void {
    this.#parts.guard.hubSays(wallMs, this.#parts.uptime());
  }

  /** Retention, archive and compaction, once. */
  async maintain(): Promise<MaintenanceReport> {
    await this.#lane.run(() => this.#gate.begin());
    return this.#maintenance.run();
  }

  checkpoint(): Promise<void> {
    return this.#lane.run(() => this.#checkpoint());
  }

  walBytes(): number {
    return statSync(walPath(this.settings.dataFolder), { throwIfNoEntry: false })?.size ?? 0;
  }

  /** What the lake is and holds, as of now. */
  async info(): Promise<LakeInfo> {
    const { sequence } = this.#parts;
    const disk = await this.#disk.room();
    const reader = await this.openReader();
    try {
      return {
        ...(await readHeldInfo(reader)),
        lakeId: sequence.identity.lakeId,
        schemaVersion: sequence.identity.schemaVersion,
        lastSeq: sequence.last,
        lastBatch: this.#lastBatch,
        closedAtMicros: this.#parts.closedAtMicros,
        walBytes: this.walBytes(),
        limitBytes: byteCap(this.settings.retention, disk.totalBytes),
        diskFreeBytes: disk.freeBytes,
        rssBytes: process.memoryUsage.rss(),
        pid: process.pid,
        diskFull: this.#gate.diskFull,
        archiveAway: this.#keeper?.here === false,
        warnings: this.#warnings,
      };
    } finally {
      this.closeReader(reader);
    }
  }

  /** What the lake holds, for those who ask many lakes; the first call reads the hot rows. */
  async metadata(): Promise<LakeMetadata> {
    const contents = await this.#contents.facts();
    const here = await this.archiveHere();
    const reader = await this.openReader();
    try {
      return await readMetadata(reader, this.settings, contents, here, this.walBytes(), this.#parts.clock.wallMs());
    } finally {
      this.closeReader(reader);
    }
  }

  /**
   * Ends with a checkpoint; queries still running are interrupted, and keep the file open until their connections close.
   * Throws INTERNAL, when all is closed, for a checkpoint that damage of the file made fail.
   */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#gate.close();
    clearInterval(this.#timer);
    for (const reader of this.#readers) reader.interrupt();
    await this.#keeper?.close();
    await this.#contents.close();
    await this.#maintenance.idle();
    await this.#lane.run(async () => {
      const { sequence, writer, clock, uptime, guard, start } = this.#parts;
      // A lake whose start has written nothing is left as it was found.
      let damage: ArmorlakeError | null = null;
      if (start.done) {
        await this.#checkpoint().catch((thrown: unknown) => {
          damage = isFileDamage(thrown) ? damagedAtClose(this.settings, thrown) : null;
          this.#failed(`The last checkpoint failed. ${damage?.hint ?? ''}`.trimEnd(), thrown);
        });
        guard.read(clock.wallMs(), uptime(), sequence.last, longestAgeMs(this.settings));
        const closedAtMicros = Math.round(clock.wallMs() * 1000);
        const totals = await writer.totals().catch(() => null);
        this.#gate.unlessFull(() => sequence.update({ clean: true, closedAtMicros, clock: guard.record, totals }));
      }
      this.#closeParts();
      if (damage !== null) throw damage;
    });
  }

  #closeParts(): void {
    const { writer, state, maintainer, mark, database } = this.#parts;
    writer.close();
    state.close();
    maintainer.closeSync();
    this.#maintenanceReader.closeSync();
    mark.close();
    database.close();
  }

  #appendRows(table: Table, rows: readonly JsonRow[]): Promise<void> {
    const values = rows.map((row) => rowValues(table, row, this.node));
    return this.#lane.run(async () => {
      await this.#gate.requireRoom(this.settings.minFreeBytes);
      await this.#gate.begin();
      await this.#gate.guard(() => this.#parts.writer.writeRows(table, values));
      this.#checkpointIfDue();
    });
  }

  async #repeated(batch: number): Promise<Appended> {
    const read = await this.#parts.maintainer.runAndReadAll(
      `SELECT first_seq::DOUBLE, last_seq::DOUBLE, rows::DOUBLE FROM ${batchesTable} WHERE batch = ? ORDER BY first_seq NULLS LAST`,
      [batch],
    );
    const [firstSeq, lastSeq, rows] = read.getRowsJS()[0] ?? [];
    return {
      firstSeq: firstSeq == null ? null : Number(firstSeq),
      lastSeq: lastSeq == null ? null : Number(lastSeq),
      rows: Number(rows ?? 0),
      repeated: true,
    };
  }

  /** Queries are answered also by a lake that can't write. */
  #beginLater(thrown: unknown): void {
    if (!isDiskFull(thrown) && !(thrown instanceof ArmorlakeError && thrown.code === 'DISK_FULL')) throw thrown;
    this.#failed('The lake starts without writing, and answers from what it holds.', thrown);
  }

  async #settle(): Promise<void> {
    const { writer, sequence, options } = this.#parts;
    await this.#lane.run(async () => {
      for (const { sentence, gap } of await writer.settle({ record: sequence.identity.totals, exact: false })) {
        this.#warn(sentence);
        options.logger.error({ gap }, sentence);
      }
      const totals = await writer.totals();
      this.#gate.unlessFull(() => sequence.update({ totals }));
    });
  }

  #warn(sentence: string): void {
    if (this.#warnings.at(-1) !== sentence) this.#warnings.push(sentence);
    if (this.#warnings.length > WARNINGS_KEPT) this.#warnings.shift();
  }

  #checkpointIfDue(): void {
    if (this.#checkpointQueued || this.walBytes() < this.settings.checkpointWalBytes) return;
    this.#checkpointQueued = true;
    this.checkpoint()
      .catch((thrown: unknown) => this.#failed('A checkpoint of the lake failed.', thrown))
      .finally(() => {
        this.#checkpointQueued = false;
      });
  }

  async #checkpoint(): Promise<void> {
    await this.#gate.requireCheckpointRoom(this.walBytes());
    await this.#gate.guard(() => this.#parts.database.checkpoint());
  }

  #maintainInBackground(): void {
    this.maintain().catch((thrown: unknown) => {
      this.#failed('Retention of the lake failed.', thrown);
      this.#gate.damaged(thrown);
    });
  }

  #failed(sentence: string, thrown: unknown): void {
    this.#warn(`${sentence} ${messageOf(thrown)}`);
    this.#parts.options.logger.error({ error: messageOf(thrown) }, sentence);
  }
}

function damagedAtClose({ dataFolder }: LakeSettings, thrown: unknown): ArmorlakeError {
  const file = lakePath(dataFolder);
  return new ArmorlakeError('INTERNAL', `${file} is damaged, and the last checkpoint failed: ${messageOf(thrown)}`, {
    hint: `Keep ${dataFolder}: the next start copies what can be read to a new file, and puts the damaged one aside.`,
    cause: thrown,
  });
}
