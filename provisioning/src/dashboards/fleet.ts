import type { ArmorlakeModel } from '../../../plugin/shared/index.js';
import type { DashboardSpec } from '../build/dashboard.js';
import { annotations, answeringNodes, bucketLink, byOutcome, links } from '../build/common.js';
import { field } from '../build/fields.js';
import { bars, stat, table } from '../build/panels.js';
import { chosenEvents, gapMinutes, gapsInRange } from '../build/predicates.js';
import { sql } from '../build/queries.js';
import { always, coloured, goodUntil, outcomeColours, stateColours } from '../build/style.js';
import { keep, uids } from '../build/uids.js';
import { adHoc, cluster, datasource, namespace, node, workload } from '../build/variables.js';

const openNode = `&var-node=\${__data.fields.node}&${keep}`;

const attention = `
  WITH events AS (
    SELECT node,
      count(*) FILTER (outcome = 'happened' AND coalesce(policy, '') <> 'DefaultPosture') AS happened,
      count(*) FILTER (outcome = 'blocked') AS blocked
    FROM kubearmor.alerts WHERE ${chosenEvents('kubearmor.alerts')} AND type <> 'SystemEvent' GROUP BY node
  ), firsts AS (
    SELECT process, min_by(node, time) AS node, min(time) AS first
    FROM kubearmor.logs WHERE operation = 'Process' AND process IS NOT NULL AND time < $__timeTo GROUP BY process
  ), fresh AS (
    SELECT node, count(*) AS binaries FROM firsts WHERE first >= $__timeFrom GROUP BY node
  ), missing AS (
    SELECT node, sum(${gapMinutes}) AS minutes FROM armorlake.gaps WHERE ${gapsInRange} GROUP BY node
  ), account AS (
    SELECT node, 100.0 * sum(dropped) / nullif(sum(received), 0) AS loss
    FROM armorlake.ledger WHERE $__timeFilter(minute) GROUP BY node
  )
  SELECT nodes.name AS node, nodes.state, missing.minutes AS "gap minutes", events.happened, events.blocked,
    fresh.binaries AS "new binaries", nodes.clock_offset_ms AS "clock offset", account.loss,
    nodes.last_contact AS "last contact", nodes.version
  FROM armorlake.nodes AS nodes
  LEFT JOIN events ON events.node = nodes.name
  LEFT JOIN fresh ON fresh.node = nodes.name
  LEFT JOIN missing ON missing.node = nodes.name
  LEFT JOIN account ON account.node = nodes.name
  WHERE len(nodes.tables) > 0
  ORDER BY nodes.state = 'alive', "gap minutes" DESC NULLS LAST, events.happened DESC NULLS LAST, nodes.name`;

function alertCount(condition: string): ArmorlakeModel {
  return sql(`
    SELECT count(*) AS alerts FROM kubearmor.alerts
    WHERE ${chosenEvents('kubearmor.alerts')} AND type <> 'SystemEvent' AND ${condition}`);
}

