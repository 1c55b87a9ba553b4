import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { RunningSimulator, SimulatorInput, TruthLine } from '../../backend/src/simulator/index.js';
import { startSimulator } from '../../backend/src/simulator/index.js';
import type { Running, Workplace } from '../cli-support.js';
import { isAlive } from '../cli-support.js';

export type Row = Readonly<Record<string, unknown>>;

export interface TestNodeOptions {
  /** Data folder in the workplace; default `lake`. Its last part is the node's name. */
  readonly data?: string;
  /** More arguments of `armorlake node`. */
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** As of `RunOptions`. */
  readonly wrapper?: readonly string[];
}

/** What the tests read of GET /api/v1/status. */
export interface Status {
  readonly ready: boolean;
  readonly engine: { readonly state: string; readonly restarts: number; readonly pid?: number };
  readonly ingest: { readonly queuedRows: number; readonly droppedEvents: number; readonly diskFull: boolean };
}

export interface QueryAnswer {
  readonly status: number;
  readonly schema: readonly { readonly name: string; readonly type: string }[];
  readonly rows: readonly (readonly unknown[])[];
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

/** Resolves when the condition holds; rejects with what was seen last when it doesn't within the time. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string | (() => string),
  withinMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error(`Not within ${withinMs} ms: ${typeof what === 'string' ? what : what()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A node of the built program, and its door. */
export class TestNode {
  readonly url: string;
  readonly running: Running;

  private constructor(running: Running, url: string) {
    this.running = running;
    this.url = url;
  }

  /** Starts it in the workplace, which ends it; resolves when it is ready. */
  static async start(place: Workplace, options: TestNodeOptions = {}): Promise<TestNode> {
    const { data = 'lake', args = [], environment = {}, wrapper = [] } = options;
    const fixed = ['node', '--name', basename(data), '--data', data, '--http', '127.0.0.1:0', '--log-level', 'warn'];
    const running = place.start([...fixed, ...args], { environment, wrapper });
    const [, url = ''] = await running.says(/ready at (http:\S+) /);
    return new TestNode(running, url);
  }

  async query(sql: string, limits: Readonly<Record<string, number>> = {}): Promise<QueryAnswer> {
    const response = await fetch(`${this.url}/api/v1/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sql, limits: { rows: 1_000_000, bytes: 256 << 20, ...limits } }),
      signal: AbortSignal.timeout(60_000),
    });
    return { status: response.status, ...((await response.json()) as Omit<QueryAnswer, 'status'>) };
  }

  /** The rows of a query as objects; throws what the node says when it refuses. */
  async rows(sql: string): Promise<Row[]> {
    const { status, schema, rows, error } = await this.query(sql);
    if (status !== 200) throw new Error(`${sql}: ${status} ${JSON.stringify(error)}`);
    return rows.map((row) => Object.fromEntries(schema.map(({ name }, index) => [name, row[index]])));
  }

  async count(from: string): Promise<number> {
    const [row] = await this.rows(`SELECT count(*) AS count FROM ${from}`);
    return Number(row?.count);
  }

  async status(): Promise<Status> {
    const response = await fetch(`${this.url}/api/v1/status`, { signal: AbortSignal.timeout(20_000) });
    return (await response.json()) as Status;
  }

  async enginePid(): Promise<number> {
    const { pid } = (await this.status()).engine;
    if (pid === undefined) throw new Error('There is no engine now');
    return pid;
  }

  /** Events received over all connectors, as the ledger says. */
  async received(): Promise<number> {
    const [row] = await this.rows('SELECT coalesce(sum(received), 0)::BIGINT AS received FROM armorlake.ledger');
    return Number(row?.received);
  }

  /** Kills the node, or the engine first and then the node, as the kernel would; resolves when both are gone. */
  async die(what: 'node' | 'both'): Promise<void> {
    const engine = await this.enginePid();
    if (what === 'both') process.kill(engine, 'SIGKILL');
    this.running.kill('SIGKILL');
    await this.running.finished;
    await until(() => !isAlive(engine), `engine ${engine} follows its node`, 60_000);
  }

  /** Posts lines of NDJSON; the answer's status and body. */
  async post(body: string | Uint8Array, connector = 'posted'): Promise<{ status: number; body: Row }> {
    const response = await fetch(`${this.url}/intake/kubearmor?connector=${connector}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: typeof body === 'string' ? body : new Uint8Array(body),
    });
    return { status: response.status, body: (await response.json()) as Row };
  }
}

/** A simulated KubeArmor in this process, and the truth of what it handed over. */
export class TestKubeArmor {
  readonly simulator: RunningSimulator;
  readonly #truthFile: string;

  private constructor(simulator: RunningSimulator, truthFile: string) {
    this.simulator = simulator;
    this.#truthFile = truthFile;
  }

  static async start(place: Workplace, input: SimulatorInput): Promise<TestKubeArmor> {
    const truthFile = place.path(`truth-${Math.random().toString(36).slice(2)}.ndjson`);
    const simulator = await startSimulator({ listen: '127.0.0.1:0', throttle: undefined, truthFile, ...input });
    return new TestKubeArmor(simulator, truthFile);
  }

  get address(): string {
    return this.simulator.address;
  }

  /** Events handed to a subscribed stream so far. */
  get sent(): number {
    const { logs, alerts } = this.simulator.counters();
    return logs.sent + alerts.sent;
  }

  /** Sends nothing from now on; the streams stay open, so that what was handed over arrives. */
  pause(): void {
    this.simulator.stall(3_600_000);
  }

  /** What was handed over until now: all lines, once they are in the file. */
  async truth(): Promise<readonly TruthLine[]> {
    let lines: TruthLine[] = [];
    await until(async () => {
      const text = await readFile(this.#truthFile, 'utf8');
      lines = text
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as TruthLine);
      return lines.filter(({ malformed }) => malformed === undefined).length >= this.sent;
    }, 'the truth file is written');
    return lines;
  }

  async close(): Promise<void> {
    await this.simulator.close();
  }
}
