import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.js';
import type { Target } from './targets.js';
import { BUN_VERSION, targets } from './targets.js';

/** Bun can't be had: the registry doesn't have it, or can't be reached. */
export class NoBun extends Error {}

/**
 * The bun executable for a target, from npm into the cache folder, its checksum compared.
 * @throws NoBun
 */
export async function fetchBun(target: Target, cache: string): Promise<string> {
  const folder = join(cache, `${target.bunPackage.replace('@oven/', '')}-${BUN_VERSION}`);
  const executable = join(folder, 'package', 'bin', 'bun');
  if (existsSync(executable)) return executable;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'fetch-'));
  try {
    const name = `${target.bunPackage}@${BUN_VERSION}`;
    await run('npm', [
      'pack',
      name,
      '--silent',
      '--fetch-retries=1',
      '--fetch-retry-mintimeout=2000',
      '--pack-destination',
      work,
    ]).catch((thrown: unknown) => {
      throw new NoBun(`npm has no ${name} here.`, { cause: thrown });
    });
    const [tarball] = await readdir(work);
    if (tarball === undefined) throw new NoBun(`npm packed nothing for ${name}.`);
    const digest = createHash('sha512')
      .update(await readFile(join(work, tarball)))
      .digest('base64');
    if (`sha512-${digest}` !== target.integrity) throw new Error(`${name} is not what it was when it was pinned.`);
    await run('tar', ['xzf', join(work, tarball), '-C', work]);
    await chmod(join(work, 'package', 'bin', 'bun'), 0o755);
    await rm(folder, { recursive: true, force: true });
    await rename(work, folder);
    return executable;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** The target whose bun runs on this machine and compiles for all. @throws NoBun */
export function hostTarget(): Target {
  const arch = { x64: 'amd64', arm64: 'arm64' }[process.arch as string];
  const found = targets.find(({ name }) => name === `linux-${arch ?? 'none'}${isMusl() ? '-musl' : ''}`);
  if (process.platform === 'linux' && found !== undefined) return found;
  throw new NoBun(`No bun is pinned for ${process.platform} ${process.arch}.`);
}

/** Makes one executable of the bundle and the target's bun. */
export async function compile(host: string, runtime: string, bundle: string, executable: string): Promise<void> {
  await run(host, [
    'build',
    bundle,
    '--compile',
    '--bytecode',
    '--compile-executable-path',
    runtime,
    '--no-compile-autoload-dotenv',
    '--no-compile-autoload-bunfig',
    '--outfile',
    executable,
  ]);
  await chmod(executable, 0o755);
}

function isMusl(): boolean {
  const report: unknown = process.report.getReport();
  const header = typeof report === 'object' && report !== null && 'header' in report ? report.header : {};
  return !(typeof header === 'object' && header !== null && 'glibcVersionRuntime' in header);
}
