import type { ConnectorStatus, IntakeResult } from '../connectors/index.js';
import type { ArmorlakeError } from '../core/index.js';
import type { IngestFigures } from '../lake/index.js';

/** One POST to an intake: written in pieces, answered after the last commit. */
export interface IntakeStream {
  /** Resolves when the next piece may come. */
  write(chunk: Uint8Array): Promise<void>;
  finish(): Promise<IntakeResult>;
  /** The client went away; what was parsed is kept. */
  abort(): void;
}

/** Where posted events go. */
export interface Intake {
  /**
   * @param connector the `connector` of the rows; the intake's own name when undefined
   * @param lines each line is one record, whatever it is
   */
  open(connector: string | undefined, lines: boolean): IntakeStream;
  /** Why nothing is taken now; null when all is well. */
  refusal(): ArmorlakeError | null;
}

/** What the lake engine says of itself; null while it (re)starts. */
export interface LakeFigures {
  readonly lastSeq: number;
  readonly rows: Readonly<Record<string, number>>;
  readonly lost: Readonly<Record<string, number>>;
  readonly hotBytes: number;
  readonly walBytes: number;
  readonly archiveBytes: number;
  readonly archiveAway: boolean;
  readonly memoryBytes: number;
  readonly rssBytes: number;
  readonly warnings: readonly string[];
}

/** The network as a node sees it. */
export interface NetworkStatus {
  readonly role: 'edge' | 'query';
  /** Whether this node stores events itself. */
  readonly store: boolean;
  /** HOST:PORT where others may join; null: nowhere. */
  readonly listening: string | null;
  /** The hubs this node is joined to. */
  readonly links: readonly {
    readonly address: string;
    readonly hub: string | null;
    readonly state: string;
    readonly detail: string | null;
  }[];
  /** The hubs whose members it sees. */
  readonly peers: readonly { readonly hub: string; readonly detail: string | null }[];
  /** The nodes that are expected to answer. */
  readonly nodes: readonly {
    readonly name: string;
    readonly role: string;
    readonly state: 'alive' | 'failed';
    readonly reason: string | null;
    readonly version: string;
    readonly cluster: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly lastContact: string | null;
    readonly clockOffsetMs: number | null;
    readonly rows: number;
    readonly via: string | null;
  }[];
  readonly certificate: { readonly daysLeft: number } | null;
}

/** The node's parts, as status and metrics show them. */
export interface NodeFigures {
  readonly engine: { readonly state: string; readonly restarts: number; readonly pid: number | undefined };
  readonly workerRestarts: number;
  readonly lake: LakeFigures | null;
  readonly ingest: IngestFigures;
  readonly connectors: readonly ConnectorStatus[];
  /** Null: the node is alone. */
  readonly network: NetworkStatus | null;
  /** What an operator should know, in sentences. */
  readonly warnings: readonly string[];
}

/** What api asks of the rest of the node. */
export interface NodeView {
  readonly name: string;
  readonly version: string;
  /** Why the node isn't ready (lake open, migrated, listeners bound), or null when it is. */
  unready(): string | null;
  figures(signal: AbortSignal): Promise<NodeFigures>;
  /** No longer expects a member; one that is up is sent away. @throws ArmorlakeError NOT_FOUND, CONFLICT, NOT_READY. */
  forget(name: string, signal: AbortSignal): Promise<void>;
}
