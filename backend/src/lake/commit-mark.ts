import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** The last commit the engine has told anybody of. */
export interface CommitMark {
  readonly lastSeq: number;
  readonly lastBatch: number;
}

const MAGIC = 0x4b_52_4d_41;
const BYTES = 24;

/**
 * `lake.mark`: rewritten in place after each commit, without fsync. DuckDB opens some damaged WALs without a word and with
 * their rows gone; a lake that ends below this mark has lost rows. It is never ahead of what DuckDB has synced, so a power
 * cut gives no false alarm. A mark that can't be read says nothing.
 *
 *   u32 magic | u64 last seq | u64 last batch | u32 CRC-32 of what precedes
 */
export class CommitMarkFile {
  readonly #file: number;
  readonly #buffer = Buffer.alloc(BYTES);

  constructor(dataFolder: string) {
    this.#file = openSync(join(dataFolder, 'lake.mark'), 'a+', 0o600);
    closeSync(this.#file);
    this.#file = openSync(join(dataFolder, 'lake.mark'), 'r+');
  }

  read(): CommitMark | null {
    const buffer = Buffer.alloc(BYTES);
    if (readSync(this.#file, buffer, 0, BYTES, 0) < BYTES) return null;
    if (buffer.readUInt32LE(0) !== MAGIC) return null;
    if (buffer.readUInt32LE(BYTES - 4) !== crc32(buffer.subarray(0, BYTES - 4))) return null;
    return { lastSeq: Number(buffer.readBigUInt64LE(4)), lastBatch: Number(buffer.readBigUInt64LE(12)) };
  }

  write(mark: CommitMark): void {
    const buffer = this.#buffer;
    buffer.writeUInt32LE(MAGIC, 0);
    buffer.writeBigUInt64LE(BigInt(mark.lastSeq), 4);
    buffer.writeBigUInt64LE(BigInt(mark.lastBatch), 12);
    buffer.writeUInt32LE(crc32(buffer.subarray(0, BYTES - 4)), BYTES - 4);
    writeSync(this.#file, buffer, 0, BYTES, 0);
  }

  close(): void {
    closeSync(this.#file);
  }
}
