import { execSession, isExec } from '../../../plugin/shared/index.js';
import { annotations } from '../build/common.js';
import type { DashboardSpec } from '../build/dashboard.js';
import { field, filtered, hidden, moment, outcomeColumn, texts } from '../build/fields.js';
import { bucketLink, keepBut, toHunt, toProcess, toWorkload, workloadColumns } from '../build/links.js';
import { bars, table } from '../build/panels.js';
import { chosenEvents } from '../build/predicates.js';
import { sql } from '../build/queries.js';
import { always, outcomeColours } from '../build/style.js';
import { uids } from '../build/uids.js';
import {
  adHoc,
  carried,
  cluster,
  datasource,
  input,
  members,
  namespace,
  node,
  policy,
  severity,
  workload,
} from '../build/variables.js';

/** What names a session on its node: where it ran, and what entered there. */
const sessionKey = "concat_ws('|', node, box, coalesce(entry, tty))";
/** Processes are followed so many generations down. */
const GENERATIONS = 16;
/** Sessions that each node tells, and in all. */
const SESSIONS = { each: 100, all: 10_000 };

/**
 * `acts`: the events of sessions, with `session` and, as a terminal may have several, the `stretch`. Events that carry
 * exec_session (here `entry`) or tty are a session's by that (`marked`). Processes cut off from their terminal (setsid, pipes,
 * daemons) may carry neither: they are the session's when a process of it started them, by host_ppid. Each node asks its own
 * events. A refused exec is an alert and a log: of these, the log is left out.
 */
function sessionCtes(condition: string): string {
  return `
  WITH RECURSIVE here AS MATERIALIZED (
    SELECT *, entry IS NOT NULL OR tty IS NOT NULL AS marked FROM (
      SELECT node, seq, time, kind, host, coalesce(container_id, host) AS box, host_pid, host_ppid, namespace, workload, pod,
        nullif(tty, '') AS tty, nullif(${execSession}, '') AS entry, operation, syscall, outcome, direction, remote_ip,
        user_name, process, resource, cwd, policy
      FROM kubearmor.events
      WHERE ${condition}
    )
  ), stretches AS (
    -- A terminal has no session of its own: a quarter of an hour of silence ends one.
    SELECT *, ${sessionKey} AS session,
      CASE WHEN entry IS NULL AND time > lag(time) OVER own + INTERVAL 15 MINUTE THEN 1 ELSE 0 END AS begins
    FROM here WHERE marked WINDOW own AS (PARTITION BY ${sessionKey} ORDER BY time, seq)
  ), numbered AS MATERIALIZED (
    SELECT * EXCLUDE (begins), sum(begins) OVER (PARTITION BY session ORDER BY time, seq) AS stretch FROM stretches
  ), begun AS (
    SELECT session, stretch, min(time) AS since FROM numbered GROUP BY ALL
  ), seen AS (
    SELECT box, host_pid, session, min(stretch) AS stretch, min(time) AS since FROM numbered WHERE host_pid > 0 GROUP BY ALL
  ), own AS (
    -- A shell may see several stretches, and be silent itself.
    SELECT box, host_pid, session, begun.stretch, greatest(seen.since, begun.since) AS since
    FROM seen JOIN begun USING (session) WHERE begun.stretch >= seen.stretch
  ), unmarked AS MATERIALIZED (
    SELECT box, host_pid, host_ppid, min(time) AS since FROM here
    WHERE NOT marked AND host_pid > 0 AND box IN (SELECT box FROM own) GROUP BY ALL
  ), below AS (
    SELECT c.box, c.host_pid, arg_max(own.session, own.since) AS session, arg_max(own.stretch, own.since) AS stretch,
      c.since, 1 AS generation
    FROM unmarked AS c JOIN own ON own.box = c.box AND own.host_pid = c.host_ppid AND own.since <= c.since
    GROUP BY c.box, c.host_pid, c.since
    UNION ALL
    SELECT c.box, c.host_pid, p.session, p.stretch, c.since, p.generation + 1
    FROM below AS p JOIN unmarked AS c ON c.box = p.box AND c.host_ppid = p.host_pid AND c.since >= p.since
    WHERE p.generation < ${GENERATIONS}
  ), theirs AS (
    SELECT box, host_pid, session, stretch, min(since) AS since FROM below GROUP BY ALL UNION ALL FROM own
  ), told_twice AS (
    SELECT log.seq FROM here AS log JOIN here AS alert USING (box, host_pid, operation)
    WHERE operation = 'Process' AND log.kind = 'log' AND alert.kind = 'alert'
      AND (log.process = alert.process OR log.resource = alert.resource)
      AND (log.outcome = 'happened') = (alert.outcome = 'happened')
      AND log.time BETWEEN alert.time - INTERVAL 1 SECOND AND alert.time + INTERVAL 1 SECOND
  ), acts AS (
    FROM (
      FROM numbered
      UNION ALL BY NAME
      SELECT here.*, theirs.session, theirs.stretch
      FROM here ASOF JOIN theirs ON here.box = theirs.box AND here.host_pid = theirs.host_pid AND here.time >= theirs.since
      WHERE NOT marked
    ) ANTI JOIN told_twice USING (seq)
  )`;
}

