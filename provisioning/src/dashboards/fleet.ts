import type { ArmorlakeModel } from '../../../plugin/shared/index.js';
import { isExec } from '../../../plugin/shared/index.js';
import type { DashboardSpec } from '../build/dashboard.js';
import { annotations, answeringNodes, byOutcome } from '../build/common.js';
import { field, fields, filtered, moment, operationSeries, texts } from '../build/fields.js';
import { bucketLink, keepBut, onward } from '../build/links.js';
import { bars, stat, table } from '../build/panels.js';
import {
  chosenEvents,
  chosenNodes,
  chosenPlace,
  chosenThrottling,
  gapsInRange,
  missingMinutes,
  ofPolicy,
} from '../build/predicates.js';
import { sql } from '../build/queries.js';
import { always, coloured, goodUntil, outcomeColours, stateColours } from '../build/style.js';
import { uids } from '../build/uids.js';
import { adHoc, carriedAlerts, cluster, datasource, members, namespace, node, workload } from '../build/variables.js';

const variables = [datasource, cluster, members, node, namespace, workload, adHoc, ...carriedAlerts];

const place = chosenPlace('kubearmor.events');

const thisNode = `var-node=\${__data.fields.node:percentencode}&${keepBut(variables, 'node')}`;

/** Alerts on what is chosen, without throttle marks and the default posture. */
const alerts = `${chosenEvents('kubearmor.alerts')} AND type <> 'SystemEvent' AND ${ofPolicy}`;

/** Programs that the chosen workloads ran, each with its first execution on the chosen nodes, and where these ran it first. */
const firstRuns = `
    SELECT process, min(time) AS first, min_by(node, time) FILTER (${place}) AS node
    FROM kubearmor.events
    WHERE ${isExec()} AND process IS NOT NULL AND outcome = 'happened' AND time < $__timeTo
    GROUP BY process HAVING count(*) FILTER (${place}) > 0`;

const attention = `
  WITH events AS (
    SELECT node,
      count(*) FILTER (outcome = 'happened') AS happened,
      count(*) FILTER (outcome = 'blocked') AS blocked
    FROM kubearmor.alerts WHERE ${alerts} GROUP BY node
  ), firsts AS (
    ${firstRuns}
  ), fresh AS (
    SELECT node, count(*) FILTER (first >= $__timeFrom) AS binaries FROM (SELECT *, min(first) OVER () AS oldest FROM firsts)
    WHERE oldest < $__timeFrom GROUP BY node
  ), missing AS (
    ${missingMinutes}
  ), account AS (
    SELECT node, 100.0 * sum(dropped + dead_lettered) / nullif(sum(received), 0) AS loss
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
  WHERE len(nodes.tables) > 0 AND ${chosenNodes('nodes.name')}
  ORDER BY nodes.state = 'alive', coalesce(missing.minutes, 0) DESC, coalesce(events.happened, 0) DESC,
    coalesce(events.blocked, 0) DESC, coalesce(fresh.binaries, 0) DESC, abs(coalesce(nodes.clock_offset_ms, 0)) DESC,
    coalesce(account.loss, 0) DESC, nodes.name`;

function alertCount(condition: string): ArmorlakeModel {
  return sql(`
    SELECT count(*) AS alerts FROM kubearmor.alerts
    WHERE ${alerts} AND ${condition}`);
}

