import { annotations, bucketLink, links } from '../build/common.js';
import type { DashboardSpec } from '../build/dashboard.js';
import { field, hidden } from '../build/fields.js';
import { bars, stat, table, words } from '../build/panels.js';
import { gapsInRange } from '../build/predicates.js';
import { sql } from '../build/queries.js';
import { always, coloured } from '../build/style.js';
import { keep, uids } from '../build/uids.js';
import { cluster, datasource, input, node } from '../build/variables.js';

/** What was pasted, each with its kind. */
const given = `
  pasted AS (
    SELECT DISTINCT lower(trim(part)) AS folded, any_value(trim(part)) AS indicator
    FROM (SELECT unnest(string_split_regex('$indicators', '[\\s,;"]+')) AS part)
    WHERE trim(part) <> '' GROUP BY ALL LIMIT 500
  ), given AS (
    SELECT *, CASE
      WHEN regexp_full_match(folded, '(sha256:|sha1:|md5:)?([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})') THEN 'hash'
      WHEN regexp_full_match(folded, '(\\d{1,3}\\.){3}\\d{1,3}|[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*') THEN 'IP'
      WHEN starts_with(folded, '/') THEN 'path'
      WHEN contains(folded, '.') THEN 'domain'
      ELSE 'user' END AS kind
    FROM pasted
  )`;

/** Column → the kind of indicator it may hold, and how both are compared. */
const looked = [
  { column: 'process', kind: 'path' },
  { column: 'parent_process', kind: 'path' },
  { column: 'resource', kind: 'path', also: "operation = 'File'" },
  { column: 'remote_ip', kind: 'IP' },
  { column: 'domain', kind: 'domain' },
  { column: 'user_name', kind: 'user' },
  { column: 'process_hash', kind: 'hash' },
  { column: 'parent_hash', kind: 'hash' },
  { column: 'resource_hash', kind: 'hash' },
] as const;

/** Events in which one of them occurs, by indicator, node and workload. */
const seen = `
  seen AS (${looked
    .map(
      (each) => `
    SELECT lower(${each.column}) AS folded, '${each.column}' AS field, node, namespace, workload,
      min(time) AS first, max(time) AS last, count(*) AS events,
      count(*) FILTER (outcome = 'blocked') AS blocked, max_by(seq, time) AS seq
    FROM kubearmor.events
    WHERE $__timeFilter(time) AND lower(${each.column}) IN (SELECT folded FROM given WHERE kind = '${each.kind}')${'also' in each ? ` AND ${each.also}` : ''}
    GROUP BY ALL`,
    )
    .join('\n    UNION ALL')}
  )`;

/** Why what isn't found may have happened all the same. */
const doubts = `
  doubts AS (
    SELECT 'away: ' || string_agg(name, ', ' ORDER BY name) AS doubt FROM armorlake.nodes WHERE len(tables) > 0 AND state <> 'alive'
    UNION ALL
    SELECT 'gaps on ' || string_agg(DISTINCT node, ', ' ORDER BY node) FROM armorlake.gaps WHERE ${gapsInRange}
    UNION ALL
    SELECT 'remembers too little: ' || string_agg(node, ', ' ORDER BY node)
    FROM (SELECT node FROM kubearmor.logs WHERE time < $__timeTo GROUP BY node HAVING min(received_at) > $__timeFrom)
  ), doubt AS (
    SELECT string_agg(doubt, '; ' ORDER BY doubt) AS doubt FROM doubts WHERE doubt IS NOT NULL
  )`;

const verdicts = `
  WITH ${given}, ${seen}, ${doubts}
  SELECT CASE WHEN count(seen.node) > 0 THEN 'Seen' WHEN any_value(doubt.doubt) IS NOT NULL THEN 'Unknown' ELSE 'Not seen' END AS verdict,
    given.kind, given.indicator, sum(seen.events)::BIGINT AS events, sum(seen.blocked)::BIGINT AS blocked,
    count(DISTINCT seen.node) AS nodes, min(seen.first) AS first, max(seen.last) AS last,
    array_to_string(list_sort(list_distinct(list(concat_ws('/', seen.namespace, seen.workload)))), ', ') AS workloads,
    CASE WHEN count(seen.node) = 0 THEN any_value(doubt.doubt) END AS why
  FROM given LEFT JOIN seen USING (folded) CROSS JOIN doubt
  GROUP BY given.kind, given.indicator
  ORDER BY list_position(['Seen', 'Unknown', 'Not seen'], verdict), events DESC NULLS LAST, given.indicator`;

const verdictColours = { Seen: 'orange', Unknown: 'yellow', 'Not seen': 'green' } as const;

