import type { QueryColumn } from '../engine/index.js';
import type { Caller } from './caller.js';
import type { Coverage } from './coverage.js';
import type { QueryRequest } from './request.js';

export type QueryFormat = 'json' | 'arrow';

/** A query that has its turn: what is asked, by whom, and within what. */
export interface Ask {
  readonly id: string;
  readonly request: QueryRequest;
  readonly format: QueryFormat;
  readonly caller: Caller;
  /** `now()`, frozen; microseconds since 1970. */
  readonly nowMicros: number;
  /** The time is what is left of the caller's, after the wait for its turn. */
  readonly limits: { readonly rows: number; readonly bytes: number; readonly timeoutMs: number };
}

/** What an answer came to, known after its last chunk. */
export interface AnswerEnd {
  readonly rows: number;
  readonly bytes: number;
  readonly truncated: boolean;
  readonly fragments: number;
  readonly coverage: Coverage;
}

/** An answer on its way. Leaving `chunks` early cancels the query. */
export interface OpenAnswer {
  readonly schema: readonly QueryColumn[];
  /** As far as it is known before the rows. */
  readonly coverage: Coverage;
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly end: Promise<AnswerEnd>;
}

/** How a query would be answered, and what it would read. */
export interface Explanation {
  readonly columns: readonly QueryColumn[];
  /** SQL over the fragments' answers; null when one node answers alone. */
  readonly merge: string | null;
  /** Subqueries that were run first and became literals. */
  readonly subqueries: number;
  readonly fragments: readonly {
    readonly name: string;
    readonly kind: string;
    readonly table: string;
    readonly sql: string;
  }[];
  readonly nodes: readonly {
    readonly name: string;
    readonly status: 'asked' | 'pruned' | 'failed';
    readonly reason: string | null;
  }[];
  /** Nodes asked, rows of the tables they read, and what they would ship at most: rows × 16 bytes a column. */
  readonly estimate: { readonly nodes: number; readonly rows: number; readonly bytes: number };
}

/** Who answers queries: the node's own lake, or the network. */
export interface Answers {
  /** Resolves when the first rows are near; rejects with ArmorlakeErrors. */
  open(ask: Ask, signal: AbortSignal): Promise<OpenAnswer>;
  /** Runs nothing but the subqueries that come first. */
  explain(ask: Ask, signal: AbortSignal): Promise<Explanation>;
}
