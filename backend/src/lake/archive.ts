import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { messageOf, quoteQualified, quoteString } from '../core/index.js';
import { syncFolder, unusedPath } from './identity.js';
import { LAKE_CATALOG } from './migrations.js';
import type { Table } from './schema.js';
import { tableName } from './schema.js';
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
const DAMAGED = '.damaged';

/** The Parquet files of one lake, in a folder named after it, so that lakes can share an archive folder. */
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
    mkdirSync(join(root, lakeId), { recursive: true, mode: 0o700 });
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
    syncFile(temporary);
    renameSync(temporary, path);
    syncFolder(dirname(path));
    const { size: bytes } = statSync(path);
    return { table: tableName(table), ...facts, bytes, file, sha256: await sha256Of(path) };
  }

  /** Files in the folder, by what their names say; half-written ones are removed. */
  files(): readonly { readonly file: string; readonly table: Table }[] {
    return readdirSync(join(this.#root, this.#subfolder)).flatMap((name) => {
      const file = join(this.#subfolder, name);
      if (name.endsWith('.tmp')) this.remove(file);
      const table = eventTables.find((each) => name.startsWith(`${tableName(each)}-`));
      return table === undefined || !name.endsWith('.parquet') ? [] : [{ file, table }];
    });
  }

  /** What a file holds; throws DuckDB's error when it can't be read. */
  async describe(connection: DuckDBConnection, file: string, table: Table): Promise<ArchiveEntry | null> {
    const facts = await readFacts(connection, `FROM read_parquet(${quoteString(this.path(file))})`);
    if (facts === null) return null;
    return { table: tableName(table), ...facts, bytes: statSync(this.path(file)).size, file, sha256: null };
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
  writtenAtMs(file: string): number | null {
    return statSync(this.path(file), { throwIfNoEntry: false })?.mtimeMs ?? null;
  }

  /** Why a file of the manifest can't be used, or null: its size is looked at, not its content. */
  damageOf(entry: ArchiveEntry): string | null {
    const size = statSync(this.path(entry.file), { throwIfNoEntry: false })?.size;
    if (size === undefined) return 'it is missing';
    return size === entry.bytes ? null : `it has ${size} bytes where ${entry.bytes} were written`;
  }

  /** Renames a damaged file, so that nothing reads it any more; returns its new path, or null when it is gone. */
  putAside(file: string): string | null {
    const path = this.path(file);
    if (!existsSync(path)) return null;
    const aside = unusedPath(path + DAMAGED);
    renameSync(path, aside);
    syncFolder(dirname(path));
    return aside;
  }

  remove(file: string): void {
    rmSync(this.path(file), { force: true });
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

function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
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
