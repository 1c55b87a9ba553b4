import { isExec } from '../../../plugin/shared/index.js';
import { annotations } from '../build/common.js';
import type { DashboardSpec, Line } from '../build/dashboard.js';
import type { Override } from '../build/fields.js';
import { field, fields, filtered, hidden, moment, operationSeries, shortWords, texts } from '../build/fields.js';
import { bucketLink, toHunt, toProcess } from '../build/links.js';
import { bars, logs, nodeGraph, table } from '../build/panels.js';
import { chosenEvents } from '../build/predicates.js';
import { behaviourGraph, latestLines, sql } from '../build/queries.js';
import { always, outcomeColours } from '../build/style.js';
import { uids } from '../build/uids.js';
import {
  adHoc,
  carriedAlerts,
  cluster,
  datasource,
  members,
  namespace,
  node,
  pod,
  workload,
} from '../build/variables.js';

/** Variables of columns. */
const chosen = ['namespace', 'workload', 'pod'] as const;
const where = [
  chosenEvents('kubearmor.events'),
  '$__conditionalAll(pod IN ($pod), $pod)',
  "coalesce(type, '') <> 'SystemEvent'",
].join('\n  AND ');
/** The same without a beginning: what was before decides what is new. */
const whereEver = where.replace('$__timeFilter(time)', 'time < $__timeTo');

const whereBefore = where.replace('$__timeFilter(time)', 'time < $__timeFrom');

const now = 'time >= $__timeFrom';
/** The stretch of the same length that ends where the dashboard's begins. */
const before = 'time < $__timeFrom AND time >= $__timeFrom - ($__timeTo - $__timeFrom)';

/** One list: what a row is, and the events it counts. */
interface List {
  readonly title: string;
  readonly description: string;
  /** Name of the column → its SQL; the first is what the list is about. */
  readonly columns: readonly (readonly [name: string, sql: string])[];
  readonly condition: string;
  readonly hash?: string;
  /** Of executions, which KubeArmor tells twice when they were refused. */
  readonly ofExecutions?: boolean;
  readonly height: number;
  /** Said in the empty panel. */
  readonly empty: string;
}

const someone: List['columns'] = [
  ['process', 'process'],
  ['user', 'coalesce(user_name, uid::VARCHAR)'],
];

/** How many executions were told twice: KubeArmor tells a refused one as an alert and as a log, of the same program. */
function toldTwice(condition: string): string {
  const refused = (kind: string): string =>
    `count(*) FILTER (kind = '${kind}' AND outcome = 'blocked' AND ${isExec()} AND ${condition})`;
  return `least(${refused('alert')}, ${refused('log')})`;
}

const fileSentence =
  "No File events: KubeArmor's default visibility is process,network. Switch it on: kubectl annotate ns NAMESPACE kubearmor-visibility=process,file,network,capabilities --overwrite";

const elsewhere = 'The table "What is seen" says whether such events come at all.';

const processes: List = {
  title: 'Processes',
  description:
    'Every binary that was executed, rarest first. NEW: never before on the chosen nodes and workloads, as far back as the nodes remember. A click on a path opens its latest execution, one on its first time looks for it on all nodes. An execution that was refused counts once, though KubeArmor tells it as alert and as log.',
  columns: [
    ['path', 'process'],
    ['parent', 'parent_process'],
    ['user', 'coalesce(user_name, uid::VARCHAR)'],
  ],
  condition: `${isExec()} AND process IS NOT NULL`,
  hash: 'process_hash',
  ofExecutions: true,
  height: 11,
  empty: `no process was executed here in this time range. ${elsewhere}`,
};

const files: List = {
  title: 'Files',
  description:
    'Every file that was opened, changed or deleted, and by whom, rarest first. KubeArmor sends File events only where visibility says so.',
  columns: [['path', 'resource'], ...someone],
  condition: "operation = 'File' AND resource IS NOT NULL",
  hash: 'resource_hash',
  height: 11,
  empty: `no file was opened, changed or deleted here in this time range, or no File event ever comes: KubeArmor's default visibility is process,network. ${elsewhere}`,
};

const egress: List = {
  title: 'Egress',
  description: 'Where it connected to, rarest first.',
  columns: [['address', 'remote_ip'], ['port', 'remote_port'], ['protocol', 'protocol'], ...someone],
  condition: "operation IN ('Network', 'NetworkFirewall') AND direction = 'egress'",
  height: 9,
  empty: `it connected to nothing in this time range. ${elsewhere}`,
};

const ingress: List = {
  title: 'Ingress',
  description: 'Who connected to it, rarest first.',
  columns: egress.columns,
  condition: "operation IN ('Network', 'NetworkFirewall') AND direction = 'ingress'",
  height: 9,
  empty: `nobody connected to it in this time range. ${elsewhere}`,
};

const dns: List = {
  title: 'DNS',
  description: 'The names it asked for, rarest first.',
  columns: [['domain', 'domain'], ...someone],
  condition: "direction = 'dns' AND domain IS NOT NULL",
  height: 7,
  empty: `it asked for no names in this time range. ${elsewhere}`,
};

