import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A small disk of its own, until the function is called; null where none can be made. */
export function mountSmallDisk(folder: string, bytes: number): (() => void) | null {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return null;
  mkdirSync(folder, { recursive: true });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]);
  return mounted.status === 0 ? () => spawnSync('umount', ['-l', folder]) : null;
}

/** True where a test can mount a disk. */
export function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'armorlake-test-'));
  const unmount = mountSmallDisk(folder, 1 << 20);
  unmount?.();
  rmSync(folder, { recursive: true, force: true });
  return unmount !== null;
}

/** Takes all room of a disk, to the last byte; the function gives it back. */
export function fillDisk(folder: string): () => void {
  const path = join(folder, 'ballast');
  const file = openSync(path, 'w');
  try {
    for (const bytes of [1 << 20, 4096, 1]) {
      const piece = Buffer.alloc(bytes, 1);
      for (;;) if (writeSync(file, piece) < bytes) break;
    }
  } catch (thrown) {
    if (!(thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOSPC')) throw thrown;
  } finally {
    closeSync(file);
  }
  return () => rmSync(path);
}
