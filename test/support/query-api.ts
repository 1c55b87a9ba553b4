import type { FastifyInstance } from 'fastify';
import { createApi, Metrics, TokenStore } from '../../backend/src/api/index.js';
import type { ApiOptions, Intake, NodeFigures } from '../../backend/src/api/index.js';
import type { IntakeResult } from '../../backend/src/connectors/index.js';
import type { Clock, Logger } from '../../backend/src/core/index.js';
import { ArmorlakeError, silentLogger, systemClock } from '../../backend/src/core/index.js';
import type { CallContext, CallOptions, CallStream, Catalog } from '../../backend/src/engine/index.js';
import type { QueryEngine, ServiceLimits } from '../../backend/src/query/index.js';
import {
  FairQueue,
  GuardedEngine,
  LakeAnswers,
  LakeTails,
  QueryLog,
  QueryService,
  Strikes,
} from '../../backend/src/query/index.js';
import { join } from 'node:path';
import { QueryLake } from './query-lake.js';

/** An engine in this process: the same handlers, no sockets in between. */
export class InProcessEngine implements QueryEngine {
  state = 'ready';
  readonly killed: string[] = [];
  readonly logged: unknown[] = [];
  readonly #lake: QueryLake;

  constructor(lake: QueryLake) {
    this.#lake = lake;
  }

  kill(reason: string): void {
    this.killed.push(reason);
  }

  untilReady(): Promise<void> {
    return Promise.resolve();
  }

  async call(method: string, parameters: unknown, options: CallOptions = {}): Promise<unknown> {
    if (method === 'info') return { rows: {} };
    if (method === 'queries') {
      this.logged.push(...(parameters as { rows: unknown[] }).rows);
      return null;
    }
    try {
      return (await this.#lake.call(method, parameters, options.signal)).tail;
    } finally {
      options.onOver?.('answered');
    }
  }

  async stream(method: string, parameters: unknown, options: CallOptions = {}): Promise<CallStream> {
    const abort = new AbortController();
    const signal = options.signal === undefined ? abort.signal : AbortSignal.any([abort.signal, options.signal]);
    const waiting: Uint8Array[] = [];
    let wake: () => void = () => undefined;
    let ended = false;
    let failure: unknown;
    let setHead: (value: unknown) => void = () => undefined;
    let refuse: (reason: unknown) => void = () => undefined;
    const head = new Promise<unknown>((resolve, reject) => ([setHead, refuse] = [resolve, reject]));
    const context: CallContext = {
      signal,
      bulk: null,
      head: (value) => setHead(value),
      write: async (chunk) => {
        waiting.push(Buffer.from(chunk));
        wake();
        // As the window of the real one: a megabyte or so.
        while (waiting.length > 16 && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, 1));
        signal.throwIfAborted();
      },
    };
    const handler = this.#lake.handlers[method];
    if (handler === undefined) throw new Error(`no handler ${method}`);
    const tail = handler(parameters, context).then(
      (value) => {
        options.onOver?.('answered');
        ended = true;
        wake();
        return value;
      },
      (thrown: unknown) => {
        options.onOver?.('answered');
        failure = thrown;
        refuse(thrown);
        wake();
        throw thrown;
      },
    );
    tail.catch(() => undefined);
    const chunks = (async function* () {
      try {
        for (;;) {
          const next = waiting.shift();
          if (next !== undefined) yield next;
          else if (failure !== undefined) throw failure;
          else if (ended) return;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        if (!ended) abort.abort(new ArmorlakeError('CANCELLED', 'The reader left.'));
      }
    })();
    return { head: await head, chunks, tail };
  }
}

/** An intake that keeps what it is given. */
export class MemoryIntake implements Intake {
  readonly bodies: Buffer[] = [];
  readonly connectors: (string | undefined)[] = [];
  aborted = 0;
  refused: ArmorlakeError | null = null;

  refusal(): ArmorlakeError | null {
    return this.refused;
  }

