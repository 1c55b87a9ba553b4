/** An event as `karmor logs --json` prints it. */
export type KubeArmorEvent = Readonly<Record<string, unknown>>;

/** What all events of a test's machine have; anything may be overridden. */
export interface Machine {
  readonly HostName: string;
  readonly NodeID?: string;
  readonly ClusterName?: string;
}

const start = Date.UTC(2026, 0, 1, 10);

/** A moment of the tests' day, seconds after 10:00, as KubeArmor writes it (µs). */
export function at(seconds: number): string {
  const micros = Math.round(seconds * 1e6);
  const ms = start + Math.floor(micros / 1000);
  return new Date(ms).toISOString().replace('Z', `${String(micros % 1000).padStart(3, '0')}Z`);
}

/** Makes the events of one machine; the pod is the same for all unless it is overridden. */
export class EventMaker {
  readonly #common: KubeArmorEvent;

  constructor(machine: Machine) {
    this.#common = {
      ClusterName: 'default',
      NamespaceName: 'shop',
      PodName: 'web-1',
      ContainerID: 'c1',
      ContainerName: 'web',
      Type: 'ContainerLog',
      UID: 0,
      Result: 'Passed',
      ...machine,
    };
  }

  #event(seconds: number, own: KubeArmorEvent): KubeArmorEvent {
    return { ...this.#common, Timestamp: Math.floor(start / 1000 + seconds), UpdatedTime: at(seconds), ...own };
  }

  /** An exec of `command` (path and arguments) by a PID whose parent has another. */
  exec(seconds: number, pid: number, ppid: number, command: string, own: KubeArmorEvent = {}): KubeArmorEvent {
    const [path] = command.split(' ');
    return this.#event(seconds, {
      Operation: 'Process',
      HostPID: pid,
      HostPPID: ppid,
      ProcessName: path,
      ParentProcessName: '/bin/bash',
      Source: '/bin/bash',
      Resource: command,
      Data: 'syscall=SYS_EXECVE',
      ...own,
    });
  }

  file(seconds: number, pid: number, path: string, own: KubeArmorEvent = {}): KubeArmorEvent {
    return this.#event(seconds, {
      Operation: 'File',
      HostPID: pid,
      HostPPID: 1,
      ProcessName: '/bin/some',
      Source: '/bin/some',
      Resource: path,
      Data: 'syscall=SYS_OPENAT fd=-100 flags=O_RDONLY',
      ...own,
    });
  }

  connect(seconds: number, pid: number, ip: string, port: number, own: KubeArmorEvent = {}): KubeArmorEvent {
    return this.#event(seconds, {
      Operation: 'Network',
      HostPID: pid,
      HostPPID: 1,
      ProcessName: '/bin/some',
      Source: '/bin/some',
      Resource: `remoteip=${ip} port=${String(port)} protocol=TCP`,
      Data: 'kprobe=tcp_connect domain=AF_INET',
      ...own,
    });
  }
}

/** What makes an event the alert of a policy that blocked it. */
export const blocked: KubeArmorEvent = {
  Type: 'MatchedPolicy',
  PolicyName: 'no-miners',
  Severity: '8',
  Action: 'Block',
  Result: 'Permission denied',
  Enforcer: 'BPFLSM',
};

/** What makes an event the alert of a policy that only watches. */
export const audited: KubeArmorEvent = {
  Type: 'MatchedPolicy',
  PolicyName: 'watch',
  Severity: '3',
  Action: 'Audit',
  Enforcer: 'eBPF Monitor',
};
