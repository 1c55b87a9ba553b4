import { annotations, byOutcome } from '../build/common.js';
import type { DashboardSpec } from '../build/dashboard.js';
import type { Override } from '../build/fields.js';
import { field, filtered, moment, severityColumn, texts } from '../build/fields.js';
import { bucketLink, keepBut, onward } from '../build/links.js';
import { bars, stat, stateTimeline, table, words } from '../build/panels.js';
import { chosenEvents, chosenThrottling } from '../build/predicates.js';
import { sql } from '../build/queries.js';
import { always, goodUntil, outcomeColours, stateColours } from '../build/style.js';
import { uids } from '../build/uids.js';
import {
  adHoc,
  carried,
  cluster,
  datasource,
  members,
  namespace,
  node,
  policy,
  severity,
  workload,
} from '../build/variables.js';

/** What the default posture reports is no policy anybody wrote. */
const POSTURE = 'DefaultPosture';

const chosen = [
  chosenEvents('kubearmor.alerts'),
  "type <> 'SystemEvent'",
  '$__conditionalAll(policy IN ($policy), $policy)',
].join('\n  AND ');
const ofPolicies = `${chosen}\n  AND policy <> '${POSTURE}'`;
/** Without a beginning: what matched once and does no longer is worth a row, too. */
const ofPoliciesEver = ofPolicies.replace('$__timeFilter(time)', 'time < $__timeTo');
const ofPosture = `${chosenEvents('kubearmor.alerts')}\n  AND policy = '${POSTURE}'`;

const now = 'time >= $__timeFrom';
const hours = "(date_diff('millisecond', $__timeFrom, $__timeTo) / 3600000.0)";

/**
 * Who used up the alerts of a throttled container: each throttling counts one, divided among the policies by their share of
 * the container's alerts in the two seconds before it (KubeArmor counts a second; older ones have times of whole seconds).
 */
const throttling = `
  marks AS (
    SELECT node, container_id, time FROM kubearmor.alerts
    WHERE ${chosenThrottling}
  ), spent AS (
    SELECT marks.node, marks.container_id, marks.time, alerts.policy, count(*) AS alerts
    FROM marks JOIN kubearmor.alerts AS alerts ON alerts.node = marks.node AND alerts.container_id = marks.container_id
      AND alerts.time <= marks.time AND alerts.time > marks.time - INTERVAL 2 SECOND
    WHERE alerts.time >= $__timeFrom - INTERVAL 2 SECOND AND alerts.time < $__timeTo AND alerts.policy IS NOT NULL
    GROUP BY ALL
  ), shares AS (
    SELECT policy, alerts / sum(alerts) OVER (PARTITION BY node, container_id, time) AS share FROM spent
  ), caused AS (
    SELECT policy, 100.0 * sum(share) / (SELECT sum(share) FROM shares) AS percent FROM shares GROUP BY policy
  )`;

const policyTable = `
  WITH ${throttling}, found AS (
    SELECT policy, max(severity) FILTER (${now}) AS severity,
      count(*) FILTER (outcome = 'happened' AND ${now}) AS happened,
      count(*) FILTER (outcome = 'blocked' AND ${now}) AS blocked,
      count(*) FILTER (outcome = 'failed' AND ${now}) AS failed,
      count(*) FILTER (${now}) AS alerts,
      count(DISTINCT node) FILTER (${now}) AS nodes,
      count(DISTINCT concat_ws('/', namespace, workload)) FILTER (${now}) AS workloads,
      max(time) AS last,
      array_to_string(list_sort(list_distinct(list(action))), ', ') AS action,
      array_to_string(list_sort(list_distinct(list(enforcer))), ', ') AS enforcers
    FROM kubearmor.alerts
    WHERE ${ofPoliciesEver}
    GROUP BY policy
  )
  SELECT found.policy, action, severity, happened, blocked, failed, round(alerts / ${hours}, 1) AS "alerts/h",
    nodes, workloads, last, caused.percent AS throttling, enforcers
  FROM found LEFT JOIN caused USING (policy)
  ORDER BY happened DESC, blocked DESC, last DESC`;