/** Did any of this happen anywhere? */
export const hunt: DashboardSpec = {
  uid: uids.hunt,
  title: 'Armorlake · Indicator hunt',
  description:
    'Paste paths, hashes, addresses, domains or user names: what was seen, what was not, and what nobody can know.',
  variables: [datasource, cluster, node, input('indicators', 'Indicators')],
  annotations,
  links: links('hunt'),
  lines: [
    {
      height: 6,
      cells: [
        {
          width: 11,
          panel: words(
            'What to paste',
            'Up to 500 **paths, hashes (MD5, SHA-1, SHA-256), IP addresses, domains or user names** into *Indicators* above, with spaces, commas or lines between them. The kind of each is told by its form.\n\n**Unknown** means: nobody saw it, but a node is away, has gaps, or remembers less than the time range.',
          ),
        },
        {
          width: 13,
          panel: stat({
            title: 'Verdicts',
            description: 'How many of the indicators were seen, were not, or cannot be known within the time range.',
            queries: [
              sql(`
                WITH ${given}, ${seen}, ${doubts}, verdicts AS (
                  SELECT folded, bool_or(seen.node IS NOT NULL) AS found FROM given LEFT JOIN seen USING (folded) GROUP BY folded)
                SELECT count(*) FILTER (found) AS "Seen", count(*) FILTER (NOT found AND doubt IS NOT NULL) AS "Unknown",
                  count(*) FILTER (NOT found AND doubt IS NULL) AS "Not seen"
                FROM verdicts CROSS JOIN doubt`),
            ],
            style: { noValue: '0', decimals: 0, thresholds: always('text') },
            overrides: Object.entries(verdictColours).map(([name, color]) =>
              field(name, { thresholds: always(color) }),
            ),
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
            title: 'Each indicator',
            description:
              'Seen: at least one event holds it. Not seen: every node answered, without gaps, and remembers the whole range. Unknown: the column "why" says what stands against a "no".',
            queries: [sql(verdicts, { limit: 500 })],
            overrides: [
              field('verdict', {
                mappings: [coloured(verdictColours)],
                custom: { cellOptions: { type: 'color-background', mode: 'basic' }, width: 95 },
              }),
              field('kind', { custom: { width: 75 } }),
              field('indicator', { custom: { minWidth: 240, inspect: true } }),
              field('events', { custom: { width: 85 } }),
              field('blocked', { custom: { width: 85 } }),
              field('nodes', { custom: { width: 75 } }),
              field('first', { custom: { width: 165 } }),
              field('last', { custom: { width: 165 } }),
              field('workloads', { noValue: '—', custom: { minWidth: 160, inspect: true } }),
              field('why', { noValue: '—', custom: { minWidth: 160, inspect: true } }),
            ],
          }),
        },
      ],
    },
    {
      height: 9,
      cells: [
        {
          width: 14,
          panel: table({
            title: 'Where',
            description: 'Each node and workload that saw one of them. The last event of each opens its process.',
            queries: [
              sql(
                `
                WITH ${given}, ${seen}
                SELECT given.indicator, seen.node, concat_ws('/', seen.namespace, seen.workload) AS workload, seen.field,
                  seen.events, seen.blocked, seen.first, seen.last, seen.seq AS "last seq"
                FROM seen JOIN given USING (folded)
                ORDER BY seen.last DESC, seen.node, given.indicator`,
                { limit: 1000 },
              ),
            ],
            overrides: [
              field('indicator', { custom: { minWidth: 150, inspect: true } }),
              field('node', { custom: { width: 90 } }),
              field('field', { custom: { width: 110 } }),
              field('events', { custom: { width: 75 } }),
              hidden('blocked'),
              hidden('first'),
              field('last', { custom: { width: 160 } }),
              field('last seq', {
                displayName: 'process',
                links: [
                  {
                    title: 'The process and what it did',
                    url: `/d/${uids.process}?var-node=\${__data.fields.node}&var-seq=\${__value.raw}&\${__url_time_range}&var-datasource=\${datasource}`,
                  },
                ],
                custom: { width: 90 },
              }),
              field('workload', {
                links: [{ title: 'What this workload does', url: `/d/${uids.workload}?${keep}` }],
              }),
            ],
          }),
        },
        {
          width: 10,
          panel: bars({
            title: 'When',
            description: 'Events that hold one of the indicators, over time. Regions: gaps, throttling, absent nodes.',
            queries: [
              sql(
                `
                WITH ${given}, found AS (${looked
                  .map(
                    ({ column, kind }) =>
                      `SELECT $__timeGroup(time, auto) AS time, lower(${column}) AS folded, count(*) AS events FROM kubearmor.events WHERE $__timeFilter(time) AND lower(${column}) IN (SELECT folded FROM given WHERE kind = '${kind}') GROUP BY ALL`,
                  )
                  .join(' UNION ALL ')})
                SELECT time, indicator, sum(events)::BIGINT AS events FROM found JOIN given USING (folded)
                GROUP BY ALL ORDER BY time`,
                { type: 'timeseries' },
              ),
            ],
            style: { links: [{ title: 'Show only this time', url: bucketLink(uids.hunt) }] },
          }),
        },
      ],
    },
  ],
};
