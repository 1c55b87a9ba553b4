import type { Expression, QueryNode } from '../../engine/index.js';
import type { ColumnGuard } from './guards.js';

/** A column of an answer: its name and DuckDB's own spelling of its type. */
export interface ResultColumn {
  readonly name: string;
  readonly type: string;
}

/** DuckDB as the planner needs it: its parser, its printer, and its binder over empty tables. */
export interface SqlFrontend {
  /** The root query node of one SELECT. */
  parse(sql: string): Promise<QueryNode>;
  /** SQL for a query node. */
  print(node: QueryNode): Promise<string>;
  /** Names and types of what the node gives; throws BAD_QUERY when it can't be bound. */
  describe(node: QueryNode): Promise<readonly ResultColumn[]>;
  /** So many rows at most of a query that reads no tables, its values as DuckDB's text; null when it fails. */
  compute(node: QueryNode, maxRows: number): Promise<readonly (readonly (string | null)[])[] | null>;
  /** The rows that a node gives over the empty tables, as text. */
  rowsOf(node: QueryNode): Promise<readonly (readonly (string | null)[])[]>;
  /** Constant timestamps computed, in microseconds since 1970; null for what is no time. */
  timesOf(constants: readonly Expression[]): Promise<readonly (number | null)[]>;
}

/** Runs a whole query over the network, for a subquery whose answer becomes literals. Values are DuckDB's text. */
export interface SubqueryRunner {
  run(node: QueryNode, maxRows: number): Promise<{ readonly rows: readonly (readonly (string | null)[])[] }>;
}

/** A table that lies on the nodes, as the planner sees it. */
export interface FederatedTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
}

/** agg: partial GROUP BY; rows: projection, filter, DISTINCT, top; scan: pruned columns, filtered rows. */
export type FragmentKind = 'agg' | 'rows' | 'scan';

/** The part of a query that each node runs on its own lake. */
export interface Fragment {
  /** Name of the relation that stands for its answers in the merge. */
  readonly name: string;
  readonly kind: FragmentKind;
  /** As `kubearmor.logs`. */
  readonly table: string;
  readonly node: QueryNode;
  readonly columns: readonly ResultColumn[];
  /** What is known of each of them whatever the rows. */
  readonly guards: readonly ColumnGuard[];
  /** Rows one node gives at most; null when that depends on its rows. */
  readonly mostRows: number | null;
  /** Its WHERE, for pruning; null when it has none. */
  readonly filter: Expression | null;
}

/** A query split in two: what the nodes run, and what runs over their answers. */
export interface Plan {
  readonly fragments: readonly Fragment[];
  readonly merge: QueryNode;
  readonly columns: readonly ResultColumn[];
}
