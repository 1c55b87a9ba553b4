import type { Column, ColumnType, RetentionGroup, Table } from './schema.js';
import { tableName } from './schema.js';

function column(name: string, type: ColumnType, description: string, source?: string): Column {
  return source === undefined ? { name, type, description } : { name, type, description, source };
}

/** The columns every event row begins with. */
const eventColumns: readonly Column[] = [
  column(
    'time',
    'TIMESTAMP',
    "The event's own time, UTC, as the sender said it; its arrival where it can't be (quality says so)",
    'UpdatedTime',
  ),
  column(
    'received_at',
    'TIMESTAMP',
    'When this node received the event, UTC; never goes backwards, unless a wrong clock is set right',
  ),
  column('node', 'VARCHAR', 'The Armorlake node that stored the event'),
  column('seq', 'BIGINT', "The node's own number of the event; (node, seq) identifies it for ever"),
  column('connector', 'VARCHAR', 'The connector or intake it came in by'),
  column('cluster', 'VARCHAR', 'Cluster of the host', 'ClusterName'),
  column('tags', 'VARCHAR[]', "The sender's tags and those of tag policies", 'ATags'),
  column('quality', 'VARCHAR[]', 'What was repaired, capped or redacted, as time:arrival, capped:resource, redacted'),
];

/** KubeArmor's own fields, of logs and alerts alike. */
const kubearmorColumns: readonly Column[] = [
  column('host', 'VARCHAR', 'The host KubeArmor runs on (its own term is node)', 'HostName'),
  column('machine_id', 'VARCHAR', "The host's machine id", 'NodeID'),
  column('namespace', 'VARCHAR', 'Kubernetes namespace; container_namespace without Kubernetes', 'NamespaceName'),
  column('pod', 'VARCHAR', 'Pod name', 'PodName'),
  column('container', 'VARCHAR', 'Container name', 'ContainerName'),
  column('container_id', 'VARCHAR', 'Container id', 'ContainerID'),
  column('image', 'VARCHAR', 'Container image', 'ContainerImage'),
  column('workload_kind', 'VARCHAR', 'Kind of the owning workload, as Deployment', 'Owner.Ref'),
  column('workload', 'VARCHAR', 'Name of the owning workload', 'Owner.Name'),
  column('workload_namespace', 'VARCHAR', 'Namespace of the owning workload', 'Owner.Namespace'),
  column('labels', 'MAP(VARCHAR, VARCHAR)', "The pod's or host's labels", 'Labels'),
  column('host_pid', 'INTEGER', 'Process id as the host sees it', 'HostPID'),
  column('host_ppid', 'INTEGER', "Parent's process id as the host sees it", 'HostPPID'),
  column('pid', 'INTEGER', 'Process id in its own PID namespace', 'PID'),
  column('ppid', 'INTEGER', "Parent's process id in its own PID namespace", 'PPID'),
  column('uid', 'BIGINT', 'User id', 'UID'),
  column('user_name', 'VARCHAR', 'User name', 'UserName'),
  column('process', 'VARCHAR', 'Path of the process', 'ProcessName'),
  column('parent_process', 'VARCHAR', "Path of the parent's process", 'ParentProcessName'),
  column('cwd', 'VARCHAR', 'Working directory', 'Cwd'),
  column('tty', 'VARCHAR', 'Terminal, as pts0; marks an interactive shell', 'TTY'),
  column('type', 'VARCHAR', 'ContainerLog, HostLog, MatchedPolicy, MatchedHostPolicy, SystemEvent, …', 'Type'),
  column('operation', 'VARCHAR', 'Process, File, Network, Capabilities, Syscall, …', 'Operation'),
  column('source', 'VARCHAR', 'Who did it: the parent, or the command line of the actor', 'Source'),
  column('resource', 'VARCHAR', 'What was touched: path with arguments, file, or address', 'Resource'),
  column('data', 'VARCHAR', "KubeArmor's detail, as syscall=SYS_OPENAT fd=-100 flags=O_RDONLY", 'Data'),
  column('event_data', 'MAP(VARCHAR, VARCHAR)', 'The same detail as pairs, where the sender gave it', 'EventData'),
  column('result', 'VARCHAR', 'Passed, Permission denied, …', 'Result'),
  column('outcome', 'VARCHAR', 'happened, blocked or failed (derived from Action and Result)'),
  column('syscall', 'VARCHAR', 'System call, kernel probe or LSM hook (from Data)'),
  column('direction', 'VARCHAR', 'Of a network event: egress, ingress or dns (from Data)'),
  column('remote_ip', 'VARCHAR', 'Remote address of a network event (from Resource, Data or EventData)'),
  column('remote_port', 'INTEGER', "The peer's port of a network event; NULL where the sender tells its own only"),
  column('local_port', 'INTEGER', "The host's own port of a connection that was accepted, or of bind and listen"),
  column('protocol', 'VARCHAR', 'TCP, UDP, … of a network event'),
  column('domain', 'VARCHAR', 'Domain asked for or connected to'),
  column(
    'exec_session',
    'VARCHAR',
    'Marks what entered the container from outside (kubectl exec); of one session the low 32 bits are the same, a child has its PID above',
    'ExecEvent.ExecID',
  ),
  column('exec_name', 'VARCHAR', 'Name of what entered the container', 'ExecEvent.ExecutableName'),
  column('process_hash', 'VARCHAR', "Hash of the process's binary", 'ProcessHash'),
  column('parent_hash', 'VARCHAR', "Hash of the parent's binary", 'ParentHash'),
  column('resource_hash', 'VARCHAR', 'Hash of the file touched', 'ResourceHash'),
  column('hash_algo', 'VARCHAR', 'Algorithm of the hashes', 'HashAlgo'),
];

