import type { LogFields } from '@armorlake/proto';
import { Random } from './random.js';
import type { WorkloadSpec } from './workloads.js';
import { WORKLOADS } from './workloads.js';

/** A machine with its own KubeArmor. */
export class Host {
  readonly name: string;
  readonly nodeId: string;
  readonly ip: string;
  /** Every third host runs an older KubeArmor: times without the Z, no EventData, no hashes. */
  readonly older: boolean;
  #lastPid: number;

  constructor(index: number, random: Random, prefix: string) {
    this.name = `${prefix}-${String(index + 1).padStart(2, '0')}`;
    this.nodeId = random.hex(64);
    this.ip = `10.0.${(index >> 8) & 255}.${(index & 255) + 1}`;
    this.older = index % 3 === 2;
    this.#lastPid = random.between(2_000, 30_000);
  }

  /** The next process id as the host sees it; after 4,194,303 the low ones come again, as on Linux. */
  nextPid(random: Random): number {
    this.#lastPid += random.between(1, 6);
    if (this.#lastPid > 4_194_303) this.#lastPid = 300 + (this.#lastPid % 100);
    return this.#lastPid;
  }
}

/** A process as its events show it. */
export interface Process {
  readonly path: string;
  /** The whole command line: path and arguments. */
  readonly commandLine: string;
  readonly parentPath: string;
  readonly hostPid: number;
  readonly hostPpid: number;
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  readonly userName: string;
  readonly cwd: string;
  readonly tty: string;
  /** KubeArmor's ExecID: "0" unless it, or what it came from, came into the container from outside. */
  readonly execId: string;
  readonly execName: string;
}

const HOUR_NS = 3_600_000_000_000;
const SHIM = '/usr/bin/containerd-shim-runc-v2';

/** A container, or with no workload the host itself. */
export class Place {
  readonly host: Host;
  readonly workload: WorkloadSpec | undefined;
  readonly containerId: string;
  /** What all its events say of the place itself. */
  readonly fields: LogFields;
  readonly main: Process;
  #lastPid: number;

  constructor(host: Host, workload: WorkloadSpec | undefined, ordinal: number, random: Random) {
    this.host = host;
    this.workload = workload;
    const template = random.hex(10);
    const pod = workload === undefined ? '' : podName(workload, ordinal, template, random);
    this.containerId = workload === undefined ? '' : random.hex(64);
    this.fields = {
      ...(host.older ? {} : { NodeID: host.nodeId }),
      ...(workload === undefined
        ? { Labels: `kubernetes.io/arch=amd64,kubernetes.io/hostname=${host.name},kubernetes.io/os=linux` }
        : {
            NamespaceName: workload.namespace,
            PodName: pod,
            Labels: `app=${workload.name},pod-template-hash=${template}`,
            ContainerID: this.containerId,
            ContainerName: workload.container,
            ContainerImage: workload.image,
            Owner: { Ref: workload.kind, Name: workload.name, Namespace: workload.namespace },
          }),
    };
    const hostPpid = workload === undefined ? 1 : host.nextPid(random);
    const hostPid = host.nextPid(random);
    const program = workload?.main ?? { path: '/usr/lib/systemd/systemd', args: '--system' };
    this.main = {
      path: program.path,
      commandLine: `${program.path} ${program.args}`,
      parentPath: workload === undefined ? '' : SHIM,
      hostPid,
      hostPpid,
      pid: workload === undefined ? hostPid : 1,
      ppid: workload === undefined ? hostPpid : 0,
      uid: workload?.uid ?? 0,
      userName: workload?.userName ?? 'root',
      cwd: '/',
      tty: '',
      execId: '0',
      execName: program.path.slice(program.path.lastIndexOf('/') + 1),
    };
    this.#lastPid = random.between(10, 400);
  }

  /** A child of a process of this place. */
  fork(parent: Process, path: string, args: string, random: Random, differences: Partial<Process> = {}): Process {
    const hostPid = this.host.nextPid(random);
    this.#lastPid += random.between(1, 3);
    return {
      path,
      commandLine: args === '' ? path : `${path} ${args}`,
      parentPath: parent.path,
      hostPid,
      hostPpid: parent.hostPid,
      pid: this.workload === undefined ? hostPid : this.#lastPid,
      ppid: parent.pid,
      uid: parent.uid,
      userName: parent.userName,
      cwd: parent.cwd,
      tty: parent.tty,
      execId: inheritedExecId(parent.execId, hostPid),
      execName: parent.execName,
      ...differences,
    };
  }

  /** A shell that enters the container from outside, as `kubectl exec -it` starts one. */
  enter(shell: string, random: Random): Process {
    const runc = { ...this.main, path: '/usr/bin/runc', hostPid: this.host.nextPid(random), pid: 0 };
    return this.fork(runc, shell, '', random, {
      uid: 0,
      userName: 'root',
      tty: 'pts0',
      // Nanoseconds since the host's boot, and the PID.
      execId: String(BigInt(random.between(HOUR_NS, 90 * 24 * HOUR_NS)) | BigInt(runc.hostPid)),
      execName: shell.slice(shell.lastIndexOf('/') + 1),
    });
  }
}

/** What a world is made of; `workloads` and what its hosts are called may be left out. */
export interface WorldOptions {
  readonly seed: number;
  readonly hosts: number;
  readonly workloads?: readonly WorkloadSpec[];
  readonly hostPrefix?: string;
}

/** All containers, and each host itself; the same options give the same world. */
export function buildWorld(options: WorldOptions): readonly Place[] {
  const { workloads = WORKLOADS, hostPrefix = 'edge-node' } = options;
  const random = new Random(options.seed ^ 0x5eed);
  const hosts = Array.from({ length: Math.max(1, options.hosts) }, (_, index) => new Host(index, random, hostPrefix));
  const places: Place[] = [];
  let next = 0;
  for (const workload of workloads) {
    if (workload.kind === 'DaemonSet') {
      for (const host of hosts) places.push(new Place(host, workload, 0, random));
      continue;
    }
    for (let ordinal = 0; ordinal < workload.replicas; ordinal += 1) {
      const host = hosts[next % hosts.length];
      next += 1;
      if (host !== undefined) places.push(new Place(host, workload, ordinal, random));
    }
  }
  // With many hosts each one gets work: the deployments scale out.
  const deployments = workloads.filter((workload) => workload.kind === 'Deployment');
  for (; next < hosts.length * 2; next += 1) {
    const host = hosts[next % hosts.length];
    const workload = deployments[next % deployments.length];
    if (host !== undefined && workload !== undefined) places.push(new Place(host, workload, next, random));
  }
  for (const host of hosts) places.push(new Place(host, undefined, 0, random));
  return places;
}

/** Of its parent's a child has the low half only; the high one is its own PID (KubeArmor's BPF/system_monitor.c, on fork). */
function inheritedExecId(execId: string, hostPid: number): string {
  if (execId === '0') return execId;
  return String((BigInt(hostPid) << 32n) | BigInt.asUintN(32, BigInt(execId)));
}

function podName(workload: WorkloadSpec, ordinal: number, template: string, random: Random): string {
  switch (workload.kind) {
    case 'StatefulSet':
      return `${workload.name}-${ordinal}`;
    case 'DaemonSet':
      return `${workload.name}-${random.suffix(5)}`;
    case 'Deployment':
      return `${workload.name}-${template}-${random.suffix(5)}`;
  }
}
