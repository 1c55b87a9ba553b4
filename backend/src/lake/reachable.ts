import { lstat, readlink, realpath } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { hasErrno } from '../core/index.js';

/** As many links as the system follows. */
const LINKS = 40;

/**
 * A folder by its own path and by where its links lead, also while nothing is there: DuckDB follows the links of what it may
 * read once, when it is opened, and those of a file each time.
 */
export async function pathsOf(folder: string): Promise<readonly string[]> {
  return [...new Set([folder, await target(resolve(folder), LINKS)])];
}

async function target(path: string, links: number): Promise<string> {
  try {
    return await realpath(path);
  } catch (thrown) {
    if (!hasErrno(thrown, 'ENOENT') || links === 0 || dirname(path) === path) return path;
  }
  const stats = await lstat(path).catch(() => null);
  if (stats?.isSymbolicLink() === true) return target(resolve(dirname(path), await readlink(path)), links - 1);
  return join(await target(dirname(path), links), basename(path));
}