const postureTable = `
  SELECT concat_ws('/', namespace, workload) AS workload, operation, count(*) AS hits,
    count(*) FILTER (outcome = 'blocked') AS blocked, round(count(*) / ${hours}, 1) AS "hits/h",
    count(DISTINCT node) AS nodes, max(time) AS last
  FROM kubearmor.alerts
  WHERE ${ofPosture}
  GROUP BY namespace, workload, operation
  ORDER BY hits DESC`;

/** The share of the default posture in all throttlings. */
const postureThrottling = `
  WITH ${throttling}
  SELECT (SELECT count(*) FROM marks) AS "throttlings", (SELECT sum(percent) FROM caused WHERE policy = '${POSTURE}') AS "by the default posture"`;

/** What a policy did in a stretch of time: the worst of it. */
const states = [
  { value: 0, text: 'quiet', color: 'transparent' },
  { value: 1, text: 'failed', color: outcomeColours.failed },
  { value: 2, text: 'blocked', color: outcomeColours.blocked },
  { value: 3, text: 'happened', color: outcomeColours.happened },
] as const;

const variables = [datasource, cluster, members, node, namespace, workload, policy, adHoc, carried(severity)];

const toTriage = {
  title: 'Alerts of this policy',
  url: `/d/${uids.triage}?var-policy=\${__value.raw:percentencode}&var-posture=show&${keepBut(variables, 'policy')}`,
};
const toPosture = {
  title: 'Alerts of the default posture',
  url: `/d/${uids.triage}?var-posture=only&${keepBut(variables, 'policy')}`,
};

/** A count of one outcome, in its colour; none is but a dot. */
function outcome(name: keyof typeof outcomeColours): Override {
  return field(name, {
    mappings: [{ type: 'value', options: { '0': { text: '·', color: 'text', index: 0 } } }],
    thresholds: always(outcomeColours[name]),
    custom: { cellOptions: { type: 'color-text' }, width: name === 'happened' ? 90 : 74 },
  });
}

function count(condition: string, unit = 'alerts'): ReturnType<typeof sql> {
  return sql(`SELECT count(*) AS ${unit} FROM kubearmor.alerts WHERE ${condition}`);
}

