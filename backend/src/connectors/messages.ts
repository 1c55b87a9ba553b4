import type { KubeArmorConfig } from '../config/index.js';
import type { BatchWidening, Gap, LedgerDelta } from '../lake/index.js';

/** Which events a batch holds; the queue in front of the engine drops logs before alerts. */
export type StreamClass = 'logs' | 'alerts' | 'messages' | 'intake';

/** When rows leave the worker as a batch, and how much may be on its way. */
export interface WorkerLimits {
  /** Milliseconds that a row waits in the worker, at most. */
  readonly logsCommitMs: number;
  readonly alertsCommitMs: number;
  /** Rows of one batch, and bytes of the messages they came in. */
  readonly batchRows: number;
  readonly batchBytes: number;
  /** Bytes of batches posted and not yet settled; above it logs are dropped, above half as much again alerts. */
  readonly windowBytes: number;
}

/** Since when (µs since 1970) events may be missing at a start. */
export interface LostBefore {
  readonly since: number;
  readonly cause: 'worker' | 'stopped';
}

/** What the worker is started with (workerData). */
export interface WorkerConfig {
  readonly kubearmor: readonly KubeArmorConfig[];
  /** The key of the node's redaction; null stores secrets as they came. */
  readonly redactionKey: Uint8Array | null;
  readonly limits: WorkerLimits;
  /** What nobody listened to before: an earlier worker died, or the node was stopped; null on a first start. */
  readonly lost: LostBefore | null;
}

/** What the API process must know of a batch without reading it. */
export interface BatchInfo {
  readonly streamClass: StreamClass;
  readonly rows: number;
  readonly bytes: number;
  /** What the batch adds to the account, so that a dropped batch can be accounted for as dropped. */
  readonly ledger: readonly LedgerDelta[];
  readonly gaps: readonly Gap[];
  /** Values and times of its rows, which every hub is to know before they become visible. */
  readonly widening: BatchWidening;
  /** Intake requests with lines in this batch. */
  readonly requests: readonly number[];
}

export interface WorkerBatch {
  /** The worker's own count; `settle` it. */
  readonly id: number;
  readonly buffer: ArrayBuffer;
  readonly info: BatchInfo;
}

/** What became of a batch. */
export type BatchOutcome = 'committed' | 'dropped';

export type ConnectorState = 'connecting' | 'streaming' | 'degraded' | 'misconfigured' | 'stopped';

/** A row of armorlake.connectors but for the node; times in µs since 1970. */
export interface ConnectorStatus {
  readonly name: string;
  readonly kind: 'kubearmor';
  readonly state: ConnectorState;
  readonly since: number;
  readonly lastEvent: number | null;
  /** Events a second over the last minute. */
  readonly rate: number;
  readonly breaks: number;
  readonly version: string | null;
  readonly detail: string | null;
}

/** A record that gave no row; `line` is where it begins, from 1 over the request. */
export interface IntakeReject {
  readonly line: number;
  readonly error: string;
}

/** What became of the records of an intake request. */
export interface IntakeResult {
  readonly accepted: number;
  readonly rejected: number;
  /** The first few of the rejected. */
  readonly errors: readonly IntakeReject[];
  /** What they lay in, as `JSON lines`. */
  readonly forms: readonly string[];
}

/** API process → worker. */
export type ToWorker =
  /** A piece of an intake request's body; the last one may be empty. */
  | {
      readonly type: 'intake';
      readonly request: number;
      /** The `connector` of its rows and of their account. */
      readonly connector: string;
      /** Each line is one record, whatever it is. */
      readonly lines: boolean;
      readonly chunk: Uint8Array;
      readonly last: boolean;
    }
  /** The client went away: what was parsed stays. */
  | { readonly type: 'intakeAbort'; readonly request: number }
  /** A batch was committed or dropped: its bytes no longer count. */
  | { readonly type: 'settled'; readonly batch: number }
  | { readonly type: 'stop' };

/** Worker → API process. */
export type FromWorker =
  | ({ readonly type: 'batch' } & WorkerBatch)
  | { readonly type: 'status'; readonly connectors: readonly ConnectorStatus[] }
  /** The chunk is parsed; the next may come. */
  | { readonly type: 'intakeTaken'; readonly request: number }
  /** All lines are in batches posted before this. */
  | { readonly type: 'intakeDone'; readonly request: number; readonly result: IntakeResult }
  /** After the last batch. */
  | { readonly type: 'stopped' };
