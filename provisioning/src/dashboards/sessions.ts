import { annotations, links } from '../build/common.js';
import type { DashboardSpec } from '../build/dashboard.js';
import { field, filtered, hidden, moment } from '../build/fields.js';
import { bucketLink, keepBut, toHunt, toProcess, toWorkload, workloadColumns } from '../build/links.js';
import { bars, table } from '../build/panels.js';
import { chosenEvents } from '../build/predicates.js';
import { sql } from '../build/queries.js';
import { always, outcomeColours } from '../build/style.js';
import { uids } from '../build/uids.js';
import { adHoc, cluster, datasource, input, namespace, node, workload } from '../build/variables.js';

/** What names a session in links: where it ran, and what entered there. */
const sessionKey = "concat_ws('|', node, coalesce(container_id, host), coalesce(exec_session, tty))";
const entered = '(exec_session IS NOT NULL OR tty IS NOT NULL)';

const sessionList = `
  WITH marked AS (
    SELECT node, seq, time, host, container_id, namespace, workload, pod, tty, exec_session,
      operation, outcome, direction, remote_ip, user_name, ${sessionKey} AS session
    FROM kubearmor.events
    WHERE ${chosenEvents('kubearmor.events')} AND ${entered}
  ), stretches AS (
    -- A terminal has no session of its own: a quarter of an hour of silence ends one.
    SELECT *, CASE WHEN exec_session IS NULL AND time > lag(time) OVER own + INTERVAL 15 MINUTE THEN 1 ELSE 0 END AS begins
    FROM marked WINDOW own AS (PARTITION BY session ORDER BY time, seq)
  ), numbered AS (
    SELECT *, sum(begins) OVER (PARTITION BY session ORDER BY time, seq) AS stretch FROM stretches
  )
  SELECT min(time) AS start, date_diff('second', min(time), max(time)) AS span,
    CASE WHEN any_value(exec_session) IS NULL THEN 'terminal ' || any_value(tty) ELSE 'exec ' || any_value(exec_session) END AS entered,
    concat_ws('/', any_value(namespace), coalesce(any_value(workload), any_value(pod), any_value(host))) AS workload,
    any_value(user_name) AS "user",
    count(*) FILTER (operation = 'Process') AS commands, count(*) FILTER (outcome = 'blocked') AS blocked,
    count(DISTINCT remote_ip) FILTER (direction = 'egress') AS egress,
    any_value(node) AS node, session, min_by(seq, time) AS seq, ${workloadColumns('any_value(namespace)', 'any_value(workload)')}
  FROM numbered
  GROUP BY session, stretch
  ORDER BY blocked DESC, start DESC`;

const transcript = `
  SELECT time, kind, operation, outcome, process, resource, cwd, user_name AS "user", policy, node, seq
  FROM kubearmor.events
  WHERE $__timeFilter(time) AND ${entered} AND ${sessionKey} = '$session'
  ORDER BY time, seq`;

const destinations = `
  WITH flows AS (
    SELECT node, host, host_pid, process, namespace, workload, remote_ip, remote_port, min(time) AS first, max(time) AS last,
      count(*) AS connections, count(*) FILTER (outcome = 'blocked') AS blocked, max_by(seq, time) AS seq
    FROM kubearmor.events
    WHERE ${chosenEvents('kubearmor.events')} AND direction = 'egress' AND remote_ip IS NOT NULL
    GROUP BY node, host, host_pid, process, namespace, workload, remote_ip, remote_port
  ), lookups AS (
    SELECT DISTINCT node, host, host_pid, domain, time FROM kubearmor.logs
    WHERE $__timeFilter(time) AND direction = 'dns' AND domain IS NOT NULL
  ), named AS (
    SELECT flows.*, CASE WHEN flows.first <= lookups.time + INTERVAL 5 SECOND THEN lookups.domain END AS domain
    FROM flows ASOF LEFT JOIN lookups
      ON flows.node = lookups.node AND flows.host = lookups.host AND flows.host_pid = lookups.host_pid AND flows.first >= lookups.time
  ), ever AS (
    SELECT remote_ip, min(time) AS first_ever FROM kubearmor.events
    WHERE direction = 'egress' AND remote_ip IS NOT NULL AND time < $__timeTo GROUP BY remote_ip
  )
  SELECT CASE WHEN any_value(first_ever) >= $__timeFrom THEN 'NEW' END AS new,
    array_to_string(list_sort(list_distinct(list(domain))), ', ') AS domain, remote_ip, remote_port,
    array_to_string(list_sort(list_distinct(list(process))), ', ') AS process,
    array_to_string(list_sort(list_distinct(list(concat_ws('/', namespace, workload)))), ', ') AS workloads,
    sum(connections)::BIGINT AS connections, sum(blocked)::BIGINT AS blocked, count(DISTINCT node) AS nodes, max(last) AS last,
    max_by(node, last) AS node, max_by(seq, last) AS seq
  FROM named LEFT JOIN ever USING (remote_ip)
  GROUP BY remote_ip, remote_port
  ORDER BY blocked DESC, new NULLS LAST, nodes, connections`;

const noEgress =
  'no connection to the outside was seen in this time range. They come where kubearmor-visibility names network.';

