import type { NodeFigures, NodeView } from './api/index.js';
import type { ConnectorWorker } from './connectors/index.js';
import type { EngineSupervisor } from './engine/index.js';
import type { IngestQueue, LakeInfo } from './lake/index.js';
import { ArmorlakeError, withDeadline } from './core/index.js';
import type { NodeNetwork } from './node-network.js';
import type { NodeState } from './node-state.js';

/** For the engine's account of itself. */
const INFO_MS = 2000;

export interface NodeStatusParts {
  readonly name: string;
  readonly version: string;
  readonly engine: EngineSupervisor;
  readonly worker: ConnectorWorker;
  readonly queue: IngestQueue;
  readonly state: NodeState;
  /** Null: the node is alone. */
  readonly network: NodeNetwork | null;
}

/** How the node is, gathered from its parts when somebody asks. */
export class NodeStatus implements NodeView {
  readonly #parts: NodeStatusParts;

  constructor(parts: NodeStatusParts) {
    this.#parts = parts;
  }

  get name(): string {
    return this.#parts.name;
  }

  get version(): string {
    return this.#parts.version;
  }

  unready(): string | null {
    const { engine, queue } = this.#parts;
    if (engine.state !== 'ready') {
      return engine.lastError?.message ?? `The database engine is ${engine.state}.`;
    }
    return queue.refusal()?.code === 'DISK_FULL' ? 'Nothing is stored: the disk of the data folder is full.' : null;
  }

  async forget(name: string, signal: AbortSignal): Promise<void> {
    const { network } = this.#parts;
    if (network === null) {
      throw new ArmorlakeError('NOT_FOUND', `No node ${name} is known here: this node is in no network.`, {
        hint: 'Ask a query node: `armorlake forget NAME --url …`.',
      });
    }
    await network.forget(name, signal);
  }

  async figures(signal: AbortSignal): Promise<NodeFigures> {
    const { engine, worker, queue, state, network } = this.#parts;
    const lake = await lakeInfo(engine, signal);
    const ingest = queue.figures();
    return {
      engine: { state: engine.state, restarts: engine.restarts, pid: engine.pid },
      workerRestarts: worker.restarts,
      lake,
      // A lake that started on a full disk knows it before the first event waits.
      ingest: { ...ingest, diskFull: ingest.diskFull || lake?.diskFull === true },
      connectors: state.connectors,
      network: network?.status() ?? null,
      warnings: [...(lake?.warnings ?? []), ...expiring(network)],
    };
  }
}

/** Null while the engine (re)starts or doesn't answer: how the node is must be told then above all. */
async function lakeInfo(engine: EngineSupervisor, signal: AbortSignal): Promise<LakeInfo | null> {
  try {
    return (await engine.call('info', {}, { signal: withDeadline(signal, INFO_MS) })) as LakeInfo;
  } catch {
    return null;
  }
}

/** Certificates are short-lived: their end is said in time. */
const EXPIRY_NOTICE_DAYS = 7;

function expiring(network: NodeNetwork | null): readonly string[] {
  const daysLeft = network?.status().certificate?.daysLeft;
  if (daysLeft === undefined || daysLeft > EXPIRY_NOTICE_DAYS) return [];
  return [
    daysLeft < 0
      ? "The node's network certificate has expired: renew it with `armorlake cert renew`."
      : `The node's network certificate expires in ${daysLeft} days: renew it with \`armorlake cert renew\`.`,
  ];
}
