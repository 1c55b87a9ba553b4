import type { ArmorlakeModel } from '../../../plugin/shared/index.js';
import type { Panel } from './panels.js';
import { source } from './panels.js';

/** A panel in a line of panels: 24 units are the whole width. */
export interface Cell {
  readonly width: number;
  readonly panel: Panel;
}

/** Panels side by side, under an own heading when it has a title. A height unit is about 30 px. */
export interface Line {
  readonly title?: string;
  readonly collapsed?: boolean;
  readonly height: number;
  readonly cells: readonly Cell[];
}

export interface AnnotationSpec {
  readonly name: string;
  readonly colour: string;
  readonly enabled: boolean;
  readonly query: ArmorlakeModel;
}

export interface DashboardSpec {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly Readonly<Record<string, unknown>>[];
  readonly annotations: readonly AnnotationSpec[];
  readonly lines: readonly Line[];
}

/** A dashboard as its file has it (Grafana's classic schema, version 41). */
export type DashboardJson = Readonly<Record<string, unknown>> & { readonly uid: string; readonly title: string };

const WHOLE_WIDTH = 24;

/**
 * Lays the lines out below each other.
 * @throws Error when a line is wider than the dashboard.
 */
export function dashboard(spec: DashboardSpec): DashboardJson {
  return {
    uid: spec.uid,
    title: spec.title,
    description: spec.description,
    tags: ['armorlake', 'kubearmor'],
    editable: true,
    graphTooltip: 1,
    schemaVersion: 41,
    version: 1,
    refresh: '5m',
    time: { from: 'now-1h', to: 'now' },
    timezone: 'browser',
    annotations: { list: spec.annotations.map(annotation) },
    links: [others],
    templating: { list: spec.variables },
    panels: place(spec.lines),
  };
}

function annotation({ name, colour, enabled, query }: AnnotationSpec): Record<string, unknown> {
  // Its switch would take a row of every head; it is in the dashboard's settings.
  const hide = true;
  return { name, datasource: source, enable: enabled, hide, iconColor: colour, target: { refId: 'Anno', ...query } };
}

/** All of these dashboards in one menu, with the time and all variables: each takes what it knows. */
const others = {
  type: 'dashboards',
  title: 'Armorlake',
  icon: 'external link',
  tooltip: 'The other dashboards, with this time and these choices',
  tags: ['armorlake'],
  url: '',
  asDropdown: true,
  keepTime: true,
  includeVars: true,
  targetBlank: false,
};

function place(lines: readonly Line[]): readonly unknown[] {
  const placed: unknown[] = [];
  let id = 0;
  let y = 0;
  for (const { title, collapsed = false, height, cells } of lines) {
    const below = title === undefined ? y : y + 1;
    let x = 0;
    const panels = cells.map(({ width, panel }) => {
      const gridPos = { h: height, w: width, x, y: below };
      x += width;
      return { id: ++id, gridPos, ...panel };
    });
    if (x > WHOLE_WIDTH) throw new Error(`${title ?? cells[0]?.panel.title}: ${x} units are wider than a dashboard.`);
    if (title !== undefined) {
      const inside = collapsed ? panels : [];
      placed.push({
        id: ++id,
        type: 'row',
        title,
        collapsed,
        gridPos: { h: 1, w: WHOLE_WIDTH, x: 0, y },
        panels: inside,
      });
    }
    if (!collapsed) placed.push(...panels);
    y = collapsed ? below : below + height;
  }
  return placed;
}
