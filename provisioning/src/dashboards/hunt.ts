import { annotations } from '../build/common.js';
import type { DashboardSpec } from '../build/dashboard.js';
import { field, filtered, hidden, moment, texts } from '../build/fields.js';
import { bucketLink, toProcess, toWorkload, workloadColumns } from '../build/links.js';
import { bars, stat, table, words } from '../build/panels.js';
import { sql } from '../build/queries.js';
import { always, coloured } from '../build/style.js';
import { uids } from '../build/uids.js';
import { carriedEvents, cluster, datasource, input, members, node } from '../build/variables.js';
import { MOST, doubts, given, hits, refused } from './hunt-sql.js';

const verdictColours = { Seen: 'orange', Unknown: 'yellow', 'Not seen': 'green' } as const;
const verdictNames = Object.keys(verdictColours);

const verdicts = `
  WITH ${given}, ${hits('namespace, workload')}, ${doubts}, seen AS (
    SELECT indicator, sum(logs)::BIGINT AS logs, sum(alerts)::BIGINT AS alerts, sum(refused)::BIGINT AS blocked,
      count(DISTINCT node) AS nodes, min(first) AS first, max(last) AS last,
      array_to_string(list_sort(list_distinct(list(concat_ws('/', namespace, workload)))), ', ') AS workloads
    FROM (
      SELECT indicator, node, namespace, workload, sum(logs) AS logs, sum(alerts) AS alerts, ${refused} AS refused,
        min(first) AS first, max(last) AS last
      FROM (SELECT DISTINCT * EXCLUDE (field) FROM hits) GROUP BY ALL
    ) GROUP BY indicator
  ), blindness AS (
    SELECT indicator, string_agg(DISTINCT blind, '; ' ORDER BY blind) AS blind FROM senses JOIN blind USING (sense) GROUP BY indicator
  ), judged AS (
    SELECT concat_ws(': ', form, CASE WHEN term <> lower(indicator) THEN term END) AS kind, indicator, logs, alerts, blocked,
      coalesce(nodes, 0) AS nodes, first, last, workloads,
      CASE WHEN form = 'unknown form' THEN 'its form is not recognised: it was compared with nothing'
        ELSE nullif(concat_ws('; ', doubt, blind), '') END AS why
    FROM given LEFT JOIN seen USING (indicator) LEFT JOIN blindness USING (indicator) CROSS JOIN doubt
    UNION ALL
    SELECT 'rest', (beyond || ' more'), NULL, NULL, NULL, 0, NULL, NULL, NULL, 'only the first ${MOST} are looked for'
    FROM (SELECT len(parts) - ${MOST} AS beyond FROM pasted) WHERE beyond > 0
  )
  SELECT *, ${verdictNames.map((name) => `count(*) FILTER (verdict = '${name}') OVER () AS "${name}"`).join(', ')}
  FROM (
    SELECT CASE WHEN nodes > 0 THEN 'Seen' WHEN why IS NOT NULL THEN 'Unknown' ELSE 'Not seen' END AS verdict,
      kind, indicator, logs, alerts, blocked, nodes, first, last, CASE WHEN nodes > 0 THEN workloads ELSE why END AS found
    FROM judged
  )
  ORDER BY list_position(['Seen', 'Unknown', 'Not seen'], verdict), kind = 'rest' DESC, logs + alerts DESC NULLS LAST, indicator`;

/** Asked by two panels in the same words: it runs once. */
const verdictQuery = sql(verdicts, { limit: MOST + 1 });

const variables = [datasource, cluster, members, node, input('indicators', 'Indicators'), ...carriedEvents];

/** Did any of this happen anywhere? */
export const hunt: DashboardSpec = {
  uid: uids.hunt,
  title: 'Armorlake · Indicator hunt',
  description:
    'Paste paths, hashes, addresses, domains or user names: what was seen, what was not, and what nobody can know.',
  variables,
  annotations,
  lines: [
    {
      height: 6,
      cells: [
        {
          width: 11,
          panel: words(
            'What to paste',
            'Up to 500 **paths, hashes (MD5, SHA-1, SHA-256), IP addresses, networks, domains, user or program names** into *Indicators* above, with spaces, commas or lines between them. What each is compared as, its form tells; `evil[.]com`, `sha256:…` and URLs are understood.\n\n**Unknown** means: nobody saw it, but a node is away, has gaps, or remembers less than the time range, or a namespace sends no events of its kind, or its form is not recognised.',
          ),
        },
        {
          width: 13,
          panel: stat({
            title: 'Verdicts',
            description: 'How many of the indicators were seen, were not, or cannot be known within the time range.',
            queries: [verdictQuery],
            options: {
              reduceOptions: { calcs: ['lastNotNull'], fields: `/^(${verdictNames.join('|')})$/`, values: false },
            },
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
              'Seen: at least one event holds it. Not seen: every chosen node answered, without gaps, and remembers the whole range, and events of its kind come from all of their namespaces. Unknown: the last column says what stands against a "no". The kind says as what it was compared. An act that a policy matched may be both a log and an alert; blocked is the greater number of both.',
            queries: [verdictQuery],
            empty: 'there is nothing in Indicators above to look for.',
            overrides: [
              field('verdict', {
                mappings: [coloured(verdictColours)],
                custom: { cellOptions: { type: 'color-background', mode: 'basic' }, width: 85 },
              }),
              field('kind', texts(120)),
              field('indicator', texts(240, true)),
              ...['logs', 'alerts', 'blocked'].map((name) => field(name, { custom: { width: 68 } })),
              field('nodes', { custom: { width: 68 } }),
              field('first', moment),
              field('last', moment),
              ...verdictNames.map(hidden),
              field('found', { displayName: 'where, or why unknown', ...texts(260, true) }),
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
                WITH ${given}, ${hits('namespace, workload')}
                SELECT indicator, node, concat_ws('/', namespace, workload) AS workload, field, sum(logs)::BIGINT AS logs,
                  sum(alerts)::BIGINT AS alerts, min(hits.first) AS first, max(hits.last) AS last, max_by(seq, hits.last) AS "last seq",
                  ${workloadColumns('namespace', 'hits.workload')}
                FROM hits GROUP BY indicator, node, namespace, hits.workload, field
                ORDER BY max(hits.last) DESC, node, indicator, field`,
                { limit: 1000 },
              ),
            ],
            overrides: [
              filtered(['indicator', 'node', 'workload', 'field']),
              field('indicator', texts(240, true)),
              field('node', texts(90)),
              field('field', texts(110)),
              ...['logs', 'alerts'].map((name) => field(name, { custom: { width: 75 } })),
              ...['of namespace', 'of workload'].map(hidden),
              field('first', moment),
              field('last', moment),
              field('last seq', {
                displayName: 'process',
                links: [toProcess(undefined, 'last seq')],
                custom: { width: 90 },
              }),
              field('workload', { links: [toWorkload(variables)], ...texts(220, true) }),
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
              'Events that hold one of the indicators, over time: logs or alerts, whichever are more, as one act may be both. Regions: gaps, throttling, nodes absent now.',
            queries: [
              sql(
                `
                WITH ${given}, ${hits('$__timeGroup(time, auto) AS time')}
                SELECT time, indicator, greatest(sum(logs), sum(alerts))::BIGINT AS events
                FROM (SELECT DISTINCT * EXCLUDE (field) FROM hits) GROUP BY ALL ORDER BY time`,
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
