import type { ArmorlakeModel } from '../../../plugin/shared/index.js';
import type { DataLink, FieldStyle, Override } from './fields.js';
import { fieldDefaults, fields } from './fields.js';
import { nothing, unknownValue } from './style.js';

/** The data source every panel asks. */
export const source = { type: 'armorlake-kubearmor-datasource', uid: '${datasource}' } as const;

/** What every panel says of itself. */
export interface PanelSpec {
  readonly title: string;
  /** What it shows and how to read it. */
  readonly description: string;
  readonly queries?: readonly ArmorlakeModel[];
  readonly style?: FieldStyle;
  /** What it means that nothing matched, a whole sentence. */
  readonly empty?: string;
  readonly overrides?: readonly Override[];
  readonly options?: Readonly<Record<string, unknown>>;
  readonly links?: readonly DataLink[];
  readonly transformations?: readonly { readonly id: string; readonly options: unknown }[];
  /** Of a time series: about so many; left out: one for each pixel. */
  readonly buckets?: number;
  /** Shown once for each value of this variable. */
  readonly repeat?: string;
}

/** A panel as Grafana's dashboard JSON has it, its place and id still to be given. */
export interface Panel {
  readonly type: string;
  readonly title: string;
  readonly [key: string]: unknown;
}

function panel(
  type: string,
  spec: PanelSpec,
  options: Readonly<Record<string, unknown>>,
  style: FieldStyle = {},
): Panel {
  const { title, description, queries = [], overrides = [], links, transformations, repeat, buckets, empty } = spec;
  const custom = { ...style.custom, ...spec.style?.custom };
  const defaults = fieldDefaults({
    ...style,
    ...(empty === undefined ? {} : { noValue: nothing(empty) }),
    ...spec.style,
    ...(Object.keys(custom).length === 0 ? {} : { custom }),
  });
  return {
    type,
    title,
    description,
    ...(queries.length === 0 ? {} : { datasource: source, targets: queries.map(target) }),
    fieldConfig: { defaults, overrides },
    options: { ...options, ...spec.options },
    ...(links === undefined ? {} : { links }),
    ...(transformations === undefined ? {} : { transformations }),
    ...(buckets === undefined ? {} : { maxDataPoints: buckets }),
    ...(repeat === undefined ? {} : { repeat, repeatDirection: 'h' }),
  };
}

function target(query: ArmorlakeModel, index: number): Record<string, unknown> {
  return { refId: String.fromCharCode(65 + index), datasource: source, ...query };
}

/** One number, or a few. */
export function stat(spec: PanelSpec): Panel {
  return panel(
    'stat',
    spec,
    {
      colorMode: 'value',
      graphMode: 'none',
      justifyMode: 'auto',
      orientation: 'auto',
      textMode: 'auto',
      wideLayout: true,
      reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
    },
    { noValue: '—', mappings: [unknownValue] },
  );
}

export function table(spec: PanelSpec): Panel {
  const custom = { align: 'auto', cellOptions: { type: 'auto' }, filterable: false, inspect: false };
  // The panel's own text for no value is what it says when it is empty.
  const cells = fields(/.*/, { noValue: '—' });
  return panel(
    'table',
    { ...spec, overrides: [cells, ...(spec.overrides ?? [])] },
    { showHeader: true, cellHeight: 'sm', footer: { show: false } },
    { custom },
  );
}

/** Stacked bars of counts over time. */
export function bars(spec: PanelSpec): Panel {
  return panel('timeseries', { buckets: 100, ...spec }, timeseriesOptions, {
    custom: {
      drawStyle: 'bars',
      fillOpacity: 80,
      lineWidth: 0,
      stacking: { mode: 'normal', group: 'A' },
      showPoints: 'never',
      barAlignment: 1,
    },
    decimals: 0,
    min: 0,
  });
}

export function lines(spec: PanelSpec): Panel {
  return panel('timeseries', spec, timeseriesOptions, {
    custom: { drawStyle: 'line', fillOpacity: 8, lineWidth: 1, showPoints: 'auto', spanNulls: false },
    min: 0,
  });
}

const timeseriesOptions = {
  legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
  tooltip: { mode: 'multi', sort: 'desc' },
};

export function logs(spec: PanelSpec): Panel {
  return panel('logs', spec, {
    dedupStrategy: 'none',
    enableLogDetails: true,
    prettifyLogMessage: false,
    showLabels: false,
    showTime: true,
    sortOrder: 'Descending',
    wrapLogMessage: true,
  });
}

export function nodeGraph(spec: PanelSpec): Panel {
  return panel('nodeGraph', spec, {});
}

export function waterfall(spec: PanelSpec): Panel {
  return panel('traces', spec, {});
}

/** How a state went on over time. */
export function stateTimeline(spec: PanelSpec): Panel {
  return panel(
    'state-timeline',
    { buckets: 150, ...spec },
    {
      mergeValues: true,
      showValue: 'never',
      rowHeight: 0.8,
      legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
      tooltip: { mode: 'single', sort: 'none' },
    },
  );
}

export function barChart(spec: PanelSpec): Panel {
  return panel('barchart', spec, {
    orientation: 'horizontal',
    legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
    tooltip: { mode: 'multi', sort: 'desc' },
    stacking: 'normal',
    showValue: 'auto',
    text: { valueSize: 12 },
    xTickLabelMaxLength: 34,
  });
}

/** Words, in Markdown. */
export function words(title: string, content: string): Panel {
  return panel('text', { title, description: '' }, { mode: 'markdown', content });
}
