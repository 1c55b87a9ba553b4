import { execSession, isExec, treeCtes } from '../../../plugin/shared/index.js';
import type { ArmorlakeModel } from '../../../plugin/shared/index.js';
import type { Cell, DashboardSpec } from '../build/dashboard.js';
import type { DataLink, Override } from '../build/fields.js';
import { field, hidden, moment, outcomeColumn, shortLine, texts } from '../build/fields.js';
import { handedOn, toHunt } from '../build/links.js';
import { logs, nodeGraph, table, waterfall } from '../build/panels.js';
import { aroundEvent, graphAroundEvent, sql } from '../build/queries.js';
import { always, coloured, outcomeColours, stateColours } from '../build/style.js';
import { uids } from '../build/uids.js';
import { carried, carriedEvents, cluster, datasource, derived, input, node } from '../build/variables.js';

/** What a link of somebody else's may say instead of a node. */
const noNode = "'$event_node' IN ('', chr(36) || '__all')";
/**
 * The event that the text boxes name: (node, seq), or the last event of a PID until a time (left out: the range's end). Its
 * number is the value, its node the text. A node that is named is not asked: when it is away, the panels say so.
 */
const event = derived(
  'event',
  `SELECT TRY_CAST('$seq' AS BIGINT) AS value, '$event_node' AS text WHERE NOT ${noNode} AND TRY_CAST('$seq' AS BIGINT) IS NOT NULL
UNION ALL
(SELECT seq, node FROM kubearmor.events
WHERE '$seq' = '' AND '$pid' <> '' AND host_pid = TRY_CAST('$pid' AS INTEGER)
  AND ('$host' = '' OR host = '$host' OR machine_id = '$host') AND (${noNode} OR node = '$event_node')
  AND time < INTERVAL 1 MILLISECOND + CASE
    WHEN regexp_full_match('$time', '[0-9]+') THEN make_timestamp(1000 * TRY_CAST('$time' AS BIGINT))
    ELSE coalesce(TRY_CAST(nullif('$time', '') AS TIMESTAMP), $__timeTo) END
ORDER BY time DESC, seq DESC LIMIT 1)`,
);

const chosen = { node: '${event:text}', seq: '${event:raw}' } as const;
/** Its node answers alone: a process tree lies on one. */
const scope = { clusters: [], nodes: [chosen.node], labels: {} };

const target = ['FROM kubearmor.events', "WHERE node = '${event:text}' AND seq = TRY_CAST('${event:raw}' AS BIGINT)"];

/** What its process and all that came of it did. */
const subtree = `
  ${treeCtes(target, { from: '($__timeFrom - INTERVAL 1 DAY)', to: '$__timeTo' })},
  did AS (
    SELECT owned.* FROM owned JOIN shown ON shown.place = owned.owner WHERE shown.depth >= 0
  )`;

function ofSubtree(select: string): ArmorlakeModel {
  return sql(`${subtree}\n${select}`, { scope, limit: 500 });
}

const choose =
  'no event is chosen, or its node does not hold it. Open this from an alert, or write an event above: its node and number (seq), or host, PID and time. An event outside of the time range is not found in its tree.';

/** One part of what KubeArmor said of an event: names → SQL of what is shown, and of what can be looked for elsewhere. */
type Card = readonly (readonly [name: string, sql: string, indicator?: string])[];

/** Rows of a card that have a dashboard of their own: its uid, and the values of the variables there. */
type Places = Readonly<Record<string, { readonly uid: string; readonly values: Readonly<Record<string, string>> }>>;

const toWorkloadOf = { namespace: 'namespace', workload: 'workload' } as const;
const places: Places = {
  policy: { uid: uids.policies, values: { policy: 'policy' } },
  workload: { uid: uids.workload, values: toWorkloadOf },
  pod: { uid: uids.workload, values: { ...toWorkloadOf, pod: 'pod' } },
};
const placeVariables = ['policy', 'namespace', 'workload', 'pod'] as const;
/** What a row doesn't name is All there. */
const toPlace: DataLink = {
  title: 'Its dashboard',
  url: `/d/\${__data.fields.board:percentencode}?${placeVariables.map((name) => `var-${name}=\${__data.fields["of ${name}"]:percentencode}`).join('&')}&${handedOn('policy', 'namespace', 'workload')}`,
};

