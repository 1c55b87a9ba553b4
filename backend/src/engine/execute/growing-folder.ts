import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { hasErrno } from '../../core/index.js';

/** How often the size is looked at: a disk writes some ten megabytes meanwhile. */
const LOOK_EVERY_MS = 20;

/**
 * Runs what writes files into a folder of its own, and stops it when they come to more than they may: DuckDB has no limit
 * for what COPY writes, and the file's size is known to nobody but the file system.
 * @param stop called again and again until the work ends, as an interrupt between two statements is forgotten.
 * @param refusal what is thrown instead of the work's own error once it was stopped.
 */
export async function withinFolder<T>(
  folder: string,
  maxBytes: number,
  stop: () => void,
  refusal: () => Error,
  work: () => Promise<T>,
): Promise<T> {
  let over = false;
  const isOver = (): boolean => {
    try {
      return bytesIn(folder) > maxBytes;
    } catch {
      // What can't be watched may not go on; thrown in a timer, it would end the process.
      return true;
    }
  };
  const look = setInterval(() => {
    over ||= isOver();
    if (over) stop();
  }, LOOK_EVERY_MS);
  try {
    const done = await work();
    if (over || isOver()) throw refusal();
    return done;
  } catch (thrown) {
    throw over ? refusal() : thrown;
  } finally {
    clearInterval(look);
  }
}

/** Synchronous: so many files are few, and an awaited look would come late while the threads of the pool are at work. */
function bytesIn(folder: string): number {
  let bytes = 0;
  for (const name of namesIn(folder)) {
    // One may be renamed meanwhile.
    bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}

/** None in a folder that is gone: whoever asked has left and removed it, before the work has heard that it is to stop. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (thrown) {
    if (hasErrno(thrown, 'ENOENT')) return [];
    throw thrown;
  }
}
