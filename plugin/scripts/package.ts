import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { Entry } from './packaging/archive.js';
import { filesOf, zip } from './packaging/archive.js';
import { LAUNCHER_BUNDLE, bundleBackend, writeLauncher } from './packaging/backend.js';
import { NoBun, compile, fetchBun, hostTarget } from './packaging/bun.js';
import { run } from './packaging/run.js';
import type { Target } from './packaging/targets.js';
import { BUN_VERSION, launcherNames, targets } from './packaging/targets.js';

const HELP = `Packages the Grafana data source.

  npm run package [-- --launcher]

Leaves the unpacked plugin in plugin/dist, and in plugin/packages a zip for each kind of machine with SHA256SUMS
beside them: linux-amd64, linux-amd64-musl, linux-arm64, linux-arm64-musl (nothing else needed there), and node
(any machine with Node.js 20.19 or newer). bun ${BUN_VERSION} is got by npm into node_modules/.cache.

  --launcher   plugin/dist only, and its backend by the Node.js of this machine: for developing
  --only NAME  plugin/dist only, with the executable for this kind of machine, as linux-amd64
  --help       this text
`;

const PLUGIN_ID = 'armorlake-kubearmor-datasource';
/** Bytes of module.js with gzip: more makes Grafana slow to open. */
const MODULE_BYTES = 300 * 1024;

const plugin = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(plugin, 'dist');
const packages = join(plugin, 'packages');
const cache = join(dirname(plugin), 'node_modules', '.cache', 'armorlake-plugin');
const work = join(cache, 'work');
const bundle = join(work, LAUNCHER_BUNDLE);

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { launcher: { type: 'boolean' }, only: { type: 'string' }, help: { type: 'boolean' } },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return;
  }
  const only = values.only === undefined ? undefined : targetNamed(values.only);
  const begin = performance.now();
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { recursive: true });
  await buildFrontend();
  await bundleBackend(plugin, bundle);
  say(`Backend: one bundle of ${kib((await stat(bundle)).size)}.`);
  if (only !== undefined) await installExecutable(only);
  else if (values.launcher === true) await installLauncher();
  else await packageAll();
  await rm(work, { recursive: true, force: true });
  say(`Done in ${((performance.now() - begin) / 1000).toFixed(0)} s: ${dist}`);
}

async function buildFrontend(): Promise<void> {
  say('Frontend: webpack …');
  const built = join(work, 'dist');
  const environment = { SOURCE_DATE_EPOCH: process.env['SOURCE_DATE_EPOCH'] ?? (await commitTime()) };
  await run('npm', ['run', '--silent', 'build', '--', '--output-path', built], { cwd: plugin, environment });
  const bytes = gzipSync(await readFile(join(built, 'module.js'))).length;
  say(`Frontend: module.js has ${kib(bytes)} with gzip.`);
  if (bytes > MODULE_BYTES) {
    throw new Error(
      `module.js must not exceed ${kib(MODULE_BYTES)} with gzip: load what is rarely needed by import().`,
    );
  }
  // Only what was built whole takes the place of what was there.
  await rm(dist, { recursive: true, force: true });
  await rename(built, dist);
}

/** Seconds since 1970 of the commit that is packaged; now, where there is no git. */
async function commitTime(): Promise<string> {
  const time = await run('git', ['log', '-1', '--format=%ct'], { cwd: plugin }).catch(() => '');
  return time.trim() === '' ? String(Math.floor(Date.now() / 1000)) : time.trim();
}

/** The backend in plugin/dist, by the Node.js of this machine. */
async function installLauncher(): Promise<void> {
  await copyFile(bundle, join(dist, LAUNCHER_BUNDLE));
  for (const name of launcherNames) await writeLauncher(join(dist, name));
}

function targetNamed(name: string): Target {
  const found = targets.find((target) => target.name === name);
  if (found !== undefined) return found;
  throw new Error(`--only takes ${targets.map((target) => target.name).join(', ')}; it is "${name}".`);
}

/** The backend in plugin/dist, as an executable for one kind of machine. @throws NoBun */
async function installExecutable(target: Target): Promise<void> {
  say(`bun ${BUN_VERSION}: from npm, or the cache …`);
  const host = await fetchBun(hostTarget(), cache);
  await compile(host, await fetchBun(target, cache), bundle, join(dist, target.executable));
}

async function packageAll(): Promise<void> {
  const frontend = await filesOf(dist);
  const { version } = JSON.parse(await readFile(join(plugin, 'package.json'), 'utf8')) as { version: string };
  await rm(packages, { recursive: true, force: true });
  await mkdir(packages, { recursive: true });
  const sums: string[] = [];
  const pack = async (name: string, backend: readonly Entry[]): Promise<void> => {
    const bytes = await zip(PLUGIN_ID, [...frontend, ...backend]);
    const file = `${PLUGIN_ID}-${version}.${name}.zip`;
    await writeFile(join(packages, file), bytes);
    sums.push(`${createHash('sha256').update(bytes).digest('hex')}  ${file}\n`);
    say(`${file}: ${mib(bytes.length)}`);
  };
  const installed = await compileAll(pack);
  const launchers = join(work, 'launchers');
  await mkdir(launchers);
  await copyFile(bundle, join(launchers, LAUNCHER_BUNDLE));
  for (const name of launcherNames) await writeLauncher(join(launchers, name));
  await pack('node', await filesOf(launchers));
  await writeFile(join(packages, 'SHA256SUMS'), sums.join(''));
  if (!installed) await installLauncher();
}

/** Whether plugin/dist got an executable. */
async function compileAll(pack: (name: string, backend: readonly Entry[]) => Promise<void>): Promise<boolean> {
  try {
    say(`bun ${BUN_VERSION}: from npm, or the cache …`);
    const host = await fetchBun(hostTarget(), cache);
    for (const target of targets) {
      const file = join(work, target.name, target.executable);
      await compile(host, await fetchBun(target, cache), bundle, file);
      say(`${target.name}: ${target.executable} of ${mib((await stat(file)).size)}`);
      await pack(target.name, [{ path: target.executable, file }]);
      if (!target.name.endsWith('-musl')) await copyFile(file, join(dist, target.executable));
    }
    return true;
  } catch (thrown) {
    if (!(thrown instanceof NoBun)) throw thrown;
    say(`${thrown.message} The plugin is packaged with the Node launcher only: it needs Node.js beside Grafana.`);
    return false;
  }
}

function kib(bytes: number): string {
  return `${(bytes / 1024).toFixed(0)} KiB`;
}

function mib(bytes: number): string {
  return `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

main().catch((thrown: unknown) => {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  process.exitCode = 1;
});
