import { annotations, bucketLink, byOutcome, links, outcomeSeries, severitySeries } from '../build/common.js';
import type { DashboardSpec } from '../build/dashboard.js';
import { field, hidden } from '../build/fields.js';
import { barChart, bars, logs, table } from '../build/panels.js';
import { chosenAlerts, posture as postureIs } from '../build/predicates.js';
import { sql } from '../build/queries.js';
import { keep, uids } from '../build/uids.js';
import {
  adHoc,
  cluster,
  datasource,
  namespace,
  node,
  policy,
  posture,
  severity,
  workload,
} from '../build/variables.js';

const where = `${chosenAlerts}\n  AND ${postureIs}`;
/** The same without the dashboard's time: what was before decides what is new. */
const whereEver = where.replace('$__timeFilter(time)', 'time < $__timeTo');

const groups = `
  SELECT max(time) AS last, outcome, max(severity) AS severity, policy, concat_ws('/', namespace, workload) AS workload,
    concat_ws(' ▸ ', parent_process, process, CASE WHEN operation <> 'Process' THEN resource END) AS chain, operation,
    count(*) FILTER (time >= $__timeFrom) AS count, count(DISTINCT node) FILTER (time >= $__timeFrom) AS nodes,
    min(time) AS "first seen", CASE WHEN min(time) >= $__timeFrom THEN 'NEW' END AS new,
    array_to_string(list_sort(list_distinct(flatten(list(tags)))), ', ') AS tags,
    max_by(node, time) AS node, max_by(seq, time) AS seq
  FROM kubearmor.alerts
  WHERE ${whereEver}
  GROUP BY outcome, policy, namespace, workload, parent_process, process, operation, CASE WHEN operation <> 'Process' THEN resource END
  HAVING count(*) FILTER (time >= $__timeFrom) > 0
  ORDER BY outcome <> 'happened', new NULLS LAST, max(severity) DESC NULLS LAST, last DESC`;

/** Which alerts to look at first, and what each of them was. */
export const triage: DashboardSpec = {
  uid: uids.triage,
  title: 'Armorlake · Alert triage',
  description: 'Alerts grouped by what happened: what was not stopped, what is new and what is severe comes first.',
  variables: [datasource, cluster, node, namespace, workload, policy, severity, posture, adHoc],
  annotations,
  links: links('triage'),
  lines: [
    {
      height: 7,
      cells: [
        {
          width: 15,
          panel: bars({
            title: 'Alerts by severity',
            description:
              "Alerts over time by the policy's severity, 1 (low) to 10; — where the policy sets none. Regions: gaps, throttling, absent nodes.",
            queries: [
              sql(
                `
                SELECT $__timeGroup(time, auto, 0) AS time, coalesce('severity ' || severity, 'severity —') AS severity, count(*) AS alerts
                FROM kubearmor.alerts
                WHERE ${where}
                GROUP BY ALL ORDER BY time`,
                { type: 'timeseries' },
              ),
            ],
            overrides: severitySeries,
            style: { links: [{ title: 'Show only this time', url: bucketLink(uids.triage) }] },
          }),
        },
        {
          width: 9,
          panel: bars({
            title: 'Alerts by outcome',
            description:
              'Happened: a policy saw it and nothing stopped it. Blocked: KubeArmor refused it. Failed: it went wrong by itself.',
            ...byOutcome(where),
            style: { links: [{ title: 'Show only this time', url: bucketLink(uids.triage) }] },
          }),
        },
      ],
    },
    {
      height: 13,
      cells: [
        {
          width: 24,
          panel: table({
            title: 'What happened',
            description:
              'Alerts of one kind in one row: happened before blocked, new before known, severe first. "First seen" looks as far back as the nodes remember, over the whole fleet.',
            queries: [sql(groups, { limit: 500 })],
            overrides: [
              field('last', { custom: { width: 170 } }),
              field('outcome', { custom: { cellOptions: { type: 'color-text' }, width: 95 } }),
              field('severity', { custom: { cellOptions: { type: 'color-text' }, width: 85 } }),
              field('policy', {
                links: [
                  {
                    title: 'How this policy does',
                    url: `/d/${uids.policies}?var-policy=\${__value.raw:percentencode}&${keep}`,
                  },
                ],
                custom: { width: 230 },
              }),
              field('workload', {
                links: [{ title: 'What this workload does', url: `/d/${uids.workload}?${keep}` }],
                custom: { width: 170 },
              }),
              field('chain', {
                displayName: 'parent ▸ process ▸ resource',
                links: [
                  {
                    title: 'The process and what it did',
                    url: `/d/${uids.process}?var-node=\${__data.fields.node}&var-seq=\${__data.fields.seq.text}&\${__url_time_range}&var-datasource=\${datasource}`,
                  },
                ],
                custom: { minWidth: 340, inspect: true },
              }),
              field('operation', { custom: { width: 100 } }),
              field('count', { custom: { width: 75 } }),
              field('nodes', { custom: { width: 70 } }),
              field('first seen', { custom: { width: 170 } }),
              field('new', {
                displayName: ' ',
                color: { mode: 'fixed', fixedColor: 'blue' },
                noValue: '',
                custom: { cellOptions: { type: 'color-text' }, width: 70, filterable: false },
              }),
              hidden('node'),
              hidden('seq'),
            ],
          }),
        },
      ],
    },
    {
      height: 9,
      cells: [
        {
          width: 12,
          panel: barChart({
            title: 'Techniques (MITRE ATT&CK)',
            description: "Alerts by the techniques that the policies' tags name.",
            queries: [sql(tagCounts("tag LIKE 'MITRE_T%'"), { limit: 15 })],
            overrides: outcomeSeries,
          }),
        },
        {
          width: 12,
          panel: barChart({
            title: 'Controls (NIST, CIS, PCI)',
            description: "Alerts by the controls that the policies' tags name.",
            queries: [sql(tagCounts("regexp_matches(tag, '^(NIST_|CIS_|PCI)')"), { limit: 15 })],
            overrides: outcomeSeries,
          }),
        },
      ],
    },
    {
      height: 11,
      cells: [
        {
          width: 24,
          panel: logs({
            title: 'The alerts themselves',
            description:
              'The latest alerts as they were stored. Open one for all of its fields, and for what surrounds it.',
            queries: [
              sql(
                `
                SELECT time, node, seq,
                  concat_ws(' · ', outcome, policy, coalesce(namespace || '/' || pod, host), process, resource, message) AS body,
                  CASE WHEN outcome = 'happened' THEN 'warning' WHEN outcome = 'blocked' THEN 'error' ELSE 'info' END AS level,
                  outcome, severity, policy, operation, namespace, pod, container, process, parent_process, user_name
                FROM kubearmor.alerts
                WHERE ${where}
                ORDER BY time DESC, node DESC, seq DESC`,
                { type: 'logs' },
              ),
            ],
          }),
        },
      ],
    },
  ],
};

function tagCounts(condition: string): string {
  return `
    SELECT tag, count(*) FILTER (outcome = 'happened') AS happened, count(*) FILTER (outcome = 'blocked') AS blocked
    FROM (SELECT unnest(tags) AS tag, outcome FROM kubearmor.alerts WHERE ${where})
    WHERE ${condition}
    GROUP BY tag ORDER BY happened + blocked DESC, tag`;
}
