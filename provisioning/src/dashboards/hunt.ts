import { annotations, links } from '../build/common.js';
import type { DashboardSpec } from '../build/dashboard.js';
import { field, filtered, hidden, moment } from '../build/fields.js';
import { bucketLink, toProcess, toWorkload, workloadColumns } from '../build/links.js';
import { bars, stat, table, words } from '../build/panels.js';
import { chosenNodes, gapsInRange } from '../build/predicates.js';
import { sql } from '../build/queries.js';
import { always, coloured } from '../build/style.js';
import { uids } from '../build/uids.js';
import { cluster, datasource, input, members, node } from '../build/variables.js';

/** Most that is looked for; what is pasted beyond that is said. */
const MOST = 500;

/** What was pasted, each with its kind, that its form tells. */
const given = `
  pasted AS (
    SELECT list_filter(string_split_regex('$indicators', '[\\s,;"]+'), lambda part: part <> '') AS parts
  ), given AS (
    SELECT lower(part) AS folded, any_value(part) AS indicator, CASE
      WHEN regexp_full_match(folded, '(sha256:|sha1:|md5:)?([0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})') THEN 'hash'
      WHEN regexp_full_match(folded, '(\\d{1,3}\\.){3}\\d{1,3}|[0-9a-f:.]*:[0-9a-f:.]*:[0-9a-f:.]*') THEN 'IP'
      WHEN starts_with(folded, '/') THEN 'path'
      WHEN contains(folded, '.') THEN 'domain'
      ELSE 'user' END AS kind
    FROM (SELECT unnest(parts[1:${MOST}]) AS part FROM pasted) GROUP BY folded
  )`;

/** Where an indicator may stand, and which kind it is there. */
const looked = [
  { field: 'process', sql: 'process', kind: 'path' },
  { field: 'parent_process', sql: 'parent_process', kind: 'path' },
  { field: 'file', sql: "CASE WHEN operation = 'File' THEN resource END", kind: 'path' },
  { field: 'remote_ip', sql: 'remote_ip', kind: 'IP' },
  { field: 'domain', sql: 'domain', kind: 'domain' },
  { field: 'user_name', sql: 'user_name', kind: 'user' },
  { field: 'process_hash', sql: 'process_hash', kind: 'hash' },
  { field: 'parent_hash', sql: 'parent_hash', kind: 'hash' },
  { field: 'resource_hash', sql: 'resource_hash', kind: 'hash' },
] as const;

const columns = looked.map(({ field: name, sql: column }) => `${column} AS "${name}"`).join(', ');
const listed = (texts: readonly string[]): string => `unnest([${texts.join(', ')}])`;

/**
 * Events in which one of them occurs: each node looks for all at once, by one regular expression over lines of all fields.
 * The text stands in the SQL twice only, as that has a greatest length.
 */
const matching = `
    FROM kubearmor.events
    WHERE $__timeFilter(time) AND regexp_matches(lower(concat_ws(chr(10), ${looked.map(({ sql: column }) => column).join(', ')})),
      '(?m)^(?:' || regexp_replace(regexp_escape(lower('$indicators')), '(\\\\[\\s,;"])+', '|', 'g') || ')$')
    GROUP BY ALL`;

/** What was found, field by field; which of it is an indicator, `given` says. */
const eachField = `${listed(looked.map(({ field: name }) => `"${name}"`))} AS value,
      ${listed(looked.map(({ kind }) => `'${kind}'`))} AS kind, ${listed(looked.map(({ field: name }) => `'${name}'`))} AS field`;

/** By indicator, node and workload. */
const seen = `
  found AS (
    SELECT node, namespace, workload, ${columns}, min(time) AS first, max(time) AS last, count(*) AS events,
      count(*) FILTER (outcome = 'blocked') AS blocked, max_by(seq, time) AS seq${matching}
  ), seen AS (
    SELECT lower(value) AS folded, kind, field, node, namespace, workload, min(first) AS first, max(last) AS last,
      sum(events)::BIGINT AS events, sum(blocked)::BIGINT AS blocked, max_by(seq, last) AS seq
    FROM (SELECT * EXCLUDE (${looked.map(({ field: name }) => `"${name}"`).join(', ')}), ${eachField} FROM found)
    GROUP BY ALL
  )`;

