import type { BatchBuilder, FixedColumn, ListColumn, MapColumn, TableRows, TextColumn } from '../../lake/index.js';
import { kubearmorAlerts, kubearmorLogs, kubearmorMessages } from '../../lake/index.js';
import type { AlertRow, EventRow, LogRow, MessageRow } from './rows.js';

/** The columns every event row begins with, and the host. */
class EventColumns {
  readonly #time: FixedColumn;
  readonly #receivedAt: FixedColumn;
  readonly #connector: TextColumn;
  readonly #cluster: TextColumn;
  readonly #tags: ListColumn;
  readonly #quality: ListColumn;
  readonly #host: TextColumn;

  constructor(rows: TableRows) {
    this.#time = rows.fixed('time');
    this.#receivedAt = rows.fixed('received_at');
    this.#connector = rows.text('connector');
    this.#cluster = rows.text('cluster');
    this.#tags = rows.list('tags');
    this.#quality = rows.list('quality');
    this.#host = rows.text('host');
  }

  put(at: number, row: EventRow): void {
    this.#time.put(at, row.time);
    this.#receivedAt.put(at, row.received_at);
    this.#connector.put(at, row.connector);
    this.#cluster.put(at, row.cluster);
    this.#tags.put(at, row.tags);
    this.#quality.put(at, row.quality);
    this.#host.put(at, row.host);
  }
}

/** The columns logs and alerts share: one statement each, because a loop over names costs several times as much. */
class LogColumns {
  readonly #event: EventColumns;
  readonly #machineId: TextColumn;
  readonly #namespace: TextColumn;
  readonly #pod: TextColumn;
  readonly #container: TextColumn;
  readonly #containerId: TextColumn;
  readonly #image: TextColumn;
  readonly #workloadKind: TextColumn;
  readonly #workload: TextColumn;
  readonly #workloadNamespace: TextColumn;
  readonly #labels: MapColumn;
  readonly #hostPid: FixedColumn;
  readonly #hostPpid: FixedColumn;
  readonly #pid: FixedColumn;
  readonly #ppid: FixedColumn;
  readonly #uid: FixedColumn;
  readonly #userName: TextColumn;
  readonly #process: TextColumn;
  readonly #parentProcess: TextColumn;
  readonly #cwd: TextColumn;
  readonly #tty: TextColumn;
  readonly #type: TextColumn;
  readonly #operation: TextColumn;
  readonly #source: TextColumn;
  readonly #resource: TextColumn;
  readonly #data: TextColumn;
  readonly #eventData: MapColumn;
  readonly #result: TextColumn;
  readonly #outcome: TextColumn;
  readonly #syscall: TextColumn;
  readonly #direction: TextColumn;
  readonly #remoteIp: TextColumn;
  readonly #remotePort: FixedColumn;
  readonly #localPort: FixedColumn;
  readonly #protocol: TextColumn;
  readonly #domain: TextColumn;
  readonly #execSession: TextColumn;
  readonly #execName: TextColumn;
  readonly #processHash: TextColumn;
  readonly #parentHash: TextColumn;
  readonly #resourceHash: TextColumn;
  readonly #hashAlgo: TextColumn;

  constructor(rows: TableRows) {
    this.#event = new EventColumns(rows);
    this.#machineId = rows.text('machine_id');
    this.#namespace = rows.text('namespace');
    this.#pod = rows.text('pod');
    this.#container = rows.text('container');
    this.#containerId = rows.text('container_id');
    this.#image = rows.text('image');
    this.#workloadKind = rows.text('workload_kind');
    this.#workload = rows.text('workload');
    this.#workloadNamespace = rows.text('workload_namespace');
    this.#labels = rows.map('labels');
    this.#hostPid = rows.fixed('host_pid');
    this.#hostPpid = rows.fixed('host_ppid');
    this.#pid = rows.fixed('pid');
    this.#ppid = rows.fixed('ppid');
    this.#uid = rows.fixed('uid');
    this.#userName = rows.text('user_name');
    this.#process = rows.text('process');
    this.#parentProcess = rows.text('parent_process');
    this.#cwd = rows.text('cwd');
    this.#tty = rows.text('tty');
    this.#type = rows.text('type');
    this.#operation = rows.text('operation');
    this.#source = rows.text('source');
    this.#resource = rows.text('resource');
    this.#data = rows.text('data');
    this.#eventData = rows.map('event_data');
    this.#result = rows.text('result');
    this.#outcome = rows.text('outcome');
    this.#syscall = rows.text('syscall');
    this.#direction = rows.text('direction');
    this.#remoteIp = rows.text('remote_ip');
    this.#remotePort = rows.fixed('remote_port');
    this.#localPort = rows.fixed('local_port');
    this.#protocol = rows.text('protocol');
    this.#domain = rows.text('domain');
    this.#execSession = rows.text('exec_session');
    this.#execName = rows.text('exec_name');
    this.#processHash = rows.text('process_hash');
    this.#parentHash = rows.text('parent_hash');
    this.#resourceHash = rows.text('resource_hash');
    this.#hashAlgo = rows.text('hash_algo');
  }

