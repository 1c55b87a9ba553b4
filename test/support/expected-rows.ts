import type { PackedRow } from './packed-rows.js';
import { ARRIVAL_MS } from './connector-lane.js';

/** A KubeArmor event under KubeArmor's own field names, as JSON has it and protobuf-es decodes it. */
export type PlainEvent = Readonly<Record<string, unknown>>;

/**
 * The row an event should become, said as plainly as possible and without any of the normaliser's code: the second
 * opinion of the tests.
 */
export function expectedRow(event: PlainEvent, connector: string, alert: boolean): PackedRow {
  const text = (name: string, of: PlainEvent = event): string | null => (of[name] as string) || null;
  const number = (name: string): number => (event[name] as number | undefined) ?? 0;
  const part = (name: string): PlainEvent => (event[name] as PlainEvent | undefined) ?? {};
  const data = text('Data') ?? '';
  const resource = text('Resource') ?? '';
  const operation = text('Operation');
  const network = operation === 'Network' || operation === 'NetworkFirewall';
  const detail = `${data} ${resource}`;
  const find = (pattern: RegExp): string | null => (network ? (pattern.exec(detail)?.[1] ?? null) : null);
  const probe = /(?:syscall|kprobe|kfunc|lsm)=([^ ,]+)/.exec(data)?.[1] ?? null;
  const domain = find(/domain=([^ ,]+)/);
  const name = domain?.startsWith('AF_') === true ? null : domain;
  const inwards = resource === 'INGRESS';
  const protocol = find(/[pP]rotocol=([^ ,]+)/);
  const port = find(inwards ? /SourcePort=(\d+)/ : /(?:port|sin_port)=(\d+)/);
  const seconds = event.Timestamp === undefined ? 0 : Number(event.Timestamp);
  const updated = text('UpdatedTime');
  const time =
    updated !== null
      ? BigInt(Date.parse(`${updated.slice(0, 19)}Z`)) * 1000n + BigInt(updated.slice(20, 26))
      : seconds > 0
        ? BigInt(seconds) * 1_000_000n
        : BigInt(ARRIVAL_MS) * 1000n;
  const quality = updated !== null ? [] : [seconds > 0 ? 'time:seconds' : 'time:arrival'];
  const eventData = Object.entries(part('EventData')) as [string, string][];
  const labels = (text('Labels') ?? '')
    .split(',')
    .filter((label) => label !== '')
    .map((label): [string, string] => [label.slice(0, label.indexOf('=')), label.slice(label.indexOf('=') + 1)]);
  const ownPort = probe === 'tcp_accept' || probe === 'SYS_BIND';
  const firewall = find(inwards ? /DestinationPort=(\d+)/ : /SourcePort=(\d+)/);
  const socketType = find(/type=SOCK_(STREAM|DGRAM)/);
  const socket = protocol === '0' && domain?.startsWith('AF_INET') === true ? socketType : null;
  const tags = (event.ATags as string[] | null | undefined) ?? [];
  const result = text('Result');
  const session = text('ExecID', part('ExecEvent'));
  return {
    time,
    received_at: BigInt(ARRIVAL_MS) * 1000n,
    node: null,
    seq: null,
    connector,
    cluster: text('ClusterName'),
    tags: !alert ? [] : tags.length > 0 ? tags : (text('Tags') ?? '').split(',').filter((tag) => tag !== ''),
    quality,
    host: text('HostName'),
    machine_id: text('NodeID'),
    namespace: text('NamespaceName'),
    pod: text('PodName'),
    container: text('ContainerName'),
    container_id: text('ContainerID'),
    image: text('ContainerImage'),
    workload_kind: text('Ref', part('Owner')),
    workload: text('Name', part('Owner')),
    workload_namespace: text('Namespace', part('Owner')),
    labels: labels.length === 0 ? null : labels,
    host_pid: number('HostPID'),
    host_ppid: number('HostPPID'),
    pid: number('PID'),
    ppid: number('PPID'),
    uid: BigInt(number('UID')),
    user_name: text('UserName'),
    process: text('ProcessName'),
    parent_process: text('ParentProcessName'),
    cwd: text('Cwd'),
    tty: text('TTY'),
    type: text('Type'),
    operation,
    source: text('Source'),
    resource: text('Resource'),
    data: text('Data'),
    event_data: eventData.length === 0 ? null : eventData,
    result,
    outcome:
      (text('Action') === 'Block' && result !== 'Passed') ||
      result === 'Permission denied' ||
      result === 'Operation not permitted'
        ? 'blocked'
        : result === 'Passed'
          ? 'happened'
          : 'failed',
    syscall: probe,
    direction: direction(probe, resource, name !== null),
    remote_ip: find(inwards ? /SourceIP=([^ ,]+)/ : /(?:remoteip|sin_addr|daddr)=([^ ,]+)/),
    remote_port: port === null || ownPort ? null : Number(port),
    local_port: ownPort && port !== null ? Number(port) : firewall === null ? null : Number(firewall),
    protocol:
      protocol === '0'
        ? socket === null
          ? null
          : ({ STREAM: 'TCP', DGRAM: 'UDP' }[socket] ?? null)
        : (protocol ?? impliedProtocol(probe, network)),
    domain: name,
    exec_session: session === '0' ? null : session,
    exec_name: text('ExecutableName', part('ExecEvent')),
    process_hash: text('ProcessHash'),
    parent_hash: text('ParentHash'),
    resource_hash: text('ResourceHash'),
    hash_algo: text('HashAlgo'),
    ...(alert
      ? {
          policy: text('PolicyName'),
          severity: text('Severity') === null ? null : Number(text('Severity')),
          message: text('Message'),
          action: text('Action'),
          enforcer: text('Enforcer'),
          max_alerts_per_sec: number('MaxAlertsPerSec'),
          dropping_alerts_interval: number('DroppingAlertsInterval'),
          kubearmor_version: text('KubeArmorVersion'),
        }
      : {}),
  };
}

function direction(probe: string | null, resource: string, named: boolean): string | null {
  if (resource === 'INGRESS') return 'ingress';
  if (probe === 'tcp_connect' || probe === 'SYS_CONNECT' || probe === 'SOCKET_CONNECT') return 'egress';
  if (probe === 'tcp_accept' || probe === 'SYS_BIND') return 'ingress';
  return named ? 'dns' : null;
}

function impliedProtocol(probe: string | null, network: boolean): string | null {
  if (!network) return null;
  return probe?.startsWith('UDP_') === true ? 'UDP' : probe?.startsWith('tcp_') === true ? 'TCP' : null;
}
