import { annotations, answeringNodes, links } from '../build/common.js';
import type { DashboardSpec } from '../build/dashboard.js';
import { field, fields } from '../build/fields.js';
import { bars, lines, stat, table } from '../build/panels.js';
import { gapMinutes, gapsInRange } from '../build/predicates.js';
import { sql } from '../build/queries.js';
import { always, coloured, goodUntil, stateColours } from '../build/style.js';
import { uids } from '../build/uids.js';
import { cluster, datasource, node } from '../build/variables.js';

const metrics = 'armorlake.node_metrics';
const recent = 'Nodes of an older version, which keep no armorlake.node_metrics, are left out.';

/**
 * How much the lakes hold and grow, a row a node, over a day at least: for so long it takes to see one grow. `growth`: bytes
 * a day; `days`: until the lake is at its limit or the disk has no more room, whichever comes first; NULL while it does not
 * grow, or less than an hour is known of it.
 */
const growing = `
  WITH sizes AS (
    SELECT node, min(time) AS since, max(time) AS until,
      min_by(lake_bytes + archive_bytes, time) AS before, max_by(lake_bytes + archive_bytes, time) AS held,
      max_by(disk_limit_bytes + archive_bytes, time) AS most, max_by(disk_free_bytes, time) AS free
    FROM ${metrics} WHERE time >= least($__timeFrom, $__timeTo - INTERVAL 1 DAY) AND time < $__timeTo GROUP BY node
  ), grown AS (
    SELECT node, held, most, free, date_diff('minute', since, until) AS known,
      (held - before) * 86400.0 / nullif(date_diff('second', since, until), 0) AS growth
    FROM sizes
  ), filling AS (
    SELECT node, held, most, growth,
      CASE WHEN growth > 0 AND known >= 60 THEN greatest(0, least(most - held, free)) / growth END AS days
    FROM grown
  )`;

const nodeTable = `
  ${growing}, spent AS (
    SELECT node, 100.0 * sum(cpu_seconds) / sum(seconds) AS cpu, max_by(rss_bytes, time) AS rss,
      sum(written_bytes) * 86400.0 / sum(seconds) AS flash,
      sum(network_sent_bytes + network_received_bytes) * 86400.0 / sum(seconds) AS network,
      sum(engine_restarts)::BIGINT AS restarts, max_by(certificate_expires, time) AS expires,
      max_by(profile, time) AS profile
    FROM ${metrics} WHERE $__timeFilter(time) GROUP BY node
  )
  SELECT nodes.name AS node, nodes.state, nodes.last_contact AS "last contact", nodes.version,
    coalesce(spent.profile, nodes.role) AS profile, spent.cpu AS "CPU", spent.rss AS memory, spent.flash AS "flash/day",
    spent.network AS "network/day", filling.held AS lake, filling.days AS "days to full",
    date_diff('hour', $__timeTo, spent.expires) / 24.0 AS certificate, spent.restarts
  FROM armorlake.nodes AS nodes
  LEFT JOIN spent ON spent.node = nodes.name
  LEFT JOIN filling ON filling.node = nodes.name
  ORDER BY nodes.state = 'alive', len(nodes.tables) = 0, nodes.name`;