/**
 * What is in the range by all that is said of it; of what was before, only since when and how often in the stretch before,
 * for the columns that make a row.
 */
function listSql({ columns, condition, hash, ofExecutions = false }: List): string {
  const once = (when: string): string => (ofExecutions ? ` - ${toldTwice(when)}` : '');
  const names = columns.map(([name]) => `"${name}"`);
  const keys = columns.map(([name, column]) => `${column} AS "${name}"`).join(', ');
  const grouped = columns.map(([, column]) => column).join(', ');
  return `
    WITH found AS (
      SELECT ${keys}, count(*)${once(now)} AS count, count(*) FILTER (outcome = 'blocked')${once(now)} AS blocked,
        count(DISTINCT pod) AS pods, count(DISTINCT node) AS nodes, min(time) AS first, max(time) AS last,
        ${hash === undefined ? '' : `max_by(${hash}, time) AS hash, `}max_by(node, time) AS node, max_by(seq, time) AS seq
      FROM kubearmor.events
      WHERE ${where}
        AND ${condition}
      GROUP BY ${grouped}
    ), known AS (
      SELECT ${keys}, min(time) AS since, count(*) FILTER (${before})${once(before)} AS before
      FROM kubearmor.events
      WHERE ${whereBefore}
        AND ${condition}
      GROUP BY ${grouped}
    )
    SELECT CASE WHEN since IS NULL THEN 'NEW' END AS new, ${names.map((name) => `found.${name}`).join(', ')},
      count, coalesce(before, 0) AS before, blocked, pods, nodes, coalesce(since, first) AS first, last,
      ${hash === undefined ? '' : 'hash, '}node, seq
    FROM found LEFT JOIN known ON ${names.map((name) => `found.${name} IS NOT DISTINCT FROM known.${name}`).join(' AND ')}
    ORDER BY count, last DESC`;
}

const toEvent = toProcess('The latest of these, and what was around it');

/** Widths that fit side by side at 1280 px; the first and the processes take what is left. */
const listLooks = (subject: string): readonly Override[] => [
  field('new', {
    displayName: ' ',
    color: { mode: 'fixed', fixedColor: 'blue' },
    noValue: '',
    custom: { cellOptions: { type: 'color-text' }, width: 52 },
  }),
  fields(/^(path|address|domain)$/, { links: [toEvent] }),
  field('path', texts(230, true)),
  field('address', texts(150)),
  field('domain', texts(260, true)),
  fields(/^(process|parent)$/, { links: [toHunt()], ...texts(180, true) }),
  field('user', texts(95)),
  field('port', { unit: 'none', custom: { width: 65, align: 'left' } }),
  field('protocol', { custom: { width: 82 } }),
  fields(/^(count|before|blocked)$/, { custom: { width: 72 } }),
  fields(/^(pods|nodes)$/, { custom: { width: 62 } }),
  field('blocked', {
    mappings: [{ type: 'value', options: { '0': { text: '·', color: 'text', index: 0 } } }],
    thresholds: always(outcomeColours.blocked),
    custom: { cellOptions: { type: 'color-text' } },
  }),
  filtered(['path', 'address', 'domain', 'process', 'parent', 'user']),
  fields(/^(first|last)$/, moment),
  field('first', { links: [toHunt(`__data.fields["${subject}"]`)] }),
  field('hash', { links: [toHunt()], mappings: [shortWords(80)], custom: { width: 80, inspect: true } }),
  hidden('node'),
  hidden('seq'),
];

function listLine(list: List, title?: string): Line {
  const panel = table({
    title: list.title,
    description: list.description,
    queries: [sql(listSql(list), { limit: 500 })],
    empty: list.empty,
    overrides: listLooks(list.columns[0]?.[0] ?? ''),
  });
  return { ...(title === undefined ? {} : { title }), height: list.height, cells: [{ width: 24, panel }] };
}

/** Of an event: which list it belongs to, and what it is there. */
const kindOf = `CASE operation WHEN 'Process' THEN 'Processes' WHEN 'File' THEN 'Files'
      ELSE CASE direction WHEN 'egress' THEN 'Egress' WHEN 'ingress' THEN 'Ingress' WHEN 'dns' THEN 'DNS' END END`;
const itemOf = `CASE operation WHEN 'Process' THEN process WHEN 'File' THEN resource
      ELSE CASE direction WHEN 'dns' THEN domain ELSE concat_ws(':', remote_ip, remote_port) END END`;

