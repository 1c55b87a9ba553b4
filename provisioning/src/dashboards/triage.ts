import { isExec } from '../../../plugin/shared/index.js';
import { annotations, byOutcome, outcomeSeries, severitySeries } from '../build/common.js';
import type { DashboardSpec } from '../build/dashboard.js';
import { field, fields, filtered, hidden, severityColumn, texts } from '../build/fields.js';
import { bucketLink, keepBut, toHunt, toProcess, toWorkload, workloadColumns } from '../build/links.js';
import { barChart, bars, logs, table } from '../build/panels.js';
import { chosenAlerts, posture as postureIs } from '../build/predicates.js';
import { sql } from '../build/queries.js';
import { uids } from '../build/uids.js';
import {
  adHoc,
  cluster,
  datasource,
  members,
  namespace,
  node,
  policy,
  posture,
  severity,
  workload,
} from '../build/variables.js';

const nothingMatched =
  'no alert matched in this time range what is chosen above. The default posture is hidden until its switch says show.';

const variables = [datasource, cluster, members, node, namespace, workload, policy, severity, posture, adHoc];

const where = `${chosenAlerts}\n  AND ${postureIs}`;
/** The same without the dashboard's time: what was before decides what is new. */
const whereEver = where.replace('$__timeFilter(time)', 'time < $__timeTo');

/** What was touched beside the process itself; an address is one, in whichever words KubeArmor told it. */
const touched = `CASE WHEN ${isExec()} THEN NULL
      WHEN remote_ip IS NOT NULL THEN concat_ws(':', coalesce(domain, remote_ip), remote_port) ELSE resource END`;

/** What can be looked for elsewhere: the program by its hash where there is one, and what it touched. */
const indicators = `concat_ws(' ', coalesce(max_by(process_hash, time), process), max_by(CASE
      WHEN operation = 'File' THEN coalesce(resource_hash, resource) WHEN operation <> 'Process' THEN coalesce(domain, remote_ip) END, time))`;

/** Techniques by their numbers, then controls: those that the lists below count and spell out. */
const tagsOf = `array_to_string(list_reverse_sort(list_transform(
      list_filter(list_distinct(flatten(list(tags))), lambda tag: regexp_matches(tag, '^(MITRE_T|NIST_|CIS_|PCI)')),
      lambda tag: replace(regexp_replace(tag, '^MITRE_(T[0-9.]+).*', '\\1'), '_', ' '))), ', ')`;

/** The chain comes last: some versions of Grafana make a row as high as the last column that wraps. */
const groups = `
  SELECT CASE WHEN min(time) >= $__timeFrom THEN 'NEW' END AS new, max(time) AS last, min(time) AS "first seen",
    outcome, max(severity) AS severity,
    count(*) FILTER (time >= $__timeFrom) AS count, count(DISTINCT node) FILTER (time >= $__timeFrom) AS nodes,
    ${tagsOf} AS tags, policy, coalesce(nullif(concat_ws('/', namespace, workload), ''), 'host') AS workload,
    concat_ws(' ▸ ', parent_process, process, ${touched}) AS chain,
    max_by(node, time) AS node, max_by(seq, time) AS seq, ${indicators} AS indicators,
    ${workloadColumns('namespace', 'workload')}
  FROM kubearmor.alerts
  WHERE ${whereEver}
  GROUP BY outcome, policy, namespace, workload, parent_process, process, ${touched}
  HAVING count(*) FILTER (time >= $__timeFrom) > 0
  ORDER BY outcome <> 'happened', new NULLS LAST, max(severity) DESC NULLS LAST, last DESC`;

const toPolicy = {
  title: 'How this policy does',
  url: `/d/${uids.policies}?var-policy=\${__value.raw:percentencode}&${keepBut(variables, 'policy')}`,
};
const onlyPolicy = { ...toPolicy, title: 'Only its alerts', url: toPolicy.url.replace(uids.policies, uids.triage) };
const onlyWorkload = {
  title: 'Only its alerts',
  url: toWorkload(variables).url.replace(uids.workload, uids.triage),
};

