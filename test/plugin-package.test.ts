import { mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { filesOf, zip } from '../plugin/scripts/packaging/archive.js';
import { LAUNCHER_BUNDLE, bundleBackend, writeLauncher } from '../plugin/scripts/packaging/backend.js';
import { PluginHost, PluginProcess } from './support/plugin-host.js';

const plugin = fileURLToPath(new URL('../plugin', import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'armorlake-package-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a zip', () => {
  it('holds the files with their modes below one folder, and is the same whenever it is made', async () => {
    const files = join(folder, 'files');
    await mkdir(join(files, 'img'), { recursive: true });
    const program = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7919) % 251));
    await writeFile(join(files, 'gpx'), program, { mode: 0o700 });
    await writeFile(join(files, 'img', 'é.svg'), '<svg/>', { mode: 0o600 });
    await writeFile(join(files, 'empty'), '');
    const first = await zip('plugin', await filesOf(files));
    await utimes(join(files, 'gpx'), 1, 1);
    expect((await zip('plugin', (await filesOf(files)).reverse())).equals(first)).toBe(true);
    const content = unzipSync(new Uint8Array(first));
    expect(Object.keys(content)).toEqual(['plugin/empty', 'plugin/gpx', 'plugin/img/é.svg']);
    expect(Buffer.from(content['plugin/gpx'] ?? []).equals(program)).toBe(true);
    expect(Buffer.from(content['plugin/img/é.svg'] ?? []).toString()).toBe('<svg/>');
    expect(unixModes(first)).toEqual([0o100644, 0o100755, 0o100644]);
  });
});

/** Upper half of the external attributes of each line of a zip's directory. */
function unixModes(bytes: Buffer): readonly number[] {
  const modes: number[] = [];
  for (let at = bytes.indexOf('PK\x01\x02'); at >= 0; at = bytes.indexOf('PK\x01\x02', at + 1)) {
    modes.push(bytes.readUInt16LE(at + 40));
  }
  return modes;
}

/** The part of a webpack configuration that copies what is not bundled. */
const copying = z.object({ plugins: z.array(z.custom<Copying>()) });

interface Copying {
  apply(compiler: { hooks: { afterEmit: { tap(name: string, run: () => void): void } }; outputPath: string }): void;
}

const descriptor = z.object({
  info: z.object({ version: z.string(), screenshots: z.array(z.object({ path: z.string() })) }),
  includes: z.array(z.object({ type: z.string(), name: z.string(), path: z.string() })),
});

describe('what the build puts beside the bundle', () => {
  it('has the dashboards that plugin.json includes, as they are in provisioning', async () => {
    const outputPath = join(folder, 'assets');
    const configure: unknown = createRequire(import.meta.url)('../plugin/webpack.config.cjs');
    if (typeof configure !== 'function') throw new Error('the configuration is no function');
    for (const each of copying.parse(configure({}, {})).plugins) {
      each.apply({
        hooks: {
          afterEmit: {
            tap: (_, run) => {
              run();
            },
          },
        },
        outputPath,
      });
    }
    const { info, includes } = descriptor.parse(JSON.parse(await readFile(join(outputPath, 'plugin.json'), 'utf8')));
    expect(info.version).toMatch(/^\d+\.\d+\.\d+$/);
    for (const { path } of info.screenshots) await expect(stat(join(outputPath, path))).resolves.toBeDefined();
    const provisioned = fileURLToPath(new URL('../provisioning/dashboards/json', import.meta.url));
    const files = await readdir(provisioned);
    expect(files).toHaveLength(8);
    expect(includes.map(({ path }) => path).toSorted()).toEqual(files.map((file) => `dashboards/${file}`).toSorted());
    for (const { type, name, path } of includes) {
      expect(type).toBe('dashboard');
      const text = await readFile(join(outputPath, path), 'utf8');
      expect(text).toBe(await readFile(join(provisioned, path.slice('dashboards/'.length)), 'utf8'));
      expect(JSON.parse(text)).toMatchObject({ title: name });
    }
  });
});

describe('the Node launcher', () => {
  it('starts the one bundle from anywhere', async () => {
    const launcher = join(folder, 'launcher dir', 'gpx_armorlake_linux_amd64');
    await bundleBackend(plugin, join(folder, 'launcher dir', LAUNCHER_BUNDLE));
    await writeLauncher(launcher);
    expect((await stat(launcher)).mode & 0o777).toBe(0o755);
    const host = await PluginHost.start({ command: [launcher] });
    try {
      expect(await host.isServing()).toBe(true);
      expect(await host.shutdown()).toEqual({ code: 0, signal: null });
    } finally {
      await host.close();
    }
    const refused = new PluginProcess({ command: [launcher], environment: { grafana_plugin_type: undefined } });
    expect((await refused.exited).code).toBe(1);
    expect(refused.noise.join(' ')).toMatch(/Grafana starts it/);
  });
});
