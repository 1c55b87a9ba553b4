import { annotations, bucketLink, links } from '../build/common.js';
import type { DashboardSpec } from '../build/dashboard.js';
import { field, hidden } from '../build/fields.js';
import { bars, table } from '../build/panels.js';
import { chosenEvents } from '../build/predicates.js';
import { sql } from '../build/queries.js';
import { always, outcomeColours } from '../build/style.js';
import { keep, uids } from '../build/uids.js';
import { adHoc, cluster, datasource, input, namespace, node, workload } from '../build/variables.js';

/** What names a session in links: where it ran, and what entered there. */
const sessionKey = "concat_ws('|', node, coalesce(container_id, host), coalesce(exec_session, tty))";
const entered = '(exec_session IS NOT NULL OR tty IS NOT NULL)';

const sessionList = `
  WITH marked AS (
    SELECT node, seq, time, host, container_id, namespace, coalesce(workload, pod) AS workload, tty, exec_session,
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
    concat_ws('/', any_value(namespace), coalesce(any_value(workload), any_value(host))) AS workload,
    any_value(user_name) AS "user",
    count(*) FILTER (operation = 'Process') AS commands, count(*) FILTER (outcome = 'blocked') AS blocked,
    count(DISTINCT remote_ip) FILTER (direction = 'egress') AS egress,
    any_value(node) AS node, session, min_by(seq, time) AS seq
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

const toProcess = `/d/${uids.process}?var-node=\${__data.fields.node}&var-seq=\${__data.fields.seq.text}&\${__url_time_range}&var-datasource=\${datasource}`;
const toTranscript = `/d/${uids.sessions}?var-session=\${__data.fields.session.text:percentencode}&\${__url_time_range}&var-datasource=\${datasource}`;

/** Who entered, what they did there, and who spoke with the outside. */
export const sessions: DashboardSpec = {
  uid: uids.sessions,
  title: 'Armorlake · Sessions and egress',
  description:
    'Sessions that entered containers and hosts (kubectl exec, terminals) with all they ran, and every destination outside.',
  variables: [datasource, cluster, node, namespace, workload, input('session', 'Session'), adHoc],
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
            overrides: [
              field('start', { custom: { width: 165 } }),
              field('span', { unit: 's', custom: { width: 80 } }),
              field('entered', { links: [{ title: 'Transcript', url: toTranscript }], custom: { width: 140 } }),
              field('workload', { links: [{ title: 'What this workload does', url: `/d/${uids.workload}?${keep}` }] }),
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
              field('node', { links: [{ title: 'The first process', url: toProcess }], custom: { width: 110 } }),
              hidden('session'),
              hidden('seq'),
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
            overrides: [
              field('time', { custom: { width: 185 } }),
              field('kind', { custom: { width: 70 } }),
              field('operation', { custom: { width: 95 } }),
              field('outcome', { custom: { cellOptions: { type: 'color-text' }, width: 95 } }),
              field('process', {
                links: [{ title: 'The process and what it did', url: toProcess }],
                custom: { width: 200 },
              }),
              field('resource', { custom: { minWidth: 280, inspect: true } }),
              field('cwd', { custom: { width: 110 } }),
              field('user', { custom: { width: 90 } }),
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
            style: { links: [{ title: 'Show only this time', url: bucketLink(uids.sessions) }] },
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
            overrides: [
              field('new', {
                displayName: ' ',
                color: { mode: 'fixed', fixedColor: 'blue' },
                noValue: '',
                custom: { cellOptions: { type: 'color-text' }, width: 70, filterable: false },
              }),
              field('domain', { noValue: '—', custom: { minWidth: 180, inspect: true } }),
              field('remote_ip', {
                displayName: 'IP',
                links: [
                  {
                    title: 'Hunt for it',
                    url: `/d/${uids.hunt}?var-indicators=\${__value.raw:percentencode}&\${__url_time_range}&var-datasource=\${datasource}`,
                  },
                ],
                custom: { width: 130 },
              }),
              field('remote_port', { displayName: 'port', unit: 'none', custom: { width: 70 } }),
              field('process', {
                links: [{ title: 'The process and what it did', url: toProcess }],
                custom: { minWidth: 160, inspect: true },
              }),
              field('workloads', { custom: { minWidth: 150, inspect: true } }),
              field('connections', { custom: { width: 115 } }),
              field('blocked', {
                thresholds: [
                  { value: null, color: 'text' },
                  { value: 1, color: outcomeColours.blocked },
                ],
                custom: { cellOptions: { type: 'color-text' }, width: 85 },
              }),
              field('nodes', { thresholds: always('text'), custom: { width: 75 } }),
              field('last', { custom: { width: 185 } }),
              hidden('node'),
              hidden('seq'),
            ],
          }),
        },
      ],
    },
  ],
};
