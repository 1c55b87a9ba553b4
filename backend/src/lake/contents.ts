import type { DuckDBConnection } from '@duckdb/node-api';
import { ArmorlakeError, messageOf, quoteQualified, quoteString } from '../core/index.js';
import type { Clock, Logger } from '../core/index.js';
import type { Archive } from './archive.js';
import { readManifest } from './archive.js';
import type { ArchiveKeeper } from './archive-keeper.js';
import { lowerBound } from './batch/columns.js';
import { LAKE_CATALOG } from './migrations.js';
import { packedNews } from './packed-news.js';
import { tableName } from './schema.js';
import type { Table } from './schema.js';
import { eventTables } from './tables.js';
import type { BatchWidening, PromisedColumn } from './widening.js';
import { LISTED_TEXT, LISTED_VALUES, promisedColumns } from './widening.js';

/** The values of each column; null: too many to be listed, or one is too long, or not known yet. */
export type ListedValues = Readonly<Record<PromisedColumn, readonly string[] | null>>;

/** What stands in the rows of a lake, at least; nothing that a restart of the engine can bring back is missing. */
export interface ContentsFacts {
  readonly values: ListedValues;
  /** Event table → lower bound of its `time`, microseconds since 1970; a table without rows has none. */
  readonly minTimes: ReadonlyMap<string, number>;
  /** False while archive files are still to be read, or are away: until then no value is known. */
  readonly complete: boolean;
}

export interface ContentsParts {
  readonly keeper: ArchiveKeeper | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly openReader: () => Promise<DuckDBConnection>;
  readonly closeReader: (connection: DuckDBConnection) => void;
  /** Resolves when every write that is under way now has ended. */
  readonly writesEnded: () => Promise<void>;
}

interface FileContents {
  readonly table: string;
  readonly minTimeMicros: number;
  /** Null: not read yet. */
  readonly values: Summary | null;
}

/** After retention the hot rows are read anew no more often than this: what was published stays true meanwhile. */
const REREAD_MS = 600_000;
/** No event is earlier that a date can be written of. */
const EARLIEST_MICROS = -8_640_000_000_000_000_000;

/** Values and lower bounds of some rows. */
class Summary {
  readonly #values = new Map<PromisedColumn, Set<string> | null>(promisedColumns.map((column) => [column, new Set()]));
  readonly minTimes = new Map<string, number>();

  addValues(column: PromisedColumn, values: Iterable<string> | null): void {
    const set = this.#values.get(column) ?? null;
    if (set === null) return;
    if (values === null) this.#values.set(column, null);
    for (const value of values ?? []) {
      set.add(value);
      if (set.size <= LISTED_VALUES && value.length <= LISTED_TEXT) continue;
      this.#values.set(column, null);
      return;
    }
  }

  addTime(table: string, micros: number): void {
    this.minTimes.set(table, Math.min(micros, this.minTimes.get(table) ?? Infinity));
  }

  addNews({ values, minTimes }: BatchWidening): void {
    for (const column of promisedColumns) this.addValues(column, values[column]);
    for (const [table, micros] of minTimes) this.addTime(table, micros);
  }

  addAll(other: Summary): void {
    for (const column of promisedColumns) this.addValues(column, other.valuesOf(column));
    for (const [table, micros] of other.minTimes) this.addTime(table, micros);
  }

  valuesOf(column: PromisedColumn): ReadonlySet<string> | null {
    return this.#values.get(column) ?? null;
  }
}

/**
 * Which values and times stand in a lake's rows, hot and archived, kept up to date with each commit. Nothing is read
 * before the first question; then the hot rows once, and each archive file once.
 */
export class Contents {
  readonly #parts: ContentsParts;
  readonly #files = new Map<string, FileContents>();
  /** Covers every hot row, and every row that was hot since it was read; null before that. */
  #hot: Summary | null = null;
  /** What has been committed since a reading of the hot rows began; null when none is under way. */
  #since: Summary | null = null;
  /** Of all files; null when it has to be made anew. */
  #archived: Summary | null = null;
  #asked = false;
  #loading: Promise<void> | null = null;
  #filesReading: Promise<void> | null = null;
  #complete = false;
  /** True when no file can come to the manifest that was not seen here first. */
  #allFiles = false;
  #readMs = -Infinity;
  #stale = false;
  #closed = false;

  constructor(parts: ContentsParts) {
    this.#parts = parts;
  }