/** Why what isn't found may have happened all the same: of any indicator, and of a kind whose events don't come. */
const doubts = `
  expected AS (
    SELECT name AS node, state FROM armorlake.nodes WHERE len(tables) > 0 AND ${chosenNodes()}
  ), memory AS (
    SELECT node, min(time) AS oldest FROM kubearmor.logs GROUP BY node
  ), doubts AS (
    SELECT CASE WHEN count(*) = 0 THEN 'no node that stores events is known, or chosen' END AS doubt FROM expected
    UNION ALL
    SELECT 'away: ' || string_agg(node, ', ' ORDER BY node) FROM expected WHERE state <> 'alive'
    UNION ALL
    SELECT 'gaps on ' || string_agg(DISTINCT node, ', ' ORDER BY node) FROM armorlake.gaps WHERE ${gapsInRange}
    UNION ALL
    SELECT 'remembers too little: ' || string_agg(node, ', ' ORDER BY node)
    FROM expected LEFT JOIN memory USING (node)
    WHERE state = 'alive' AND (oldest IS NULL OR oldest > $__timeFrom)
  ), doubt AS (
    SELECT string_agg(doubt, '; ' ORDER BY doubt) AS doubt FROM doubts WHERE doubt IS NOT NULL
  ), counted AS (
    SELECT node, count(*) AS events, count(*) FILTER (operation = 'File') AS files, count(remote_ip) AS addresses,
      count(domain) AS domains, count(process_hash) + count(resource_hash) AS hashes
    FROM kubearmor.logs WHERE $__timeFilter(time) GROUP BY node
  ), blind AS (
    SELECT kind, 'no ' || any_value(what) || ' from ' || string_agg(node, ', ' ORDER BY node) AS blind
    FROM (
      SELECT node, unnest(['path', 'IP', 'domain', 'hash', 'user']) AS kind,
        unnest(['File events', 'Network events', 'DNS events', 'hashes', 'events']) AS what,
        unnest([files, addresses, domains, hashes, counted.events]) AS events
      FROM expected LEFT JOIN counted USING (node) WHERE state = 'alive'
    ) WHERE coalesce(events, 0) = 0 GROUP BY kind
  )`;

const verdicts = `
  WITH ${given}, ${seen}, ${doubts}, judged AS (
    SELECT given.kind, given.indicator, sum(seen.events)::BIGINT AS events, sum(seen.blocked)::BIGINT AS blocked,
      count(DISTINCT seen.node) AS nodes, min(seen.first) AS first, max(seen.last) AS last,
      array_to_string(list_sort(list_distinct(list(concat_ws('/', seen.namespace, seen.workload)))), ', ') AS workloads,
      nullif(concat_ws('; ', any_value(doubt.doubt), any_value(blind.blind)), '') AS why
    FROM given LEFT JOIN seen ON seen.folded = given.folded AND seen.kind = given.kind
      LEFT JOIN blind ON blind.kind = given.kind CROSS JOIN doubt
    GROUP BY given.kind, given.indicator
    UNION ALL
    SELECT 'rest', (beyond || ' more'), NULL, NULL, 0, NULL, NULL, NULL, 'only the first ${MOST} are looked for'
    FROM (SELECT len(parts) - ${MOST} AS beyond FROM pasted) WHERE beyond > 0
  )
  SELECT CASE WHEN nodes > 0 THEN 'Seen' WHEN why IS NOT NULL THEN 'Unknown' ELSE 'Not seen' END AS verdict,
    kind, indicator, events, blocked, nodes, first, last, CASE WHEN nodes > 0 THEN workloads ELSE why END AS found
  FROM judged
  ORDER BY list_position(['Seen', 'Unknown', 'Not seen'], verdict), kind = 'rest' DESC, events DESC NULLS LAST, indicator`;

/** Asked by two panels in the same words: it runs once. */
const verdictQuery = sql(verdicts, { limit: MOST + 1 });

const verdictColours = { Seen: 'orange', Unknown: 'yellow', 'Not seen': 'green' } as const;

const variables = [datasource, cluster, members, node, input('indicators', 'Indicators')];