const sessionList = `${sessionCtes(chosenEvents('kubearmor.events'))}
  SELECT min(time) FILTER (marked) AS start,
    date_diff('second', min(time) FILTER (marked), max(time) FILTER (marked)) AS span,
    coalesce('exec ' || any_value(entry), 'terminal ' || any_value(tty)) AS entered,
    concat_ws('/', any_value(namespace), coalesce(any_value(workload), any_value(pod), any_value(host))) AS workload,
    min_by(user_name, time) AS "user",
    count(*) FILTER (${isExec()}) AS commands, count(*) FILTER (outcome = 'blocked') AS blocked,
    count(DISTINCT remote_ip) FILTER (direction = 'egress') AS egress, any_value(node) AS node,
    concat(session, '|', epoch_us(min(time) FILTER (marked)), '-', epoch_us(max(time) FILTER (marked))) AS session,
    min_by(seq, time) FILTER (marked) AS seq, ${workloadColumns('any_value(namespace)', 'any_value(workload)')}
  FROM acts
  GROUP BY acts.session, stretch
  ORDER BY blocked DESC, start DESC
  LIMIT ${SESSIONS.each}`;

/** The variable ends with the session's first and last time: of a terminal there may be several. */
const chosenTimes = '\\|([0-9]+)-([0-9]+)$';
const chosenTime = (group: number): string =>
  `make_timestamp(TRY_CAST(regexp_extract('$session', '${chosenTimes}', ${group}) AS BIGINT))`;

const transcript = `${sessionCtes("$__timeFilter(time) AND starts_with('$session', node || '|')")}, chosen AS (
    SELECT session, stretch FROM numbered WHERE session = regexp_replace('$session', '${chosenTimes}', '')
    GROUP BY ALL
    HAVING min(time) <= coalesce(${chosenTime(2)}, $__timeTo) AND max(time) >= coalesce(${chosenTime(1)}, $__timeFrom)
  )
  SELECT time, kind, operation, CASE WHEN kind = 'alert' OR outcome <> 'happened' THEN outcome END AS outcome, process, resource, cwd, user_name AS "user", policy, node, seq
  FROM acts SEMI JOIN chosen USING (session, stretch)
  ORDER BY time, seq`;

/**
 * No event says which address a name stands for: of what a process does on the network, the look-up right before a connection
 * names its address. A process that does several things at a time may mix them up: what it looked up most often before counts.
 */
const destinations = `
  WITH flows AS (
    SELECT node, coalesce(container_id, host) AS box, process, namespace, workload, remote_ip, remote_port, max(time) AS last,
      count(*) AS connections, count(*) FILTER (outcome = 'blocked') AS blocked, max_by(seq, time) AS seq
    FROM kubearmor.events
    WHERE ${chosenEvents('kubearmor.events')} AND direction = 'egress' AND remote_ip IS NOT NULL
    GROUP BY ALL
  ), talk AS (
    -- Once a second is enough, and so each node sends little.
    SELECT node, coalesce(container_id, host) AS box, host_pid, CASE WHEN direction = 'egress' THEN remote_ip END AS remote_ip,
      CASE WHEN direction = 'dns' THEN domain END AS domain, time_bucket(INTERVAL 1 SECOND, time) AS second, min(time) AS time
    FROM kubearmor.events
    WHERE $__timeFilter(time) AND host_pid > 0
      AND (direction = 'egress' AND remote_ip IS NOT NULL OR direction = 'dns' AND domain IS NOT NULL)
    GROUP BY ALL
  ), fits AS (
    SELECT node, box, host_pid, remote_ip, lag(domain) OVER doing AS domain, time - lag(time) OVER doing AS later FROM talk
    WINDOW doing AS (PARTITION BY node, box, host_pid ORDER BY time, remote_ip NULLS FIRST, domain)
  ), named AS (
    SELECT node, box, remote_ip, domain FROM fits
    WHERE remote_ip IS NOT NULL AND domain IS NOT NULL AND later <= INTERVAL 30 SECOND
    GROUP BY node, box, host_pid, remote_ip, domain
    QUALIFY row_number() OVER (PARTITION BY node, box, host_pid, remote_ip ORDER BY count(*) DESC, domain) = 1
  ), names AS (
    SELECT node, box, remote_ip, list(DISTINCT domain) AS domains FROM named GROUP BY ALL
  ), ever AS (
    SELECT remote_ip, min(time) AS first_ever FROM kubearmor.events
    WHERE direction = 'egress' AND remote_ip IS NOT NULL AND time < $__timeTo GROUP BY remote_ip
  )
  SELECT CASE WHEN any_value(first_ever) >= $__timeFrom THEN 'NEW' END AS new,
    array_to_string(list_sort(list_distinct(flatten(list(domains)))), ', ') AS domain, remote_ip, remote_port,
    array_to_string(list_sort(list_distinct(list(process))), ', ') AS process,
    array_to_string(list_sort(list_distinct(list(concat_ws('/', namespace, workload)))), ', ') AS workloads,
    sum(connections)::BIGINT AS connections, sum(blocked)::BIGINT AS blocked, count(DISTINCT node) AS nodes, max(last) AS last,
    max_by(node, last) AS node, max_by(seq, last) AS seq
  FROM flows LEFT JOIN names USING (node, box, remote_ip) LEFT JOIN ever USING (remote_ip)
  GROUP BY remote_ip, remote_port
  ORDER BY blocked DESC, new NULLS LAST, nodes, connections`;

