import type { Random } from './random.js';
import type { Place, Process } from './world.js';

export type Operation = 'Process' | 'File' | 'Network' | 'Capabilities' | 'Syscall';

/** One thing a process did, in KubeArmor's words, before a policy looked at it. */
export interface Act {
  readonly place: Place;
  readonly process: Process;
  readonly parentPath: string;
  readonly operation: Operation;
  readonly source: string;
  readonly resource: string;
  readonly data: string;
  readonly eventData: Readonly<Record<string, string>>;
  readonly result: string;
  /** SHA-256 of the program and of its parent's, where KubeArmor hashes them. */
  readonly hashes?: { readonly process: string; readonly parent: string };
}

/** A process starts: the source is its parent, the resource its command line. */
export function execAct(place: Place, process: Process): Act {
  return {
    place,
    process,
    parentPath: process.parentPath,
    operation: 'Process',
    source: process.parentPath,
    resource: process.commandLine,
    data: 'syscall=SYS_EXECVE',
    eventData: { Syscall: 'SYS_EXECVE' },
    result: 'Passed',
  };
}

export function openAct(place: Place, process: Process, file: string, write = false): Act {
  const flags = write ? 'O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC' : 'O_RDONLY|O_CLOEXEC';
  return {
    ...actOf(place, process, 'File', file),
    data: `syscall=SYS_OPENAT fd=-100 flags=${flags}`,
    eventData: { Syscall: 'SYS_OPENAT', Fd: '-100', Flags: flags },
  };
}

/** A file that isn't there: the open fails. */
export function missingAct(place: Place, process: Process, file: string): Act {
  return { ...openAct(place, process, file), result: 'No such file or directory' };
}

/** Deleting a file is two events: the file's and the system call's. */
export function unlinkActs(place: Place, process: Process, file: string): readonly Act[] {
  const data = 'syscall=SYS_UNLINKAT flags=0';
  const eventData = { Syscall: 'SYS_UNLINKAT', Flags: '0' };
  return [
    { ...actOf(place, process, 'File', file), data, eventData },
    { ...actOf(place, process, 'Syscall', file), data, eventData },
  ];
}

export function connectAct(place: Place, process: Process, ip: string, port: number): Act {
  const domain = ip.includes(':') ? 'AF_INET6' : 'AF_INET';
  return {
    ...actOf(place, process, 'Network', `remoteip=${ip} port=${port} protocol=TCP`),
    data: `kprobe=tcp_connect domain=${domain}`,
    eventData: { Kprobe: 'tcp_connect', Domain: domain },
  };
}

export function acceptAct(place: Place, process: Process, ip: string, port: number): Act {
  return {
    ...actOf(place, process, 'Network', `remoteip=${ip} port=${port} protocol=TCP`),
    data: 'kprobe=tcp_accept domain=AF_INET',
    eventData: { Kprobe: 'tcp_accept', Domain: 'AF_INET' },
  };
}

/** A name look-up; the keys of its resource come in random order, as from KubeArmor. */
export function dnsAct(place: Place, process: Process, domain: string, random: Random): Act {
  const qtype = random.chance(0.5) ? 'A' : 'AAAA';
  const keys = ['sa_family=AF_INET', 'sin_port=53', 'sin_addr=10.96.0.10'];
  const start = random.between(0, 2);
  return {
    ...actOf(place, process, 'Network', [...keys.slice(start), ...keys.slice(0, start)].join(' ')),
    data: `kfunc=UDP_SENDSKB domain=${domain} daddr=10.96.0.10 qtype=${qtype}`,
    eventData: { Kfunc: 'UDP_SENDSKB', Domain: domain, Daddr: '10.96.0.10', Qtype: qtype },
  };
}

export function socketAct(place: Place, process: Process): Act {
  return {
    ...actOf(place, process, 'Network', 'domain=AF_UNIX type=SOCK_STREAM|SOCK_CLOEXEC protocol=0'),
    data: 'syscall=SYS_SOCKET',
    eventData: { Syscall: 'SYS_SOCKET' },
  };
}

export function capabilityAct(place: Place, process: Process, capability: string): Act {
  return {
    ...actOf(place, process, 'Capabilities', capability),
    data: `cap=${capability}`,
    eventData: { Cap: capability },
  };
}

function actOf(
  place: Place,
  process: Process,
  operation: Operation,
  resource: string,
): Omit<Act, 'data' | 'eventData'> {
  return {
    place,
    process,
    parentPath: process.parentPath,
    operation,
    source: process.commandLine,
    resource,
    result: 'Passed',
  };
}