  put(at: number, row: LogRow): void {
    this.#event.put(at, row);
    this.#machineId.put(at, row.machine_id);
    this.#namespace.put(at, row.namespace);
    this.#pod.put(at, row.pod);
    this.#container.put(at, row.container);
    this.#containerId.put(at, row.container_id);
    this.#image.put(at, row.image);
    this.#workloadKind.put(at, row.workload_kind);
    this.#workload.put(at, row.workload);
    this.#workloadNamespace.put(at, row.workload_namespace);
    this.#labels.put(at, row.labels);
    this.#hostPid.put(at, row.host_pid);
    this.#hostPpid.put(at, row.host_ppid);
    this.#pid.put(at, row.pid);
    this.#ppid.put(at, row.ppid);
    this.#uid.put(at, row.uid);
    this.#userName.put(at, row.user_name);
    this.#process.put(at, row.process);
    this.#parentProcess.put(at, row.parent_process);
    this.#cwd.put(at, row.cwd);
    this.#tty.put(at, row.tty);
    this.#type.put(at, row.type);
    this.#operation.put(at, row.operation);
    this.#source.put(at, row.source);
    this.#resource.put(at, row.resource);
    this.#data.put(at, row.data);
    this.#eventData.put(at, row.event_data);
    this.#result.put(at, row.result);
    this.#outcome.put(at, row.outcome);
    this.#syscall.put(at, row.syscall);
    this.#direction.put(at, row.direction);
    this.#remoteIp.put(at, row.remote_ip);
    this.#remotePort.put(at, row.remote_port);
    this.#localPort.put(at, row.local_port);
    this.#protocol.put(at, row.protocol);
    this.#domain.put(at, row.domain);
    this.#execSession.put(at, row.exec_session);
    this.#execName.put(at, row.exec_name);
    this.#processHash.put(at, row.process_hash);
    this.#parentHash.put(at, row.parent_hash);
    this.#resourceHash.put(at, row.resource_hash);
    this.#hashAlgo.put(at, row.hash_algo);
  }
}

class LogWriter {
  readonly #rows: TableRows;
  readonly #columns: LogColumns;

  constructor(rows: TableRows) {
    this.#rows = rows;
    this.#columns = new LogColumns(rows);
  }

  write(row: LogRow): void {
    this.#columns.put(this.#rows.row, row);
    this.#rows.endRow();
  }
}

class AlertWriter {
  readonly #rows: TableRows;
  readonly #columns: LogColumns;
  readonly #policy: TextColumn;
  readonly #severity: FixedColumn;
  readonly #message: TextColumn;
  readonly #action: TextColumn;
  readonly #enforcer: TextColumn;
  readonly #maxAlertsPerSec: FixedColumn;
  readonly #droppingAlertsInterval: FixedColumn;
  readonly #kubearmorVersion: TextColumn;

  constructor(rows: TableRows) {
    this.#rows = rows;
    this.#columns = new LogColumns(rows);
    this.#policy = rows.text('policy');
    this.#severity = rows.fixed('severity');
    this.#message = rows.text('message');
    this.#action = rows.text('action');
    this.#enforcer = rows.text('enforcer');
    this.#maxAlertsPerSec = rows.fixed('max_alerts_per_sec');
    this.#droppingAlertsInterval = rows.fixed('dropping_alerts_interval');
    this.#kubearmorVersion = rows.text('kubearmor_version');
  }

  write({ log, alert }: AlertRow): void {
    const at = this.#rows.row;
    this.#columns.put(at, log);
    this.#policy.put(at, alert.policy);
    this.#severity.put(at, alert.severity);
    this.#message.put(at, alert.message);
    this.#action.put(at, alert.action);
    this.#enforcer.put(at, alert.enforcer);
    this.#maxAlertsPerSec.put(at, alert.max_alerts_per_sec);
    this.#droppingAlertsInterval.put(at, alert.dropping_alerts_interval);
    this.#kubearmorVersion.put(at, alert.kubearmor_version);
    this.#rows.endRow();
  }
}

class MessageWriter {
  readonly #rows: TableRows;
  readonly #columns: EventColumns;
  readonly #hostIp: TextColumn;
  readonly #type: TextColumn;
  readonly #level: TextColumn;
  readonly #message: TextColumn;

  constructor(rows: TableRows) {
    this.#rows = rows;
    this.#columns = new EventColumns(rows);
    this.#hostIp = rows.text('host_ip');
    this.#type = rows.text('type');
    this.#level = rows.text('level');
    this.#message = rows.text('message');
  }

  write(row: MessageRow): void {
    const at = this.#rows.row;
    this.#columns.put(at, row);
    this.#hostIp.put(at, row.host_ip);
    this.#type.put(at, row.type);
    this.#level.put(at, row.level);
    this.#message.put(at, row.message);
    this.#rows.endRow();
  }
}

/** Puts rows of the KubeArmor tables a builder has into its batches; it stays good over the builder's `finish`. */
export class KubeArmorWriters {
  readonly #builder: BatchBuilder;
  #logs: LogWriter | undefined;
  #alerts: AlertWriter | undefined;
  #messages: MessageWriter | undefined;

  constructor(builder: BatchBuilder) {
    this.#builder = builder;
  }

  get logs(): LogWriter {
    return (this.#logs ??= new LogWriter(this.#builder.rowsOf(kubearmorLogs)));
  }

  get alerts(): AlertWriter {
    return (this.#alerts ??= new AlertWriter(this.#builder.rowsOf(kubearmorAlerts)));
  }

  get messages(): MessageWriter {
    return (this.#messages ??= new MessageWriter(this.#builder.rowsOf(kubearmorMessages)));
  }
}