const visibilityTable = `
  WITH seen AS (
    SELECT node, host, count(*) FILTER (operation = 'Process') AS process, count(*) FILTER (operation = 'File') AS file,
      count(*) FILTER (operation = 'Network') AS network, count(*) FILTER (namespace IS NULL) AS host_events,
      max(received_at) AS last
    FROM kubearmor.logs WHERE $__timeFilter(time) GROUP BY node, host
  )
  SELECT nodes.name AS node, coalesce(seen.host, '(no host)') AS host, coalesce(seen.process, 0) AS process,
    coalesce(seen.file, 0) AS file, coalesce(seen.network, 0) AS network, coalesce(seen.host_events, 0) AS "of the host",
    seen.last AS "last event",
    CASE
      WHEN seen.host IS NULL AND seen.last IS NULL THEN 'No telemetry at all in this time range: see its connectors.'
      WHEN seen.file = 0 THEN 'Files (off by default): kubectl annotate ns NAMESPACE kubearmor-visibility=process,file,network,capabilities --overwrite'
      WHEN seen.process = 0 OR seen.network = 0 THEN 'kubectl annotate ns NAMESPACE kubearmor-visibility=process,file,network,capabilities --overwrite'
      WHEN seen.host_events = 0 THEN 'The host itself (off by default): kubectl annotate node NODE kubearmor-visibility=process,file,network,capabilities'
    END AS "to see more"
  FROM armorlake.nodes AS nodes LEFT JOIN seen ON seen.node = nodes.name
  WHERE len(nodes.tables) > 0
  ORDER BY seen.host IS NOT NULL, least(seen.process, seen.file, seen.network, seen.host_events) > 0, nodes.name, seen.host`;

const funnel = `
  WITH account AS (
    SELECT reason, sum(received)::BIGINT AS received, sum(stored)::BIGINT AS stored,
      sum(dead_lettered)::BIGINT AS dead, sum(dropped)::BIGINT AS dropped
    FROM armorlake.ledger WHERE $__timeFilter(minute) GROUP BY reason
  ), steps AS (
    SELECT 1 AS place, 'received' AS step, NULL AS reason, sum(received)::BIGINT AS messages FROM account
    UNION ALL SELECT 2, 'stored', NULL, sum(stored)::BIGINT FROM account
    UNION ALL SELECT 3, 'dead-lettered', reason, dead FROM account WHERE dead > 0
    UNION ALL SELECT 4, 'dropped', reason, dropped FROM account WHERE dropped > 0
    UNION ALL SELECT 5, 'lost', 'nothing', 0::BIGINT FROM account
      HAVING coalesce(sum(dead + dropped), 0) = 0
  )
  SELECT step, reason, messages, messages AS "of all",
    100.0 * messages / nullif((SELECT messages FROM steps WHERE step = 'received'), 0) AS share
  FROM steps ORDER BY place, messages DESC`;

/** What a user, a panel, or SQL from elsewhere cost in all. Panels put their time into the SQL: no two runs are alike. */
const costliest = `
  SELECT origin->>'user' AS "user", origin->>'dashboard' AS dashboard, origin->>'panel' AS panel, who AS token,
    count(*) AS runs, sum(ms) AS total, max(ms) AS longest, sum(bytes)::BIGINT AS bytes, count(error) AS failed,
    max_by(sql, ms) AS "costliest SQL"
  FROM armorlake.queries
  WHERE $__timeFilter(time)
  GROUP BY 1, 2, 3, 4, CASE WHEN origin->>'panel' IS NULL THEN sql END
  ORDER BY total DESC`;

const askers = `
  SELECT coalesce(origin->>'user', who, '(no token)') AS "who asked", count(*) AS runs, sum(ms) AS total,
    count(error) AS failed
  FROM armorlake.queries WHERE $__timeFilter(time)
  GROUP BY 1 ORDER BY total DESC`;

/** A column of the table of figures over time, a line a node. */
function eachNode(value: string, name: string): readonly [ReturnType<typeof sql>] {
  return [
    sql(
      `
      SELECT $__timeGroup(time, auto) AS time, node, ${value} AS ${name}
      FROM ${metrics} WHERE $__timeFilter(time) GROUP BY ALL ORDER BY time`,
      { type: 'timeseries' },
    ),
  ];
}

/** Rows come once a minute: a finer bucket would have none. */
const MINUTES = 60;

