import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { ArmorlakeError, hasErrno, messageOf, withDeadline } from '../../core/index.js';
import type { GrafanaFiles } from './grafana-files.js';
import type { GrafanaInstall } from './grafana-install.js';
import { GRAFANA_HOST, PLUGIN_ID, grafanaEnvironment, pluginsOf } from './grafana-settings.js';

/** The first start makes its database: minutes on a small machine that is busy. */
const START_MS = 180_000;
const END_MS = 15_000;
const LOOK_MS = 250;
const ANSWER_MS = 5000;
/** Lines of its log that an error shows. */
const KEPT_LINES = 5;
/** What the plugin needs. */
const OLDEST = [12, 2] as const;

const health = z.object({ database: z.string(), version: z.string().default('') });
const sourceHealth = z.object({ status: z.string(), message: z.string().default('') });
const found = z.array(z.object({ uid: z.string() }));
const rules = z.object({
  data: z.object({ groups: z.array(z.object({ rules: z.array(z.object({ name: z.string(), state: z.string() })) })) }),
});

/** What is given to a Grafana besides the repository's files. */
export interface GrafanaOptions {
  readonly port: number;
  readonly folder: string;
  readonly armorlakeUrl: string;
  readonly adminPassword: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The alert rules, and which of them fire. */
export interface RuleStates {
  readonly rules: number;
  readonly firing: readonly string[];
}

/** A Grafana that the demo runs. */
export class Grafana {
  readonly url: string;
  /** How it ended. */
  readonly exited: Promise<string>;
  readonly #process: ChildProcess;
  readonly #guard: ChildProcess;
  readonly #authorization: string;
  readonly #dashboards: number;
  readonly #lines: string[] = [];
  #ended = false;

  private constructor(process: ChildProcess, guard: ChildProcess, options: GrafanaOptions, dashboards: number) {
    this.#process = process;
    this.#guard = guard;
    this.#dashboards = dashboards;
    this.url = `http://${GRAFANA_HOST}:${options.port}`;
    this.#authorization = `Basic ${Buffer.from(`admin:${options.adminPassword}`).toString('base64')}`;
    this.exited = new Promise((resolve) => {
      process.once('error', (error) => {
        resolve(error.message);
      });
      process.once('exit', (code, killedBy) => {
        resolve(killedBy ?? `exit code ${code ?? 'unknown'}`);
      });
    });
    for (const stream of [process.stdout, process.stderr]) {
      if (stream === null) continue;
      createInterface({ input: stream }).on('line', (line) => {
        this.#lines.push(line);
        this.#lines.splice(0, this.#lines.length - KEPT_LINES);
      });
    }
  }

  /** Starts it in a process group of its own, so that Ctrl+C reaches it through us only. */
  static start(install: GrafanaInstall, files: GrafanaFiles, options: GrafanaOptions): Grafana {
    const { folder } = options;
    for (const path of [join(folder, 'data'), join(folder, 'logs'), pluginsOf(folder)])
      mkdirSync(path, { recursive: true });
    symlinkSync(files.plugin, join(pluginsOf(folder), PLUGIN_ID));
    // In place of the one of the machine's own Grafana.
    const config = join(folder, 'grafana.ini');
    writeFileSync(config, '');
    const flags = [`--homepath=${install.home}`, `--config=${config}`];
    const child = spawn(install.program, [...install.command, ...flags], {
      cwd: install.home,
      env: grafanaEnvironment(options.environment, { ...options, provisioning: files.provisioning }),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const dashboards = readdirSync(join(files.provisioning, 'dashboards', 'json')).length;
    return new Grafana(child, guard(child), options, dashboards);
  }

  /**
   * Waits until it answers, has taken the dashboards in, and the data source reaches the query node through the plugin.
   * @throws ArmorlakeError when it ends, is too old or takes too long
   */
  async ready(signal: AbortSignal): Promise<void> {
    const deadline = withDeadline(signal, START_MS);
    const { version } = await this.#until(deadline, signal, 'answer', async () =>
      health.parse(await this.#get('/api/health', deadline)),
    );
    const [major = 0, minor = 0] = version.split('.').map(Number.parseFloat);
    if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
      throw new ArmorlakeError(
        'CONFLICT',
        `This Grafana is version ${version}; the data source needs ${OLDEST.join('.')}.`,
        {
          hint: 'Name a newer one in GRAFANA_HOME: the folder of its unpacked archive.',
        },
      );
    }
    await this.#until(deadline, signal, 'reach the query node through the data source', async () => {
      const { status, message } = sourceHealth.parse(
        await this.#get('/api/datasources/uid/armorlake/health', deadline),
      );
      if (status !== 'OK') throw new Error(message);
    });
    await this.#until(deadline, signal, 'take the dashboards in', async () => {
      const { length } = found.parse(await this.#get('/api/search?type=dash-db&tag=armorlake', deadline));
      if (length < this.#dashboards) throw new Error(`it has ${length} of ${this.#dashboards}`);
    });
  }

