import type { ErrorShape } from '../core/index.js';
import type { CoverageFacts } from '../engine/index.js';

/** One fragment as it travels: SQL that runs on a node's own lake. */
export interface FragmentCall {
  readonly name: string;
  readonly sql: string;
}

/** What is asked of each node for one query: all its fragments in one request, run in one read transaction. */
export interface ScatterRequest {
  readonly queryId: string;
  readonly fragments: readonly FragmentCall[];
  /** A live tail instead of fragments: its call as JSON, under the one fragment's name; null for a query. */
  readonly tail: string | null;
  /** `from <= time < to` on every event table; microseconds since 1970, null is open. */
  readonly timeRange: { readonly fromMicros: number | null; readonly toMicros: number | null };
  /** Columns the asker knows that some member's schema lacks; there they read NULL. */
  readonly expects: readonly {
    readonly table: string;
    readonly columns: readonly { readonly name: string; readonly type: string }[];
  }[];
  /** `now()` as the query node froze it; microseconds since 1970. */
  readonly nowMicros: number;
  /** What one node may ship; more is refused, never cut. */
  readonly budget: { readonly rows: number; readonly bytes: number };
  /** Milliseconds this node has for all its fragments. */
  readonly timeoutMs: number;
  /** Who asks, for the node's own account of queries. */
  readonly who: string;
  /** The query node that asks; absent: this node itself does. */
  readonly hub?: string;
  readonly origin: string | null;
}

/** What a node says after its last chunk. */
export interface NodeFacts {
  readonly rows: number;
  readonly bytes: number;
  readonly ms: number;
  /** Its query load was capped while it worked. */
  readonly slowed: boolean;
  /** How complete what it holds is, in the query's range. */
  readonly facts: CoverageFacts;
  /** Columns the query names that this node's schema does not have yet. */
  readonly missingColumns: readonly string[];
}

/** How one node's part of a scatter ended. */
export type NodeOutcome =
  | { readonly status: 'answered'; readonly facts: NodeFacts }
  | { readonly status: 'failed'; readonly error: ErrorShape };

/** Takes what nodes send. A chunk of a fragment's Parquet file is at most 512 KB; awaiting it holds that node back. */
export interface ScatterSink {
  chunk(node: string, fragment: string, bytes: Uint8Array): Promise<void>;
  /** Exactly once a node, after its last chunk. */
  ended(node: string, outcome: NodeOutcome): void;
}

/** A node that stores events, as the asked node knows it. */
export interface Member {
  readonly name: string;
  readonly cluster: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly alive: boolean;
  /** Why it is not alive, in a sentence. */
  readonly reason: string | null;
  readonly clockOffsetMs: number | null;
  readonly tables: readonly MemberTable[];
  /** Values that stand in its rows, a promise kept before a commit becomes visible; null when there are too many to list. */
  readonly values: Readonly<Record<PrunedColumn, readonly string[] | null>>;
}

/** Columns by whose values members are pruned. */
export type PrunedColumn = 'cluster' | 'host' | 'namespace' | 'policy';

export interface MemberTable {
  /** As `kubearmor.logs`. */
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly rows: number;
  readonly bytes: number;
  /** No row is earlier: a promise as the values are. Microseconds since 1970; null when empty. */
  readonly minTimeMicros: number | null;
}

/** The network as the query side needs it; `network/` implements it. */
export interface Scatter {
  /** Every member that is expected to answer, this node included if it stores events. */
  members(): readonly Member[];
  /**
   * Sends the request to these members and feeds their answers to the sink; resolves when every one of them has ended.
   * Never rejects for a node's failure: that is its outcome. Aborting cancels on every node.
   */
  scatter(nodes: readonly string[], request: ScatterRequest, sink: ScatterSink, signal: AbortSignal): Promise<void>;
}
