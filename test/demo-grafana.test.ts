import { chmodSync, existsSync, mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { grafanaFiles } from '../backend/src/cli/demo/grafana-files.js';
import { findGrafana } from '../backend/src/cli/demo/grafana-install.js';
import type { Io } from '../backend/src/cli/io.js';
import { Workplace, isAlive } from './cli-support.js';
import type { Running } from './cli-support.js';
import type { Behaviour } from './support/stand-in-grafana.js';
import { StandInGrafana } from './support/stand-in-grafana.js';

const repository = fileURLToPath(new URL('..', import.meta.url));
const place = new Workplace();
const temporary = place.path('temporary');
const plugin = place.path('plugin');

beforeAll(() => {
  mkdirSync(temporary);
  makePlugin(plugin);
});
afterAll(() => place.close());

/** The files by which a folder is a plugin for this machine. */
function makePlugin(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  for (const name of ['plugin.json', 'module.js', `gpx_armorlake_${process.platform}_${arch}`]) {
    writeFileSync(join(folder, name), '');
  }
}

/** The demo with a stand-in; it keeps its folder below TMPDIR. */
function demo(
  name: string,
  behaviour: Behaviour,
  ...flags: readonly string[]
): { readonly demo: Running; readonly grafana: StandInGrafana } {
  const grafana = new StandInGrafana(place.path(name), behaviour);
  const environment = { TMPDIR: temporary, GRAFANA_HOME: grafana.home, GF_AUTH_BASIC_ENABLED: 'false' };
  return { demo: place.start(['demo', '--grafana', '--plugin', plugin, ...flags], { environment }), grafana };
}

// Each starts seven processes and tells a day: half a minute on a small machine.
describe('armorlake demo --grafana', { timeout: 180_000 }, () => {
  it('starts Grafana with the provisioning and the plugin, on loopback, calling nothing outside', async () => {
    const startedMs = Date.now();
    const { demo: run, grafana } = demo('home', {}, '--once');
    const { code, out, err } = await run.finished;
    expect(code, err).toBe(0);
    const { args, environment, listening, plugins, ready } = grafana.record;
    const url = `http://127.0.0.1:${listening.port}`;
    expect(out).toContain(`${url}/alerting/list\n`);
    const dashboards = readdirSync(join(repository, 'provisioning/dashboards/json'));
    const named = [...out.matchAll(new RegExp(`${url}/d/([a-z-]+)`, 'g'))].map(([, uid = '']) => `${uid}.json`);
    expect(named.toSorted()).toEqual(dashboards.toSorted());
    expect(out).toMatch(/\/d\/armorlake-process-forensics\?var-event_node=edge-2&var-seq=\d+\n/);
    // The story's own time, which the last hour leaves behind: the first act is 40 minutes before the start.
    const begins = [...out.matchAll(/\/d\/armorlake-(?:fleet-overview|alert-triage)\?from=(\d+)&to=now\n/g)];
    expect(begins).toHaveLength(2);
    for (const [, from] of begins) {
      expect(Number(from)).toBeGreaterThan(startedMs - 61 * 60_000);
      expect(Number(from)).toBeLessThan(Date.now() - 58 * 60_000);
    }
    expect(out).toContain(environment['GF_SECURITY_ADMIN_PASSWORD']);
    expect(out).toContain('docs/tour.md');
    expect(ready).toBe(200);
    expect(listening.address).toBe('127.0.0.1');
    expect(plugins).toEqual({ 'armorlake-kubearmor-datasource': realpathSync(plugin) });
    const folder = dirname(environment['GF_PATHS_PLUGINS'] ?? '');
    expect(dirname(dirname(folder))).toBe(temporary);
    expect(args).toEqual(['server', `--homepath=${grafana.home}`, `--config=${folder}/grafana.ini`]);
    const provisioning = join(repository, 'provisioning');
    expect(environment).toMatchObject({
      ...places(folder, provisioning),
      ...loopback(listening.port),
      ...offline,
      GF_AUTH_ANONYMOUS_ENABLED: 'true',
      GF_AUTH_ANONYMOUS_ORG_ROLE: 'Editor',
      GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS: 'armorlake-kubearmor-datasource',
    });
    // The user's own Grafana has settings, too.
    expect(environment).not.toHaveProperty('GF_AUTH_BASIC_ENABLED');
    for (const path of ['datasources/armorlake.yaml', 'dashboards/armorlake.yaml', 'alerting/armorlake-threats.yaml']) {
      expect(existsSync(join(provisioning, path)), path).toBe(true);
    }
    expect(existsSync(environment['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH'] ?? '')).toBe(true);
    expect(grafana.endedGracefully).toBe(true);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('stays up, says how many rules fire, and ends everything on a signal', async () => {
    const { demo: run, grafana } = demo('stays', { wrapped: true });
    await run.says(/3 nodes stored \d+ logs and \d+ alerts, \d+ a second; 1 of 2 alert rules fire/);
    const { pid, environment } = grafana.record;
    run.kill('SIGINT');
    expect(await run.finished).toMatchObject({ code: 0 });
    // Its parent is gone: it is for the system to clear it away.
    await expect.poll(() => isAlive(pid), { interval: 50 }).toBe(false);
    await expect(fetch(`${environment['ARMORLAKE_URL'] ?? ''}/readyz`)).rejects.toThrow();
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('ends, with what Grafana said last, when Grafana does', async () => {
    const { demo: run, grafana } = demo('dies', { diesWith: 3 });
    const { code, err } = await run.finished;
    expect(code).toBe(1);
    expect(err).toMatch(/Grafana ended by itself \(exit code 3\)[^]*the disk is gone[^]*docs\/demo\.md/);
    await expect(fetch(`${grafana.record.environment['ARMORLAKE_URL'] ?? ''}/readyz`)).rejects.toThrow();
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('takes Grafana along when it is killed', async () => {
    const { demo: run, grafana } = demo('orphan', {});
    await expect.poll(() => grafana.isRecorded, { interval: 50 }).toBe(true);
    const { pid } = grafana.record;
    run.kill('SIGKILL');
    await run.finished;
    await expect.poll(() => isAlive(pid), { interval: 50 }).toBe(false);
  });

  it('says that a Grafana is too old, or not where GRAFANA_HOME says', async () => {
    const old = await demo('old', { version: '11.6.3' }, '--once').demo.finished;
    expect(old.code).toBe(1);
    expect(old.err).toMatch(/This Grafana is version 11\.6\.3; the data source needs 12\.2\./);
    const environment = { TMPDIR: temporary, GRAFANA_HOME: '/nowhere' };
    const none = await place.start(['demo', '--grafana', '--once'], { environment }).finished;
    expect(none.code).toBe(1);
    expect(none.err).toMatch(
      /GRAFANA_HOME is \/nowhere, which lacks bin\/grafana[^]*→ .*PATH.*GRAFANA_HOME.*docker compose/,
    );
  });
});

function places(folder: string, provisioning: string): Readonly<Record<string, string>> {
  return {
    GF_PATHS_DATA: join(folder, 'data'),
    GF_PATHS_LOGS: join(folder, 'logs'),
    GF_PATHS_PROVISIONING: provisioning,
    GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: join(provisioning, 'dashboards/json/armorlake-fleet-overview.json'),
  };
}

function loopback(port: number): Readonly<Record<string, string>> {
  return {
    GF_SERVER_HTTP_ADDR: '127.0.0.1',
    GF_SERVER_DOMAIN: '127.0.0.1',
    GF_SERVER_ENFORCE_DOMAIN: 'true',
    GF_SERVER_ROOT_URL: `http://127.0.0.1:${port}/`,
  };
}

const offline = {
  GF_ANALYTICS_REPORTING_ENABLED: 'false',
  GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
  GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
  GF_NEWS_NEWS_FEED_ENABLED: 'false',
  GF_SECURITY_DISABLE_GRAVATAR: 'true',
  GF_SNAPSHOTS_EXTERNAL_ENABLED: 'false',
  GF_PLUGINS_PREINSTALL_DISABLED: 'true',
  GF_PLUGINS_PLUGIN_ADMIN_ENABLED: 'false',
  GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED: 'true',
  GF_GRAFANA_COM_URL: 'http://127.0.0.1:9',
  GF_GRAFANA_COM_API_URL: 'http://127.0.0.1:9/api',
};

describe('the Grafana that is found', () => {
  it('is the one of GRAFANA_HOME, else of the PATH, else of a package', () => {
    const { home, program } = new StandInGrafana(place.path('unpacked'));
    const there = { program, command: ['server'], home };
    expect(findGrafana({ GRAFANA_HOME: home, PATH: '/usr/bin' }, [])).toEqual(there);
    expect(findGrafana({ PATH: join(home, 'bin') }, [])).toEqual(there);
    expect(findGrafana({ PATH: place.path('empty') }, [home])).toEqual(there);
    // A package's script in the PATH stands for its program.
    const script = place.path('sbin/grafana-server');
    mkdirSync(dirname(script));
    writeFileSync(script, '#!/bin/sh\n');
    chmodSync(script, 0o755);
    expect(findGrafana({ PATH: dirname(script) }, [home])).toEqual(there);
  });

  it('is missing with a sentence that says both ways', () => {
    const error = errorOf(() => findGrafana({ PATH: place.path('empty') }, []));
    expect(error).toMatchObject({ code: 'NOT_FOUND', message: expect.stringMatching(/no Grafana here/) });
    expect(error).toMatchObject({ hint: expect.stringMatching(/PATH.*GRAFANA_HOME/) });
    const lonely = place.path('lonely/grafana');
    mkdirSync(dirname(lonely));
    writeFileSync(lonely, '');
    chmodSync(lonely, 0o755);
    expect(errorOf(() => findGrafana({ PATH: dirname(lonely) }, []))).toMatchObject({
      message: expect.stringMatching(/lonely\/grafana is there, but not its folder with conf and public/),
    });
  });
});

function errorOf(run: () => unknown): unknown {
  try {
    run();
  } catch (thrown) {
    return thrown;
  }
  return undefined;
}

describe('the files of the demo with Grafana', () => {
  const said: string[] = [];
  const io: Io = {
    out: (text) => {
      said.push(text);
      return Promise.resolve();
    },
    err: () => undefined,
    input: Readable.from([]),
    inputIsTerminal: false,
    outIsTerminal: false,
    errIsTerminal: false,
    columns: 80,
    rows: 40,
    environment: {},
    cwd: place.folder,
    signal: new AbortController().signal,
  };

  it('are missing from an installed package: it says what, and where to get it', async () => {
    const root = place.path('installed');
    await expect(grafanaFiles(io, undefined, root)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: `The demo with Grafana needs ${root}/provisioning, which is not there.`,
      hint: expect.stringMatching(/clone of the repository/),
    });
    mkdirSync(join(root, 'provisioning/dashboards/json'), { recursive: true });
    await expect(grafanaFiles(io, undefined, root)).rejects.toMatchObject({
      message: `The demo with Grafana needs ${root}/plugin, which is not there.`,
    });
    await expect(grafanaFiles(io, root, root)).rejects.toMatchObject({
      message: expect.stringMatching(/is no plugin for this machine: it lacks plugin\.json and module\.js and gpx_/),
    });
  });

  it('come with a plugin that is built where it is missing, showing progress', async () => {
    const root = place.path('clone');
    mkdirSync(join(root, 'provisioning/dashboards/json'), { recursive: true });
    mkdirSync(join(root, 'plugin/scripts'), { recursive: true });
    const script = join(root, 'plugin/scripts/package.ts');
    writeFileSync(script, 'console.error("no webpack here"); process.exitCode = 1;');
    await expect(grafanaFiles(io, undefined, root)).rejects.toMatchObject({
      message: expect.stringMatching(/what builds it is not installed/),
      hint: expect.stringMatching(/npm ci/),
    });
    symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
    await expect(grafanaFiles(io, undefined, root)).rejects.toMatchObject({
      message: 'The Grafana plugin could not be built (exit code 1):\nno webpack here',
    });
    const built = join(root, 'plugin/dist');
    makePlugin(join(root, 'made'));
    writeFileSync(
      script,
      `import { renameSync } from 'node:fs';
      const last: string = process.argv.at(-1) ?? '';
      console.log('Frontend: webpack …', last);
      renameSync('made', 'plugin/dist');`,
    );
    said.length = 0;
    expect(await grafanaFiles(io, undefined, root)).toEqual({
      plugin: built,
      provisioning: join(root, 'provisioning'),
    });
    expect(said.join('')).toMatch(/not built yet[^]*Frontend: webpack … --launcher\n/);
    said.length = 0;
    expect(await grafanaFiles(io, undefined, root)).toMatchObject({ plugin: built });
    expect(said).toEqual([]);
  });
});