const variables = [datasource, cluster, node, namespace, workload, input('session', 'Session'), adHoc];

const toTranscript = `/d/${uids.sessions}?var-session=\${__data.fields.session.text:percentencode}&${keepBut(variables)}`;

/** Who entered, what they did there, and who spoke with the outside. */
export const sessions: DashboardSpec = {
  uid: uids.sessions,
  title: 'Armorlake · Sessions and egress',
  description:
    'Sessions that entered containers and hosts (kubectl exec, terminals) with all they ran, and every destination outside.',
  variables,
  annotations,
  links: links('sessions'),
  lines: [
    {
      height: 10,
      cells: [
        {
          width: 24,
          panel: table({
            title: 'Sessions',
            description:
              'What entered from outside: by exec session where KubeArmor marks one, else by terminal (15 min of silence end it). The span is what was observed: KubeArmor sends no exits. A click on "entered" shows its transcript.',
            queries: [sql(sessionList, { limit: 500 })],
            empty:
              'nobody entered in this time range where is chosen above, as far as events of processes tell (visibility: process).',
            overrides: [
              filtered(['entered', 'workload', 'user', 'node']),
              field('start', moment),
              field('span', { unit: 's', custom: { width: 80 } }),
              field('entered', { links: [{ title: 'Transcript', url: toTranscript }], custom: { width: 140 } }),
              field('workload', { links: [toWorkload(variables)] }),
              field('user', { custom: { width: 100 } }),
              field('commands', { custom: { width: 110 } }),
              field('blocked', {
                thresholds: [
                  { value: null, color: 'text' },
                  { value: 1, color: outcomeColours.blocked },
                ],
                custom: { cellOptions: { type: 'color-text' }, width: 90 },
              }),
              field('egress', { custom: { width: 85 } }),
              field('node', { links: [toProcess('The first process')], custom: { width: 110 } }),
              ...['session', 'seq', 'of namespace', 'of workload'].map(hidden),
            ],
          }),
        },
      ],
    },
    {
      height: 10,
      cells: [
        {
          width: 24,
          panel: table({
            title: 'Transcript of the chosen session',
            description: 'Everything seen of the session chosen above, in its order. Empty until one is chosen.',
            queries: [sql(transcript, { limit: 2000 })],
            empty: 'no session is chosen, or it has no events in this time range. Click on “entered” above.',
            overrides: [
              filtered(['operation', 'outcome', 'process', 'user']),
              field('time', { unit: 'time:HH:mm:ss.SSS', custom: { width: 115 } }),
              field('kind', { custom: { width: 52 } }),
              field('operation', { custom: { width: 115 } }),
              field('outcome', { custom: { cellOptions: { type: 'color-text' }, width: 100 } }),
              field('process', {
                links: [toProcess()],
                custom: { width: 200 },
              }),
              field('resource', { custom: { minWidth: 300, inspect: true } }),
              field('cwd', { custom: { width: 80 } }),
              field('user', { custom: { width: 80 } }),
              hidden('node'),
              hidden('seq'),
            ],
          }),
        },
      ],
    },
    {
      height: 8,
      cells: [
        {
          width: 24,
          panel: bars({
            title: 'Egress by workload',
            empty: noEgress,
            description: 'Connections out, over time, by the workload that made them.',
            queries: [
              sql(
                `
                SELECT $__timeGroup(time, auto, 0) AS time, coalesce(workload, 'host') AS workload, count(*) AS connections
                FROM kubearmor.events
                WHERE ${chosenEvents('kubearmor.events')} AND direction = 'egress'
                GROUP BY ALL ORDER BY time`,
                { type: 'timeseries' },
              ),
            ],
            style: { links: [bucketLink('Show only this time', uids.sessions)] },
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
            title: 'Destinations',
            description:
              'Where connections went: blocked and new ones first, then those of the fewest nodes. The domain is one that the same process looked up in the 5 s before. NEW: never seen before the range by any node that remembers it.',
            queries: [sql(destinations, { limit: 500 })],
            empty: noEgress,
            overrides: [
              field('new', {
                displayName: ' ',
                color: { mode: 'fixed', fixedColor: 'blue' },
                noValue: '',
                custom: { cellOptions: { type: 'color-text' }, width: 52 },
              }),
              filtered(['domain', 'remote_ip', 'process', 'workloads']),
              field('domain', { custom: { minWidth: 220, inspect: true } }),
              field('remote_ip', {
                displayName: 'IP',
                links: [toHunt()],
                custom: { width: 130 },
              }),
              field('remote_port', { displayName: 'port', unit: 'none', custom: { width: 52 } }),
              field('process', {
                links: [toProcess()],
                custom: { minWidth: 160, inspect: true },
              }),
              field('workloads', { custom: { minWidth: 150, inspect: true } }),
              field('connections', { custom: { width: 100 } }),
              field('blocked', {
                thresholds: [
                  { value: null, color: 'text' },
                  { value: 1, color: outcomeColours.blocked },
                ],
                custom: { cellOptions: { type: 'color-text' }, width: 85 },
              }),
              field('nodes', { thresholds: always('text'), custom: { width: 75 } }),
              field('last', moment),
              hidden('node'),
              hidden('seq'),
            ],
          }),
        },
      ],
    },
  ],
};
