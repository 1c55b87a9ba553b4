import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ArmorlakeError } from '../../core/index.js';
import type { Io } from '../io.js';

/** The repository's files that Grafana reads. */
export interface GrafanaFiles {
  /** The unpacked plugin. */
  readonly plugin: string;
  readonly provisioning: string;
}

/** Above backend/dist/cli/demo (and backend/src/cli/demo). */
const repository = fileURLToPath(new URL('../../../../', import.meta.url));
const KEPT_LINES = 8;

/**
 * The provisioning folder of the repository, and the plugin: the one given, or the repository's, which is built where it
 * isn't yet.
 * @throws ArmorlakeError NOT_FOUND
 */
export async function grafanaFiles(io: Io, given: string | undefined, root = repository): Promise<GrafanaFiles> {
  const provisioning = join(root, 'provisioning');
  if (!existsSync(join(provisioning, 'dashboards', 'json'))) throw missing(provisioning);
  if (given !== undefined) {
    const lacks = missingIn(given);
    if (lacks.length === 0) return { plugin: given, provisioning };
    throw new ArmorlakeError('NOT_FOUND', `${given} is no plugin for this machine: it lacks ${lacks.join(' and ')}.`, {
      hint: 'Name the folder of an unpacked zip of `npm run package`, the one that holds plugin.json.',
    });
  }
  const plugin = join(root, 'plugin', 'dist');
  if (missingIn(plugin).length > 0) await build(io, root);
  return { plugin, provisioning };
}

function missing(path: string): ArmorlakeError {
  return new ArmorlakeError('NOT_FOUND', `The demo with Grafana needs ${path}, which is not there.`, {
    hint: 'It runs from a clone of the repository, which has the plugin and the dashboards: npm ci && npm run demo -- --grafana.',
  });
}

/** What an unpacked plugin lacks to run on this machine. */
function missingIn(plugin: string): readonly string[] {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  return ['plugin.json', 'module.js', `gpx_armorlake_${process.platform}_${arch}`].filter(
    (name) => !existsSync(join(plugin, name)),
  );
}

async function build(io: Io, root: string): Promise<void> {
  const script = join(root, 'plugin', 'scripts', 'package.ts');
  if (!existsSync(script)) throw missing(join(root, 'plugin'));
  const hint = 'Run `npm ci` and then `npm run package` in the repository, which says more.';
  if (!existsSync(join(root, 'node_modules', 'tsx'))) {
    throw new ArmorlakeError('NOT_FOUND', 'The Grafana plugin is not built, and what builds it is not installed.', {
      hint,
    });
  }
  await io.out('The Grafana plugin is not built yet. Building it, once, takes about half a minute:\n');
  const child = spawn(process.execPath, ['--import', 'tsx', script, '--launcher'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: io.signal,
  });
  const said: string[] = [];
  const tell = async (line: string): Promise<void> => {
    said.push(line);
    await io.out(`    ${line}\n`);
  };
  createInterface({ input: child.stdout }).on('line', (line) => void tell(line));
  createInterface({ input: child.stderr }).on('line', (line) => said.push(line));
  const how = await new Promise<string | undefined>((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('close', (code, signal) => {
      resolve(code === 0 ? undefined : (signal ?? `exit code ${code ?? 'unknown'}`));
    });
  });
  io.signal.throwIfAborted();
  if (how === undefined) return;
  throw new ArmorlakeError(
    'INTERNAL',
    `The Grafana plugin could not be built (${how}):\n${said.slice(-KEPT_LINES).join('\n')}`,
    {
      hint,
    },
  );
}
