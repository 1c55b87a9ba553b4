import { defaultBuilder } from './defaults.js';
import { execSession } from './exec-session.js';
import { isExec } from './process/exec.js';
import type { ArmorlakeModel, BuilderQuery, Filter, FilterOperator, QueryType } from './model.js';

/** A query to start from; what it leaves out is as in a new query. */
export interface Recipe {
  readonly id: string;
  readonly title: string;
  /** What it answers, and what to change. */
  readonly description: string;
  readonly query: Partial<ArmorlakeModel>;
}

function filter(column: string, operator: FilterOperator, ...values: readonly string[]): Filter {
  return { column, operator, values };
}

function built(
  queryType: QueryType,
  table: string,
  parts: Partial<BuilderQuery>,
): Pick<ArmorlakeModel, 'queryType' | 'editor' | 'builder'> {
  return { queryType, editor: 'builder', builder: { ...defaultBuilder(table, queryType), ...parts } };
}

function written(...lines: readonly string[]): Pick<ArmorlakeModel, 'queryType' | 'editor' | 'sql'> {
  return { queryType: 'table', editor: 'sql', sql: lines.join('\n') };
}

/** What runs inside of the clusters' own networks and on the node itself. */
const ownNetworks = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '::1',
  'fe80::/10',
  'fc00::/7',
];

/** A program that was started: ptrace is told as operation Process, too. */
const execs: readonly Filter[] = [filter('operation', 'is', 'Process'), filter('syscall', 'is not', 'SYS_PTRACE')];

const shells = ['/bin/sh', '/bin/bash', '/usr/bin/sh', '/usr/bin/bash', '/bin/dash', '/usr/bin/dash', '/usr/bin/zsh'];

/**
 * "Start from…": what people ask first. What a policy matched comes as an alert and as no log: who asks for acts reads
 * events, with their outcome.
 */
