import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, stripVTControlCharacters } from 'node:util';
import { run } from './packaging/run.js';

/** Both ends of the Grafanas that plugin.json's grafanaDependency takes. */
const ENDS = ['12.2.0', '13.2.2'];
/** What Grafana gives to plugins. */
const PACKAGES = ['@grafana/data', '@grafana/ui', '@grafana/runtime'];
/** What the plugin is compiled against. */
const OWN = '13.1.1';
const LEVITATE = '@grafana/levitate@0.17.2';

const HELP = `Checks that the frontend fits Grafana ${ENDS.join(' and ')}.

  npm run compat

Downloads Grafana's packages of both versions from npm into a temporary folder. Removed functions and components
(by ${LEVITATE}) and types that don't fit (by tsc) are failures; changed types are remarks. Takes some minutes.
`;

const plugin = dirname(dirname(fileURLToPath(import.meta.url)));
const root = dirname(plugin);

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { help: { type: 'boolean' } } });
  if (values.help === true) {
    process.stdout.write(HELP);
    return;
  }
  const work = await mkdtemp(join(tmpdir(), 'armorlake-compat-'));
  try {
    await copyFrontend(work);
    let failures = 0;
    for (const version of ENDS) failures += (await removed(work, version)) + (await misfits(work, version));
    say(failures === 0 ? 'The frontend fits both.' : `${failures} failures.`);
    if (failures > 0) process.exitCode = 1;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** A project as levitate wants it: the dependencies at its top, no sources below a node_modules. */
async function copyFrontend(work: string): Promise<void> {
  for (const folder of ['src', 'shared']) {
    await cp(join(plugin, folder), join(work, folder), { recursive: true });
  }
  await cp(join(root, 'tsconfig.base.json'), join(work, 'tsconfig.base.json'));
  await symlink(join(root, 'node_modules'), join(work, 'node_modules'));
  const dependencies = Object.fromEntries(PACKAGES.map((name) => [name, OWN]));
  await writeFile(join(work, 'package.json'), JSON.stringify({ name: 'compat', version: '1.0.0', dependencies }));
  await mkdir(join(work, 'tmp'));
}

/** How many things are used that this version doesn't have; leaves its packages in tmp. */
async function removed(work: string, version: string): Promise<number> {
  say(`Grafana ${version}: looking for what it lacks …`);
  const target = PACKAGES.map((name) => `${name}@${version}`).join(',');
  const args = ['--yes', LEVITATE, 'is-compatible', '--path', 'src/module.ts', '--target', target];
  const report = await run('npx', args, {
    cwd: work,
    environment: { TMPDIR: join(work, 'tmp'), LEVITATE_CACHE: 'true', NO_COLOR: '1' },
    mayFail: true,
  });
  const lines = stripVTControlCharacters(report).split('\n');
  const compared = lines.filter((line) => line.includes('Successfully compared versions')).length;
  if (compared !== PACKAGES.length) throw new Error(`levitate compared ${compared} of ${PACKAGES.length}:\n${report}`);
  const changed = lines.filter((line) => /^\d+\) Changed/.test(line));
  if (changed.length > 0) say(`  ${changed.length} types are written otherwise there; tsc says whether they fit.`);
  const missing = lines.filter((line) => /^\d+\) Removed/.test(line));
  for (const line of missing) say(`  ${line}`);
  return missing.length;
}

/** How many errors tsc finds with the types of this version. */
async function misfits(work: string, version: string): Promise<number> {
  say(`Grafana ${version}: checking types …`);
  const types = (name: string): string => join(work, 'tmp', `${name}@${version}`, 'package/dist/types/index.d.ts');
  const config = {
    extends: './tsconfig.base.json',
    compilerOptions: {
      rootDir: '/',
      module: 'ESNext',
      moduleResolution: 'Bundler',
      lib: ['ES2023', 'DOM', 'DOM.Iterable'],
      jsx: 'react',
      types: [],
      resolveJsonModule: true,
      exactOptionalPropertyTypes: false,
      composite: false,
      declaration: false,
      declarationMap: false,
      noEmit: true,
      paths: Object.fromEntries(PACKAGES.map((name) => [name, [types(name)]])),
    },
    include: ['src'],
    exclude: ['**/*.test.ts', '**/*.test.tsx', 'src/testing'],
  };
  const file = join(work, `tsconfig.${version}.json`);
  await writeFile(file, JSON.stringify(config));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const report = await run(process.execPath, [tsc, '-p', file, '--pretty', 'false'], { cwd: work, mayFail: true });
  const errors = report.split('\n').filter((line) => line.includes(': error TS'));
  for (const line of errors) say(`  ${line}`);
  return errors.length;
}

main().catch((thrown: unknown) => {
  process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
  process.exitCode = 1;
});