const what: Card = [
  ['time (UTC)', "strftime(time, '%Y-%m-%d %H:%M:%S.%f')"],
  ['outcome', 'outcome'],
  ['operation', "concat_ws(' · ', operation, kind, type)"],
  ['resource', 'resource', "CASE WHEN operation = 'File' THEN resource END"],
  ['address', "concat_ws(':', remote_ip, remote_port)", 'remote_ip'],
  ['domain', 'domain', 'domain'],
  ['file hash', 'resource_hash', 'resource_hash'],
  ['policy', 'policy'],
  ['severity', 'severity::VARCHAR'],
  ['action', "concat_ws(' · ', action, enforcer)"],
  ['message', 'message'],
  ['tags', "array_to_string(tags, ', ')"],
  ['result', 'result'],
  ['detail', 'data'],
];

const who: Card = [
  ['process', 'process', 'process'],
  ['source', 'source'],
  ['parent', 'parent_process', 'parent_process'],
  ['user', "concat_ws(' · ', user_name, 'uid ' || uid)", 'user_name'],
  ['PID on host', "concat_ws(' ◂ ', host_pid, host_ppid)"],
  ['PID', "concat_ws(' ◂ ', pid, ppid)"],
  ['folder', 'cwd'],
  ['terminal', 'tty'],
  ['session', execSession],
  ['hash', 'process_hash', 'process_hash'],
  ['parent hash', 'parent_hash', 'parent_hash'],
];

const place: Card = [
  ['namespace', 'namespace'],
  ['workload', "concat_ws(' ', workload_kind, workload)"],
  ['pod', 'pod'],
  ['container', 'container'],
  ['image', 'image'],
  ['host', 'host'],
  ['cluster', 'cluster'],
  ['node / seq', "concat_ws(' / ', node, seq)"],
  ['quality', "array_to_string(quality, ', ')"],
];

/** A part of the event, one row for each thing that is said. */
function card(title: string, description: string, parts: Card): Cell {
  const list = (texts: readonly string[]): string => `unnest([${texts.join(', ')}])`;
  const of = (variable: string): string =>
    list(parts.map(([name]) => `coalesce(${places[name]?.values[variable] ?? 'NULL'}, chr(36) || '__all')`));
  const query = `
    SELECT field, value, CASE WHEN indicator <> '' THEN 'hunt' END AS hunt, CASE WHEN board <> '' THEN 'open' END AS open,
      indicator, board, ${placeVariables.map((name) => `"of ${name}"`).join(', ')}
    FROM (
      SELECT ${list(parts.map(([name]) => `'${name}'`))} AS field,
        ${list(parts.map(([, value]) => value))} AS value,
        ${list(parts.map(([, , indicator = 'NULL']) => indicator))} AS indicator,
        ${list(parts.map(([name]) => `'${places[name]?.uid ?? ''}'`))} AS board,
        ${placeVariables.map((name) => `${of(name)} AS "of ${name}"`).join(', ')}
      ${target.join(' ')}
    ) WHERE value <> ''`;
  const panel = table({
    title,
    description: `${description} "hunt" looks for a value on all nodes, "open" shows its dashboard.`,
    queries: [sql(query, { scope })],
    empty: choose,
    options: { showHeader: false },
    overrides: [
      field('field', {
        color: { mode: 'fixed', fixedColor: stateColours.unknown },
        custom: { cellOptions: { type: 'color-text' }, width: 95 },
      }),
      // The narrowest that the links beside it leave, at 1280 px.
      field('value', { noValue: '', ...texts(175, true) }),
      field('hunt', {
        noValue: '',
        links: [toHunt('__data.fields.indicator')],
        custom: { width: 55, hidden: !parts.some(([, , indicator]) => indicator !== undefined) },
      }),
      field('open', {
        noValue: '',
        links: [toPlace],
        custom: { width: 68, hidden: !parts.some(([name]) => name in places) },
      }),
      ...['indicator', 'board', ...placeVariables.map((name) => `of ${name}`)].map(hidden),
    ],
  });
  return { width: 8, panel };
}

/** The outcome that an alert speaks of, or that a refusal left: an ordinary act has none, and so no colour. */
const spokenOf = `coalesce(any_value(outcome) FILTER (kind = 'alert'), any_value(outcome) FILTER (outcome <> 'happened'))`;

