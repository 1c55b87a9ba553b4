import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { ArmorlakeError, withDeadline } from '../../core/index.js';

const START_MS = 60_000;
const END_MS = 15_000;
/** Lines of a child's stderr that an error shows. */
const KEPT_LINES = 5;

/** An armorlake command that runs as a child and says in its first line that it is ready. */
export class Child {
  readonly name: string;
  /** Its ready line. */
  readonly line: string;
  readonly exited: Promise<string>;
  readonly #process: ChildProcess;

  private constructor(name: string, line: string, process: ChildProcess, exited: Promise<string>) {
    this.name = name;
    this.line = line;
    this.#process = process;
    this.exited = exited;
  }

  /**
   * Starts it and waits for its ready line. It ends with this process, however that ends: its stdin then closes.
   * It gets a process group of its own, so that Ctrl+C reaches it through us only.
   */
  static async start(name: string, launcher: string, args: readonly string[], signal: AbortSignal): Promise<Child> {
    const child = spawn(process.execPath, [launcher, ...args, '--until-stdin-ends'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    const errors: string[] = [];
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors.push(...text.split('\n').filter((line) => line !== ''));
      errors.splice(0, errors.length - KEPT_LINES);
    });
    const exited = new Promise<string>((resolve) => {
      child.once('error', (error) => {
        resolve(error.message);
      });
      child.once('exit', (code, killedBy) => {
        resolve(killedBy ?? `exit code ${code ?? 'unknown'}`);
      });
    });
    try {
      const line = await firstLine(child, exited, signal);
      return new Child(name, line, child, exited);
    } catch (thrown) {
      child.kill('SIGKILL');
      if (signal.aborted) throw new ArmorlakeError('CANCELLED', 'Interrupted.', { cause: thrown });
      throw new ArmorlakeError('INTERNAL', `The ${name} did not start: ${ArmorlakeError.from(thrown).message}`, {
        hint: errors.length === 0 ? undefined : errors.join('\n'),
        cause: thrown,
      });
    }
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** What its ready line says it is reached at. */
  address(pattern: RegExp): string {
    const address = pattern.exec(this.line)?.[1];
    if (address === undefined) throw new ArmorlakeError('INTERNAL', `The ${this.name} said nothing of its address.`);
    return address.replace(/[.,]$/, '');
  }

  /**
   * Stops it and its own children as they are (SIGSTOP), until the function that is returned wakes them. They wake, too,
   * when this process is killed: a stopped process would not see that its stdin has ended.
   */
  freeze(): () => Promise<void> {
    const waker = spawn('sh', ['-c', 'cat >/dev/null; kill -s CONT -- "-$0"', String(this.pid)], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    const woken = new Promise<void>((resolve) => {
      waker.once('exit', () => {
        resolve();
      });
    });
    process.kill(-this.pid, 'SIGSTOP');
    return async () => {
      waker.stdin.end();
      await woken;
    };
  }

  /** Ends it gracefully, or by force after a while. */
  async end(): Promise<void> {
    this.#process.kill('SIGTERM');
    const force = setTimeout(() => this.#process.kill('SIGKILL'), END_MS);
    await this.exited;
    clearTimeout(force);
  }
}

function firstLine(child: ChildProcess, exited: Promise<string>, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const stop = withDeadline(signal, START_MS);
    stop.addEventListener(
      'abort',
      () => {
        reject(new Error('it was not ready in time'));
      },
      { once: true },
    );
    child.stdout?.setEncoding('utf8').on('data', (part: string) => {
      text = text.length > 65_536 ? text : text + part;
      const end = text.indexOf('\n');
      if (end >= 0) resolve(text.slice(0, end));
    });
    void exited.then((how) => {
      reject(new Error(`it ended (${how})`));
    });
  });
}
