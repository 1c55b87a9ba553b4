import { z } from 'zod';
import type { ArmorlakeModel, Variables } from '../../plugin/shared/index.js';
import { interpolateModel, parseModel } from '../../plugin/shared/index.js';
import { dashboards } from '../../provisioning/src/dashboards.js';

const target = z.looseObject({ refId: z.string() });
const panel = z.looseObject({
  type: z.string(),
  title: z.string(),
  description: z.string().optional(),
  gridPos: z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
  maxDataPoints: z.number().optional(),
  targets: z.array(target).default([]),
});
const board = z.looseObject({
  uid: z.string(),
  title: z.string(),
  annotations: z.object({ list: z.array(z.looseObject({ name: z.string(), target })) }),
  templating: z.object({
    list: z.array(
      z.looseObject({
        name: z.string(),
        type: z.string(),
        query: z.unknown().optional(),
        current: z.looseObject({ value: z.union([z.string(), z.array(z.string())]).optional() }).optional(),
      }),
    ),
  }),
  panels: z.array(panel.extend({ panels: z.array(panel).default([]) })),
});

export type Panel = z.infer<typeof panel>;
export type Board = z.infer<typeof board> & { readonly file: string; readonly json: unknown };

/** All dashboards, as Grafana reads them. */
export const boards: readonly Board[] = [...dashboards].map(([file, json]) => ({ file, json, ...board.parse(json) }));

/** Panels of a dashboard, those of closed rows too; rows themselves not. */
export function panelsOf({ panels }: Board): readonly Panel[] {
  return panels.flatMap((each) => [each, ...each.panels]).filter(({ type }) => type !== 'row');
}

/** What one panel, or one kind of annotations, asks. */
export interface Asker {
  readonly title: string;
  readonly annotation: boolean;
  /** In a closed row: it asks when somebody opens that. */
  readonly closed: boolean;
  readonly maxDataPoints?: number;
  readonly targets: readonly z.infer<typeof target>[];
}

/** All that asks. */
export function askersOf(each: Board): readonly Asker[] {
  const annotations = each.annotations.list.map(({ name, target: one }) => ({
    title: name,
    annotation: true,
    closed: false,
    targets: [one],
  }));
  const within = new Set(each.panels.flatMap(({ panels: inside }) => inside.map(({ title }) => title)));
  const panels = panelsOf(each).map(({ title, targets, maxDataPoints }) => ({
    title,
    annotation: false,
    closed: within.has(title),
    targets,
    ...(maxDataPoints === undefined ? {} : { maxDataPoints }),
  }));
  return [...panels.filter(({ targets }) => targets.length > 0), ...annotations];
}

/**
 * A dashboard's query as the frontend sends it: variables as the dashboard opens, text boxes as their reader filled them.
 * @param chosen texts by the names of text boxes; `event_node` and `seq` are also the event that the process dashboard looks up
 * @param picked values by the names of lists
 */
export function asked(
  each: Board,
  query: object,
  chosen: ReadonlyMap<string, string>,
  picked: ReadonlyMap<string, readonly string[]> = new Map(),
): ArmorlakeModel {
  const variables: Variables = {
    lookup: (name) => {
      const variable = each.templating.list.find((one) => one.name === name);
      if (variable === undefined) return null;
      const value = [variable.current?.value ?? ''].flat();
      const written = variable.type === 'textbox' ? chosen.get(name) : undefined;
      const values = written === undefined ? picked.get(name) : [written];
      if (values !== undefined) return { values, all: false };
      return { values: value, all: value.includes('$__all') };
    },
    formatted: (reference) => {
      if (reference === '${event:text}') return chosen.get('event_node') ?? '';
      return reference === '${event:raw}' ? (chosen.get('seq') ?? '') : reference;
    },
  };
  return interpolateModel(parseModel(query, 'kubearmor.alerts'), variables);
}