const commands = ofSubtree(`
  SELECT min(time) AS time, ${spokenOf} AS outcome, any_value(resource) AS command,
    any_value(coalesce(user_name, uid::VARCHAR)) AS user, any_value(host_pid) AS PID, any_value(tty) AS tty,
    string_agg(DISTINCT policy, ', ') AS policy, min_by(node, time) AS node, min_by(seq, time) AS seq
  FROM did WHERE ${isExec()} GROUP BY place ORDER BY time`);

const files = ofSubtree(`
  SELECT resource AS path, process, count(*) AS count, count(*) FILTER (outcome = 'blocked') AS blocked,
    string_agg(DISTINCT policy, ', ') AS policy, min(time) AS first
  FROM did WHERE operation = 'File' GROUP BY resource, process ORDER BY first`);

const connections = ofSubtree(`
  SELECT direction, coalesce(domain, remote_ip) AS address, remote_port AS port, protocol, process, count(*) AS count,
    count(*) FILTER (outcome = 'blocked') AS blocked, string_agg(DISTINCT policy, ', ') AS policy, min(time) AS first
  FROM did WHERE operation IN ('Network', 'NetworkFirewall') AND coalesce(domain, remote_ip) IS NOT NULL
  GROUP BY ALL ORDER BY first`);

/** The nearest events of the same pod, or of the same host where there is none. */
const around = `
  WITH target AS (
    SELECT time, cluster, host, namespace, pod ${target.join(' ')}
  )
  SELECT e.time, e.node, e.seq,
    concat_ws(' · ', CASE WHEN e.seq = TRY_CAST('\${event:raw}' AS BIGINT) THEN '▶' END, e.outcome, e.operation, e.process, e.resource, e.policy, e.message) AS body,
    e.kind, e.outcome, e.severity, e.policy, e.action, e.operation, e.namespace, e.pod, e.container, e.process, e.parent_process, e.user_name, e.host_pid
  FROM kubearmor.events AS e, target
  WHERE e.cluster IS NOT DISTINCT FROM target.cluster AND e.host IS NOT DISTINCT FROM target.host
    AND e.namespace IS NOT DISTINCT FROM target.namespace AND e.pod IS NOT DISTINCT FROM target.pod
    AND e.time BETWEEN target.time - INTERVAL 10 MINUTE AND target.time + INTERVAL 10 MINUTE
  ORDER BY abs(date_diff('microsecond', e.time, target.time)), e.seq`;

/** The same dashboard around another event of the table's. */
function reroot(title: string, seq: string): DataLink {
  const pairs = [
    'var-event_node=${__data.fields.node:percentencode}',
    `var-seq=\${__data.fields["${seq}"].text}`,
    'var-host=&var-pid=&var-time=',
    handedOn(),
  ];
  return { title, url: `/d/${uids.process}?${pairs.join('&')}` };
}

const blocked = field('blocked', {
  mappings: [{ type: 'value', options: { '0': { text: '·', color: 'text', index: 0 } } }],
  thresholds: always(outcomeColours.blocked),
  custom: { cellOptions: { type: 'color-text' }, width: 72 },
});
const count: Override = field('count', { custom: { width: 68 } });
const policy: Override = field('policy', texts(250));

