import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { createReadStream } from 'node:fs';
import { access, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { hasErrno, messageOf, quoteQualified, quoteString } from '../core/index.js';
import { INTERNAL_SCHEMA, LAKE_CATALOG } from './migrations.js';
import type { Table } from './schema.js';
import { tableName } from './schema.js';
import { syncEntries, syncFile } from './sync.js';
import { eventTables } from './tables.js';

/** One row of armorlake.archive; times in µs since 1970. */
export interface ArchiveEntry {
  readonly table: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly minTimeMicros: bigint;
  readonly maxTimeMicros: bigint;
  readonly rows: number;
  readonly bytes: number;
  /** File name in the archive folder. */
  readonly file: string;
  /** Of its bytes as they were written; null when it was written by an older version, or taken in again. */
  readonly sha256: string | null;
}

export const archiveTable = quoteQualified(LAKE_CATALOG, 'armorlake', 'archive');
const unlinksTable = quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA, 'unlinks');
const DAMAGED = '.damaged';

/**
 * The Parquet files of one lake, in a folder named after it, so that lakes can share an archive folder. All but `path` may
 * only be called while the folder is there, and hangs when that does.
 */
export class Archive {
  readonly #root: string;
  readonly #subfolder: string;
  readonly #rowGroupRows: number;

  /** `root` is the configured archive folder. */
  constructor(root: string, lakeId: string, memoryLimitBytes: number) {
    this.#root = root;
    this.#subfolder = lakeId;
    // A row group is built in memory: some KiB a row, and a quarter of the limit at most.
    this.#rowGroupRows = Math.max(2048, Math.min(122_880, Math.floor(memoryLimitBytes / 4 / 4096 / 2048) * 2048));
  }