/** What a security engineer opens first: who answers, what happened, what needs attention. */
export const fleet: DashboardSpec = {
  uid: uids.fleet,
  title: 'Armorlake · Fleet overview',
  description:
    'Which nodes answer and what they saw: policies that fired, new binaries, and everything that is missing.',
  variables: [datasource, cluster, node, namespace, workload, adHoc],
  annotations,
  links: links('fleet'),
  lines: [
    {
      height: 4,
      cells: [
        {
          width: 6,
          panel: answeringNodes('Nodes that answer'),
        },
        {
          width: 3,
          panel: stat({
            title: 'Nodes with gaps',
            description:
              'Nodes with at least one stretch of time, within the range, in which events may be missing: breaks, throttling, drops, crashes.',
            queries: [sql(`SELECT count(DISTINCT node) AS nodes FROM armorlake.gaps WHERE ${gapsInRange}`)],
            style: { thresholds: goodUntil(1), noValue: '0' },
            links: [{ title: 'What is missing', url: `/d/${uids.health}?${keep}` }],
          }),
        },
        {
          width: 4,
          panel: stat({
            title: 'Happened',
            description:
              'Alerts on what a policy watched and nothing stopped, without the default posture. Worse than a block.',
            queries: [alertCount("outcome = 'happened' AND coalesce(policy, '') <> 'DefaultPosture'")],
            style: { thresholds: always(outcomeColours.happened), noValue: '0' },
            links: [{ title: 'Triage', url: `/d/${uids.triage}?${keep}` }],
          }),
        },
        {
          width: 4,
          panel: stat({
            title: 'Blocked',
            description: 'Alerts on what KubeArmor refused.',
            queries: [alertCount("outcome = 'blocked'")],
            style: { thresholds: always(outcomeColours.blocked), noValue: '0' },
            links: [{ title: 'Triage', url: `/d/${uids.triage}?${keep}` }],
          }),
        },
        {
          width: 4,
          panel: stat({
            title: 'New binaries',
            description:
              'Binaries whose first execution on any node, as far as the nodes remember, lies within the range.',
            queries: [
              sql(`
                SELECT count(*) AS binaries FROM (
                  SELECT process FROM kubearmor.logs
                  WHERE operation = 'Process' AND process IS NOT NULL AND time < $__timeTo
                  GROUP BY process HAVING min(time) >= $__timeFrom)`),
            ],
            style: { thresholds: always('blue'), noValue: '0' },
            links: [{ title: 'Where they ran', url: `/d/${uids.workload}?${keep}` }],
          }),
        },
        {
          width: 3,
          panel: stat({
            title: 'Throttled containers',
            description: 'Containers whose alerts KubeArmor cut off for a while: what they did then is not known.',
            queries: [
              sql(`
                SELECT count(DISTINCT container_id) AS containers FROM kubearmor.alerts
                WHERE $__timeFilter(time) AND operation = 'AlertThreshold'`),
            ],
            style: { thresholds: goodUntil(1), noValue: '0' },
          }),
        },
      ],
    },
    {
      height: 8,
      cells: [
        {
          width: 12,
          panel: bars({
            title: 'Alerts by outcome',
            description:
              'Alerts over time, without the default posture. Red and yellow regions: gaps, throttling, absent nodes. A click on a bar opens its time in the triage.',
            ...byOutcome(
              `${chosenEvents('kubearmor.alerts')} AND type <> 'SystemEvent' AND coalesce(policy, '') <> 'DefaultPosture'`,
            ),
            style: { links: [{ title: 'Open this time in the triage', url: bucketLink(uids.triage) }] },
          }),
        },
        {
          width: 12,
          panel: bars({
            title: 'Events by operation',
            description: 'Everything KubeArmor reported: processes, files, network, system calls.',
            queries: [
              sql(
                `
                SELECT $__timeGroup(time, auto, 0) AS time, operation, count(*) AS events
                FROM kubearmor.events
                WHERE ${chosenEvents('kubearmor.events')}
                GROUP BY ALL ORDER BY time`,
                { type: 'timeseries' },
              ),
            ],
          }),
        },
      ],
    },
    {
      height: 11,
      cells: [
        {
          width: 24,
          panel: table({
            title: 'Needs attention',
            description:
              'The 50 nodes that most need a look: absent ones first, then those with the longest gaps and the most alerts that nothing stopped.',
            queries: [sql(attention, { limit: 50 })],
            overrides: [
              field('node', { links: [{ title: 'Alerts of this node', url: `/d/${uids.triage}?${openNode}` }] }),
              field('state', {
                mappings: [
                  coloured({
                    alive: stateColours.good,
                    suspect: stateColours.warning,
                    failed: stateColours.bad,
                    away: stateColours.bad,
                  }),
                ],
                custom: { cellOptions: { type: 'color-text' }, width: 110 },
              }),
              field('gap minutes', {
                unit: 'm',
                decimals: 1,
                thresholds: goodUntil(0.01, 10),
                custom: { cellOptions: { type: 'color-text' } },
              }),
              field('happened', {
                thresholds: always(outcomeColours.happened),
                custom: { cellOptions: { type: 'color-text' } },
              }),
              field('blocked', {
                thresholds: always(outcomeColours.blocked),
                custom: { cellOptions: { type: 'color-text' } },
              }),
              field('clock offset', {
                unit: 'ms',
                decimals: 0,
                thresholds: [
                  { value: null, color: 'red' },
                  { value: -5000, color: 'text' },
                  { value: 5000, color: 'red' },
                ],
                custom: { cellOptions: { type: 'color-text' } },
              }),
              field('loss', {
                unit: 'percent',
                decimals: 2,
                thresholds: goodUntil(0.001, 1),
                custom: { cellOptions: { type: 'color-text' } },
              }),
            ],
          }),
        },
      ],
    },
  ],
};