/** What a security engineer opens first: who answers, what happened, what needs attention. */
export const fleet: DashboardSpec = {
  uid: uids.fleet,
  title: 'Armorlake · Fleet overview',
  description:
    'Which nodes answer and what they saw: policies that fired, new binaries, and everything that is missing.',
  variables,
  annotations,
  lines: [
    {
      height: 4,
      cells: [
        {
          width: 4,
          panel: answeringNodes('Nodes'),
        },
        {
          width: 4,
          panel: stat({
            title: 'With gaps',
            description:
              'Nodes with at least one stretch of time, within the range, in which events may be missing: breaks, throttling, drops, crashes. A gap is the whole node’s: no namespace and workload narrow it.',
            queries: [
              sql(`
                SELECT count(DISTINCT node) AS nodes FROM armorlake.gaps
                WHERE ${gapsInRange} AND $__adHocFilters(armorlake.gaps)`),
            ],
            style: { thresholds: goodUntil(1), links: [onward('What is missing', uids.health)] },
          }),
        },
        {
          width: 4,
          panel: stat({
            title: 'Happened',
            description:
              'Alerts on what a policy watched and nothing stopped, without the default posture. Worse than a block.',
            queries: [alertCount("outcome = 'happened'")],
            style: { thresholds: always(outcomeColours.happened), links: [onward('Triage', uids.triage)] },
          }),
        },
        {
          width: 4,
          panel: stat({
            title: 'Blocked',
            description: 'Alerts on what KubeArmor refused, without the default posture.',
            queries: [alertCount("outcome = 'blocked'")],
            style: { thresholds: always(outcomeColours.blocked), links: [onward('Triage', uids.triage)] },
          }),
        },
        {
          width: 4,
          panel: stat({
            title: 'New binaries',
            description:
              'Binaries that ran in what is chosen, and whose first execution on any of the chosen nodes, in whichever workload and as far as the nodes remember, lies within the range. — where the nodes remember no execution before the range: then everything would be new.',
            queries: [
              sql(`
        SELECT CASE WHEN min(first) < $__timeFrom THEN count(*) FILTER (first >= $__timeFrom) END AS binaries
        FROM (${firstRuns})`),
            ],
            style: { thresholds: always('blue'), links: [onward('Where they ran', uids.workload)] },
          }),
        },
        {
          width: 4,
          panel: stat({
            title: 'Throttled',
            description:
              'Containers whose alerts KubeArmor cut off for a while: what they did then is not known. One of which KubeArmor names no workload counts whichever is chosen.',
            queries: [
              sql(`SELECT count(DISTINCT container_id) AS containers FROM kubearmor.alerts WHERE ${chosenThrottling}`),
            ],
            style: { thresholds: goodUntil(1) },
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
              'Alerts over time, without the default posture. Red and yellow regions: gaps, throttling, nodes absent now. A click on a bar opens its time in the triage.',
            ...byOutcome(alerts),
            empty: 'no policy matched in this time range on what is chosen above.',
            style: { links: [bucketLink('Open this time in the triage', uids.triage)] },
          }),
        },
        {
          width: 12,
          panel: bars({
            title: 'Events by operation',
            empty:
              'no event came in this time range from what is chosen above. Health says whether the connectors stream.',
            description:
              'Everything KubeArmor reported: processes, files, network, system calls. A click on a bar opens its time in the workloads.',
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
            style: { links: [bucketLink('Open this time in the workloads', uids.workload)] },
            overrides: operationSeries,
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
              'The 50 nodes that most need a look: absent ones first, then by the longest gaps, alerts that nothing stopped, blocks, new binaries, clock offset, and loss (received, but dropped or not decoded). Alerts are those without the default posture; gap minutes are those in which any stream may lack events, what overlaps counted once. Alerts and binaries are those of what is chosen above; the rest is about whole nodes.',
            queries: [sql(attention, { limit: 50 })],
            empty: 'no node that stores events is known, or chosen.',
            overrides: [
              field('node', {
                links: [{ title: 'Alerts of this node', url: `/d/${uids.triage}?${thisNode}` }],
                ...texts(180, true),
              }),
              filtered(['node', 'state']),
              fields(/^(happened|blocked|loss)$/, { custom: { width: 95 } }),
              fields(/^(gap minutes|new binaries|clock offset)$/, { custom: { width: 118 } }),
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
              field('last contact', moment),
              field('version', { custom: { width: 90 } }),
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