  /** The lake's own folder. */
  get folder(): string {
    return join(this.#root, this.#subfolder);
  }

  path(file: string): string {
    return join(this.#root, file);
  }

  /** Writes the rows of a table up to `lastSeq` to a file that is on the disk when this returns; null when there are none. */
  async write(connection: DuckDBConnection, table: Table, lastSeq: number): Promise<ArchiveEntry | null> {
    const from = `FROM ${quoteQualified(LAKE_CATALOG, table.schema, table.name)} WHERE seq <= ${lastSeq}`;
    const facts = await readFacts(connection, from);
    if (facts === null) return null;
    const name = `${tableName(table)}-${pad(facts.firstSeq)}-${pad(facts.lastSeq)}.parquet`;
    const file = join(this.#subfolder, name);
    const path = this.path(file);
    const temporary = `${path}.tmp`;
    // Rows lie in the order of seq, and COPY keeps the order.
    await connection.run(
      `COPY (SELECT * ${from}) TO ${quoteString(temporary)} ` +
        `(FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE ${this.#rowGroupRows})`,
    );
    await syncFile(temporary);
    await rename(temporary, path);
    await syncEntries(dirname(path));
    const { size: bytes } = await stat(path);
    return { table: tableName(table), ...facts, bytes, file, sha256: await sha256Of(path) };
  }

  /** Files in the folder, by what their names say; half-written ones are removed. */
  async files(): Promise<readonly { readonly file: string; readonly table: Table }[]> {
    const found: { readonly file: string; readonly table: Table }[] = [];
    for (const name of await readdir(this.folder)) {
      const file = join(this.#subfolder, name);
      if (name.endsWith('.tmp')) await this.remove(file);
      const table = eventTables.find((each) => name.startsWith(`${tableName(each)}-`));
      if (table !== undefined && name.endsWith('.parquet')) found.push({ file, table });
    }
    return found;
  }

  /** What a file holds; throws DuckDB's error when it can't be read. */
  async describe(connection: DuckDBConnection, file: string, table: Table): Promise<ArchiveEntry | null> {
    const facts = await readFacts(connection, `FROM read_parquet(${quoteString(this.path(file))})`);
    if (facts === null) return null;
    return { table: tableName(table), ...facts, bytes: (await stat(this.path(file))).size, file, sha256: null };
  }

  /** Why DuckDB can't begin to read a file, or null. */
  async footerFault(connection: DuckDBConnection, file: string): Promise<string | null> {
    try {
      await connection.run(`SELECT 1 FROM read_parquet(${quoteString(this.path(file))}) LIMIT 0`);
      return null;
    } catch (thrown) {
      return messageOf(thrown);
    }
  }

  /** Reads a file from end to end; throws DuckDB's error when that fails. */
  async readWhole(connection: DuckDBConnection, file: string): Promise<void> {
    await connection.run(`SELECT bit_xor(hash(rows)) FROM read_parquet(${quoteString(this.path(file))}) AS rows`);
  }

  /** When a file was written, by the file system, in ms since 1970; null when it is gone. */
  async writtenAtMs(file: string): Promise<number | null> {
    return (await this.#stat(file))?.mtimeMs ?? null;
  }

  /** Why a file of the manifest can't be used, or null: its size is looked at, not its content. */
  async damageOf(entry: ArchiveEntry): Promise<string | null> {
    const size = (await this.#stat(entry.file))?.size;
    if (size === undefined) return 'it is missing';
    return size === entry.bytes ? null : `it has ${size} bytes where ${entry.bytes} were written`;
  }

  /** What the file system says of a file, to see whether it has been changed. */
  async looks(file: string): Promise<string> {
    const stats = await this.#stat(file);
    return stats === null ? '' : `${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;
  }

  /** Renames a damaged file, so that nothing reads it any more; returns its new path, or null when it is gone. */
  async putAside(file: string): Promise<string | null> {
    const path = this.path(file);
    let aside = path + DAMAGED;
    for (let number = 2; await exists(aside); number++) aside = `${path}${DAMAGED}-${number}`;
    try {
      await rename(path, aside);
    } catch (thrown) {
      if (hasErrno(thrown, 'ENOENT')) return null;
      throw thrown;
    }
    await syncEntries(dirname(path));
    return aside;
  }

  async remove(file: string): Promise<void> {
    await rm(this.path(file), { force: true });
  }

  async #stat(file: string): Promise<Stats | null> {
    try {
      return await stat(this.path(file));
    } catch (thrown) {
      if (hasErrno(thrown, 'ENOENT')) return null;
      throw thrown;
    }
  }
}

/** The SHA-256 of a file's bytes, in hexadecimal. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 18 })) hash.update(piece as Buffer);
  return hash.digest('hex');
}

function pad(seq: number): string {
  return String(seq).padStart(15, '0');
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

type RowFacts = Omit<ArchiveEntry, 'table' | 'bytes' | 'file' | 'sha256'>;

async function readFacts(connection: DuckDBConnection, from: string): Promise<RowFacts | null> {
  const read = await connection.runAndReadAll(
    `SELECT min(seq)::DOUBLE, max(seq)::DOUBLE, epoch_us(min(time)), epoch_us(max(time)), count(*)::DOUBLE ${from}`,
  );
  const [firstSeq, lastSeq, minTime, maxTime, rows] = read.getRowsJS()[0] ?? [];
  if (typeof minTime !== 'bigint' || typeof maxTime !== 'bigint') return null;
  return {
    firstSeq: Number(firstSeq),
    lastSeq: Number(lastSeq),
    minTimeMicros: minTime,
    maxTimeMicros: maxTime,
    rows: Number(rows),
  };
}

/** The manifest, oldest first. */
export async function readManifest(connection: DuckDBConnection): Promise<readonly ArchiveEntry[]> {
  const read = await connection.runAndReadAll(
    'SELECT table_name, first_seq::DOUBLE, last_seq::DOUBLE, epoch_us(min_time), epoch_us(max_time), ' +
      `rows::DOUBLE, bytes::DOUBLE, file, sha256 FROM ${archiveTable} ORDER BY first_seq`,
  );
  return read.getRowsJS().map(([table, firstSeq, lastSeq, minTime, maxTime, rows, bytes, file, sha256]) => ({
    table: String(table),
    firstSeq: Number(firstSeq),
    lastSeq: Number(lastSeq),
    minTimeMicros: typeof minTime === 'bigint' ? minTime : 0n,
    maxTimeMicros: typeof maxTime === 'bigint' ? maxTime : 0n,
    rows: Number(rows),
    bytes: Number(bytes),
    file: String(file),
    sha256: typeof sha256 === 'string' ? sha256 : null,
  }));
}

/** Adds a row to the manifest, in the transaction open on the connection. */
export async function addToManifest(connection: DuckDBConnection, entry: ArchiveEntry): Promise<void> {
  await connection.run(
    `INSERT INTO ${archiveTable} VALUES (?, ?, ?, make_timestamp(?::BIGINT), make_timestamp(?::BIGINT), ?, ?, ?, ?)`,
    [
      entry.table,
      BigInt(entry.firstSeq),
      BigInt(entry.lastSeq),
      entry.minTimeMicros,
      entry.maxTimeMicros,
      BigInt(entry.rows),
      BigInt(entry.bytes),
      entry.file,
      entry.sha256,
    ],
  );
}

export async function removeFromManifest(connection: DuckDBConnection, file: string): Promise<void> {
  await connection.run(`DELETE FROM ${archiveTable} WHERE file = ?`, [file]);
}

/** Takes a file out of the manifest that is to be removed later, in the transaction open on the connection. */
export async function unlinkLater(connection: DuckDBConnection, file: string): Promise<void> {
  await removeFromManifest(connection, file);
  await connection.run(`INSERT INTO ${unlinksTable} VALUES (?)`, [file]);
}

/** Files that have left the manifest and are to be removed. */
export async function readUnlinks(connection: DuckDBConnection): Promise<readonly string[]> {
  const read = await connection.runAndReadAll(`SELECT file FROM ${unlinksTable}`);
  return read.getRowsJS().map(([file]) => String(file));
}

/** Says that the files are gone. */
export async function unlinked(connection: DuckDBConnection, files: readonly string[]): Promise<void> {
  for (const file of files) await connection.run(`DELETE FROM ${unlinksTable} WHERE file = ?`, [file]);
}