/** One event, and everything that hangs together with it. */
export const processForensics: DashboardSpec = {
  uid: uids.process,
  title: 'Armorlake · Process forensics',
  description: 'The process behind an event, what it came from, and everything it and its descendants did.',
  variables: [
    datasource,
    input('event_node', 'Node'),
    input('seq', 'Event (seq)'),
    input('host', 'or: host'),
    input('pid', 'PID on the host'),
    input('time', 'until (time)'),
    event,
    carried(cluster),
    carried(node),
    ...carriedEvents,
  ],
  annotations: [],
  lines: [
    {
      height: 13,
      cells: [
        card('What happened', 'What was done, and what came of it.', what),
        card('Who did it', 'The process, where it came from, and as whom it ran.', who),
        card('Where', 'The workload and the host.', place),
      ],
    },
    {
      height: 15,
      cells: [
        {
          width: 24,
          panel: table({
            title: 'Process tree',
            description:
              '▶ is its process: above it where it came from, below what came of it; ✕ was refused. A click on one draws the tree around it, ↑ around its parent. KubeArmor sends no exits: whether a process still runs is not known. Alerts are what policies said of it: only they are coloured.',
            queries: [aroundEvent('table', chosen)],
            empty: choose,
            overrides: [
              field('time', moment),
              field('+Δ', { custom: { width: 85 } }),
              field('tree', {
                links: [reroot('Tree around this process', 'seq')],
                // Wrapped it would be no tree.
                mappings: [shortLine(490)],
                custom: { width: null, minWidth: 280, inspect: true },
              }),
              field('user', texts(85)),
              field('outcome', {
                mappings: [coloured({ ...outcomeColours, happened: 'text' })],
                thresholds: always(stateColours.unknown),
                custom: { cellOptions: { type: 'color-text' }, width: 115 },
              }),
              field('files', { custom: { width: 55 } }),
              field('connections', { custom: { width: 100 } }),
              field('alerts', {
                thresholds: [
                  { value: null, color: 'text' },
                  { value: 1, color: outcomeColours.happened },
                ],
                custom: { cellOptions: { type: 'color-text' }, width: 65 },
              }),
              field('↑ parent', {
                displayName: 'parent',
                // What has no parent has no text, and so nothing to click.
                noValue: '',
                links: [reroot('↑ parent', '↑ parent')],
                custom: { width: 100 },
              }),
              hidden('pod'),
              hidden('node'),
              hidden('seq'),
              hidden('host_pid'),
            ],
          }),
        },
      ],
    },
    {
      height: 13,
      cells: [
        {
          width: 24,
          panel: waterfall({
            title: 'Observed activity',
            description:
              'The same processes over time. A bar ends with the last that was seen of a process or its descendants, not with its exit; red: refused, or alerts.',
            queries: [aroundEvent('waterfall', chosen)],
            empty: choose,
          }),
        },
      ],
    },
    {
      height: 15,
      cells: [
        {
          width: 24,
          panel: nodeGraph({
            title: 'Graph',
            description: 'The same processes as a graph, at most 200 of them; what is too much is put together.',
            queries: [graphAroundEvent('process', chosen)],
            empty: choose,
          }),
        },
      ],
    },
    {
      title: 'What the process and its descendants did',
      height: 10,
      cells: [
        {
          width: 24,
          panel: table({
            title: 'Commands',
            description: 'Every execution in the tree below the event, in order. A click draws the tree around it.',
            queries: [commands],
            empty: 'no execution is known below this event in this time range.',
            overrides: [
              field('time', moment),
              outcomeColumn(90),
              field('command', {
                links: [reroot('Tree around this execution', 'seq')],
                ...texts(400, true),
              }),
              field('user', texts(100)),
              field('PID', { unit: 'none', custom: { width: 80 } }),
              field('tty', texts(75)),
              policy,
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
          panel: table({
            title: 'Files',
            description:
              'Files that the tree below the event touched, first ones first. A click looks for one on all nodes.',
            queries: [files],
            empty:
              'these processes touched no file that KubeArmor told of in this time range. If no File event ever comes: its default visibility is process,network; annotate the namespace with kubearmor-visibility=process,file,network,capabilities.',
            overrides: [
              field('path', { links: [toHunt()], ...texts(300, true) }),
              field('process', texts(220)),
              count,
              blocked,
              policy,
              field('first', moment),
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
            title: 'Connections',
            description:
              'Connections and DNS questions of the tree below the event, first ones first. A click looks for one on all nodes.',
            queries: [connections],
            empty: 'no connection of these processes is known in this time range.',
            overrides: [
              field('direction', { custom: { width: 95 } }),
              field('address', { links: [toHunt()], ...texts(200, true) }),
              field('port', { unit: 'none', custom: { width: 75, align: 'left' } }),
              field('process', texts(220)),
              field('protocol', { custom: { width: 95 } }),
              count,
              blocked,
              policy,
              field('first', moment),
            ],
          }),
        },
      ],
    },
    {
      height: 12,
      cells: [
        {
          width: 24,
          panel: logs({
            title: 'Around it',
            description:
              'The events of the same pod (or host, where there is none) nearest to this one, ten minutes before to ten after; ▶ is the event itself.',
            queries: [sql(around, { type: 'logs', limit: 60, scope })],
            empty: choose,
            options: { sortOrder: 'Ascending' },
          }),
        },
      ],
    },
  ],
};
