import type { ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { ArmorlakeError, deadlineOf, messageOf, systemClock } from '../core/index.js';
import type { Clock, Logger } from '../core/index.js';
import { readGreeting } from './greeting.js';
import { SocketFolder, launchEngine } from './launch.js';
import type { EngineProcessSettings } from './launch.js';
import { RpcClient, engineGone } from './rpc-client.js';
import type { CallOptions, CallStream, EngineClient } from './types.js';

export type EngineState = 'starting' | 'ready' | 'restarting' | 'closed';

/** What the engine is told at each start, besides the settings. */
export interface StartFacts {
  /** True when this API process has started it before: its ingest queue still holds what was not committed. */
  readonly resumed: boolean;
  /** How many times in a row it died of its own fault (SIGSEGV, SIGABRT, …) before it was ready. */
  readonly openCrashes: number;
}

export interface SupervisorOptions {
  readonly process: EngineProcessSettings;
  /** Parameters of the `start` method, as the engine's entry defines them. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Folder for the socket's private folder. */
  readonly temporaryFolder: string;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Time for opening the lake: the wait for its lock, the replay of its WAL, and the copy of a damaged one included. */
  readonly startTimeoutMs?: number;
}

/** A damaged lake file is copied within it, some million rows a minute on a small machine. */
const START_TIMEOUT_MS = 1_800_000;
const PING_EVERY_MS = 500;
/** So many pings without any answer: the engine's own loop hangs, which no query can cause. */
const PINGS_BEFORE_KILL = 60;
const RESTART_DELAY_MAX_MS = 10_000;
/** An engine that lived so long gets its first restart at once again. */
const STABLE_MS = 10_000;
const OPEN_CRASHES_MAX = 5;
const CLOSE_TIMEOUT_MS = 30_000;
const OWN_FAULT: ReadonlySet<string> = new Set(['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP']);

/** One start of the engine process, up to its end. */
class EngineRun {
  readonly child: ChildProcess;
  readonly exited: Promise<string>;
  client: RpcClient | null = null;
  control: Socket | null = null;
  bulk: Socket | null = null;
  onConnected: () => void = () => undefined;
  readyAt: number | null = null;

  constructor(child: ChildProcess) {
    this.child = child;
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code ?? 'unknown'}`));
      child.once('error', (error) => resolve(messageOf(error)));
    });
  }
}

/**
 * Keeps one engine process running and speaks to it. Calls reject NOT_READY while it (re)starts; what was in flight when
 * it died rejects NOT_READY too.
 */
export class EngineSupervisor implements EngineClient {
  readonly #options: SupervisorOptions;
  readonly #clock: Clock;
  readonly #folder: SocketFolder;
  readonly #server: Server;
  readonly #restartHooks: (() => void)[] = [];
  /** Those who wait for the end of a start, however it ends. */
  readonly #waiting = new Set<() => void>();
  #state: EngineState = 'starting';
  #run: EngineRun | null = null;
  #generation = 0;
  #restarts = 0;
  #openCrashes = 0;
  #failures = 0;
  #everReady = false;
  #lastAnswerMs: number;
  #unansweredPings = 0;
  #pingTimer: NodeJS.Timeout | null = null;
  #restartTimer: NodeJS.Timeout | null = null;
  #lastError: ArmorlakeError | null = null;

  private constructor(options: SupervisorOptions, folder: SocketFolder, server: Server) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#folder = folder;
    this.#server = server;
    this.#lastAnswerMs = this.#clock.monotonicMs();
    server.on('connection', (socket) => void this.#onConnection(socket));
  }

  /** Starts the engine; rejects with its own error when the lake can't be opened. */
  static async start(options: SupervisorOptions): Promise<EngineSupervisor> {
    if (process.platform !== 'linux' && options.process.dataLimitBytes !== null) {
      options.logger.warn({}, 'The memory of the database engine is not limited here: its hard limit needs Linux.');
    }
    const folder = new SocketFolder(options.temporaryFolder);
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(folder.socketPath, resolve);
    });
    const supervisor = new EngineSupervisor(options, folder, server);
    try {
      await supervisor.#firstStart();
    } catch (thrown) {
      await supervisor.close();
      throw thrown;
    }
    supervisor.#pingTimer = setInterval(() => supervisor.#ping(), PING_EVERY_MS);
    return supervisor;
  }

  get state(): EngineState {
    return this.#state;
  }

  /** Restarts since the start, for metrics. */
  get restarts(): number {
    return this.#restarts;
  }

  get pid(): number | undefined {
    return this.#run?.child.pid;
  }

  /** Why the engine is not ready, when it isn't. */
  get lastError(): ArmorlakeError | null {
    return this.#lastError;
  }

  /** Milliseconds since the engine was last heard. */
  lastAnswerAgeMs(): number {
    return this.#clock.monotonicMs() - this.#lastAnswerMs;
  }

  /** Resolves when the engine is ready, after `ms` at the latest, or as soon as its restart has failed. */
  async untilReady(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#state !== 'restarting') return;
    const { signal: whole, clear } = deadlineOf(signal, ms);
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        whole.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      whole.addEventListener('abort', done, { once: true });
      if (whole.aborted) done();
    });
    clear();
  }

  /** Called after each restart, when the engine is ready again. */
  onRestart(hook: () => void): void {
    this.#restartHooks.push(hook);
  }

  async call(method: string, parameters: unknown, options?: CallOptions): Promise<unknown> {
    return this.#ready().call(method, parameters, options);
  }

  async stream(method: string, parameters: unknown, options?: CallOptions): Promise<CallStream> {
    return this.#ready().stream(method, parameters, options);
  }

  /** Ends the process at once, as when a query can't be interrupted; a new one starts in its place. */
  kill(reason: string): void {
    const run = this.#run;
    if (run === null || this.#state !== 'ready') return;
    this.#options.logger.warn({ pid: run.child.pid, reason }, 'The database engine is killed and restarted.');
    run.child.kill('SIGKILL');
  }

  /** Ends the engine with a checkpoint, or by force when that takes too long; then throws what the engine said went wrong. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    const wasReady = this.#state === 'ready';
    this.#state = 'closed';
    if (this.#pingTimer !== null) clearInterval(this.#pingTimer);
    if (this.#restartTimer !== null) clearTimeout(this.#restartTimer);
    const run = this.#run;
    let failure: ArmorlakeError | null = null;
    if (run !== null) {
      const signal = AbortSignal.timeout(CLOSE_TIMEOUT_MS);
      // The engine answers after its checkpoint; any other error than its own means that it is gone already.
      if (wasReady) {
        await run.client?.call('stop', {}, { signal }).catch((thrown: unknown) => {
          if (thrown instanceof ArmorlakeError && thrown.code === 'INTERNAL') failure = thrown;
        });
      }
      run.client?.close();
      if (!wasReady) run.child.kill('SIGKILL');
      const force = setTimeout(() => run.child.kill('SIGKILL'), 2000);
      await run.exited;
      clearTimeout(force);
    }
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#folder.close();
    if (failure !== null) throw failure;
  }

  #ready(): RpcClient {
    const client = this.#state === 'ready' ? this.#run?.client : null;
    if (client == null) throw this.#state === 'closed' ? engineClosed() : (this.#lastError ?? engineGone());
    return client;
  }

  /** A damaged file can crash DuckDB itself; the lake puts it aside when it hears of such crashes. */
  async #firstStart(): Promise<void> {
    for (;;) {
      const before = this.#openCrashes;
      try {
        await this.#startRun();
        return;
      } catch (thrown) {
        if (this.#openCrashes === before || this.#openCrashes > OPEN_CRASHES_MAX) throw thrown;
      }
    }
  }

  async #startRun(): Promise<void> {
    const generation = ++this.#generation;
    const { settings, logger } = this.#options;
    const run = new EngineRun(launchEngine(this.#options.process, this.#folder.socketPath, generation));
    this.#run = run;
    void run.exited.then((how) => this.#onExit(run, how));
    const client = await this.#connected(run);
    const facts: StartFacts = { resumed: this.#everReady, openCrashes: this.#openCrashes };
    const signal = AbortSignal.timeout(this.#options.startTimeoutMs ?? START_TIMEOUT_MS);
    try {
      await client.call('start', { settings, facts }, { signal });
    } catch (thrown) {
      run.child.kill('SIGKILL');
      await run.exited;
      throw thrown;
    }
    this.#everReady = true;
    this.#openCrashes = 0;
    this.#lastError = null;
    this.#unansweredPings = 0;
    run.readyAt = this.#clock.monotonicMs();
    if (this.#state !== 'closed') this.#state = 'ready';
    // Before anybody asks it: it knows nothing of what the one before it knew.
    if (facts.resumed) for (const hook of this.#restartHooks) hook();
    logger.info({ pid: run.child.pid, generation }, 'The database engine is ready.');
  }

  #connected(run: EngineRun): Promise<RpcClient> {
    return new Promise((resolve, reject) => {
      run.onConnected = (): void => {
        if (run.control === null || run.bulk === null) return;
        run.client = new RpcClient(
          run.control,
          run.bulk,
          () => this.#heard(),
          () => this.#onLost(run),
        );
        resolve(run.client);
      };
      void run.exited.then((how) => {
        reject(new ArmorlakeError('NOT_READY', `The database engine ended before it was ready (${how}).`));
      });
    });
  }

  /** Its sockets ended before the process did: it is not usable any more. */
  #onLost(run: EngineRun): void {
    // Who comes from now on waits for the next one.
    if (run === this.#run && this.#state === 'ready') this.#state = 'restarting';
    run.child.kill('SIGKILL');
  }

  async #onConnection(socket: Socket): Promise<void> {
    try {
      const greeting = await readGreeting(socket);
      const run = this.#run;
      if (run === null || greeting.generation !== this.#generation) {
        socket.destroy();
        return;
      }
      if (greeting.channel === 'control') run.control = socket;
      else run.bulk = socket;
      run.onConnected();
    } catch (thrown) {
      this.#options.logger.warn({ error: messageOf(thrown) }, 'A connection to the engine socket failed.');
    }
  }

  #heard(): void {
    this.#lastAnswerMs = this.#clock.monotonicMs();
    this.#unansweredPings = 0;
  }

  #ping(): void {
    const run = this.#run;
    if (this.#state !== 'ready' || run?.client == null) return;
    // Any frame is an answer: a busy engine needs no pings.
    if (this.lastAnswerAgeMs() < PING_EVERY_MS) return;
    this.#unansweredPings++;
    if (this.#unansweredPings > PINGS_BEFORE_KILL) this.kill('it has not answered for half a minute');
    else run.client.call('ping', {}).catch(() => undefined);
  }

  #onExit(run: EngineRun, how: string): void {
    run.client?.close();
    if (run !== this.#run) return;
    this.#run = null;
    if (this.#state === 'closed') return;
    const lived = run.readyAt === null ? 0 : this.#clock.monotonicMs() - run.readyAt;
    if (run.readyAt === null && OWN_FAULT.has(how)) this.#openCrashes++;
    if (!this.#everReady) return;
    this.#state = 'restarting';
    this.#failures = lived > STABLE_MS ? 0 : this.#failures + 1;
    const delay = this.#failures <= 1 ? 0 : Math.min(100 * 2 ** (this.#failures - 1), RESTART_DELAY_MAX_MS);
    this.#options.logger.warn({ pid: run.child.pid, how, delay }, 'The database engine ended; it is restarted.');
    this.#restartTimer = setTimeout(() => void this.#restart(), delay);
  }

  async #restart(): Promise<void> {
    if (this.#state === 'closed') return;
    this.#restarts++;
    try {
      await this.#startRun();
    } catch (thrown) {
      this.#lastError = ArmorlakeError.from(thrown);
      this.#options.logger.error({ error: messageOf(thrown) }, 'The database engine could not be restarted.');
    }
    for (const done of [...this.#waiting]) done();
  }
}

function engineClosed(): ArmorlakeError {
  return new ArmorlakeError('NOT_READY', 'The node is shutting down.');
}
