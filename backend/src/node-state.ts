import type { NodeNetwork } from './node-network.js';
import type { NodeState as MemberState } from './network/index.js';
import type { NodeConfig } from './config/index.js';
import type { ConnectorStatus } from './connectors/index.js';
import type { Clock, Logger } from './core/index.js';
import { messageOf, withoutPaths } from './core/index.js';
import type { EngineClient } from './engine/index.js';
import { eventTables, tableName } from './lake/index.js';

type StateRow = Readonly<Record<string, unknown>>;

const PUBLISH_MS = 1000;
/** The account of ourselves is renewed so often when nothing else changes. */
const SELF_MS = 2_000;

export interface NodeStateOptions {
  readonly engine: EngineClient;
  readonly config: NodeConfig;
  readonly version: string;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Keeps the engine's state tables (armorlake.connectors, armorlake.nodes) up to date, at most once a second. */
export class NodeState {
  readonly #options: NodeStateOptions;
  readonly #timer: NodeJS.Timeout;
  /** Other nodes are in armorlake.nodes too, once the node is in a network. */
  network: Pick<NodeNetwork, 'nodes' | 'hubClockMs'> | null = null;
  #connectors: readonly ConnectorStatus[] = [];
  #publishedMs = -Infinity;
  #changed = true;
  #publishing: Promise<void> = Promise.resolve();

  constructor(options: NodeStateOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.publish(), PUBLISH_MS);
  }

  get connectors(): readonly ConnectorStatus[] {
    return this.#connectors;
  }

  setConnectors(connectors: readonly ConnectorStatus[]): void {
    this.#connectors = connectors;
    this.#changed = true;
  }

  /** The engine has started again: its tables in memory are empty. */
  engineRestarted(): void {
    this.#changed = true;
    void this.publish();
  }

  /** Writes what has changed; resolves when it is there, or could not be written now. */
  async publish(): Promise<void> {
    const now = this.#options.clock.monotonicMs();
    if (this.#changed || now - this.#publishedMs >= SELF_MS) {
      this.#changed = false;
      this.#publishedMs = now;
      this.#publishing = this.#publishing.then(() => this.#write());
    }
    return this.#publishing;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  async #write(): Promise<void> {
    const { engine, logger } = this.#options;
    try {
      await engine.call('state', { connectors: this.#connectors.map(connectorRow), nodes: this.#nodes() });
      const hubMs = this.network?.hubClockMs() ?? null;
      // Rows age by what a hub confirms of this machine's clock.
      if (hubMs !== null) await engine.call('clock', { hubMs });
    } catch (thrown) {
      // The engine restarts: the next second tries again.
      this.#changed = true;
      logger.debug({ error: messageOf(thrown) }, 'The state tables could not be written now.');
    }
  }

  #nodes(): readonly StateRow[] {
    return [this.#self(), ...(this.network?.nodes() ?? []).map(nodeRow)];
  }

  #self(): StateRow {
    const { config, version, clock } = this.#options;
    return {
      name: config.name,
      role: config.network.role,
      state: 'alive',
      version,
      labels: config.labels,
      last_contact: clock.wallMs() * 1000,
      clock_offset_ms: 0,
      tables: config.network.store ? eventTables.map(tableName) : [],
    };
  }
}

/** Readers of the table are told why a connector waits, but not where files of the host are: `armorlake status` tells an admin. */
function connectorRow({ lastEvent, detail, ...status }: ConnectorStatus): StateRow {
  return { ...status, detail: detail === null ? null : withoutPaths(detail), last_event: lastEvent };
}

function nodeRow(node: MemberState): StateRow {
  return {
    name: node.name,
    role: node.identity.role,
    state: node.alive ? 'alive' : 'failed',
    version: node.identity.armorlakeVersion,
    labels: node.labels,
    last_contact: node.lastContactMs === null ? null : node.lastContactMs * 1000,
    clock_offset_ms: node.clockOffsetMs,
    tables: node.tables.map((table) => table.name),
  };
}
