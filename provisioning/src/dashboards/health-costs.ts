import type { Line } from '../build/dashboard.js';
import { field, fields, shortLine, texts } from '../build/fields.js';
import { lines, table } from '../build/panels.js';
import { sql } from '../build/queries.js';
import { goodUntil } from '../build/style.js';
import { everywhere } from '../build/uids.js';
import { askers, costliest, metrics, noFigures, recent } from './health-sql.js';
import { MINUTES, coloredText } from './health-style.js';

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
/** What Armorlake costs its hosts, and who makes it work. */
export const costLines: readonly Line[] = [
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
        width: 24,
        panel: table({
          title: 'Costliest queries',
          description:
            'Queries asked here by what they took in all: of which user, on which dashboard and panel, as the asker said; others by their SQL. The SQL is that of the longest run.',
          queries: [sql(costliest, { limit: 50 })],
          empty: 'nothing was asked in this time range.',
          overrides: [
            field('user', texts(160)),
            field('dashboard', {
              ...texts(250),
              links: [{ title: 'Open it', url: `/d/\${__value.raw:percentencode}?${everywhere}` }],
            }),
            field('panel', texts(120)),
            field('token', texts(90)),
            field('runs', { decimals: 0, custom: { width: 55 } }),
            fields(/^(total|longest)$/, { unit: 'ms', decimals: 1, custom: { width: 85 } }),
            field('bytes', { unit: 'bytes', decimals: 0, custom: { width: 80 } }),
            field('failed', { decimals: 0, thresholds: goodUntil(1), custom: { ...coloredText, width: 65 } }),
            field('costliest SQL', { mappings: [shortLine(200)], custom: { inspect: true } }),
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
          title: 'Who asked',
          description:
            'Users of Grafana (grafana_scheduler: alert rules), else names of tokens, by the time that their queries took.',
          queries: [sql(askers, { limit: 50 })],
          empty: 'nothing was asked in this time range.',
          overrides: [
            field('who asked', texts(200, true)),
            field('runs', { decimals: 0, custom: { width: 65 } }),
            field('total', { unit: 'ms', decimals: 1, custom: { width: 85 } }),
            field('failed', { decimals: 0, thresholds: goodUntil(1), custom: { ...coloredText, width: 65 } }),
          ],
        }),
      },
    ],
  },
];
