import type { MessageInitShape } from '@bufbuild/protobuf';
import type { grafanaPlugin } from '@armorlake/proto';
import type { AnswerStats, ArmorlakeJsonData, CompiledQuery, Coverage, LinkKind } from '../../shared/index.js';
import type { Vector } from '../frames/vector.js';
import type { PluginError } from '../errors.js';
import type { Sharing } from './sharing.js';

/** One column of a node's answer: `type` is DuckDB's own (`VARCHAR`, `MAP(VARCHAR, VARCHAR)`); nested values are JSON text. */
export interface AnswerColumn {
  readonly name: string;
  readonly type: string;
  readonly vector: Vector;
}

/** A node's answer, decoded. Read single values with `textAt`, `numberAt`, `timeMsAt`, `valueAt` of frames/vector.ts. */
export interface Answer {
  readonly columns: readonly AnswerColumn[];
  readonly rows: number;
  readonly coverage: Coverage;
  readonly stats: AnswerStats & { readonly bytes: number };
  /** Times that a frame can't hold (outside of the years 1677 to 2262), shown empty. */
  readonly timesLeftOut: number;
}

/** What queries read of an instance's settings; defaults are filled in. */
export interface QuerySettings {
  readonly partial: NonNullable<ArmorlakeJsonData['partial']>;
  readonly timeoutMs: number;
  /** The table of a query that names none. */
  readonly defaultTable: string;
  /** Rows of a table query that says none itself. */
  readonly rowLimit: number;
  /** Uids of dashboards; an empty text: no such links. */
  readonly links: Readonly<Record<LinkKind, string>>;
}

export interface NodeResponse {
  readonly trailers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

/** The way to the instance's node. */
export interface NodeDoor {
  /**
   * Sends JSON, reads the whole answer. Aborting closes the connection, which cancels the query at the node.
   * @throws PluginError when no node can be reached, and for every status from 400 on.
   */
  post(
    path: string,
    body: unknown,
    options: { readonly signal: AbortSignal; readonly accept?: string },
  ): Promise<NodeResponse>;
}

/** What answering needs of one data source; one for each state of its settings, so that its token is the same for all who share. */
export interface QueryInstance {
  readonly settings: QuerySettings;
  readonly client: NodeDoor;
  readonly sharing: Sharing;
  /** Whatever was thrown as an error for the user; a fault of this program goes into the log, too. */
  readonly report: (thrown: unknown) => PluginError;
}

/** What is asked of the node; who asks equal questions at the same time shares the answer. */
export interface Question {
  readonly sql: string;
  readonly nodes: CompiledQuery['nodes'];
  readonly perNode: boolean;
  readonly rows: number;
  readonly timeoutMs: number;
}

/** Who asks: kept in the node's `armorlake.queries`, the first one's where several share an answer. */
export interface Origin {
  readonly user?: string;
  readonly dashboard?: string;
  readonly panel?: string;
}

export type QueryDataRequest = grafanaPlugin.QueryDataRequest;
export type QueryDataResponse = MessageInitShape<typeof grafanaPlugin.QueryDataResponseSchema>;

/** Answers each query of a request; one that fails is an error in its own response, never an exception. */
export type AnswerQueries = (
  request: QueryDataRequest,
  instance: QueryInstance,
  signal: AbortSignal,
) => Promise<QueryDataResponse>;
