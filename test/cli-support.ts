import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** The committed launcher, which loads the build. */
export const launcher = fileURLToPath(new URL('../backend/bin/armorlake.js', import.meta.url));

/** The environment without settings of whoever runs the tests. */
const environment: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('ARMORLAKE_')),
);

export interface RunOptions {
  readonly cwd?: string;
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** A program and its arguments that ends in running what follows, as `ip netns exec` does. */
  readonly wrapper?: readonly string[];
}

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
}

/** An armorlake command as a process of its own. */
export class Running {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly finished: Promise<Finished>;
  out = '';
  err = '';

  constructor(args: readonly string[], options: RunOptions = {}) {
    const [program = process.execPath, ...rest] = [...(options.wrapper ?? []), process.execPath, launcher, ...args];
    this.#child = spawn(program, rest, {
      cwd: options.cwd,
      env: { ...environment, ...options.environment },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    // A command that doesn't read its input may be gone before it is written.
    this.#child.stdin.on('error', () => undefined);
    this.#child.stdin.end(options.input ?? '');
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => (this.err += text));
    this.finished = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        resolve({ code, signal, out: this.out, err: this.err });
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The first match of the pattern on stdout; rejects when the process ends before. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(this.out);
        if (match === null) return;
        this.#child.stdout.off('data', look);
        resolve(match);
      };
      this.#child.stdout.on('data', look);
      look();
      void this.finished.then(({ code, err }) => {
        reject(new Error(`it ended with ${code} before it said ${pattern}: ${this.out}${err}`));
      });
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

/** Runs a command to its end. */
export function run(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  return new Running(args, options).finished;
}

/** A temporary folder and the processes started in it. */
export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), 'armorlake-test-'));
  readonly #running: Running[] = [];

  start(args: readonly string[], options: RunOptions = {}): Running {
    const running = new Running(args, { cwd: this.folder, ...options });
    this.#running.push(running);
    return running;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Ends what still runs, and removes the folder. */
  async close(): Promise<void> {
    for (const running of this.#running) running.kill('SIGTERM');
    await Promise.all(this.#running.map((running) => running.finished));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** True while a process of this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