const alertColumns: readonly Column[] = [
  column('policy', 'VARCHAR', 'Name of the policy that matched', 'PolicyName'),
  column('severity', 'UTINYINT', 'Severity 1 (low) to 10; NULL when unset', 'Severity'),
  column('message', 'VARCHAR', "The policy's message", 'Message'),
  column('action', 'VARCHAR', 'Block, Audit, Audit (Block), Allow', 'Action'),
  column('enforcer', 'VARCHAR', 'BPFLSM, AppArmor, SELinux, eBPF Monitor, …', 'Enforcer'),
  column('max_alerts_per_sec', 'INTEGER', "KubeArmor's throttle: alerts a second of a container", 'MaxAlertsPerSec'),
  column('dropping_alerts_interval', 'INTEGER', "KubeArmor's throttle: seconds of silence", 'DroppingAlertsInterval'),
  column('kubearmor_version', 'VARCHAR', 'Version of the KubeArmor that sent the alert', 'KubeArmorVersion'),
];

const node = column('node', 'VARCHAR', 'The Armorlake node the row speaks of');
const connector = column('connector', 'VARCHAR', 'The connector or intake');
const stream = column('stream', 'VARCHAR', "The sender's stream: alerts, logs, messages, …");

function event(
  schema: string,
  name: string,
  retention: RetentionGroup,
  description: string,
  own: readonly Column[],
): Table {
  return { schema, name, kind: 'event', retention, description, columns: [...eventColumns, ...own] };
}

export const kubearmorLogs = event(
  'kubearmor',
  'logs',
  'logs',
  "KubeArmor's telemetry: what processes, files and network did",
  kubearmorColumns,
);

export const kubearmorAlerts = event(
  'kubearmor',
  'alerts',
  'alerts',
  "KubeArmor's alerts: what matched a policy, and its throttle marks",
  [...kubearmorColumns, ...alertColumns],
);

export const kubearmorMessages = event(
  'kubearmor',
  'messages',
  'logs',
  "KubeArmor's own messages (needs -debug there)",
  [
    column('host', 'VARCHAR', 'The host KubeArmor runs on', 'HostName'),
    column('host_ip', 'VARCHAR', 'Its address', 'HostIP'),
    column('type', 'VARCHAR', "KubeArmor's type of message", 'Type'),
    column('level', 'VARCHAR', 'Log level', 'Level'),
    column('message', 'VARCHAR', 'The message', 'Message'),
  ],
);

const sharedColumnNames = kubearmorLogs.columns.map((each) => each.name).join(', ');

