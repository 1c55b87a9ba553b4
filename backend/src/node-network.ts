import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NetworkStatus } from './api/index.js';
import type { NodeConfig } from './config/index.js';
import { SPARE_SLOTS } from './config/index.js';
import type { Logger } from './core/index.js';
import { systemClock } from './core/index.js';
import type { Catalog, EngineSupervisor } from './engine/index.js';
import { EngineSupervisor as Supervisor } from './engine/index.js';
import type { LakeInfo } from './lake/index.js';
import { engineRoom, tableName, tables } from './lake/index.js';
import type { NetworkTokens, NodeState, Publication } from './network/index.js';
import { GrpcBackbone, NetworkNode, NodeCertificate, addressOf, systemTime } from './network/index.js';
import type { Answers, GuardedEngine, LakeFragments, NetworkTable, Scatter, Strikes, Tails } from './query/index.js';
import {
  FairQueue,
  GuardedEngine as Guarded,
  NetworkAnswers,
  NetworkCatalog,
  NetworkTails,
  scatterToOwn,
} from './query/index.js';
import { NodeTraffic } from './node-traffic.js';

export interface NodeNetworkParts {
  readonly config: NodeConfig;
  readonly version: string;
  readonly info: LakeInfo;
  readonly engine: EngineSupervisor;
  readonly answers: Answers;
  readonly fragments: Pick<LakeFragments, 'run'>;
  /** What this node says of its lake; null: it stores no events. */
  readonly publication: Publication | null;
  readonly strikes: Strikes;
  /** What callers of its network port without TLS have to show. */
  readonly tokens: NetworkTokens;
  readonly logger: Logger;
}

/** What a query ships at most over the network, whatever its limits. */
const BUDGET = { rows: 2_000_000, bytes: 256 * 2 ** 20 };
/** Hubs whose clocks differ by more confirm nobody's. */
const CLOCKS_AGREE_MS = 60_000;
/** Threads of libuv's pool beside one for each merge: binding, files. */
const OWN_THREADS = 2;

/** A node's part in the network, as far as its configuration goes. */
export class NodeNetwork {
  /** Who answers this node's users: its own lake, or at a query node the whole network. */
  readonly answers: Answers;
  /** The live tails of the network; null at a node that may not ask it. */
  readonly tails: Tails | null;
  readonly #node: NetworkNode;
  readonly #certificate: NodeCertificate | null;
  readonly #merge: Supervisor | null;
  readonly #catalog: NetworkCatalog | null;
  readonly #config: NodeConfig;
  /** Bytes of answers since the start. */
  readonly traffic: NodeTraffic;

  private constructor(
    config: NodeConfig,
    node: NetworkNode,
    certificate: NodeCertificate | null,
    own: Answers,
    query: { readonly answers: Answers; readonly merge: Supervisor; readonly catalog: NetworkCatalog } | null,
    traffic: NodeTraffic,
  ) {
    this.#config = config;
    this.traffic = traffic;
    this.#node = node;
    this.#certificate = certificate;
    this.answers = query?.answers ?? own;
    this.tails = query === null ? null : new NetworkTails(traffic.metered(node.network, config.name), systemClock);
    this.#merge = query?.merge ?? null;
    this.#catalog = query?.catalog ?? null;
  }

  /**
   * Listens and begins to dial, as configured; a query node gets its merge engine. Null: the node is alone.
   * @throws ArmorlakeError BAD_CONFIG when it can't listen or its certificate can't be used.
   */
  static async start(parts: NodeNetworkParts): Promise<NodeNetwork | null> {
    const { config, info, engine, publication, fragments, tokens, logger, version } = parts;
    const { listen, join: hubs, role, tls, insecure, tokenFile } = config.network;
    if (listen === null && hubs.length === 0) return null;
    const traffic = new NodeTraffic();
    const certificate = tls === null ? null : new NodeCertificate(tls, { name: config.name, role }, systemTime, logger);
    const node = await NetworkNode.start({
      identity: {
        name: config.name,
        lakeId: info.lakeId,
        role,
        armorlakeVersion: version,
        engineVersion: info.duckdbVersion,
        schemaVersion: info.schemaVersion,
      },
      lake:
        publication === null
          ? null
          : { publication, runner: traffic.counted(fragments), engineAgeMs: () => engine.lastAnswerAgeMs() },
      backbone: new GrpcBackbone({ listen, certificate, insecure, tokens, tokenFile, time: systemTime }),
      listen: listen !== null,
      join: hubs,
      dataFolder: config.data,
      log: logger,
    });
    try {
      const query = role === 'query' ? await startQueries(parts, traffic.metered(node.network, config.name)) : null;
      return new NodeNetwork(config, node, certificate, parts.answers, query, traffic);
    } catch (thrown) {
      await node.close();
      throw thrown;
    }
  }

