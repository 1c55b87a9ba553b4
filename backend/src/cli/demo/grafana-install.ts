import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { ArmorlakeError } from '../../core/index.js';

/** A Grafana that is installed on this machine. */
export interface GrafanaInstall {
  readonly program: string;
  /** What comes before its flags. */
  readonly command: readonly string[];
  /** The folder of its conf and public. */
  readonly home: string;
}

/** Where packages put conf and public. */
const PACKAGED_HOMES = [
  '/usr/share/grafana',
  '/usr/local/share/grafana',
  '/opt/homebrew/opt/grafana/share/grafana',
  '/usr/local/opt/grafana/share/grafana',
  '/opt/grafana',
];

const NAMES = ['grafana', 'grafana-server'];

const BOTH_WAYS =
  'Install Grafana 12.2 or newer so that `grafana` is in the PATH, or unpack its archive anywhere and name that folder ' +
  '(with bin, conf and public in it) in GRAFANA_HOME. With Docker instead: docker compose up --build.';

/**
 * The Grafana that GRAFANA_HOME names, or else the one in the PATH.
 * @throws ArmorlakeError NOT_FOUND
 */
export function findGrafana(
  environment: Readonly<Record<string, string | undefined>>,
  packagedHomes: readonly string[] = PACKAGED_HOMES,
): GrafanaInstall {
  const named = environment['GRAFANA_HOME'];
  if (named !== undefined && named !== '') return inHome(named);
  const folders = (environment['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  const program = folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable);
  if (program !== undefined) return besides(program, packagedHomes);
  // Packages put it into /usr/sbin, which is not in everybody's PATH.
  for (const home of packagedHomes.filter(isHome)) {
    const inside = programIn(home);
    if (inside !== undefined) return install(inside, home);
  }
  throw new ArmorlakeError('NOT_FOUND', 'There is no Grafana here: neither in the PATH nor at GRAFANA_HOME.', {
    hint: BOTH_WAYS,
  });
}

function inHome(home: string): GrafanaInstall {
  const program = programIn(home);
  const missing = [
    ...(program === undefined ? ['bin/grafana'] : []),
    ...['conf/defaults.ini', 'public'].filter((path) => !existsSync(join(home, path))),
  ];
  if (program !== undefined && missing.length === 0) return install(program, home);
  throw new ArmorlakeError('NOT_FOUND', `GRAFANA_HOME is ${home}, which lacks ${missing.join(' and ')}.`, {
    hint: BOTH_WAYS,
  });
}

/** With the conf and public of the archive it lies in, or of a package. */
function besides(program: string, packagedHomes: readonly string[]): GrafanaInstall {
  const bin = dirname(realpathSync(program));
  const home = [dirname(bin), join(dirname(bin), 'share', 'grafana'), ...packagedHomes].find(isHome);
  if (home !== undefined) {
    // What packages put into the PATH is a script with settings of its own.
    return install(programIn(home) ?? program, home);
  }
  throw new ArmorlakeError('NOT_FOUND', `${program} is there, but not its folder with conf and public.`, {
    hint: BOTH_WAYS,
  });
}

function install(program: string, home: string): GrafanaInstall {
  return { program, command: program.endsWith('grafana-server') ? [] : ['server'], home };
}

function programIn(home: string): string | undefined {
  return NAMES.map((name) => join(home, 'bin', name)).find(isExecutable);
}

function isHome(folder: string): boolean {
  return existsSync(join(folder, 'conf', 'defaults.ini')) && existsSync(join(folder, 'public'));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
