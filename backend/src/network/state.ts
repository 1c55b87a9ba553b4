import type { ErrorShape } from '../core/index.js';
import type { NodeIdentity, NodeMetadata, NodeState, ValueSets } from './types.js';

/** What is known of a node before it is told to readers. */
export interface KnownNode {
  readonly identity: NodeIdentity;
  readonly metadata: NodeMetadata;
  /** Why it can't be asked; null: it can. */
  readonly trouble: ErrorShape | null;
  readonly via: string | null;
  readonly lastContactMs: number | null;
  readonly clockOffsetMs: number | null;
  /** Whether the node keeps its promise of values and lower time bounds towards this very node. */
  readonly promised: boolean;
}

const unknownValues: ValueSets = { cluster: null, host: null, namespace: null, policy: null };

/**
 * A node as readers get it. Values and lower time bounds are given only where they are a promise kept to us: of a node
 * that is away, or attached to another hub, nothing is ruled out by them.
 */
export function nodeState(known: KnownNode): NodeState {
  const { identity, metadata, trouble, via, lastContactMs, clockOffsetMs } = known;
  const promised = known.promised && trouble === null;
  const tables = promised
    ? metadata.tables
    : metadata.tables.map((table) => ({ ...table, minTimeMicros: Number.MIN_SAFE_INTEGER }));
  return {
    name: identity.name,
    cluster: metadata.cluster,
    labels: metadata.labels,
    alive: trouble === null,
    reason: trouble?.message ?? null,
    clockOffsetMs,
    tables,
    values: promised ? metadata.values : unknownValues,
    identity,
    metadata,
    via,
    lastContactMs,
  };
}

/** The sentence for a member that no hub has seen since this node started. */
export function notSeen(name: string): ErrorShape {
  return {
    code: 'NOT_READY',
    message: `Node ${name} has not been seen since this node started.`,
    node: name,
    hint: `If it is gone for good: \`armorlake forget ${name}\`.`,
  };
}