const noEgress =
  'no connection to the outside was seen in this time range. They come where kubearmor-visibility names network.';

const variables = [
  ...[datasource, cluster, members, node, namespace, workload, input('session', 'Session'), adHoc],
  ...[policy, severity].map(carried),
];

const toTranscript = `/d/${uids.sessions}?var-session=\${__data.fields.session.text:percentencode}&${keepBut(variables)}`;

/** Who entered, what they did there, and who spoke with the outside. */
export const sessions: DashboardSpec = {
  uid: uids.sessions,
  title: 'Armorlake · Sessions and egress',
  description:
    'Sessions that entered containers and hosts (kubectl exec, terminals) with all they ran, and every destination outside.',
  variables,
  annotations,
  lines: [
    {
      height: 10,
      cells: [
        {
          width: 24,
          panel: table({
            title: 'Sessions',
            description: `What entered from outside: by exec session where KubeArmor marks one, else by terminal (15 min of silence end it). Commands, blocked and egress count what its processes started without a terminal (setsid, pipes), too. The span is what was observed: KubeArmor sends no exits. Of each node the ${SESSIONS.each} with the most blocked are listed, then the latest. A click on "entered" shows its transcript.`,
            queries: [sql(sessionList, { limit: SESSIONS.all, perNode: true })],
            options: {
              sortBy: [
                { displayName: 'blocked', desc: true },
                { displayName: 'start', desc: true },
              ],
            },
            empty:
              'nobody entered in this time range where is chosen above, as far as events of processes tell (visibility: process).',
            overrides: [
              filtered(['entered', 'workload', 'user', 'node']),
              field('start', moment),
              field('span', { unit: 's', custom: { width: 80 } }),
              field('entered', { links: [{ title: 'Transcript', url: toTranscript }], ...texts(165) }),
              field('workload', { links: [toWorkload(variables)], ...texts(220, true) }),
              field('user', texts(100)),
              field('commands', { custom: { width: 110 } }),
              field('blocked', {
                thresholds: [
                  { value: null, color: 'text' },
                  { value: 1, color: outcomeColours.blocked },
                ],
                custom: { cellOptions: { type: 'color-text' }, width: 90 },
              }),
              field('egress', { custom: { width: 85 } }),
              field('node', { links: [toProcess('The first process')], ...texts(110) }),
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
            description:
              'Everything seen of the session chosen above, in its order, and of what it started without a terminal; a refused command that is an alert and a log is told once, as the alert. Not found: what was handed to another parent before it was first seen. Empty until one is chosen.',
            queries: [sql(transcript, { limit: 2000, perNode: true })],
            empty: 'no session is chosen, or it has no events in this time range. Click on “entered” above.',
            overrides: [
              filtered(['operation', 'outcome', 'process', 'user']),
              field('time', { unit: 'time:HH:mm:ss.SSS', custom: { width: 115 } }),
              field('kind', { custom: { width: 52 } }),
              field('operation', texts(115)),
              outcomeColumn(100),
              field('process', {
                links: [toProcess()],
                ...texts(200),
              }),
              field('resource', texts(300, true)),
              field('cwd', texts(112)),
              field('user', texts(80)),
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
              'Where connections went: blocked and new ones first, then those of the fewest nodes. A domain is one that a process in the same container looked up right before it went to that address (30 s before, at most). NEW: never seen before the range by any node that remembers it.',
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
              field('domain', texts(200, true)),
              field('remote_ip', {
                displayName: 'IP',
                links: [toHunt()],
                ...texts(145),
              }),
              field('remote_port', { displayName: 'port', unit: 'none', custom: { width: 52 } }),
              field('process', {
                links: [toProcess()],
                ...texts(160, true),
              }),
              field('workloads', texts(150, true)),
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
