import type { ArmorlakeModel } from '../../shared/index.js';
import { pluginId, uids } from './environment.js';

type Json = Readonly<Record<string, unknown>>;

export const dataSource = { type: pluginId, uid: uids.dataSource } as const;

export interface PanelSpec {
  readonly title: string;
  /** Grafana's id of the visualisation: `table`, `timeseries`, `logs`, … */
  readonly type: string;
  readonly query: Partial<ArmorlakeModel>;
  readonly options?: Json;
  readonly fieldConfig?: Json;
  /** Of 24 columns; half of them when left out. */
  readonly width?: number;
  readonly height?: number;
}

export interface DashboardSpec {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly PanelSpec[];
  readonly variables?: readonly Json[];
  readonly annotations?: readonly Json[];
  readonly from?: string;
  readonly refresh?: string;
}

/** A dashboard in Grafana's classic schema, panels side by side in rows of 24 columns. */
export function dashboard({ uid, title, panels, variables, annotations, from, refresh }: DashboardSpec): Json {
  let x = 0;
  let y = 0;
  return {
    uid,
    title,
    schemaVersion: 41,
    timezone: 'utc',
    time: { from: from ?? 'now-15m', to: 'now' },
    refresh: refresh ?? '',
    templating: { list: variables ?? [] },
    annotations: { list: annotations ?? [] },
    panels: panels.map((spec, index) => {
      const { width = 12, height = 9 } = spec;
      if (x + width > 24) [x, y] = [0, y + height];
      const gridPos = { x, y, w: width, h: height };
      x += width;
      return {
        id: index + 1,
        type: spec.type,
        title: spec.title,
        gridPos,
        datasource: dataSource,
        targets: [{ refId: 'A', datasource: dataSource, ...spec.query }],
        options: spec.options ?? {},
        fieldConfig: { defaults: {}, overrides: [], ...spec.fieldConfig },
      };
    }),
  };
}
