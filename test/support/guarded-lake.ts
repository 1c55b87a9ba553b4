import { silentLogger, systemClock } from '../../backend/src/core/index.js';
import type { EngineSupervisor } from '../../backend/src/engine/index.js';
import { kubearmorLogs } from '../../backend/src/lake/index.js';
import type { Ask, ScatterRequest } from '../../backend/src/query/index.js';
import {
  FairQueue,
  GuardedEngine,
  LakeAnswers,
  LakeFragments,
  LakeTails,
  QueryLoad,
  Strikes,
} from '../../backend/src/query/index.js';
import { DataFolder, packRows, plainRows, startEngine } from './lake-fixture.js';
import { until } from './node-process.js';

/** Long enough to be killed in, and it hears its interrupt. */
export const slow = 'SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range % 7 = b.range % 3';

/** A real engine with a few rows, and all ways that a user's text can come into it. */
export class GuardedLake implements AsyncDisposable {
  readonly strikes = new Strikes(systemClock);
  readonly guarded: GuardedEngine;
  readonly answers: LakeAnswers;
  readonly tails: LakeTails;
  readonly fragments: LakeFragments;
  readonly engine: EngineSupervisor;
  readonly #folder: DataFolder;
  #ids = 0;

  private constructor(folder: DataFolder, engine: EngineSupervisor) {
    this.#folder = folder;
    this.engine = engine;
    this.guarded = new GuardedEngine(engine, this.strikes, new FairQueue(3, Infinity), silentLogger, systemClock);
    this.answers = new LakeAnswers(this.guarded, () => ({ name: 'n1', clusters: [], labels: {} }));
    this.tails = new LakeTails(this.guarded, 'n1');
    const load = new QueryLoad(1, systemClock);
    this.fragments = new LakeFragments(this.guarded, folder.file('tmp'), load, this.tails);
  }

  static async open(): Promise<GuardedLake> {
    const folder = new DataFolder();
    const engine = await startEngine(folder);
    await engine.call('append', { batch: 1 }, { bulk: packRows(kubearmorLogs, 100, plainRows(1)).buffer });
    return new GuardedLake(folder, engine);
  }

  ask(sql: string, token: string | null, timeoutMs = 60_000): Ask {
    return {
      id: `${token ?? 'nobody'} ${this.#ids++}`,
      request: {
        sql,
        params: [],
        timeRange: { from: null, to: null },
        limits: {},
        partial: 'warn',
        nodes: {},
        perNode: false,
      },
      format: 'json',
      caller: { key: `token ${token ?? ''}`, token },
      nowMicros: 0,
      limits: { rows: 100, bytes: 1 << 20, timeoutMs },
    };
  }

  /** Resolves when the whole answer is there. */
  async query(ask: Ask, signal = new AbortController().signal): Promise<void> {
    const answer = await this.answers.open(ask, signal);
    for await (const chunk of answer.chunks) void chunk;
    await answer.end;
  }

  async tail(where: string | null, token: string, afterSeq = 0): Promise<number> {
    const filters = { equal: {}, match: {}, labels: {}, severity: null, where, params: [] };
    const selection = {
      id: `tail ${this.#ids++}`,
      table: 'kubearmor.logs',
      filters,
      caller: { key: `token ${token}`, token },
    };
    return (await this.tails.next('', selection, afterSeq, 0, new AbortController().signal)).rows;
  }

  async fragment(sql: string, who: string, timeoutMs = 60_000): Promise<void> {
    const request: ScatterRequest = {
      queryId: `f${this.#ids++}`,
      fragments: [{ name: 'f0', sql }],
      tail: null,
      timeRange: { fromMicros: null, toMicros: null },
      expects: [],
      nowMicros: 0,
      budget: { rows: 1000, bytes: 1 << 20 },
      timeoutMs,
      who,
      origin: null,
    };
    await this.fragments.run(request, { chunk: () => Promise.resolve() }, new AbortController().signal);
  }

  /** True once the engine works on it; false when `asked` ends before. */
  async works({ id }: Pick<Ask, 'id'>, asked: Promise<unknown>): Promise<boolean> {
    let ended = false;
    const end = (): void => void (ended = true);
    asked.then(end, end);
    let works = false;
    await until(async () => {
      const running = await this.engine.call('running', {}).catch(() => ({ queryIds: [] }));
      works = (running as { queryIds: readonly string[] }).queryIds.includes(id);
      return works || ended;
    }, `${id} runs`);
    return works;
  }

  /** As a crash of its own. */
  signal(signal: NodeJS.Signals): void {
    if (this.engine.pid === undefined) throw new Error('There is no engine.');
    process.kill(this.engine.pid, signal);
  }

  async ready(restarts: number): Promise<void> {
    await until(() => this.engine.state === 'ready' && this.engine.restarts === restarts, `restart ${restarts}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.engine.close();
    this.#folder[Symbol.dispose]();
  }
}

/** The code of what it rejects with; null when it resolves. */
export async function codeOf(promise: Promise<unknown>): Promise<string | null> {
  return await promise.then(
    () => null,
    (thrown: { code: string }) => thrown.code,
  );
}
