import type { Parameters, QueryColumn } from '../../engine/index.js';
import type { ColumnGuard } from './guards.js';
import type { Constraint } from './prune.js';
import type { FragmentKind } from './types.js';

/** How a query meets the nodes: split, or run whole on one node, or whole on each of several. */
export type PlanMode = 'split' | 'whole';

/** A table as the network has it: the union of its members' columns. */
export interface NetworkTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** The event tables behind it, itself included if it is one: `schema.name`. */
  readonly reads: readonly string[];
  /** Its rows lie in lakes: a member that does not list it is of another version and has none. */
  readonly stored: boolean;
}

/** What `plan` is asked of the merge engine. */
export interface PlanCall {
  readonly queryId: string;
  readonly timeoutMs: number;
  readonly sql: string;
  readonly params: Parameters;
  readonly nowMicros: number;
  /** Upper end of the time range asked for, for pruning; microseconds since 1970. */
  readonly beforeMicros: number | null;
  readonly mode: PlanMode;
  /** Answers of subqueries that came first, by their SQL. */
  readonly resolved: readonly ResolvedSubquery[];
}

/** What `fault` is asked of the merge engine: whether these parts of a query fail on whatever rows. */
export interface FaultCall {
  readonly queryId: string;
  readonly timeoutMs: number;
  /** As the user wrote it. */
  readonly sql: string;
  readonly parts: readonly string[];
}

export interface ResolvedSubquery {
  readonly sql: string;
  readonly rows: readonly (string | null)[][];
}

/** A fragment ready to travel. */
export interface PlannedFragment {
  readonly name: string;
  readonly kind: FragmentKind;
  readonly table: string;
  readonly sql: string;
  /** What it gives, as the query means it; what travels may be cast. */
  readonly columns: readonly QueryColumn[];
  /** What each column has to hold, whatever the rows. */
  readonly guards: readonly ColumnGuard[];
  /** Rows one node gives at most; null when that depends on its rows. */
  readonly mostRows: number | null;
  /** The tables it reads, views' own included. */
  readonly reads: readonly string[];
  readonly constraint: {
    readonly values: readonly (readonly [string, readonly string[]])[];
    readonly beforeMicros: number | null;
  };
}

/** A plan, or the subquery that has to be answered first. */
export type PlanAnswer =
  | {
      readonly kind: 'plan';
      readonly columns: readonly QueryColumn[];
      readonly fragments: readonly PlannedFragment[];
      /** SQL over the fragments' names. */
      readonly merge: string;
      /** Tables the query reads, `schema.name`. */
      readonly tables: readonly string[];
      readonly subqueries: number;
    }
  | { readonly kind: 'subquery'; readonly sql: string; readonly maxRows: number };

export function constraintOf(fragment: PlannedFragment): Constraint {
  const { values, beforeMicros } = fragment.constraint;
  return { values: new Map(values.map(([column, allowed]) => [column, new Set(allowed)])), beforeMicros };
}