  /** To be called before a batch is written; what it gives goes to `committed`. Null when nobody asks for contents. */
  news(packed: ArrayBuffer | null): BatchWidening | null {
    return this.#asked ? packedNews(packed) : null;
  }

  committed(news: BatchWidening | null): void {
    if (news === null) return;
    this.#hot?.addNews(news);
    this.#since?.addNews(news);
  }

  /** Resolves when the hot rows have been read; archive files are read behind it. Rejects when they can't be read. */
  async facts(): Promise<ContentsFacts> {
    this.#loading ??= this.#load();
    try {
      await this.#loading;
    } catch (thrown) {
      this.#loading = null;
      throw thrown;
    }
    const all = new Summary();
    if (this.#hot !== null) all.addAll(this.#hot);
    this.#archived ??= this.#sumFiles();
    all.addAll(this.#archived);
    // Of files that a start could not see any time may be in them.
    if (!this.#allFiles) for (const table of eventTables) all.addTime(tableName(table), EARLIEST_MICROS);
    const list = (column: PromisedColumn): readonly string[] | null => {
      const values = this.#complete ? all.valuesOf(column) : null;
      return values === null ? null : [...values];
    };
    return {
      values: { cluster: list('cluster'), host: list('host'), namespace: list('namespace'), policy: list('policy') },
      minTimes: all.minTimes,
      complete: this.#complete,
    };
  }

  /**
   * Rows went to the archive or for good, and that is in the lake file: no damaged WAL brings them back. Files that left the
   * manifest count until they are off the disk, because a start takes them in again. Never rejects.
   */
  async retained(deleted: boolean): Promise<void> {
    this.#stale ||= deleted;
    if (this.#hot === null || this.#filesReading !== null) return;
    const due = this.#stale && this.#parts.clock.monotonicMs() - this.#readMs >= REREAD_MS;
    await this.#readFiles(true);
    // What moved to the archive is known from its files now, so that the hot rows may be read for themselves.
    if (!due || !this.#complete) return;
    try {
      await this.#withReader((reader) => this.#readHot(reader));
      this.#stale = false;
    } catch (thrown) {
      this.#warn(thrown);
    }
  }

  /** Resolves when nothing is being read; readers must have been interrupted. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#loading?.catch(() => undefined);
    await this.#filesReading;
  }

  async #load(): Promise<void> {
    this.#asked = true;
    // What was being written when nobody had asked is in what is read now.
    await this.#parts.writesEnded();
    await this.#withReader((reader) => this.#readHot(reader));
    const { keeper } = this.#parts;
    if (keeper === null) this.#allFiles = true;
    else await this.#withReader((reader) => this.#noteFiles(reader, keeper));
    // Their times are in the manifest; their values take reading.
    if (this.#unread.length === 0 && this.#allFiles) this.#complete = true;
    else void this.#readFiles(false);
  }

  #sumFiles(): Summary {
    const sum = new Summary();
    for (const { table, minTimeMicros, values } of this.#files.values()) {
      sum.addTime(table, minTimeMicros);
      if (values !== null) sum.addAll(values);
    }
    return sum;
  }

  #warn(thrown: unknown): void {
    if (this.#closed) return;
    this.#parts.logger.warn({ error: messageOf(thrown) }, 'The values that the lake holds can not be read now.');
  }

  get #unread(): readonly string[] {
    return [...this.#files].flatMap(([file, { values }]) => (values === null ? [file] : []));
  }

  async #readHot(reader: DuckDBConnection): Promise<void> {
    const since = new Summary();
    this.#since = since;
    try {
      const hot = new Summary();
      for (const column of promisedColumns) {
        this.#throwIfClosed();
        const sources = eventTables.filter((table) => hasColumn(table, column)).map(qualified);
        hot.addValues(column, await distinct(reader, column, sources));
      }
      for (const table of eventTables) {
        const time = await reader.runAndReadAll(`SELECT epoch_us(min(time)) FROM ${qualified(table)}`);
        const micros = time.getRowsJS()[0]?.[0];
        if (typeof micros === 'bigint') hot.addTime(tableName(table), lowerBound(Number(micros)));
      }
      // A row committed before it was read is in it; one committed after has been noted since.
      hot.addAll(since);
      this.#hot = hot;
      this.#readMs = this.#parts.clock.monotonicMs();
    } finally {
      this.#since = null;
    }
  }

  /** Takes in the files of the manifest, and forgets those that are in neither the manifest nor the folder. */
  async #noteFiles(reader: DuckDBConnection, keeper: ArchiveKeeper): Promise<void> {
    const here = await keeper.recently();
    // Before the manifest is read: what is taken in later is in it.
    const allFiles = keeper.unlistedRead;
    const entries = await readManifest(reader);
    const listed = new Set(entries.map(({ file }) => file));
    for (const { file, table, minTimeMicros } of entries) {
      if (this.#files.has(file)) continue;
      this.#files.set(file, { table, minTimeMicros: lowerBound(Number(minTimeMicros)), values: null });
    }
    for (const file of this.#files.keys()) {
      if (here && !listed.has(file) && (await keeper.archive.writtenAtMs(file)) === null) this.#files.delete(file);
    }
    this.#allFiles = allFiles;
    this.#archived = null;
  }

  /** Files whose time was up already in the run that wrote them. */
  async #noteUnlisted(reader: DuckDBConnection, archive: Archive): Promise<void> {
    for (const { file, table } of await archive.files()) {
      if (this.#files.has(file)) continue;
      const entry = await archive.describe(reader, file, table);
      if (entry === null) continue;
      const minTimeMicros = lowerBound(Number(entry.minTimeMicros));
      this.#files.set(file, { table: entry.table, minTimeMicros, values: null });
    }
  }

  /**
   * Reads what files are new; all is known when that succeeds. Never rejects.
   * @param afterRun no file is being written: those that the manifest doesn't list are looked at too
   */
  #readFiles(afterRun: boolean): Promise<void> {
    const reading = this.#withReader(async (reader) => {
      const { keeper } = this.#parts;
      if (keeper !== null) {
        await this.#noteFiles(reader, keeper);
        if (!(await keeper.recently())) return;
        if (afterRun) await this.#noteUnlisted(reader, keeper.archive);
        for (const file of this.#unread) await this.#readFile(reader, keeper, file);
      }
      this.#complete = this.#allFiles && this.#unread.length === 0;
    });
    this.#filesReading = reading
      .catch((thrown: unknown) => this.#warn(thrown))
      .finally(() => {
        this.#filesReading = null;
      });
    return this.#filesReading;
  }

  async #readFile(reader: DuckDBConnection, keeper: ArchiveKeeper, file: string): Promise<void> {
    this.#throwIfClosed();
    const known = this.#files.get(file);
    if (known === undefined) return;
    const table = eventTables.find((each) => tableName(each) === known.table);
    const values = new Summary();
    for (const column of promisedColumns) {
      if (table === undefined || !hasColumn(table, column)) continue;
      const source = `read_parquet(${quoteString(keeper.archive.path(file))})`;
      const found = await distinct(reader, column, [source]);
      // What can't be read because its disk has gone is read when that is back.
      if (found === null && !(await keeper.look())) return;
      values.addValues(column, found);
    }
    this.#files.set(file, { ...known, values });
    this.#archived = null;
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new ArmorlakeError('NOT_READY', 'The lake is being closed.');
  }

  async #withReader(task: (reader: DuckDBConnection) => Promise<void>): Promise<void> {
    this.#throwIfClosed();
    const reader = await this.#parts.openReader();
    try {
      await task(reader);
    } finally {
      this.#parts.closeReader(reader);
    }
  }
}

/** Up to one more value than is listed; null when DuckDB can't tell, as for want of memory. */
async function distinct(
  reader: DuckDBConnection,
  column: PromisedColumn,
  sources: readonly string[],
): Promise<readonly string[] | null> {
  const union = sources.map((source) => `SELECT ${column} AS value FROM ${source}`).join(' UNION ALL ');
  try {
    const read = await reader.runAndReadAll(
      `SELECT DISTINCT value FROM (${union}) WHERE value IS NOT NULL LIMIT ${LISTED_VALUES + 1}`,
    );
    return read.getRowsJS().map(([value]) => String(value));
  } catch (thrown) {
    if (/interrupt/i.test(messageOf(thrown))) throw thrown;
    return null;
  }
}

function hasColumn(table: Table, column: PromisedColumn): boolean {
  return table.columns.some(({ name }) => name === column);
}

function qualified(table: Table): string {
  return quoteQualified(LAKE_CATALOG, table.schema, table.name);
}
