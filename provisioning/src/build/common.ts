import { defaultQuery } from '../../../plugin/shared/index.js';
import type { AnnotationSpec } from './dashboard.js';
import type { Override } from './fields.js';
import { field, fields } from './fields.js';
import type { Panel, PanelSpec } from './panels.js';
import { stat } from './panels.js';
import { chosenNodes } from './predicates.js';
import { sql } from './queries.js';
import { always, outcomeColours, severitySteps, unsetSeverityColour } from './style.js';

/**
 * What is missing, as regions on every time series: gaps and throttling, and nodes that are away now. A node that was away
 * and is back answers for that time, too, and a time in which it didn't run is one of its gaps.
 */
export const annotations: readonly AnnotationSpec[] = [
  {
    name: 'Gaps and throttling',
    colour: 'yellow',
    enabled: true,
    query: {
      ...defaultQuery('annotations'),
      scope: { clusters: ['$cluster'], nodes: ['$node'], labels: {} },
      annotation: 'gaps',
    },
  },
  {
    name: 'Absent nodes',
    colour: 'red',
    enabled: true,
    query: {
      ...sql(
        `
        SELECT greatest(last_contact, $__timeFrom) AS time, $__timeTo AS "timeEnd",
          name || ' does not answer now' AS title, 'state ' || state || ', last heard of ' || last_contact AS text, 'absent' AS tags
        FROM armorlake.nodes
        WHERE len(tables) > 0 AND state <> 'alive' AND last_contact < $__timeTo AND ${chosenNodes()}
        ORDER BY last_contact`,
        { type: 'annotations' },
      ),
      annotation: 'sql',
    },
  },
];

/** Series named by an outcome in its colour. */
export const outcomeSeries: readonly Override[] = Object.entries(outcomeColours).map(([outcome, fixedColor]) =>
  fields(new RegExp(`\\b${outcome}\\b`), { color: { mode: 'fixed', fixedColor } }),
);

/** Series named `severity N`, in the colour that N has in tables. */
export const severitySeries: readonly Override[] = [
  field('severity —', { color: { mode: 'fixed', fixedColor: unsetSeverityColour } }),
  ...Array.from({ length: 10 }, (_, index) => {
    const step = severitySteps.findLast(({ value }) => value === null || value <= index + 1);
    return field(`severity ${index + 1}`, {
      color: { mode: 'fixed', fixedColor: step?.color ?? unsetSeverityColour },
    });
  }),
];

/** Alerts over time by outcome, of those that fulfil the condition; its place in a panel. */
export function byOutcome(condition: string): Pick<PanelSpec, 'queries' | 'overrides'> {
  const text = `
    SELECT $__timeGroup(time, auto, 0) AS time, outcome, count(*) AS alerts
    FROM kubearmor.alerts
    WHERE ${condition}
    GROUP BY ALL ORDER BY time`;
  return { queries: [sql(text, { type: 'timeseries' })], overrides: outcomeSeries };
}

/** How many of the nodes that store events answer now. */
export function answeringNodes(title: string): Panel {
  return stat({
    title,
    description:
      'Nodes that store events and answer now, of those expected among the chosen ones. A node that is away stays expected until `armorlake forget`.',
    queries: [
      sql(`
        SELECT count(*) FILTER (state = 'alive') AS answering, count(*) AS expected
        FROM armorlake.nodes WHERE len(tables) > 0 AND ${chosenNodes()}`),
    ],
    style: { thresholds: always('text'), decimals: 0 },
  });
}
