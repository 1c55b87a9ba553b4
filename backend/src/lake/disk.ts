import { statfs } from 'node:fs/promises';
import { messageOf } from '../core/index.js';
import type { Clock } from '../core/index.js';

/** Room on the disk of a folder, in bytes. */
export interface DiskRoom {
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export type ReadDisk = (folder: string) => Promise<DiskRoom>;

export const readDisk: ReadDisk = async (folder) => {
  const stats = await statfs(folder);
  return { freeBytes: stats.bavail * stats.bsize, totalBytes: stats.blocks * stats.bsize };
};

/** True when something failed for want of room, as the system or DuckDB say it. */
export function isDiskFull(thrown: unknown): boolean {
  return /no space left|ENOSPC|EDQUOT|quota exceeded/i.test(messageOf(thrown));
}

const FRESH_MS = 1000;

/** Looks at the disk at most once a second. */
export class DiskWatch {
  readonly #folder: string;
  readonly #read: ReadDisk;
  readonly #clock: Clock;
  #room: DiskRoom | null = null;
  #readAtMs = 0;

  constructor(folder: string, clock: Clock, read: ReadDisk = readDisk) {
    this.#folder = folder;
    this.#clock = clock;
    this.#read = read;
  }

  async room(): Promise<DiskRoom> {
    const now = this.#clock.monotonicMs();
    if (this.#room === null || now - this.#readAtMs >= FRESH_MS) {
      this.#room = await this.#read(this.#folder);
      this.#readAtMs = now;
    }
    return this.#room;
  }
}