const coloredText = { cellOptions: { type: 'color-text' } } as const;
const state = coloured({
  alive: stateColours.good,
  streaming: stateColours.good,
  connecting: stateColours.warning,
  degraded: stateColours.warning,
  stopped: stateColours.warning,
  suspect: stateColours.warning,
  misconfigured: stateColours.bad,
  failed: stateColours.bad,
  away: stateColours.bad,
});
const daysLeft = [
  { value: null, color: 'text' },
  { value: -1_000_000, color: stateColours.bad },
  { value: 7, color: stateColours.warning },
  { value: 14, color: stateColours.good },
];
const notSeen = { type: 'value', options: { 0: { text: 'not seen', color: stateColours.warning, index: 0 } } } as const;
const moment = { unit: 'dateTimeFromNow', custom: { width: 140 } };

/** Whether Armorlake itself is well: who answers, what comes in and what is lost, what it costs. */
export const health: DashboardSpec = {
  uid: uids.health,
  title: 'Armorlake · Health',
  description: 'Who answers, what comes in, what is lost and why, and what Armorlake costs its hosts.',
  variables: [datasource, cluster, node],
  annotations,
  links: links('health'),
  lines: [
    {
      height: 4,
      cells: [
        {
          width: 4,
          panel: answeringNodes('Answering'),
        },
        {
          width: 4,
          panel: stat({
            title: 'Connectors',
            description: 'Connectors that receive events now, of those configured on the nodes that answer.',
            queries: [
              sql(
                `SELECT count(*) FILTER (state = 'streaming') AS streaming, count(*) AS configured FROM armorlake.connectors`,
              ),
            ],
            style: { thresholds: always('text'), decimals: 0 },
          }),
        },
        {
          width: 3,
          panel: stat({
            title: 'Worst lag',
            description: `The longest that events waited for their commit, once a minute, on any node. ${recent}`,
            queries: [sql(`SELECT max(ingest_lag_seconds) AS lag FROM ${metrics} WHERE $__timeFilter(time)`)],
            style: { unit: 's', decimals: 1, thresholds: goodUntil(5, 10), noValue: 'not told' },
          }),
        },
        {
          width: 3,
          panel: stat({
            title: 'Lost',
            description: 'Messages that were received and dropped, or could not be decoded: below is why.',
            queries: [
              sql(`
                SELECT coalesce(sum(dropped + dead_lettered), 0)::BIGINT AS lost
                FROM armorlake.ledger WHERE $__timeFilter(minute)`),
            ],
            style: { decimals: 0, thresholds: goodUntil(1, 100) },
          }),
        },
        {
          width: 3,
          panel: stat({
            title: 'In gaps',
            description:
              'Minutes, within the range, in which events may be missing, summed over all nodes and streams.',
            queries: [
              sql(`SELECT coalesce(sum(${gapMinutes}), 0) AS minutes FROM armorlake.gaps WHERE ${gapsInRange}`),
            ],
            style: { unit: 'm', decimals: 1, thresholds: goodUntil(0.01, 10) },
          }),
        },
        {
          width: 4,
          panel: stat({
            title: 'Days to full',
            description: `Until the first lake is at its limit, and rows go before their time, or its disk is full; by the growth of the last day (an hour of it at least). None in sight while no lake grows. ${recent}`,
            queries: [sql(`${growing} SELECT min(days) AS days FROM filling`)],
            style: { decimals: 0, thresholds: daysLeft, noValue: 'none in sight' },
          }),
        },
        {
          width: 3,
          panel: stat({
            title: 'Certificate',
            description: `Days until the first network certificate expires; — where nodes have none. ${recent}`,
            queries: [
              sql(`
                SELECT date_diff('hour', $__timeTo, min(expires)) / 24.0 AS days FROM (
                  SELECT node, max_by(certificate_expires, time) AS expires FROM ${metrics}
                  WHERE $__timeFilter(time) GROUP BY node)`),
            ],
            style: { unit: 'none', decimals: 0, thresholds: daysLeft, noValue: '—' },
          }),
        },
      ],
    },
    {
      height: 8,
      cells: [
        {
          width: 24,
          panel: table({
            title: 'Nodes',
            description: `Every node known here and what Armorlake costs its host: processor time as a share of one core, memory, bytes written to flash and sent or received a day at the pace of the range, days until the lake is full and until the certificate expires. ${recent}`,
            queries: [sql(nodeTable)],
            overrides: [
              field('node', { custom: { width: 110 } }),
              field('state', { mappings: [state], custom: { ...coloredText, width: 65 } }),
              field('last contact', { unit: 'dateTimeFromNow', custom: { width: 140 } }),
              field('version', { custom: { width: 78 } }),
              field('profile', { custom: { width: 75 } }),
              field('CPU', {
                unit: 'percent',
                decimals: 1,
                thresholds: goodUntil(50, 90),
                custom: { ...coloredText, minWidth: 60 },
              }),
              field('memory', { unit: 'bytes', decimals: 0, custom: { minWidth: 80 } }),
              fields(/\/day$/, { unit: 'bytes', decimals: 1, custom: { minWidth: 105 } }),
              field('lake', { unit: 'bytes', decimals: 1, custom: { minWidth: 80 } }),
              field('days to full', {
                decimals: 0,
                noValue: '—',
                thresholds: daysLeft,
                custom: { ...coloredText, minWidth: 108 },
              }),
              field('certificate', {
                unit: 'd',
                decimals: 0,
                thresholds: daysLeft,
                custom: { ...coloredText, minWidth: 100 },
              }),
              field('restarts', { decimals: 0, thresholds: goodUntil(1, 5), custom: { ...coloredText, minWidth: 85 } }),
            ],
          }),
        },
      ],
    },
    {
      height: 7,
      cells: [
        {
          width: 24,
          panel: table({
            title: 'Connectors and how they are',
            description:
              'What each node pulls events from: its state and since when, events a second over the last minute, stream breaks since the node started, and what to do where something is wrong. Nodes that do not answer have none here.',
            queries: [
              sql(`
                SELECT node, name AS connector, state, since, last_event AS "last event", rate AS "events/s", breaks,
                  version AS kubearmor, detail
                FROM armorlake.connectors ORDER BY state = 'streaming', breaks DESC, node, name`),
            ],
            style: { noValue: '—' },
            overrides: [
              field('node', { custom: { width: 110 } }),
              field('connector', { custom: { width: 110 } }),
              field('state', { mappings: [state], custom: { ...coloredText, width: 110 } }),
              field('since', moment),
              field('last event', moment),
              field('events/s', { decimals: 1, custom: { width: 90 } }),
              field('breaks', { decimals: 0, thresholds: goodUntil(1), custom: { ...coloredText, width: 80 } }),
              field('kubearmor', { custom: { width: 110 } }),
              field('detail', { custom: { inspect: true } }),
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
          panel: table({
            title: 'Visibility seen',
            description:
              'Which telemetry came from each host in the range: events of processes, files and network, and events of the host itself, outside all namespaces. KubeArmor sends only what its visibility says; what was not seen cannot be ruled out.',
            queries: [sql(visibilityTable)],
            overrides: [
              field('node', { custom: { width: 110 } }),
              field('host', { custom: { width: 150 } }),
              ...['process', 'file', 'network', 'of the host'].map((name) =>
                field(name, {
                  mappings: [notSeen],
                  thresholds: always(stateColours.good),
                  custom: { ...coloredText, width: 112 },
                }),
              ),
              field('last event', moment),
              field('to see more', { custom: { inspect: true } }),
            ],
          }),
        },
      ],
    },
    {
      height: 8,
      cells: [
        {
          width: 12,
          panel: table({
            title: 'From received to stored',
            description:
              'The account of every message: received = stored + dead-lettered (could not be decoded) + dropped, each with its reason.',
            queries: [sql(funnel)],
            overrides: [
              field('step', { custom: { width: 110 } }),
              field('reason', { custom: { width: 140 } }),
              field('messages', { decimals: 0, custom: { width: 105 } }),
              field('of all', {
                decimals: 0,
                min: 0,
                color: { mode: 'fixed', fixedColor: 'blue' },
                custom: { cellOptions: { type: 'gauge', mode: 'basic', valueDisplayMode: 'hidden' }, minWidth: 60 },
              }),
              field('share', { unit: 'percent', decimals: 2, custom: { width: 90 } }),
            ],
          }),
        },
        {
          width: 12,
          panel: bars({
            title: 'Messages over time',
            description:
              'What became of the messages received: stored, dead-lettered, dropped. By the minute of the commit.',
            buckets: MINUTES,
            queries: [
              sql(
                `
                SELECT $__timeGroup(minute, auto, 0) AS time, sum(stored)::BIGINT AS stored,
                  sum(dead_lettered)::BIGINT AS "dead-lettered", sum(dropped)::BIGINT AS dropped
                FROM armorlake.ledger WHERE $__timeFilter(minute) GROUP BY ALL ORDER BY time`,
                { type: 'timeseries' },
              ),
            ],
            overrides: [
              field('stored', { color: { mode: 'fixed', fixedColor: stateColours.good } }),
              field('dead-lettered', { color: { mode: 'fixed', fixedColor: stateColours.warning } }),
              field('dropped', { color: { mode: 'fixed', fixedColor: stateColours.bad } }),
            ],
          }),
        },
      ],
    },
    {
      height: 8,
      cells: [
        {
          width: 14,
          panel: table({
            title: 'Gaps',
            description:
              'Stretches of time, touching the range, in which events may be missing: of which stream and why, how many and how long within the range, the end of the last one, and how many events are missing where that can be told.',
            queries: [
              sql(`
                SELECT node, connector, stream, cause, count(*) AS times, sum(${gapMinutes}) AS minutes,
                  max(least(coalesce(to_time, $__timeTo), $__timeTo)) AS until, sum(estimated)::BIGINT AS missing
                FROM armorlake.gaps WHERE ${gapsInRange} GROUP BY ALL ORDER BY until DESC, minutes DESC`),
            ],
            style: { noValue: 'No gap is known in this time range.' },
            overrides: [
              field('node', { custom: { width: 90 } }),
              field('connector', { custom: { width: 105 } }),
              field('stream', { custom: { width: 75 } }),
              field('cause', { custom: { minWidth: 75 } }),
              field('times', { decimals: 0, custom: { width: 68 } }),
              field('minutes', { decimals: 1, custom: { width: 85 } }),
              field('until', { unit: 'dateTimeFromNow', custom: { minWidth: 130 } }),
              field('missing', { decimals: 0, noValue: '—', custom: { width: 85 } }),
            ],
          }),
        },
        {
          width: 10,
          panel: table({
            title: 'Throttled containers',
            description:
              "Containers whose alerts KubeArmor cut off because there were too many a second: how often, and how long alerts were silent each time. Raise KubeArmor's maxAlertPerSec, or make the policy that fires less noisy.",
            queries: [
              sql(`
                SELECT node, concat_ws('/', namespace, pod, container) AS container, count(*) AS times,
                  max(dropping_alerts_interval) AS silence, max(time) AS last
                FROM kubearmor.alerts
                WHERE $__timeFilter(time) AND operation = 'AlertThreshold'
                GROUP BY node, namespace, pod, container ORDER BY times DESC`),
            ],
            style: { noValue: 'No container was throttled in this time range.' },
            overrides: [
              field('node', { custom: { width: 90 } }),
              field('container', { custom: { minWidth: 120, inspect: true } }),
              field('times', { decimals: 0, custom: { width: 68 } }),
              field('silence', { unit: 's', noValue: '—', custom: { width: 80 } }),
              field('last', { unit: 'dateTimeFromNow', custom: { width: 130 } }),
            ],
          }),
        },
      ],
    },
    {
      title: 'What it costs',
      height: 7,
      cells: [
        {
          width: 8,
          panel: lines({
            title: 'Processor',
            description: `Processor time of all of Armorlake's processes, as a share of one core. ${recent}`,
            buckets: MINUTES,
            queries: eachNode('100.0 * sum(cpu_seconds) / sum(seconds)', 'cpu'),
            style: { unit: 'percent', displayName: '${__field.labels.node}' },
          }),
        },
        {
          width: 8,
          panel: lines({
            title: 'Memory',
            description: `Resident memory of all of Armorlake's processes. ${recent}`,
            buckets: MINUTES,
            queries: eachNode('max(rss_bytes)', 'memory'),
            style: { unit: 'bytes', displayName: '${__field.labels.node}' },
          }),
        },
        {
          width: 8,
          panel: lines({
            title: 'Ingest lag',
            description: `Age of the oldest batch of events that waited for its commit, looked at once a minute. ${recent}`,
            buckets: MINUTES,
            queries: eachNode('max(ingest_lag_seconds)', 'lag'),
            style: { unit: 's', displayName: '${__field.labels.node}' },
          }),
        },
      ],
    },
    {
      height: 7,
      cells: [
        {
          width: 8,
          panel: lines({
            title: 'Bytes to flash a day',
            description: `What the processes had written to disk, as bytes a day at that pace. ${recent}`,
            buckets: MINUTES,
            queries: eachNode('sum(written_bytes) * 86400.0 / sum(seconds)', 'written'),
            style: { unit: 'bytes', displayName: '${__field.labels.node}' },
          }),
        },
        {
          width: 8,
          panel: lines({
            title: 'Network a day',
            description: `Answers to queries, sent to other nodes and received from them, as bytes a day at that pace; heartbeats and KubeArmor's events are not in it. ${recent}`,
            buckets: MINUTES,
            queries: eachNode('sum(network_sent_bytes + network_received_bytes) * 86400.0 / sum(seconds)', 'network'),
            style: { unit: 'bytes', displayName: '${__field.labels.node}' },
          }),
        },
        {
          width: 8,
          panel: lines({
            title: 'Lake size',
            description: `What the lake file, its write-ahead log and the archive hold. ${recent}`,
            buckets: MINUTES,
            queries: eachNode('max(lake_bytes + wal_bytes + archive_bytes)', 'lake'),
            style: { unit: 'bytes', displayName: '${__field.labels.node}' },
          }),
        },
      ],
    },
    {
      title: 'Who asks',
      height: 9,
      cells: [
        {
          width: 17,
          panel: table({
            title: 'Costliest queries',
            description:
              'Queries asked here by what they took in all: of which user, on which dashboard and panel, as the asker said; others by their SQL. The SQL is that of the longest run.',
            queries: [sql(costliest, { limit: 50 })],
            overrides: [
              field('user', { custom: { width: 90 } }),
              field('dashboard', {
                custom: { width: 200 },
                links: [{ title: 'Open it', url: '/d/${__value.raw:percentencode}' }],
              }),
              field('panel', { custom: { width: 60 } }),
              field('token', { custom: { width: 70 } }),
              field('runs', { decimals: 0, custom: { width: 55 } }),
              fields(/^(total|longest)$/, { unit: 'ms', decimals: 1, custom: { width: 85 } }),
              field('bytes', { unit: 'bytes', decimals: 0, custom: { width: 80 } }),
              field('failed', { decimals: 0, thresholds: goodUntil(1), custom: { ...coloredText, width: 65 } }),
              field('costliest SQL', { custom: { inspect: true } }),
            ],
          }),
        },
        {
          width: 7,
          panel: table({
            title: 'Who asked',
            description:
              'Users of Grafana (grafana_scheduler: alert rules), else names of tokens, by the time that their queries took.',
            queries: [sql(askers, { limit: 50 })],
            overrides: [
              field('runs', { decimals: 0, custom: { width: 65 } }),
              field('total', { unit: 'ms', decimals: 1, custom: { width: 85 } }),
              field('failed', { decimals: 0, thresholds: goodUntil(1), custom: { ...coloredText, width: 65 } }),
            ],
          }),
        },
      ],
    },
  ],
};
