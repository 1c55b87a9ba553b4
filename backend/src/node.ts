import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Metrics, TokenStore, networkTokens, refuseExposed, startApi } from './api/index.js';
import type { RunningNode } from './cli/index.js';
import type { NodeConfig } from './config/index.js';
import { ConnectorWorker, loadRedactionKey } from './connectors/index.js';
import type { WorkerBatch, WorkerConfig } from './connectors/index.js';
import type { Logger } from './core/index.js';
import { ArmorlakeError, messageOf, systemClock } from './core/index.js';
import { EngineSupervisor } from './engine/index.js';
import type { Catalog } from './engine/index.js';
import { IngestQueue, lakeProcess, lakeSettings } from './lake/index.js';
import type { LakeInfo } from './lake/index.js';
import { NodeNetwork } from './node-network.js';
import { NodeMetrics } from './node-metrics.js';
import { NodePublication } from './node-publication.js';
import { NodeState } from './node-state.js';
import { NodeStatus } from './node-status.js';
import {
  FairQueue,
  GuardedEngine,
  LakeAnswers,
  LakeFragments,
  LakeTails,
  QueryLoad,
  QueryLog,
  QueryService,
  Strikes,
  accountedFragments,
  accountedTails,
} from './query/index.js';
import type { NodeIdentity } from './query/index.js';

export interface NodeOptions {
  readonly config: NodeConfig;
  readonly logger: Logger;
  /** Ends the start; the running node is ended by its `close`. */
  readonly signal: AbortSignal;
  readonly version: string;
}

const storesNothing = new ArmorlakeError('CONFLICT', 'This node stores no events.', {
  hint: 'Post to an edge, or start this node with network.store: true.',
});

const DRAIN_MS = 20_000;
/** Of one core, on average, that queries of the network may take from a small edge. */
const EDGE_QUERY_SHARE = 0.25;

/** Starts a node: lake engine, ingest queue, API and connectors, in this order; ends them in reverse. */
export async function startNode({ config, logger, signal, version }: NodeOptions): Promise<RunningNode> {
  await mkdir(config.data, { recursive: true, mode: 0o700 });
  const tokens = TokenStore.open(join(config.data, 'tokens.json'));
  tokens.remember();
  // Said before anything is started.
  refuseExposed(config.http.host, config.http.tls !== null, tokens.size, config.http.insecure);
  const redactionKey = config.redaction.enabled
    ? loadRedactionKey(config.data, (sentence) => logger.error({}, sentence))
    : null;
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
    const state = new NodeState({ engine, config, version, logger, clock: systemClock });
    closing.push(() => state.close());
    await state.publish();
    const publication = await publicationOf(config, engine, state, logger, signal);
    closing.push(async () => publication?.close());
    const commit = publication === null ? {} : { commit: publication.commit };
    const queue = new IngestQueue({ engine, maxBytes: config.limits.ingest.queueBytes, logger, ...commit });
    queue.start(info.lastBatch);
    // The network ends after the last commit: commits wait for the hubs' word.
    const networkEnds = closing.length;
    closing.push(() => drained(queue, logger));
    engine.onRestart(() => {
      queue.engineRestarted();
      state.engineRestarted();
      publication?.engineRestarted();
    });
    const worker = connectorWorker(config, redactionKey, queue, state, logger);
    closing.push(() => worker.stop());
    const log = new QueryLog(engine, logger, systemClock);
    closing.push(() => log.close());
    const metrics = new Metrics();
    const strikes = new Strikes(systemClock);
    const turns = new FairQueue(config.limits.query.concurrency, Infinity);
    const guarded = new GuardedEngine(engine, strikes, turns, logger, systemClock);
    const own = new LakeAnswers(guarded, () => identityOf(config, publication), remarkOf(config));
    const load = new QueryLoad(config.profile === 'edge' ? EDGE_QUERY_SHARE : 1, systemClock);
    const ownTails = new LakeTails(guarded, config.name);
    const inLake = new LakeFragments(guarded, join(config.data, 'tmp'), load, ownTails);
    const fragments = accountedFragments(inLake, log, systemClock);
    const network = await NodeNetwork.start({
      config,
      version,
      info,
      engine,
      answers: own,
      fragments,
      publication: publication?.publication ?? null,
      strikes,
      tokens: networkTokens(tokens),
      logger,
    });
    if (network !== null) closing.splice(networkEnds, 0, () => network.close());
    state.network = network;
    const health = new NodeMetrics({
      engine,
      queue,
      network,
      version,
      profile: config.profile,
      keptFreeBytes: config.retention.freeBytes,
      startedMs: systemClock.monotonicMs() - process.uptime() * 1000,
      logger,
      clock: systemClock,
    });
    closing.push(() => health.close());
    await health.record();
    const queries = new QueryService({
      answers: network?.answers ?? own,
      strikes,
      catalog: async (given) => {
        const catalog = (await engine.call('catalog', {}, { signal: given })) as Catalog;
        return network?.catalog(catalog) ?? catalog;
      },
      limits: config.limits.query,
      log,
      clock: systemClock,
      onEnd: (outcome) => metrics.onQuery(outcome),
    });
    const api = await startApi({
      listen: config.http,
      node: new NodeStatus({ name: config.name, version, engine, worker, queue, state, network }),
      queries,
      tails: { own: ownTails, tails: accountedTails(network?.tails ?? ownTails, log, systemClock) },
      intake: {
        open: (connector, lines) => worker.openIntake(connector, lines),
        refusal: () => (config.network.store ? queue.refusal() : storesNothing),
      },
      tokens,
      metrics,
      intakeBodyBytes: config.limits.ingest.bodyBytes,
      hostFolders: [config.data, config.archive?.dir ?? config.data, fileURLToPath(new URL('../..', import.meta.url))],
      logger,
      clock: systemClock,
    });
    closing.push(() => api.close());
    worker.start(info.closedAtMicros);
    return { url: api.url, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** This node, as selections see it. */
function identityOf({ name, cluster, labels }: NodeConfig, publication: NodePublication | null): NodeIdentity {
  const seen = publication?.publication.metadata.values.cluster ?? [];
  return { name, clusters: [...(cluster === null ? [] : [cluster]), ...seen], labels };
}

/** What an edge says of its answers when it is part of a network. */
function remarkOf({ network }: NodeConfig): string | null {
  return network.role === 'edge' && network.join.length > 0
    ? 'This edge answers for itself alone; ask a query node for the whole network.'
    : null;
}

/** What this node knows of its lake, for others and for selections; null when it stores nothing. */
async function publicationOf(
  { cluster, labels, network }: NodeConfig,
  engine: EngineSupervisor,
  state: NodeState,
  logger: Logger,
  signal: AbortSignal,
): Promise<NodePublication | null> {
  if (!network.store) return null;
  const connectors = (): NodeState['connectors'] => state.connectors;
  const options = { engine, cluster: cluster ?? '', labels, connectors, logger, clock: systemClock };
  return await NodePublication.open(options, signal);
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
    const { rows, ledger, gaps, widening } = info;
    void queue.push({ buffer, priority, rows, ledger, gaps, widening }).then((outcome) => worker.settle(id, outcome));
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
    logger.error(
      { error: messageOf(thrown) },
      'Not all events were committed before the end: the ledger has the rest as dropped.',
    );
  }
  await queue.close();
}

function workerConfig({ kubearmor, limits }: NodeConfig, redactionKey: Uint8Array | null): Omit<WorkerConfig, 'lost'> {
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
