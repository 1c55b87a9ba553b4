/**
 * KubeArmor's messages as its decoder gives them: every field set, proto3's defaults where the sender left one out.
 * Field names are KubeArmor's own with a small first letter and acronyms in one case.
 */

/** What the messages of all three streams share. */
export interface FeederRecord {
  /** Unix seconds; beyond 2^53 it is rounded. */
  readonly timestamp: number;
  /** UTC, `2006-01-02T15:04:05.000000Z`, from older nodes without the Z, from some empty. */
  readonly updatedTime: string;
  readonly clusterName: string;
  readonly hostName: string;
  /** Names of the fields that weren't valid UTF-8; their text has U+FFFD in place of what was wrong. */
  readonly invalidUtf8: readonly string[];
}

/** KubeArmor's own message (`feeder.Message`). */
export interface FeederMessage extends FeederRecord {
  readonly hostIp: string;
  readonly type: string;
  readonly level: string;
  readonly message: string;
}

/** What a log and an alert share. */
export interface FeederEvent extends FeederRecord {
  readonly namespaceName: string;
  readonly podName: string;
  readonly containerId: string;
  readonly containerName: string;
  readonly hostPid: number;
  readonly ppid: number;
  readonly pid: number;
  /** A uid from 2^31 on arrives negative. */
  readonly uid: number;
  readonly type: string;
  readonly source: string;
  readonly operation: string;
  readonly resource: string;
  readonly data: string;
  readonly result: string;
  readonly containerImage: string;
  readonly parentProcessName: string;
  readonly processName: string;
  readonly hostPpid: number;
  readonly labels: string;
  readonly owner: FeederOwner | undefined;
  readonly cwd: string;
  readonly tty: string;
  readonly execEvent: FeederExecEvent | undefined;
  readonly nodeId: string;
  readonly processHash: string;
  readonly parentHash: string;
  readonly resourceHash: string;
  readonly hashAlgo: string;
  /** Key, value, key, value, …; each key once. */
  readonly eventData: readonly string[];
  readonly userName: string;
}

/** What a process, a file access or a connection did (`feeder.Log`). */
export type FeederLog = FeederEvent;

/** A log that matched a policy, or the mark of KubeArmor's throttle (`feeder.Alert`). */
export interface FeederAlert extends FeederEvent {
  readonly policyName: string;
  /** "1" to "10", or empty. */
  readonly severity: string;
  readonly tags: string;
  readonly message: string;
  readonly action: string;
  readonly enforcer: string;
  readonly aTags: readonly string[];
  readonly maxAlertsPerSec: number;
  readonly droppingAlertsInterval: number;
  readonly kubeArmorVersion: string;
}

/** The workload that owns the pod; `ref` is its kind, as Deployment. */
export interface FeederOwner {
  readonly ref: string;
  readonly name: string;
  readonly namespace: string;
}

/** Marks a process that entered its container from outside; `execId` "0" means none. */
export interface FeederExecEvent {
  readonly execId: string;
  readonly executableName: string;
}