  open(connector: string | undefined) {
    const pieces: Buffer[] = [];
    this.connectors.push(connector);
    return {
      write: (chunk: Uint8Array): Promise<void> => {
        pieces.push(Buffer.from(chunk));
        return Promise.resolve();
      },
      finish: (): Promise<IntakeResult> => {
        const body = Buffer.concat(pieces);
        this.bodies.push(body);
        return Promise.resolve({
          accepted: body.toString().split('\n').filter(Boolean).length,
          rejected: 0,
          errors: [],
          forms: [],
        });
      },
      abort: (): void => {
        this.aborted += 1;
      },
    };
  }
}

export const figures: NodeFigures = {
  engine: { state: 'ready', restarts: 2, pid: 1 },
  workerRestarts: 0,
  lake: {
    lastSeq: 7,
    rows: { 'kubearmor.logs': 3 },
    lost: { 'kubearmor.logs': 0 },
    hotBytes: 1,
    walBytes: 2,
    archiveBytes: 0,
    archiveAway: false,
    memoryBytes: 4,
    rssBytes: 5,
    warnings: [],
  },
  ingest: {
    queuedBytes: 0,
    queuedBatches: 0,
    queuedRows: 0,
    committedRows: 42,
    committedBatches: 1,
    droppedEvents: 3,
    diskFull: false,
    lagMs: 0,
  },
  connectors: [
    {
      name: 'edge "1"\n',
      kind: 'kubearmor',
      state: 'streaming',
      since: 0,
      lastEvent: null,
      rate: 1.5,
      breaks: 4,
      version: null,
      detail: null,
    },
  ],
  network: null,
  warnings: [],
};

export const usualLimits: ServiceLimits = {
  concurrency: 2,
  waiting: 10,
  rows: 10_000,
  maxRows: 1_000_000,
  bytes: 64 << 20,
  maxBytes: 256 << 20,
  timeoutMs: 30_000,
  maxTimeoutMs: 300_000,
};

/** The HTTP door over a lake of this test's own. */
export class QueryApi implements AsyncDisposable {
  readonly lake: QueryLake;
  readonly engine: InProcessEngine;
  readonly intake = new MemoryIntake();
  readonly tokens: TokenStore;
  readonly queries: QueryService;
  readonly log: QueryLog;
  readonly app: FastifyInstance;
  /** What the door wrote to the log. */
  readonly logged: readonly { readonly level: string; readonly fields: object; readonly message: string }[];
  unready: string | null = null;

  private constructor(
    lake: QueryLake,
    engine: InProcessEngine,
    parts: Pick<QueryApi, 'tokens' | 'queries' | 'log' | 'app' | 'logged'>,
  ) {
    this.lake = lake;
    this.engine = engine;
    this.tokens = parts.tokens;
    this.queries = parts.queries;
    this.log = parts.log;
    this.app = parts.app;
    this.logged = parts.logged;
  }

  static async open(
    more: {
      readonly clock?: Clock;
      readonly limits?: Partial<ServiceLimits>;
      readonly listen?: Partial<ApiOptions['listen']>;
      readonly patienceMs?: number;
    } = {},
  ): Promise<QueryApi> {
    const clock = more.clock ?? systemClock;
    const lake = await QueryLake.open(clock);
    const engine = new InProcessEngine(lake);
    const tokens = TokenStore.open(join(lake.folder, 'tokens.json'));
    const log = new QueryLog(engine, silentLogger, clock);
    const metrics = new Metrics();
    const strikes = new Strikes(clock);
    const guarded = new GuardedEngine(
      engine,
      strikes,
      new FairQueue(usualLimits.concurrency, 1000),
      silentLogger,
      clock,
    );
    const queries = new QueryService({
      answers: new LakeAnswers(guarded, () => ({ name: 'n1', clusters: ['prod'], labels: { site: 'berlin' } })),
      strikes,
      catalog: async (signal) => (await engine.call('catalog', {}, { signal })) as Catalog,
      limits: { ...usualLimits, ...more.limits },
      log,
      clock,
      onEnd: (outcome) => metrics.onQuery(outcome),
    });
    const holder: { api: QueryApi | null } = { api: null };
    const intake = {
      open: (connector: string | undefined) => (holder.api as QueryApi).intake.open(connector),
      refusal: () => (holder.api as QueryApi).intake.refusal(),
    };
    const logged: { level: string; fields: object; message: string }[] = [];
    const keep =
      (level: string) =>
      (fields: object, message: string): void =>
        void logged.push({ level, fields, message });
    const logger: Logger = {
      debug: keep('debug'),
      info: keep('info'),
      warn: keep('warn'),
      error: keep('error'),
      child: () => logger,
    };
    const app = await createApi({
      listen: { host: '127.0.0.1', port: 0, insecure: false, tls: null, ...more.listen },
      node: {
        name: 'n1',
        version: '0.1.0',
        unready: () => holder.api?.unready ?? null,
        figures: () => Promise.resolve(figures),
        forget: () => Promise.resolve(),
      },
      queries,
      tails: { own: new LakeTails(guarded, 'n1'), tails: new LakeTails(guarded, 'n1') },
      intake,
      tokens,
      metrics,
      intakeBodyBytes: 64 << 20,
      ...(more.patienceMs !== undefined && { patienceMs: more.patienceMs }),
      hostFolders: [lake.folder],
      logger,
      clock,
    });
    const api = new QueryApi(lake, engine, { tokens, queries, log, app, logged });
    holder.api = api;
    return api;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.app.close();
    await this.log.close();
    await this.lake[Symbol.asyncDispose]();
  }
}
