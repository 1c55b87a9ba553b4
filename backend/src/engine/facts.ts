/** A known stretch of missing events that a query's range meets. */
export interface GapFact {
  readonly connector: string;
  readonly stream: string;
  readonly from: string;
  /** Null while it is open. */
  readonly to: string | null;
  readonly cause: string;
  readonly minutes: number;
  readonly estimated: number | null;
}

/** How complete what this node holds is, for one query. */
export interface CoverageFacts {
  readonly gaps: { readonly minutes: number; readonly worst: readonly GapFact[] };
  /** Set when the query reaches behind what the node still (or already) held: since when it is whole. */
  readonly shortFrom: string | null;
}

export const completeFacts: CoverageFacts = { gaps: { minutes: 0, worst: [] }, shortFrom: null };