  /** The states of its alert rules. Rejects when it does not answer. */
  async rules(signal: AbortSignal): Promise<RuleStates> {
    const { data } = rules.parse(await this.#get('/api/prometheus/grafana/api/v1/rules', signal));
    const all = data.groups.flatMap((group) => group.rules);
    return { rules: all.length, firing: all.filter(({ state }) => state === 'firing').map(({ name }) => name) };
  }

  /** Resolves with an error when it ends by itself. */
  async broken(): Promise<ArmorlakeError> {
    const how = await this.exited;
    if (this.#ended) return new Promise(() => undefined);
    return this.#error('INTERNAL', `Grafana ended by itself (${how}).`);
  }

  /** Ends it gracefully, or by force after a while; and then whatever it started and left behind. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#signal('SIGTERM');
    const force = setTimeout(() => {
      this.#signal('SIGKILL');
    }, END_MS);
    await this.exited;
    clearTimeout(force);
    this.#signal('SIGKILL');
    this.#guard.kill('SIGKILL');
  }

  /** To its whole group: what is in the PATH may be a script that runs Grafana. */
  #signal(signal: NodeJS.Signals): void {
    if (this.#process.pid === undefined) return;
    try {
      process.kill(-this.#process.pid, signal);
    } catch (thrown) {
      if (!hasErrno(thrown, 'ESRCH')) throw thrown;
    }
  }

  async #get(path: string, signal: AbortSignal): Promise<unknown> {
    const stop = new AbortController();
    const abort = (): void => {
      stop.abort();
    };
    const timer = setTimeout(abort, ANSWER_MS);
    signal.addEventListener('abort', abort, { once: true });
    try {
      const headers = { authorization: this.#authorization };
      const response = await fetch(`${this.url}${path}`, { headers, signal: stop.signal, redirect: 'error' });
      const text = await response.text();
      if (!response.ok) throw new Error(`${path} is answered with ${response.status}: ${text.slice(0, 200)}`);
      return JSON.parse(text);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  /** Tries until it succeeds, within the deadline. */
  async #until<Value>(
    deadline: AbortSignal,
    signal: AbortSignal,
    what: string,
    attempt: () => Promise<Value>,
  ): Promise<Value> {
    for (;;) {
      try {
        return await attempt();
      } catch (thrown) {
        signal.throwIfAborted();
        if (deadline.aborted) {
          throw this.#error('DEADLINE', `Grafana did not ${what} within ${START_MS / 1000} s: ${messageOf(thrown)}`);
        }
        await sleep(LOOK_MS, undefined, { signal: deadline }).catch(() => undefined);
      }
    }
  }

  #error(code: 'INTERNAL' | 'DEADLINE', message: string): ArmorlakeError {
    const said = this.#lines.length === 0 ? 'It said nothing.' : `It said at last:\n${this.#lines.join('\n')}`;
    return new ArmorlakeError(code, `${message} ${said}`, {
      hint: `It was started from the folder that GRAFANA_HOME or the PATH names; docs/demo.md says what it needs.`,
    });
  }
}

/** Ends it when this process is killed: the guard's stdin ends then. */
function guard(child: ChildProcess): ChildProcess {
  const watching = spawn('sh', ['-c', 'cat >/dev/null; kill -s TERM -- "-$0"', String(child.pid ?? 0)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watching.stdin.on('error', () => undefined);
  return watching;
}