/** Did any of this happen anywhere? */
export const hunt: DashboardSpec = {
  uid: uids.hunt,
  title: 'Armorlake · Indicator hunt',
  description:
    'Paste paths, hashes, addresses, domains or user names: what was seen, what was not, and what nobody can know.',
  variables,
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
            'Up to 500 **paths, hashes (MD5, SHA-1, SHA-256), IP addresses, domains or user names** into *Indicators* above, with spaces, commas or lines between them. The kind of each is told by its form.\n\n**Unknown** means: nobody saw it, but a node is away, has gaps, or remembers less than the time range, or no events of its kind come from a node.',
          ),
        },
        {
          width: 13,
          panel: stat({
            title: 'Verdicts',
            description: 'How many of the indicators were seen, were not, or cannot be known within the time range.',
            queries: [verdictQuery],
            transformations: [
              {
                id: 'groupBy',
                options: {
                  fields: {
                    verdict: { operation: 'groupby', aggregations: [] },
                    indicator: { operation: 'aggregate', aggregations: ['count'] },
                  },
                },
              },
              {
                id: 'rowsToFields',
                options: {
                  mappings: [
                    { fieldName: 'verdict', handlerKey: 'field.name' },
                    { fieldName: 'indicator (count)', handlerKey: 'field.value' },
                  ],
                },
              },
            ],
            style: { decimals: 0, thresholds: always('text') },
            overrides: Object.entries(verdictColours).map(([name, color]) =>
              field(name, { thresholds: always(color) }),
            ),
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
            title: 'Each indicator',
            description:
              'Seen: at least one event holds it. Not seen: every chosen node answered, without gaps, and remembers the whole range, and events of its kind come from all of them. Unknown: the last column says what stands against a "no".',
            queries: [verdictQuery],
            empty: 'there is nothing in Indicators above to look for.',
            overrides: [
              field('verdict', {
                mappings: [coloured(verdictColours)],
                custom: { cellOptions: { type: 'color-background', mode: 'basic' }, width: 95 },
              }),
              field('kind', { custom: { width: 75 } }),
              field('indicator', { custom: { minWidth: 220, inspect: true } }),
              field('events', { custom: { width: 85 } }),
              field('blocked', { custom: { width: 85 } }),
              field('nodes', { custom: { width: 75 } }),
              field('first', moment),
              field('last', moment),
              field('found', { displayName: 'where, or why unknown', custom: { minWidth: 380, inspect: true } }),
            ],
          }),
        },
      ],
    },
    {
      height: 9,
      cells: [
        {
          width: 24,
          panel: table({
            title: 'Where',
            empty: 'none of the indicators was seen. Whether that is a “no”, the table above says.',
            description: 'Each node and workload that saw one of them. The last event of each opens its process.',
            queries: [
              sql(
                `
                WITH ${given}, ${seen}
                SELECT given.indicator, seen.node, concat_ws('/', seen.namespace, seen.workload) AS workload, seen.field,
                  seen.events, seen.blocked, seen.first, seen.last, seen.seq AS "last seq",
                  ${workloadColumns('seen.namespace', 'seen.workload')}
                FROM seen JOIN given USING (folded, kind)
                ORDER BY seen.last DESC, seen.node, given.indicator`,
                { limit: 1000 },
              ),
            ],
            overrides: [
              filtered(['indicator', 'node', 'workload', 'field']),
              field('indicator', { custom: { minWidth: 150, inspect: true } }),
              field('node', { custom: { width: 90 } }),
              field('field', { custom: { width: 110 } }),
              field('events', { custom: { width: 75 } }),
              ...['blocked', 'of namespace', 'of workload'].map(hidden),
              field('first', moment),
              field('last', moment),
              field('last seq', {
                displayName: 'process',
                links: [toProcess(undefined, 'last seq')],
                custom: { width: 90 },
              }),
              field('workload', {
                links: [toWorkload(variables)],
              }),
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
            title: 'When',
            empty: 'none of the indicators was seen. Whether that is a “no”, the table above says.',
            description:
              'Events that hold one of the indicators, over time. Regions: gaps, throttling, nodes absent now.',
            queries: [
              sql(
                `
                WITH ${given}, found AS (
                  SELECT $__timeGroup(time, auto) AS time, ${columns}, count(*) AS events${matching}
                ), fields AS (SELECT time, events, ${eachField} FROM found)
                SELECT time, indicator, sum(events)::BIGINT AS events FROM fields JOIN given ON given.folded = lower(fields.value) AND given.kind = fields.kind
                GROUP BY ALL ORDER BY time`,
                { type: 'timeseries' },
              ),
            ],
            style: { links: [bucketLink('Show only this time', uids.hunt)] },
          }),
        },
      ],
    },
  ],
};