const kubearmorEvents: Table = {
  schema: 'kubearmor',
  name: 'events',
  kind: 'view',
  reads: ['kubearmor.logs', 'kubearmor.alerts'],
  description: 'Logs and alerts together; kind says which',
  columns: [column('kind', 'VARCHAR', "'log' or 'alert'"), ...kubearmorLogs.columns, ...alertColumns],
  sql:
    `SELECT 'log' AS kind, ${sharedColumnNames}, ${alertColumns.map((each) => `NULL::${each.type} AS ${each.name}`).join(', ')} FROM kubearmor.logs ` +
    `UNION ALL SELECT 'alert' AS kind, ${sharedColumnNames}, ${alertColumns.map((each) => each.name).join(', ')} FROM kubearmor.alerts`,
};

function history(name: string, description: string, columns: readonly Column[]): Table {
  return { schema: 'armorlake', name, kind: 'history', retention: 'ledger', description, columns };
}

function state(name: string, description: string, columns: readonly Column[]): Table {
  return { schema: 'armorlake', name, kind: 'state', description, columns };
}

export const ledger = history(
  'ledger',
  'The account of every event received: received = stored + dead_lettered + dropped',
  [
    column('minute', 'TIMESTAMP', 'The minute of the commit, UTC'),
    node,
    connector,
    stream,
    column('received', 'BIGINT', 'Messages received'),
    column('stored', 'BIGINT', 'Messages stored as rows'),
    column('dead_lettered', 'BIGINT', 'Messages that gave no row and are in armorlake.dead_letters'),
    column('dropped', 'BIGINT', 'Messages dropped; reason says why'),
    column('reason', 'VARCHAR', 'Why messages were dropped or dead-lettered; NULL when all were stored'),
  ],
);

export const gaps = history('gaps', 'Every known stretch of time in which events may be missing', [
  node,
  connector,
  stream,
  column('from_time', 'TIMESTAMP', 'Start, UTC'),
  column('to_time', 'TIMESTAMP', 'End, UTC; NULL while it is open'),
  column(
    'cause',
    'VARCHAR',
    'connect, break:13, ended, misconfigured, throttle, stopped, crash, worker, wal, file, restore, identity, archive, missing, surplus, exchanged, totals, disk_full',
  ),
  column('estimated', 'BIGINT', 'Events missing, where that can be told'),
]);

export const deadLetters = history(
  'dead_letters',
  'Messages that could not be decoded, and the original of repaired ones',
  [
    column('time', 'TIMESTAMP', 'When it was received, UTC'),
    node,
    connector,
    stream,
    column('seq', 'BIGINT', 'The row made from it; NULL when none could be made'),
    column('error', 'VARCHAR', 'What was wrong'),
    column('bytes', 'BLOB', 'The message as it came'),
  ],
);

export const queries = history('queries', 'Every query and tail run here: who asked what, and what it cost', [
  column('time', 'TIMESTAMP', 'When it began, UTC'),
  node,
  column('id', 'VARCHAR', 'Query id'),
  column('who', 'VARCHAR', "The token's name"),
  column('origin', 'VARCHAR', 'User, dashboard and panel as JSON, as the asker said'),
  column('sql', 'VARCHAR', 'The SQL'),
  column('fragments', 'INTEGER', 'Fragments it was split into'),
  column('rows', 'BIGINT', 'Rows answered'),
  column('bytes', 'BIGINT', 'Bytes answered'),
  column('ms', 'DOUBLE', 'Milliseconds taken'),
  column('error', 'VARCHAR', 'Code of its error; NULL when it succeeded'),
  column('via', 'VARCHAR', 'The query node whose part of a query this is; NULL when it was asked here'),
]);