/** Which policies work, which make noise, and which don't stop what they should. */
export const policies: DashboardSpec = {
  uid: uids.policies,
  title: 'Armorlake · Policy effectiveness',
  description: 'What each policy saw, stopped and let through, how noisy it is, and what its noise hides.',
  variables,
  annotations,
  lines: [
    {
      height: 4,
      cells: [
        {
          width: 4,
          panel: stat({
            title: 'Matched',
            description: 'Policies with at least one alert in the time range, the default posture aside.',
            queries: [sql(`SELECT count(DISTINCT policy) AS policies FROM kubearmor.alerts WHERE ${ofPolicies}`)],
            style: { thresholds: always('text') },
          }),
        },
        {
          width: 4,
          panel: stat({
            title: 'Happened',
            description: 'Alerts on what a policy watched and nothing stopped.',
            queries: [count(`${ofPolicies} AND outcome = 'happened'`)],
            style: { thresholds: always(outcomeColours.happened), links: [onward('Triage', uids.triage)] },
          }),
        },
        {
          width: 4,
          panel: stat({
            title: 'Blocked',
            description: 'Alerts on what KubeArmor refused.',
            queries: [count(`${ofPolicies} AND outcome = 'blocked'`)],
            style: { thresholds: always(outcomeColours.blocked), links: [onward('Triage', uids.triage)] },
          }),
        },
        {
          width: 4,
          panel: stat({
            title: 'Posture',
            description:
              'Hits of the default posture: what no policy allowed. They are audit noise that counts towards the throttle, and can so hide real alerts.',
            queries: [count(ofPosture, 'hits')],
            style: { thresholds: always(stateColours.unknown), links: [toPosture] },
          }),
        },
        {
          width: 8,
          panel: stat({
            title: 'Throttlings',
            description:
              'How often KubeArmor cut off a container for too many alerts, and how much of that the default posture caused: its share of the alerts in the two seconds before. All policies share in it, whichever is chosen above; a container of which KubeArmor names no workload counts as well. What a container did while it was cut off is not known.',
            queries: [sql(postureThrottling)],
            style: { thresholds: goodUntil(1), noValue: '—' },
            overrides: [
              field('by the default posture', {
                unit: 'percent',
                decimals: 0,
                noValue: '—',
                thresholds: always('text'),
              }),
            ],
          }),
        },
      ],
    },
    {
      height: 12,
      cells: [
        {
          width: 24,
          panel: table({
            title: 'Policies',
            description:
              'Every policy that ever matched, as far back as the nodes remember: its outcomes in the time range, and its last match. Throttling: how much of all throttling it caused, by its share of the alerts in the two seconds before.',
            queries: [sql(policyTable, { limit: 500 })],
            empty: 'no policy matched here, ever, as far as the nodes remember.',
            overrides: [
              filtered(['policy', 'action', 'enforcers']),
              field('policy', { links: [toTriage], ...texts(250, true) }),
              field('action', texts(85)),
              severityColumn(75),
              outcome('happened'),
              outcome('blocked'),
              outcome('failed'),
              field('alerts/h', { decimals: 1, custom: { width: 78 } }),
              field('nodes', { custom: { width: 65 } }),
              field('workloads', { custom: { width: 90 } }),
              field('last', {
                displayName: 'last match',
                ...moment,
              }),
              field('throttling', {
                unit: 'percent',
                decimals: 0,
                thresholds: [
                  { value: null, color: 'text' },
                  { value: 20, color: stateColours.warning },
                  { value: 50, color: stateColours.bad },
                ],
                custom: { cellOptions: { type: 'color-text' }, width: 90 },
              }),
              field('enforcers', texts(120)),
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
          panel: stateTimeline({
            title: 'When they matched',
            description:
              'The worst that each policy saw, over time: happened (nothing stopped it) before blocked before failed; empty: quiet.',
            queries: [
              sql(
                `
                SELECT $__timeGroup(time, auto, 0) AS time, policy,
                  max(CASE outcome WHEN 'happened' THEN 3 WHEN 'blocked' THEN 2 ELSE 1 END) AS state
                FROM kubearmor.alerts
                WHERE ${ofPolicies}
                GROUP BY ALL ORDER BY time`,
                { type: 'timeseries' },
              ),
            ],
            empty: 'no policy matched in this time range.',
            style: {
              mappings: [
                {
                  type: 'value',
                  options: Object.fromEntries(
                    states.map(({ value, text, color }, index) => [String(value), { text, color, index }]),
                  ),
                },
              ],
              custom: { fillOpacity: 85, lineWidth: 0 },
            },
          }),
        },
      ],
    },
    {
      height: 9,
      cells: [
        {
          width: 12,
          panel: bars({
            title: 'Alerts by outcome',
            description:
              'Alerts over time, without the default posture. Regions: gaps, throttling, absent nodes. A click on a bar opens its time in the triage.',
            ...byOutcome(ofPolicies),
            empty: 'no policy matched in this time range.',
            style: { links: [bucketLink('Open this time in the triage', uids.triage)] },
          }),
        },
        {
          width: 12,
          panel: table({
            title: 'Default posture',
            description:
              'What no policy allows but nothing forbids: whose hits they are. Write a policy that allows them, or set the posture aside; they use up the throttle.',
            queries: [sql(postureTable, { limit: 200 })],
            empty: 'the default posture reported nothing in this time range.',
            overrides: [
              field('workload', { links: [toPosture], ...texts(140, true) }),
              field('operation', texts(112)),
              field('hits', { custom: { width: 65 } }),
              outcome('blocked'),
              field('blocked', { custom: { width: 72 } }),
              field('hits/h', { decimals: 1, custom: { width: 70 } }),
              field('nodes', { custom: { width: 60 } }),
              field('last', moment),
            ],
          }),
        },
      ],
    },
    {
      height: 4,
      cells: [
        {
          width: 24,
          panel: words(
            'Policies that never matched: not known',
            "KubeArmor's events name only policies that matched, and it tells nobody over its log service which ones are loaded. So a policy that never matched is **not in these lists**, and nothing here says that it is in force. Compare with `kubectl get kubearmorpolicies,kubearmorhostpolicies,kubearmorclusterpolicies -A` (on a plain host: `karmor probe`).",
          ),
        },
      ],
    },
  ],
};
