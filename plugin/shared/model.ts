/** Version of the saved query; `migrate` brings older ones to it and leaves newer ones alone. */
export const SCHEMA_VERSION = 1;

/** `annotations` is asked by annotation queries only, never chosen in the editor's top row. */
export const queryTypes = ['table', 'timeseries', 'logs', 'tree', 'graph', 'annotations'] as const;
export type QueryType = (typeof queryTypes)[number];

/** The nodes that are expected to answer; nothing named: all. Values may hold dashboard variables. */
export interface Scope {
  readonly clusters: readonly string[];
  readonly nodes: readonly string[];
  /** Label key → accepted values. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
}

/** Operators by meaning; which fit a column is said by `operatorsOf` (operators.ts). */
export const filterOperators = [
  'is',
  'is not',
  'contains',
  'does not contain',
  'starts with',
  'path is',
  'path under',
  'glob',
  'not glob',
  'matches',
  'does not match',
  'in cidr',
  'not in cidr',
  'has any',
  'has none',
  '=',
  '!=',
  '>=',
  '<=',
  '>',
  '<',
  'is set',
  'is not set',
] as const;
export type FilterOperator = (typeof filterOperators)[number];

/** One condition of the builder; several values: any of them (none of them for a negated operator). No value: no condition. */
export interface Filter {
  readonly column: string;
  /** Key within a MAP column (`labels`, `event_data`). */
  readonly key?: string;
  readonly operator: FilterOperator;
  readonly values: readonly string[];
}

export const aggregateFunctions = [
  'count',
  'count_distinct',
  'min',
  'max',
  'sum',
  'avg',
  'median',
  'p95',
  'p99',
  'any_value',
] as const;
export type AggregateFunction = (typeof aggregateFunctions)[number];

export interface Aggregate {
  readonly function: AggregateFunction;
  /** Left out for `count`: rows. */
  readonly column?: string;
  readonly alias?: string;
}

export interface OrderBy {
  /** A column, an alias of an aggregate, or `time` for the bucket. */
  readonly by: string;
  readonly descending: boolean;
}

/** What the builder builds; it is the truth while `editor` is `builder`. */
export interface BuilderQuery {
  /** With its schema: `kubearmor.alerts`. */
  readonly table: string;
  /** Shown when nothing is aggregated; empty: the table's usual columns. */
  readonly columns: readonly string[];
  readonly filters: readonly Filter[];
  readonly aggregates: readonly Aggregate[];
  /** Columns, or `labels[app]` for one key of a MAP column. */
  readonly groupBy: readonly string[];
  /** `auto` (the panel's interval), a Grafana interval (`5m`, `1h`, `1d`), or null: no buckets. */
  readonly timeBucket: string | null;
  readonly orderBy: readonly OrderBy[];
  /** Rows; the limit shown is the limit run. */
  readonly limit: number;
}

/** The event a process tree or graph is drawn around. Values may be dashboard variables, so all are text. */
export type ProcessTarget =
  | { readonly by: 'event'; readonly node: string; readonly seq: string }
  | { readonly by: 'pid'; readonly node: string; readonly host: string; readonly pid: string; readonly time: string };

/** A tree: the table or the waterfall. */
export type TreeView = 'table' | 'waterfall';
/** A graph: the processes around an event, or pod → process → resource of what the builder's filters match. */
export type GraphKind = 'process' | 'behaviour';

export interface ProcessQuery {
  readonly target: ProcessTarget | null;
  readonly view: TreeView;
  readonly graph: GraphKind;
  /** Most nodes a graph shows, at most 200; the rest is collapsed with a notice. */
  readonly nodeLimit: number;
  /** The dashboard's variables that the event is, so that a click can set them; put in by the frontend for one request. */
  readonly variables?: { readonly node: string; readonly seq: string };
}

export const annotationKinds = ['blocks', 'firings', 'gaps', 'sql'] as const;
export type AnnotationKind = (typeof annotationKinds)[number];

/** What an alert rule's query demands of coverage. */
export type AlertCoverage =
  | { readonly mode: 'fail'; readonly gaps: boolean }
  | { readonly mode: 'atLeast'; readonly percent: number }
  | { readonly mode: 'ignore' };

/** An ad hoc filter of the dashboard, put in by the frontend for one request; never saved. */
export interface AdHocFilter {
  readonly key: string;
  readonly operator: string;
  readonly values: readonly string[];
}

/** What a saved query holds besides Grafana's own refId, datasource, hide. */
export interface ArmorlakeModel {
  readonly schemaVersion: number;
  readonly queryType: QueryType;
  readonly scope: Scope;
  readonly editor: 'builder' | 'sql';
  readonly builder: BuilderQuery;
  /** The truth while `editor` is `sql`; may hold macros and variables. */
  readonly sql: string;
  /** Rows an SQL query may answer (a builder query has its own). */
  readonly sqlLimit: number;
  readonly process: ProcessQuery;
  readonly annotation: AnnotationKind;
  /** Whole query on each node, answers concatenated (recursive SQL). */
  readonly perNode: boolean;
  /** null: as the data source says. */
  readonly partial: 'warn' | 'fail' | 'ignore' | null;
  readonly alertCoverage: AlertCoverage;
  /** Put in by the frontend for one request. */
  readonly adHocFilters?: readonly AdHocFilter[];
  /** IANA zone of the viewer, for buckets of an hour or more; put in by the frontend. Left out: UTC. */
  readonly timezone?: string;
  /** Logs of the builder in a dashboard: new rows appear as they are stored. */
  readonly live?: boolean;
  /** Put in by the frontend for one request (`interpolateModel`): what looks like a variable now is plain text. */
  readonly interpolated?: boolean;
  /** Put in with it: the SQL is another than the one written, so that its positions say nothing to who wrote it. */
  readonly replacedSql?: boolean;
  /** Put in by the frontend for one request: what is asked around a logs query instead of it. */
  readonly derived?: LogsVolume | LogContext;
}

/** Counts of a logs query by bucket and level. */
export interface LogsVolume {
  readonly kind: 'volume';
}

/** The rows before (newest first) or after (oldest first) one event, of the same node and pod; never the event itself. */
export interface LogContext {
  readonly kind: 'context';
  readonly direction: 'before' | 'after';
  readonly node: string;
  /** Decimal; may be beyond 2^53. */
  readonly seq: string;
  /** Nanoseconds since 1970, decimal, as Grafana's `timeEpochNs`. */
  readonly timeNs: string;
  readonly limit: number;
}

/** What a query is compiled against. Times are ms since 1970. */
export interface QueryContext {
  readonly fromMs: number;
  readonly toMs: number;
  readonly intervalMs: number;
  readonly maxDataPoints: number;
}

/** Fills empty buckets of a time series. */
export type Fill =
  | { readonly mode: 'none' }
  | { readonly mode: 'null' }
  | { readonly mode: 'previous' }
  | { readonly mode: 'value'; readonly value: number };

/** SQL that is ready for a node, with what its answer must become. */
export interface CompiledQuery {
  readonly sql: string;
  readonly nodes: {
    readonly names?: readonly string[];
    readonly clusters?: readonly string[];
    readonly labels?: Readonly<Record<string, readonly string[]>>;
  };
  readonly perNode: boolean;
  readonly rows: number;
  readonly fill: Fill;
  /** Bucket width when the SQL has buckets, ms; null otherwise. */
  readonly bucketMs: number | null;
  /** Position in the compiled SQL → position in what the user wrote; null when the builder wrote it. */
  readonly originalPosition: ((position: number) => number) | null;
}

/** Row limits: logs 500 / 5,000; tables 1,000 / 50,000; time series rows before they are made wide. */
export const LIMITS = {
  logs: { normal: 500, most: 5_000 },
  table: { normal: 1_000, most: 50_000 },
  timeseries: { normal: 50_000, most: 200_000 },
  graph: { normal: 100, most: 200 },
} as const;
