import type { CoverageFacts } from '../engine/index.js';
import type { Member, MemberTable, NodeFacts, PrunedColumn, ScatterRequest } from '../query/index.js';

/** What a node may do in the network; a certificate names the highest. Only `query` may ask others. */
export type NodeRole = 'edge' | 'query';

/** Who a node is; none of it changes while it runs. */
export interface NodeIdentity {
  readonly name: string;
  /** The lake's own name for ever (`lake.json`). */
  readonly lakeId: string;
  readonly role: NodeRole;
  readonly armorlakeVersion: string;
  /** The database engine's version; its major.minor is the same in a whole network. */
  readonly engineVersion: string;
  readonly schemaVersion: number;
}

export interface NetworkTable extends MemberTable {
  /** How long its rows are kept, milliseconds; null: no limit by age. */
  readonly retentionMs: number | null;
}

/** Null: more than the network lists, so unknown. */
export type ValueSets = Readonly<Record<PrunedColumn, readonly string[] | null>>;

export interface ConnectorState {
  readonly name: string;
  readonly kind: string;
  readonly state: string;
  readonly detail: string;
}

/** Minutes of known gaps and throttling, and the worst of them. */
export type GapsSummary = CoverageFacts['gaps'];

/** What a node says of its lake, kept up to date at every hub it is joined to. */
export interface NodeMetadata {
  readonly cluster: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly tables: readonly NetworkTable[];
  readonly values: ValueSets;
  readonly connectors: readonly ConnectorState[];
  readonly gaps: GapsSummary;
}

/** What a member does with a request; the node's own side of a scatter. */
export interface FragmentRunner {
  /**
   * Runs all fragments in one read transaction and hands over each one's Parquet file, in the order of
   * `request.fragments`, each with at least one chunk. `emit.chunk` resolves when the next may be made; it rejects once
   * the asker is gone. Rejects with an ArmorlakeError to answer with a failure. `signal` aborts on cancel and deadline.
   */
  run(request: ScatterRequest, emit: ChunkSink, signal: AbortSignal): Promise<NodeFacts>;
}

export interface ChunkSink {
  chunk(fragment: string, bytes: Uint8Array): Promise<void>;
}

/** A node that stores events, with all that is known of it here. */
export interface NodeState extends Member {
  readonly identity: NodeIdentity;
  readonly metadata: NodeMetadata;
  /** `self`, the name of the hub it is asked through, or null when no hub that is up knows it. */
  readonly via: string | null;
  /** Milliseconds since 1970, by this node's wall clock; null: not since this node started. */
  readonly lastContactMs: number | null;
}

/** A node that doesn't store anything has none of it. */
export const emptyMetadata: NodeMetadata = {
  cluster: '',
  labels: {},
  tables: [],
  values: { cluster: [], host: [], namespace: [], policy: [] },
  connectors: [],
  gaps: { minutes: 0, worst: [] },
};

/** Names as the configuration allows them. */
export const NODE_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