const summary = `
  WITH items AS (
    SELECT ${kindOf} AS kind, ${itemOf} AS item,
      count(*) FILTER (${now}) - ${toldTwice(now)} AS events, count(*) FILTER (kind = 'log' AND ${now}) AS logs,
      count(*) FILTER (${before}) - ${toldTwice(before)} AS before, count(*) FILTER (kind = 'log') AS ever, min(time) AS first
    FROM kubearmor.events
    WHERE ${whereEver}
      AND (operation IN ('File', 'Network', 'NetworkFirewall') OR ${isExec()})
    GROUP BY ALL
  ), sums AS (
    SELECT kind, sum(events)::BIGINT AS events, sum(logs)::BIGINT AS logs, sum(before)::BIGINT AS before,
      sum(ever)::BIGINT AS ever, count(*) FILTER (events > 0) AS different, count(*) FILTER (events > 0 AND first >= $__timeFrom) AS new,
      count(*) FILTER (events = 0 AND before > 0) AS gone
    FROM items GROUP BY kind
  ), kinds AS (
    SELECT unnest(['Processes', 'Files', 'Egress', 'Ingress', 'DNS']) AS kind, unnest([1, 2, 3, 4, 5]) AS place
  ), total AS (
    SELECT coalesce(sum(events), 0) AS events,
      coalesce(sum(logs) FILTER (kind NOT IN ('Processes', 'Files')), 0) AS network
    FROM sums
  )
  SELECT kinds.kind AS what, coalesce(sums.events, 0) AS events, coalesce(sums.before, 0) AS before,
    100.0 * (sums.events - sums.before) / nullif(sums.before, 0) AS change,
    coalesce(sums.different, 0) AS different, CASE WHEN (SELECT min(first) FROM items) < $__timeFrom THEN coalesce(sums.new, 0) END AS new, coalesce(sums.gone, 0) AS gone,
    CASE
      WHEN coalesce(sums.logs, 0) > 0 THEN NULL
      WHEN total.events = 0 THEN 'Nothing at all matched in this time range.'
      WHEN sums.ever > 0 THEN 'None in this time range.'
      WHEN kinds.kind = 'Files' THEN '${fileSentence.replaceAll("'", "''")}'
      WHEN kinds.kind = 'Processes' THEN 'None in this time range; they come where kubearmor-visibility names process.'
      WHEN total.network > 0 THEN 'None in this time range.'
      ELSE 'None in this time range; they come where kubearmor-visibility names network.'
    END AS remark
  FROM kinds LEFT JOIN sums USING (kind) CROSS JOIN total
  ORDER BY kinds.place`;

/** What a workload does, and what of it is unusual. */
export const workloadBehaviour: DashboardSpec = {
  uid: uids.workload,
  title: 'Armorlake · Workload behaviour',
  description: 'Processes, files and connections of a workload: the rarest first, the new ones marked.',
  variables: [datasource, cluster, members, node, namespace, workload, pod, adHoc, ...carriedAlerts],
  annotations,
  lines: [
    {
      height: 9,
      cells: [
        {
          width: 14,
          panel: table({
            title: 'What is seen',
            description:
              'Events of each kind, now and in the stretch of the same length before; how many different ones, how many of them never seen before (— where nothing from before the range is remembered), and how many that were there before and are gone. The remark says why a kind is empty.',
            queries: [sql(summary)],
            overrides: [
              field('what', { custom: { width: 90 } }),
              fields(/^(events|before|different|new|gone)$/, { custom: { width: 80 } }),
              field('new', {
                thresholds: [
                  { value: null, color: 'text' },
                  { value: 1, color: 'blue' },
                ],
                custom: { cellOptions: { type: 'color-text' }, width: 60 },
              }),
              field('gone', { custom: { width: 65 } }),
              field('change', { unit: 'percent', decimals: 0, custom: { width: 80 } }),
              field('remark', { noValue: '', ...texts(180, true) }),
            ],
          }),
        },
        {
          width: 10,
          panel: bars({
            title: 'Events by operation',
            empty: 'no event came in this time range from what is chosen above.',
            description:
              'Every event that came of the chosen workloads, a refused execution as its alert and its log. Regions: gaps, throttling, absent nodes. A click on a bar shows only its time.',
            queries: [
              sql(
                `
                SELECT $__timeGroup(time, auto, 0) AS time, operation, count(*) AS events
                FROM kubearmor.events
                WHERE ${where}
                GROUP BY ALL ORDER BY time`,
                { type: 'timeseries' },
              ),
            ],
            style: { links: [bucketLink('Show only this time', uids.workload)] },
            overrides: operationSeries,
          }),
        },
      ],
    },
    listLine(processes),
    listLine(files),
    listLine(egress, 'Network'),
    listLine(ingress),
    listLine(dns),
    {
      title: 'How it hangs together',
      height: 16,
      cells: [
        {
          width: 24,
          panel: nodeGraph({
            title: 'Pod → process → resource',
            empty: 'no event came in this time range from what is chosen above.',
            description:
              'Which pods ran what, and what that touched: the most frequent ones, everything else put together.',
            queries: [behaviourGraph('kubearmor.events', chosen)],
          }),
        },
      ],
    },
    {
      title: 'Logs',
      collapsed: true,
      height: 14,
      cells: [
        {
          width: 24,
          panel: logs({
            title: 'The latest events',
            empty: 'no event came in this time range from what is chosen above.',
            description:
              'The latest 200 events of what is chosen above, alerts and telemetry. Open one for all of its fields, and for the way to its process.',
            queries: [latestLines('kubearmor.events', chosen, 200)],
          }),
        },
      ],
    },
  ],
};