export const nodeMetrics = history('node_metrics', 'How each node fared, a row about every minute', [
  column('time', 'TIMESTAMP', 'When the row was written, UTC'),
  node,
  column('version', 'VARCHAR', 'Armorlake version'),
  column('profile', 'VARCHAR', 'edge or server'),
  column('seconds', 'DOUBLE', "What the row stands for: seconds since the row before it, or since the node's start"),
  column('cpu_seconds', 'DOUBLE', 'Processor time of all its processes in these seconds; NULL where that is not told'),
  column('rss_bytes', 'BIGINT', 'Resident memory of all its processes; NULL where that is not told'),
  column('written_bytes', 'BIGINT', 'Bytes its processes had written to disk in these seconds; NULL where not told'),
  column('network_sent_bytes', 'BIGINT', "Bytes of answers to the network's queries in these seconds"),
  column('network_received_bytes', 'BIGINT', 'Bytes of answers that other nodes gave to it in these seconds'),
  column('ingest_lag_seconds', 'DOUBLE', 'Age of the oldest batch of events that waited for its commit'),
  column('events', 'BIGINT', 'Events committed in these seconds'),
  column('engine_restarts', 'INTEGER', 'Restarts of its database engine in these seconds'),
  column('lake_bytes', 'BIGINT', 'Bytes of the lake file in use'),
  column('wal_bytes', 'BIGINT', 'Bytes of the write-ahead log'),
  column('archive_bytes', 'BIGINT', 'Bytes of the archive files'),
  column('disk_limit_bytes', 'BIGINT', 'What the lake file may take before its oldest rows go early'),
  column('disk_free_bytes', 'BIGINT', 'Free on the disk of the data folder, without what is always left free there'),
  column('certificate_expires', 'TIMESTAMP', 'End of its network certificate, UTC; NULL when it has none'),
]);

export const archive = history('archive', 'The archive files: immutable Parquet, one table and one seq interval each', [
  column('table_name', 'VARCHAR', 'The event table, as kubearmor.logs'),
  column('first_seq', 'BIGINT', 'First seq in the file'),
  column('last_seq', 'BIGINT', 'Last seq in the file'),
  column('min_time', 'TIMESTAMP', 'Earliest time in the file'),
  column('max_time', 'TIMESTAMP', 'Latest time in the file'),
  column('rows', 'BIGINT', 'Rows'),
  column('bytes', 'BIGINT', 'Size of the file'),
  column('file', 'VARCHAR', 'File name in the archive folder'),
  column('sha256', 'VARCHAR', 'SHA-256 of the file, in hexadecimal; NULL when an older version wrote it'),
]);

export const connectors = state('connectors', 'The connectors of the node and how they are', [
  node,
  column('name', 'VARCHAR', 'Connector name'),
  column('kind', 'VARCHAR', 'kubearmor, …'),
  column('state', 'VARCHAR', 'connecting, streaming, degraded, misconfigured, stopped'),
  column('since', 'TIMESTAMP', 'Since when, UTC'),
  column('last_event', 'TIMESTAMP', 'Arrival of its last event, UTC'),
  column('rate', 'DOUBLE', 'Events a second, over the last minute'),
  column('breaks', 'BIGINT', 'Stream breaks since the node started'),
  column('version', 'VARCHAR', "The sender's version, when seen"),
  column('detail', 'VARCHAR', 'What is wrong and what to do, in a sentence'),
]);

export const nodes = state('nodes', 'The nodes the asked node knows, itself included', [
  column('name', 'VARCHAR', 'Node name'),
  column('role', 'VARCHAR', 'edge or query'),
  column('state', 'VARCHAR', 'alive, failed, …'),
  column('version', 'VARCHAR', 'Armorlake version'),
  column('labels', 'MAP(VARCHAR, VARCHAR)', "The node's labels"),
  column('last_contact', 'TIMESTAMP', 'Last heartbeat, UTC'),
  column('clock_offset_ms', 'DOUBLE', "The node's clock minus the asked node's"),
  column('tables', 'VARCHAR[]', 'Tables it holds'),
]);

/** Every table a user can query, in the order of the catalog. */
export const tables: readonly Table[] = [
  kubearmorLogs,
  kubearmorAlerts,
  kubearmorMessages,
  kubearmorEvents,
  ledger,
  gaps,
  deadLetters,
  queries,
  nodeMetrics,
  archive,
  connectors,
  nodes,
];

/** Event tables in the order their rows get seq within one batch. */
export const eventTables: readonly Table[] = tables.filter((table) => table.kind === 'event');

/** Tables that lie in the lake file. */
export const storedTables: readonly Table[] = tables.filter(({ kind }) => kind === 'event' || kind === 'history');

/** Those whose rows are counted as they come and go; the archive's manifest is checked against the files themselves. */
export const countedTables: readonly Table[] = storedTables.filter((table) => table !== archive);

/** The table of this name (`schema.name`), or undefined. */
export function findTable(name: string): Table | undefined {
  return tables.find((table) => tableName(table) === name);
}
