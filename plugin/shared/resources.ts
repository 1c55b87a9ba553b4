import type { ArmorlakeModel, Filter, QueryContext, Scope } from './model.js';
import type { AnswerStats, Coverage, ErrorBody, Explanation } from './node-api.js';

/**
 * The plugin's own resources (`/api/datasources/uid/…/resources/PATH`), JSON both ways. An error is any status ≥ 400 with
 * `{error: ErrorBody}`.
 *
 * | path           | body            | answer            |
 * | -------------- | --------------- | ----------------- |
 * | GET  `catalog` |                 | `Catalog`         |
 * | GET  `nodes`   |                 | `NodesAnswer`     |
 * | POST `values`  | `ValuesRequest` | `ValuesAnswer`    |
 * | POST `explain` | `ExplainRequest`| `ExplainAnswer`   |
 */
export const resourcePaths = { catalog: 'catalog', nodes: 'nodes', values: 'values', explain: 'explain' } as const;

export interface NodeInfo {
  readonly name: string;
  readonly role: string;
  readonly state: string;
  readonly version: string;
  readonly cluster: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly lastContact: string | null;
  readonly clockOffsetMs: number | null;
  /** Why it does not answer. */
  readonly reason?: string | null;
  /** Events it holds, by its own account. */
  readonly rows?: number;
}

export interface NodesAnswer {
  readonly nodes: readonly NodeInfo[];
}

/** Values of one column within the time range, most frequent first. */
export interface ValuesRequest {
  readonly table: string;
  readonly column: string;
  /** Key within a MAP column; left out for a MAP column: its keys are the values. */
  readonly key?: string;
  readonly filters: readonly Filter[];
  readonly scope: Scope;
  /** Only values that contain this, whatever its case. */
  readonly search?: string;
  readonly limit: number;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface ValuesAnswer {
  readonly values: readonly { readonly value: string; readonly count: number }[];
  /** There are more than were asked for. */
  readonly truncated: boolean;
}

/** Expands and checks a query without running it. */
export interface ExplainRequest {
  readonly query: ArmorlakeModel;
  readonly context: QueryContext;
}

/** A query that is wrong is an answer too: `error`, its position in what the user wrote. */
export type ExplainAnswer =
  | { readonly sql: string; readonly explanation: Explanation }
  | { readonly sql: string | null; readonly error: ErrorBody };

/** `meta.custom` of every frame. */
export interface FrameCustom {
  readonly coverage: Coverage;
  readonly stats: AnswerStats & { readonly bytes: number };
  /** The whole answer came from the plugin's cache or another panel's question in flight. */
  readonly shared: boolean;
}

/** Channel of a live tail: `ds/<uid>/tail/<key>`, its request sent as the stream's data. */
export interface TailRequest {
  readonly table: string;
  readonly filters: readonly Filter[];
  readonly adHocFilters: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values: readonly string[];
  }[];
}

/** The steps of Save & test in their order; the first that failed is why the rest was left out. */
export const healthSteps = ['settings', 'network', 'tls', 'auth', 'version', 'query'] as const;
export type HealthStep = (typeof healthSteps)[number];

/** One query node of the settings. */
export interface HealthUrl {
  readonly url: string;
  /** null: all steps passed. */
  readonly failed: HealthStep | null;
  /** What happened, and what to do. */
  readonly message: string;
  /** Name and version of the node that answers there. */
  readonly node: string | null;
  readonly version: string | null;
  readonly ms: number | null;
}

/** `details` of the health check. */
export interface HealthDetails {
  /** Shown by Grafana below its one line. */
  readonly message?: string;
  readonly urls: readonly HealthUrl[];
  /** What the node that is asked knows of all nodes; empty unless one passed all steps. */
  readonly nodes: readonly NodeInfo[];
}
