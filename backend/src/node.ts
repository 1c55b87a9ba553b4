import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Metrics, TokenStore, refuseExposed, startApi } from './api/index.js';
import type { RunningNode } from './cli/index.js';
import type { NodeConfig } from './config/index.js';
import { ConnectorWorker, loadRedactionKey } from './connectors/index.js';
import type { WorkerBatch, WorkerConfig } from './connectors/index.js';
import type { Logger } from './core/index.js';
import { messageOf, systemClock } from './core/index.js';
import { EngineSupervisor } from './engine/index.js';
import type { Catalog } from './engine/index.js';
import { IngestQueue, lakeProcess, lakeSettings } from './lake/index.js';
import type { LakeInfo } from './lake/index.js';
import { NodeState } from './node-state.js';
import { NodeStatus } from './node-status.js';
import { GuardedEngine, LakeAnswers, QueryLog, QueryService, Strikes } from './query/index.js';

export interface NodeOptions {
  readonly config: NodeConfig;
  readonly logger: Logger;
  /** Ends the start; the running node is ended by its `close`. */
  readonly signal: AbortSignal;
  readonly version: string;
}

const DRAIN_MS = 20_000;

/** Starts a node: lake engine, ingest queue, API and connectors, in this order; ends them in reverse. */
export async function startNode({ config, logger, signal, version }: NodeOptions): Promise<RunningNode> {
  await mkdir(config.data, { recursive: true, mode: 0o700 });
  const tokens = TokenStore.open(join(config.data, 'tokens.json'));
  // Said before anything is started.
  refuseExposed(config.http.host, config.http.tls !== null, tokens.size, config.http.insecure);
  const redactionKey = config.redaction.enabled ? await loadRedactionKey(config.data) : null;
  const engine = await EngineSupervisor.start({
    process: lakeProcess(config, fileURLToPath(new URL('./engine-main.js', import.meta.url))),
    settings: { ...lakeSettings(config) },
    temporaryFolder: join(config.data, 'tmp'),
    logger,
  });
  const closing: (() => Promise<void> | void)[] = [() => engine.close()];
  const close = async (): Promise<void> => {
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    signal.throwIfAborted();
    const info = (await engine.call('info', {}, { signal })) as LakeInfo;
    const queue = new IngestQueue({ engine, maxBytes: config.limits.ingest.queueBytes, logger });
    queue.start(info.lastBatch);
    closing.push(() => drained(queue, logger));
    const state = new NodeState({ engine, config, version, logger, clock: systemClock });
    closing.push(() => state.close());
    await state.publish();
    engine.onRestart(() => {
      queue.engineRestarted();
      state.engineRestarted();
    });
    const worker = connectorWorker(config, redactionKey, queue, state, logger);
    closing.push(() => worker.stop());
    const log = new QueryLog(engine, logger);
    closing.push(() => log.close());
    const metrics = new Metrics();
    const clusters = [...new Set(config.kubearmor.flatMap(({ cluster }) => cluster ?? []))];
    const strikes = new Strikes(systemClock);
    const guarded = new GuardedEngine(engine, strikes, logger, systemClock);
    const queries = new QueryService({
      answers: new LakeAnswers(guarded, () => ({ name: config.name, clusters, labels: config.labels })),
      strikes,
      catalog: async (given) => (await engine.call('catalog', {}, { signal: given })) as Catalog,
      limits: config.limits.query,
      log,
      clock: systemClock,
      onEnd: (outcome) => metrics.onQuery(outcome),
    });
    const api = await startApi({
      listen: config.http,
      node: new NodeStatus({ name: config.name, version, engine, worker, queue, state }),
      queries,
      engine,
      intake: { open: (connector) => worker.openIntake(connector), refusal: () => queue.refusal() },
      tokens,
      metrics,
      intakeBodyBytes: config.limits.ingest.bodyBytes,
      logger,
      clock: systemClock,
    });
    closing.push(() => api.close());
    worker.start();
    return { url: api.url, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

function connectorWorker(
  config: NodeConfig,
  redactionKey: Uint8Array | null,
  queue: IngestQueue,
  state: NodeState,
  logger: Logger,
): ConnectorWorker {
  const onBatch = ({ id, buffer, info }: WorkerBatch): void => {
    // Whoever posts to an intake waits for the commit: its events are not dropped before logs.
    const priority = info.streamClass === 'alerts' || info.streamClass === 'intake' ? 'alerts' : 'other';
    const { rows, ledger, gaps } = info;
    void queue.push({ buffer, priority, rows, ledger, gaps }).then((outcome) => worker.settle(id, outcome));
  };
  const worker = new ConnectorWorker({
    entry: new URL('./worker-main.js', import.meta.url),
    config: workerConfig(config, redactionKey),
    logger,
    onBatch,
    onStatus: (connectors) => state.setConnectors(connectors),
  });
  return worker;
}

/** What was taken in is committed before the engine ends. */
async function drained(queue: IngestQueue, logger: Logger): Promise<void> {
  try {
    await queue.drain(AbortSignal.timeout(DRAIN_MS));
  } catch (thrown) {
    logger.error({ error: messageOf(thrown) }, 'Events were not committed before the end: a gap stands for them.');
  }
  await queue.close();
}

function workerConfig(
  { kubearmor, limits }: NodeConfig,
  redactionKey: Uint8Array | null,
): Omit<WorkerConfig, 'lostSince'> {
  const { logsCommitMs, alertsCommitMs, queueBytes } = limits.ingest;
  return {
    kubearmor,
    redactionKey,
    limits: {
      logsCommitMs,
      alertsCommitMs,
      batchRows: 8192,
      batchBytes: Math.min(4 << 20, Math.floor(queueBytes / 8)),
      // Above the queue's own bound: it drops the oldest first, the worker only the newest.
      windowBytes: Math.floor(queueBytes * 1.5),
    },
  };
}
