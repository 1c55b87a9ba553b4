import { annotations, answeringNodes, links } from '../build/common.js';
import type { DashboardSpec } from '../build/dashboard.js';
import { field, fields } from '../build/fields.js';
import { bars, lines, stat, table } from '../build/panels.js';
import { gapMinutes, gapsInRange } from '../build/predicates.js';
import { sql } from '../build/queries.js';
import { always, coloured, goodUntil, stateColours } from '../build/style.js';
import { uids } from '../build/uids.js';
import { cluster, datasource, node } from '../build/variables.js';
import {
  askers,
  costliest,
  funnel,
  growing,
  metrics,
  nodeTable,
  noFigures,
  recent,
  visibilityTable,
} from './health-sql.js';

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
            description: `Until the first lake is at its limit, and rows go before their time, or its disk is full; by the growth of the last day (an hour of it at least). — while no lake grows. ${recent}`,
            queries: [sql(`${growing} SELECT min(days) AS days FROM filling`)],
            style: { decimals: 0, thresholds: daysLeft, noValue: '—' },
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
            empty: 'no node is known.',
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
            empty: 'no node that answers has a connector, or none answers.',
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
            empty: 'no node that stores events is known.',
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
            empty: 'no message was accounted for in this time range.',
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
            empty: 'no message was accounted for in this time range.',
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
            empty: 'no gap is known in this time range.',
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
            empty: 'no container was throttled in this time range.',
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
            empty: noFigures,
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
            empty: noFigures,
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
            empty: noFigures,
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
            empty: noFigures,
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
            empty: noFigures,
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
            empty: noFigures,
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
            empty: 'nothing was asked in this time range.',
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
            empty: 'nothing was asked in this time range.',
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