export const recipes: readonly Recipe[] = [
  {
    id: 'has-this-run',
    title: 'Has this run?',
    description: 'Where and when a binary was executed. Put its path into the filter.',
    query: built('table', 'kubearmor.events', {
      filters: [...execs, filter('process', 'path is', '/usr/bin/curl'), filter('outcome', 'is', 'happened')],
      groupBy: ['node', 'host', 'namespace', 'pod', 'container'],
      aggregates: [
        { function: 'count', alias: 'times' },
        { function: 'min', column: 'time', alias: 'first' },
        { function: 'max', column: 'time', alias: 'last' },
      ],
      orderBy: [{ by: 'last', descending: true }],
    }),
  },
  {
    id: 'new-binaries',
    title: 'New binaries',
    description: 'What was executed in the time range, and not in the 30 days before it.',
    query: written(
      'SELECT process, process_hash, min(time) AS first_seen, count(*) AS times, count(DISTINCT node) AS nodes,',
      "  arg_min(concat_ws('/', node, namespace, pod), time) AS first_seen_in",
      'FROM kubearmor.events',
      `WHERE ${isExec()}`,
      "  AND process IS NOT NULL AND outcome = 'happened'",
      '  AND time >= $__timeFrom - INTERVAL 30 DAY AND time < $__timeTo',
      '  AND $__adHocFilters(kubearmor.events)',
      'GROUP BY process, process_hash',
      'HAVING min(time) >= $__timeFrom',
      'ORDER BY first_seen DESC',
    ),
  },
  {
    id: 'sessions',
    title: 'Sessions',
    description: 'What entered containers from outside (kubectl exec), and what it ran.',
    query: written(
      '-- A child inherits only the low half of the ExecID of what entered.',
      'SELECT node, namespace, pod, container,',
      `  ${execSession} AS session,`,
      '  min(time) AS began, max(time) AS last,',
      "  count(*) AS events, list(DISTINCT process ORDER BY process) FILTER (outcome = 'happened') AS processes",
      'FROM kubearmor.events',
      'WHERE $__timeFilter(time) AND exec_session IS NOT NULL',
      '  AND $__adHocFilters(kubearmor.events)',
      'GROUP BY node, namespace, pod, container, container_id, session',
      'ORDER BY began DESC',
    ),
  },
  {
    id: 'egress',
    title: 'Egress by destination',
    description: 'Connections out of the clusters, by address and port.',
    query: built('table', 'kubearmor.events', {
      filters: [
        filter('direction', 'is', 'egress'),
        filter('remote_ip', 'is set'),
        filter('remote_ip', 'not in cidr', ...ownNetworks),
        filter('outcome', 'is', 'happened'),
      ],
      groupBy: ['remote_ip', 'remote_port', 'protocol'],
      aggregates: [
        { function: 'count', alias: 'connections' },
        { function: 'count_distinct', column: 'workload', alias: 'workloads' },
        { function: 'count_distinct', column: 'process', alias: 'processes' },
        { function: 'max', column: 'time', alias: 'last' },
      ],
      orderBy: [{ by: 'connections', descending: true }],
    }),
  },
  {
    id: 'domains',
    title: 'Domains asked for',
    description: 'Names that workloads looked up or connected to.',
    query: built('table', 'kubearmor.events', {
      filters: [filter('domain', 'is set')],
      groupBy: ['domain', 'namespace', 'outcome'],
      aggregates: [
        { function: 'count', alias: 'times' },
        { function: 'min', column: 'time', alias: 'first' },
        { function: 'count_distinct', column: 'pod', alias: 'pods' },
      ],
      orderBy: [{ by: 'times', descending: true }],
    }),
  },
  {
    id: 'blocks-by-policy',
    title: 'Blocks by policy',
    description: 'How often each policy stopped something, over time.',
    query: built('timeseries', 'kubearmor.alerts', {
      filters: [filter('outcome', 'is', 'blocked')],
      groupBy: ['policy'],
    }),
  },
  {
    id: 'alerts-by-severity',
    title: 'Alerts by severity',
    description: 'Alerts over time, one series for each severity.',
    query: built('timeseries', 'kubearmor.alerts', { groupBy: ['severity'] }),
  },
  {
    id: 'severe-alerts',
    title: 'Severe alerts',
    description: 'The latest alerts of severity 7 and above, as log lines.',
    query: built('logs', 'kubearmor.alerts', { filters: [filter('severity', '>=', '7')] }),
  },
  {
    id: 'not-stopped',
    title: 'Matched, but not stopped',
    description: 'What a policy of severity 5 and above matched and what happened all the same.',
    query: built('table', 'kubearmor.alerts', {
      filters: [filter('outcome', 'is', 'happened'), filter('severity', '>=', '5')],
      columns: ['time', 'node', 'seq', 'namespace', 'pod', 'policy', 'severity', 'action', 'process', 'resource'],
    }),
  },
  {
    id: 'shells',
    title: 'Interactive shells',
    description: 'Shells with a terminal inside of containers.',
    query: built('table', 'kubearmor.events', {
      filters: [
        ...execs,
        filter('process', 'path is', ...shells),
        filter('tty', 'is set'),
        filter('container', 'is set'),
      ],
      columns: [
        'time',
        'node',
        'seq',
        'namespace',
        'pod',
        'container',
        'user_name',
        'tty',
        'parent_process',
        'resource',
        'outcome',
      ],
    }),
  },
  {
    id: 'secrets',
    title: 'Secrets read',
    description: 'Who touched keys, passwords and service account tokens.',
    query: built('table', 'kubearmor.events', {
      filters: [
        filter('operation', 'is', 'File'),
        filter(
          'resource',
          'path under',
          '/etc/shadow',
          '/root/.ssh',
          '/etc/kubernetes/pki',
          '/run/secrets/kubernetes.io',
          '/var/run/secrets/kubernetes.io',
        ),
      ],
      groupBy: ['namespace', 'pod', 'process', 'resource', 'outcome'],
      aggregates: [
        { function: 'count', alias: 'times' },
        { function: 'max', column: 'time', alias: 'last' },
      ],
      orderBy: [{ by: 'last', descending: true }],
    }),
  },
  {
    id: 'busiest-workloads',
    title: 'Busiest workloads',
    description: 'Events over time by namespace: who makes the noise.',
    query: built('timeseries', 'kubearmor.events', { groupBy: ['namespace'] }),
  },
  {
    id: 'gaps',
    title: 'Gaps and throttling',
    description: 'When and where events may be missing, and why.',
    query: built('table', 'armorlake.gaps', {}),
  },
  {
    id: 'behaviour',
    title: 'Behaviour of a workload',
    description: 'Pods, their processes and what these touched, as a graph. Choose a namespace.',
    query: {
      ...built('graph', 'kubearmor.events', { filters: [filter('namespace', 'is', 'default')] }),
      process: { target: null, view: 'table', graph: 'behaviour', nodeLimit: 100 },
    },
  },
];