/** Which alerts to look at first, and what each of them was. */
export const triage: DashboardSpec = {
  uid: uids.triage,
  title: 'Armorlake · Alert triage',
  description: 'Alerts grouped by what happened: what was not stopped, what is new and what is severe comes first.',
  variables,
  annotations,
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
            empty: nothingMatched,
            overrides: severitySeries,
            style: { links: [bucketLink('Show only this time', uids.triage)] },
          }),
        },
        {
          width: 9,
          panel: bars({
            title: 'Alerts by outcome',
            description:
              'Happened: a policy saw it and nothing stopped it. Blocked: KubeArmor refused it. Failed: it went wrong by itself.',
            ...byOutcome(where),
            empty: nothingMatched,
            style: { links: [bucketLink('Show only this time', uids.triage)] },
          }),
        },
      ],
    },
    {
      height: 16,
      cells: [
        {
          width: 24,
          panel: table({
            title: 'What happened',
            description:
              'Alerts of one kind in one row: happened before blocked, new before known, severe first. A click on parent ▸ process ▸ resource offers the process, and the hunt for its program (by its hash where there is one) and what it touched. NEW and "first seen" look as far back as the chosen nodes remember: at the whole fleet while all are chosen.',
            queries: [sql(groups, { limit: 500 })],
            empty: nothingMatched,
            overrides: [
              filtered(['policy', 'workload', 'chain']),
              // What these leave of 1280 px is the chain's.
              field('new', {
                displayName: ' ',
                color: { mode: 'fixed', fixedColor: 'blue' },
                noValue: '',
                custom: { cellOptions: { type: 'color-text' }, width: 48 },
              }),
              fields(/^(last|first seen)$/, { unit: 'time:MM-DD HH:mm', custom: { width: 100 } }),
              field('outcome', { custom: { cellOptions: { type: 'color-text' }, width: 98 } }),
              severityColumn(70),
              field('policy', { links: [toPolicy, onlyPolicy], ...texts(165) }),
              field('workload', { links: [toWorkload(variables), onlyWorkload], ...texts(172) }),
              field('count', { custom: { width: 56 } }),
              field('nodes', { custom: { width: 58 } }),
              field('tags', texts(118)),
              field('chain', {
                displayName: 'parent ▸ process ▸ resource',
                links: [toProcess(), toHunt('__data.fields.indicators')],
                ...texts(240, true),
              }),
              ...['node', 'seq', 'indicators', 'of namespace', 'of workload'].map(hidden),
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
            empty: 'no policy that matched has a tag that begins with MITRE_T.',
            overrides: outcomeSeries,
          }),
        },
        {
          width: 12,
          panel: barChart({
            title: 'Controls (NIST, CIS, PCI)',
            description: "Alerts by the controls that the policies' tags name.",
            queries: [sql(tagCounts("regexp_matches(tag, '^(NIST_|CIS_|PCI)')"), { limit: 15 })],
            empty: 'no policy that matched has a tag that begins with NIST_, CIS_ or PCI.',
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
            empty: nothingMatched,
            description:
              'The latest alerts as they were stored. Open one for all of its fields, and for what surrounds it.',
            queries: [
              sql(
                `
                SELECT time, node, seq,
                  concat_ws(' · ', outcome, policy, coalesce(namespace || '/' || pod, host), process, resource, message) AS body,
                  outcome, severity, policy, action, operation, namespace, pod, container, process, parent_process, user_name
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
    SELECT replace(regexp_replace(tag, '^MITRE_', ''), '_', ' ') AS tag,
      nullif(count(*) FILTER (outcome = 'happened'), 0) AS happened, nullif(count(*) FILTER (outcome = 'blocked'), 0) AS blocked
    FROM (SELECT unnest(tags) AS tag, outcome FROM kubearmor.alerts WHERE ${where})
    WHERE ${condition}
    GROUP BY 1 ORDER BY count(*) DESC, 1`;
}
