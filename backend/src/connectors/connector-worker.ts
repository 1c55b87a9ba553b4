import { Worker } from 'node:worker_threads';
import type { Logger } from '../core/index.js';
import { ArmorlakeError, messageOf } from '../core/index.js';
import { IntakeSession } from './intake-session.js';
import type {
  BatchOutcome,
  ConnectorStatus,
  FromWorker,
  LostBefore,
  ToWorker,
  WorkerBatch,
  WorkerConfig,
} from './messages.js';

export interface ConnectorWorkerOptions {
  /** The built worker-main.js. */
  readonly entry: URL;
  readonly config: Omit<WorkerConfig, 'lost'>;
  readonly logger: Logger;
  /** Takes a batch; call `settle` with its id once it is committed or dropped. */
  readonly onBatch: (batch: WorkerBatch) => void;
  /** The connectors' states, about once a second and after each change. */
  readonly onStatus: (connectors: readonly ConnectorStatus[]) => void;
}

const STOP_MS = 5000;
const RESTART_FIRST_MS = 100;
const RESTART_MOST_MS = 5000;
/** A worker that lived as long is not taken as failing at its start. */
const STEADY_MS = 60_000;

/**
 * The API process's side of the connectors' worker thread. A worker that dies is started again, and what it held is a
 * gap row of cause `worker`; intake requests that were under way fail.
 */
export class ConnectorWorker {
  readonly #options: ConnectorWorkerOptions;
  readonly #sessions = new Map<number, IntakeSession>();
  /** Batches of intakes that are neither committed nor dropped yet. */
  readonly #intakeBatches = new Set<number>();
  /** Batch ids of the running worker start at 1 again: ours go on. */
  #firstId = 0;
  #lastId = 0;
  #lastRequest = 0;
  #lastBatchMicros = 0;
  #worker: Worker | null = null;
  #restarts = 0;
  #deathsInARow = 0;
  #spawnedMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopping = false;
  #stopped: (() => void) | null = null;

  constructor(options: ConnectorWorkerOptions) {
    this.#options = options;
  }

  /** Times the worker was started again. */
  get restarts(): number {
    return this.#restarts;
  }

  /** @param stoppedAt when the node ended before, µs since 1970: since then nobody listened; null when that isn't known */
  start(stoppedAt: number | null = null): void {
    this.#spawn(stoppedAt === null ? null : { since: stoppedAt, cause: 'stopped' });
  }

  /**
   * Begins an intake request: its body by `write`, then `finish` resolves once all of it is committed, and all that
   * earlier requests left behind: after an empty request the ledger has the last word on what an interrupted one stored.
   * @param connector the `connector` of its rows
   * @param lines each line is one record, whatever it is
   */
  openIntake(connector = 'import', lines = false): IntakeSession {
    if (this.#worker === null || this.#stopping) {
      throw new ArmorlakeError('NOT_READY', 'The connectors are not running, so nothing can be taken in.', {
        hint: 'Try again in a few seconds.',
      });
    }
    const request = ++this.#lastRequest;
    const session = new IntakeSession((message) =>
      this.#send(message.type === 'intake' ? { ...message, request, connector, lines } : { ...message, request }),
    );
    this.#sessions.set(request, session);
    void session.closed.then(() => this.#sessions.delete(request));
    return session;
  }

  /** Tells that a batch is committed or dropped: its bytes no longer hold the worker back. */
  settle(batch: number, outcome: BatchOutcome): void {
    this.#intakeBatches.delete(batch);
    for (const session of this.#sessions.values()) session.settled(batch, outcome);
    if (batch > this.#firstId) this.#send({ type: 'settled', batch: batch - this.#firstId });
  }

  /** Ends the streams, and resolves after the last batch was given to `onBatch`. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const worker = this.#worker;
    if (worker === null) return;
    const ended = new Promise<void>((resolve) => {
      this.#stopped = resolve;
    });
    this.#send({ type: 'stop' });
    const timer = setTimeout(() => this.#stopped?.(), STOP_MS);
    await ended;
    clearTimeout(timer);
    this.#worker = null;
    await worker.terminate();
  }

  #spawn(lost: LostBefore | null): void {
    const worker = new Worker(this.#options.entry, {
      workerData: { ...this.#options.config, lost } satisfies WorkerConfig,
      name: 'connectors',
    });
    this.#worker = worker;
    this.#spawnedMs = performance.now();
    this.#firstId = this.#lastId;
    this.#lastBatchMicros = lost?.since ?? Date.now() * 1000;
    let cause = 'it ended';
    worker.on('message', (message: FromWorker) => this.#receive(message));
    worker.on('error', (error) => (cause = messageOf(error)));
    worker.on('exit', () => this.#ended(worker, cause));
  }

  #receive(message: FromWorker): void {
    switch (message.type) {
      case 'batch': {
        const id = this.#firstId + message.id;
        this.#lastId = id;
        this.#lastBatchMicros = Date.now() * 1000;
        if (message.info.streamClass === 'intake') this.#intakeBatches.add(id);
        for (const request of message.info.requests) this.#sessions.get(request)?.expect(id);
        this.#options.onBatch({ id, buffer: message.buffer, info: message.info });
        return;
      }
      case 'status':
        this.#options.onStatus(message.connectors);
        return;
      case 'intakeTaken':
        this.#sessions.get(message.request)?.taken();
        return;
      case 'intakeDone':
        this.#sessions.get(message.request)?.done(message.result, this.#intakeBatches);
        return;
      case 'stopped':
        this.#stopped?.();
        return;
    }
  }

  #ended(worker: Worker, cause: string): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    this.#stopped?.();
    for (const session of this.#sessions.values()) {
      session.fail(new ArmorlakeError('NOT_READY', 'The connectors’ worker stopped while it took in events.'));
    }
    if (this.#stopping) return;
    this.#restarts++;
    this.#deathsInARow = performance.now() - this.#spawnedMs < STEADY_MS ? this.#deathsInARow + 1 : 0;
    const wait = Math.min(RESTART_MOST_MS, RESTART_FIRST_MS * 2 ** this.#deathsInARow);
    this.#options.logger.error({ cause, restartInMs: wait }, 'The connectors’ worker stopped; starting it again');
    const lost: LostBefore = { since: this.#lastBatchMicros, cause: 'worker' };
    this.#timer = setTimeout(() => this.#spawn(lost), wait);
  }

  #send(message: ToWorker): void {
    this.#worker?.postMessage(message);
  }
}
