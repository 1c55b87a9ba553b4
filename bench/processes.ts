import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../backend/bin/armorlake.js', import.meta.url));
/** Linux counts CPU time in ticks of 10 ms. */
const TICK_MICROS = 10_000;
const START_MS = 60_000;
const END_MS = 30_000;

/** What Linux knows of a process and its children. */
export class ProcessGroup {
  readonly pid: number;

  constructor(pid: number) {
    this.pid = pid;
  }

  get pids(): readonly number[] {
    const children = readdirSync(`/proc/${this.pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${this.pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
    return [this.pid, ...children];
  }

  cpuMicros(): number {
    return this.pids.reduce((sum, pid) => sum + cpuMicros(pid), 0);
  }

  rssBytes(): number {
    return this.pids.reduce((sum, pid) => sum + statusBytes(pid, 'VmRSS'), 0);
  }

  rssOf(pid: number): number {
    return statusBytes(pid, 'VmRSS');
  }

  /** What reached the disk's layer, in bytes. */
  writtenBytes(): number {
    return this.pids.reduce((sum, pid) => sum + Number(/^write_bytes: (\d+)/m.exec(proc(pid, 'io'))?.[1] ?? 0), 0);
  }
}

function proc(pid: number, file: string): string {
  return readFileSync(`/proc/${pid}/${file}`, 'utf8');
}

export function cpuMicros(pid: number): number {
  const fields = proc(pid, 'stat').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
}

/** CPU time of all processes of the machine. */
export function machineMicros(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = (
    /^cpu +(.*)/.exec(readFileSync('/proc/stat', 'utf8'))?.[1] ?? ''
  )
    .split(' ')
    .map(Number);
  return (user + nice + system + irq + softirq) * TICK_MICROS;
}

export function statusBytes(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(proc(pid, 'status'))?.[1] ?? 0) * 1024;
}

/** An armorlake command as a child process. */
class Command {
  readonly child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #out = '';
  #errors = '';

  /** @param wrapper a program and its arguments that ends in running what follows, as `nice` does */
  constructor(args: readonly string[], wrapper: readonly string[] = []) {
    const [program = process.execPath, ...rest] = [...wrapper, process.execPath, launcher, ...args];
    this.child = spawn(program, [...rest, '--until-stdin-ends'], { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#exited = once(this.child, 'exit');
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#out += text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#errors += text));
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error(`The child did not start: ${this.#errors}`);
    return this.child.pid;
  }

  get errors(): string {
    return this.#errors;
  }

  /** What the pattern finds in its output, as soon as it does. */
  async says(pattern: RegExp, timeoutMs = START_MS): Promise<RegExpExecArray> {
    const until = performance.now() + timeoutMs;
    for (;;) {
      const found = pattern.exec(this.#out) ?? pattern.exec(this.#errors);
      if (found !== null) return found;
      if (this.child.exitCode !== null || performance.now() > until) {
        throw new Error(`A child did not say ${String(pattern)}: ${this.#out}${this.#errors}`);
      }
      await delay(2);
    }
  }

  async end(): Promise<void> {
    this.child.kill('SIGTERM');
    const force = setTimeout(() => this.child.kill('SIGKILL'), END_MS);
    await this.#exited;
    clearTimeout(force);
  }
}

export interface Sent {
  readonly sent: number;
  readonly dropped: number;
}

/** `armorlake simulate kubearmor` in a process of its own. */
export class SimulatorProcess {
  readonly address: string;
  readonly #command: Command;

  private constructor(command: Command, address: string) {
    this.#command = command;
    this.address = address;
  }

  static async start(...args: readonly string[]): Promise<SimulatorProcess> {
    const command = new Command(['simulate', 'kubearmor', '--listen', '127.0.0.1:0', ...args]);
    const [, address = ''] = await command.says(/ready at (\S+)\.\n/);
    return new SimulatorProcess(command, address);
  }

  cpuMicros(): number {
    return cpuMicros(this.#command.pid);
  }

  /** Its own count, when the last of `--count` has left. */
  async allSent(timeoutMs: number): Promise<Sent> {
    const found = await this.#command.says(/(\d+) logs and (\d+) alerts handed over, (\d+) dropped/, timeoutMs);
    return { sent: Number(found[1]) + Number(found[2]), dropped: Number(found[3]) };
  }

  end(): Promise<void> {
    return this.#command.end();
  }
}

export interface Answer {
  readonly rows: readonly (readonly unknown[])[];
  readonly stats: { readonly elapsedMs: number };
}

/** `armorlake node` with its engine. */
export class NodeProcess {
  readonly url: string;
  /** From its spawn until it was ready. */
  readonly startMs: number;
  readonly group: ProcessGroup;
  readonly #command: Command;

  private constructor(command: Command, url: string, startMs: number) {
    this.#command = command;
    this.url = url;
    this.startMs = startMs;
    this.group = new ProcessGroup(command.pid);
  }

  static async start(data: string, args: readonly string[], wrapper: readonly string[] = []): Promise<NodeProcess> {
    const began = performance.now();
    const flags = ['node', '--name', 'bench', '--data', data, '--http', '127.0.0.1:0', '--log-level', 'warn', ...args];
    const command = new Command(flags, wrapper);
    const [, url = ''] = await command.says(/ready at (\S+) \(/);
    return new NodeProcess(command, url, performance.now() - began);
  }

  get enginePid(): number {
    const [, engine] = this.group.pids;
    if (engine === undefined) throw new Error(`The node has no engine: ${this.#command.errors}`);
    return engine;
  }

  async query(sql: string): Promise<Answer> {
    const response = await fetch(`${this.url}/api/v1/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sql }),
    });
    const body = await response.text();
    if (!response.ok) throw new Error(`${sql}: ${body}`);
    return JSON.parse(body) as Answer;
  }

  async count(sql: string): Promise<number> {
    return Number((await this.query(sql)).rows[0]?.[0] ?? 0);
  }

  storedEvents(): Promise<number> {
    return this.count('SELECT count(*) FROM kubearmor.events');
  }

  /** Events that were stored or accounted for as dropped. */
  receivedEvents(): Promise<number> {
    return this.count('SELECT coalesce(sum(received), 0)::BIGINT FROM armorlake.ledger');
  }

  /** Waits until so many events are accounted for, or nothing more comes. */
  async received(events: number): Promise<void> {
    for (let last = -1, still = 0; still < 50;) {
      const now = await this.receivedEvents();
      if (now >= events) return;
      still = now === last ? still + 1 : 0;
      last = now;
      await delay(100);
    }
  }

  end(): Promise<void> {
    return this.#command.end();
  }
}
