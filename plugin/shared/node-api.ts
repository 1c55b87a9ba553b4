/** What a node's door answers, as docs/query.md describes it; both halves read these. */

export interface NodeCoverage {
  readonly name: string;
  readonly status: 'answered' | 'failed' | 'pruned';
  readonly code: string | null;
  readonly message: string | null;
  readonly rows: number | null;
  readonly bytes: number | null;
  readonly ms: number | null;
}

export interface Coverage {
  readonly complete: boolean;
  readonly expected: number;
  readonly asked: number;
  readonly answered: number;
  readonly failed: number;
  readonly pruned: number;
  readonly nodes: readonly NodeCoverage[];
  readonly gaps: {
    readonly nodes: number;
    readonly minutes: number;
    readonly worst: readonly {
      readonly node: string;
      readonly cause: string;
      readonly minutes: number;
      /** Events that are missing, where that is known. */
      readonly estimated?: number | null | undefined;
    }[];
  };
  readonly retention: { readonly nodesShort: number; readonly from: string | null };
}

export interface AnswerStats {
  readonly rows: number;
  readonly truncated: boolean;
  readonly elapsedMs: number;
  readonly queryId: string;
}

export interface CatalogColumn {
  readonly name: string;
  readonly type: string;
  readonly description: string;
  readonly source?: string;
}

export interface CatalogTable {
  readonly name: string;
  readonly kind: string;
  readonly description: string;
  readonly columns: readonly CatalogColumn[];
}

export interface Catalog {
  readonly databases: readonly { readonly name: string; readonly tables: readonly CatalogTable[] }[];
}

export interface Estimate {
  readonly nodes: number;
  readonly rows: number;
  readonly bytes: number;
}

export interface Explanation {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  readonly merge: string | null;
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
  readonly estimate: Estimate;
}

/** An error as a node or the plugin's own backend says it. `position` counts characters from 0. */
export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly position?: number;
  readonly node?: string;
}
