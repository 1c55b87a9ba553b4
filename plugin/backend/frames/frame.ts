import type { FrameCustom } from '../../shared/index.js';
import type { Vector } from './vector.js';

/** Grafana's data link of a field. */
export interface DataLink {
  readonly title: string;
  readonly url: string;
  readonly targetBlank?: boolean;
}

/** How a value looks. */
export interface MappedValue {
  readonly text?: string;
  readonly color?: string;
  readonly index?: number;
}

/** A value's text and colour; `special`: of what has no value. */
export type ValueMapping =
  | { readonly type: 'value'; readonly options: Readonly<Record<string, MappedValue>> }
  | { readonly type: 'special'; readonly options: { readonly match: 'null'; readonly result: MappedValue } };

/** The colour of values from each step on, the first step (null) being what is below. */
export interface Thresholds {
  readonly mode: 'absolute';
  readonly steps: readonly { readonly value: number | null; readonly color: string }[];
}

/** The parts of Grafana's field config that are used here. */
export interface FieldConfig {
  readonly displayName?: string;
  readonly displayNameFromDS?: string;
  readonly description?: string;
  readonly unit?: string;
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
  readonly filterable?: boolean;
  readonly mappings?: readonly ValueMapping[];
  readonly links?: readonly DataLink[];
  readonly thresholds?: Thresholds;
  readonly color?: { readonly mode: string; readonly fixedColor?: string };
  readonly custom?: Readonly<Record<string, unknown>>;
}

export interface Field {
  readonly name: string;
  readonly vector: Vector;
  readonly labels?: Readonly<Record<string, string>>;
  readonly config?: FieldConfig;
}

export interface Notice {
  readonly severity: 'info' | 'warning' | 'error';
  readonly text: string;
  /** Tab of the panel inspector that tells more: 1 meta, 2 error, 3 data, 4 stats. */
  readonly inspect?: 1 | 2 | 3 | 4;
}

export type FrameType =
  'timeseries-wide' | 'timeseries-long' | 'timeseries-multi' | 'numeric-wide' | 'numeric-long' | 'log-lines' | 'table';

/** The keys of Grafana's frame meta that are used here; it drops those it doesn't know. */
export interface FrameMeta {
  readonly type?: FrameType;
  readonly typeVersion?: readonly [number, number];
  readonly preferredVisualisationType?: 'graph' | 'table' | 'logs' | 'trace' | 'nodeGraph';
  readonly executedQueryString?: string;
  readonly notices?: readonly Notice[];
  readonly custom?: FrameCustom;
}

/** All fields are of one length. The answerer adds refId, coverage and the SQL, and makes one notice of all. */
export interface Frame {
  readonly name: string;
  readonly meta: FrameMeta;
  readonly fields: readonly Field[];
}