  /** The catalog of the network, of which this build's is the largest part. */
  catalog(own: Catalog): Catalog {
    return this.#catalog?.catalog(own) ?? own;
  }

  /** What the hubs' clocks say now, milliseconds since 1970; null: no hub, or they don't agree. */
  hubClockMs(): number | null {
    const clocks = this.#node.hubClocks();
    const [least, most] = [Math.min(...clocks), Math.max(...clocks)];
    return clocks.length > 0 && most - least <= CLOCKS_AGREE_MS ? least : null;
  }

  /** Every node known here, this one apart. */
  nodes(): readonly NodeState[] {
    return this.#node.network.nodes().filter((node) => node.name !== this.#config.name);
  }

  status(): NetworkStatus {
    const { network } = this.#config;
    const address = this.#node.address;
    const daysLeft = this.#certificate?.daysLeft() ?? null;
    return {
      role: network.role,
      store: network.store,
      listening: address === null ? null : addressOf(address),
      links: this.#node.links(),
      peers: this.#node.peers(),
      nodes: this.#node.network.nodes().map(nodeStatus),
      certificate: daysLeft === null ? null : { daysLeft: Math.floor(daysLeft) },
    };
  }

  /** Of the merge engine; undefined while there is none. */
  get mergePid(): number | undefined {
    return this.#merge?.pid;
  }

  /** End of the node's certificate, milliseconds since 1970; null when it has none or it can't be read. */
  certificateExpiresMs(): number | null {
    return this.#certificate?.expiresMs() ?? null;
  }

  /** @throws ArmorlakeError CONFLICT for this node itself, NOT_FOUND, NOT_READY. */
  async forget(name: string, signal: AbortSignal): Promise<void> {
    await this.#node.network.forget(name, signal);
  }

  async close(): Promise<void> {
    await this.#node.close();
    await this.#merge?.close();
  }
}

async function startQueries(
  { config, answers, fragments, strikes, logger }: NodeNetworkParts,
  scatter: Scatter,
): Promise<{ readonly answers: Answers; readonly merge: Supervisor; readonly catalog: NetworkCatalog }> {
  const { engine: limits, query } = config.limits;
  const temporaryFolder = join(config.data, 'tmp');
  const arrivals = join(temporaryFolder, 'arrivals');
  // Whatever an earlier run left there is nobody's.
  await rm(arrivals, { recursive: true, force: true });
  const merge = await Supervisor.start({
    process: {
      entry: fileURLToPath(new URL('./merge-main.js', import.meta.url)),
      ...engineRoom(config.limits, OWN_THREADS),
    },
    settings: {
      threads: limits.threads,
      memoryLimitBytes: limits.memoryBytes,
      spillBytes: limits.spillBytes,
      temporaryFolder: join(temporaryFolder, 'merge'),
      arrivals,
      queries: query.concurrency + SPARE_SLOTS,
    },
    temporaryFolder,
    logger: logger.child({ engine: 'merge' }),
  });
  const catalog = new NetworkCatalog(merge, scatter, networkTables(), systemClock);
  merge.onRestart(() => catalog.forgotten());
  const turns = new FairQueue(query.concurrency, Infinity);
  const guarded: GuardedEngine = new Guarded(merge, strikes, turns, logger, systemClock, (signal) =>
    catalog.publish(signal),
  );
  const own = { name: config.name, answers, scatter: scatterToOwn(fragments) };
  const options = { own, scatter, merge: guarded, catalog, arrivals, budget: BUDGET, clock: systemClock };
  return { answers: new NetworkAnswers(options), merge, catalog };
}

/** The tables of this build, as the planner sees them. */
function networkTables(): readonly NetworkTable[] {
  return tables.map((table) => ({
    schema: table.schema,
    name: table.name,
    columns: table.columns.map(({ name, type }) => ({ name, type })),
    reads: table.reads ?? [tableName(table)],
    stored: table.kind === 'event' || table.kind === 'history',
  }));
}

function nodeStatus(node: NodeState): NetworkStatus['nodes'][number] {
  return {
    name: node.name,
    role: node.identity.role,
    state: node.alive ? 'alive' : 'failed',
    reason: node.reason,
    version: node.identity.armorlakeVersion,
    cluster: node.cluster,
    labels: node.labels,
    lastContact: node.lastContactMs === null ? null : new Date(node.lastContactMs).toISOString(),
    clockOffsetMs: node.clockOffsetMs,
    rows: node.tables.reduce((sum, table) => sum + table.rows, 0),
    via: node.via,
  };
}
