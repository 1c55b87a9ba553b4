import type { AlertFields, LogFields, MessageFields } from '@armorlake/proto';
import type { Act } from './acts.js';
import type { ThrottleOptions } from './options.js';
import type { Policy } from './policies.js';
import { formatMicros } from './time.js';
import type { Host, Place } from './world.js';

const VERSION = 'v1.6.2';

/** The LSM hooks a refusal is seen at. */
const HOOKS: Readonly<Partial<Record<string, string>>> = {
  Process: 'SECURITY_BPRM_CHECK',
  File: 'FILE_OPEN',
  Network: 'SOCKET_CONNECT',
  Capabilities: 'CAPABLE',
};

/** The log of an act; of a refused one when `refused`. @param micros its time since the Unix epoch */
export function logOf(act: Act, clusterName: string, micros: number, refused = false): LogFields {
  const { place } = act;
  return {
    ...placeFields(place, clusterName, micros),
    ...actFields(act),
    Type: place.workload === undefined ? 'HostLog' : 'ContainerLog',
    Data: act.data,
    ...eventData(place.host, act.eventData),
    Result: refused ? 'Permission denied' : act.result,
  };
}

/** The alert of an act that a policy matched. */
export function alertOf(act: Act, policy: Policy, clusterName: string, micros: number): AlertFields {
  const { place } = act;
  const blocked = policy.action === 'Block';
  const hook = blocked ? (HOOKS[act.operation] ?? '') : '';
  const tags = policy.tags.join(',');
  return {
    ...placeFields(place, clusterName, micros),
    ...actFields(act),
    Type: place.workload === undefined ? 'MatchedHostPolicy' : 'MatchedPolicy',
    Data: hook === '' ? act.data : `lsm=${hook}`,
    ...eventData(place.host, hook === '' ? act.eventData : { Lsm: hook }),
    Result: blocked ? 'Permission denied' : act.result,
    PolicyName: policy.name,
    Severity: String(policy.severity),
    ...(tags === '' ? {} : { Tags: tags, ATags: policy.tags }),
    ...(policy.message === '' ? {} : { Message: policy.message }),
    Action: policy.action,
    Enforcer: policy.enforcer,
    ...(place.host.older ? {} : { KubeArmorVersion: VERSION }),
  };
}

/** KubeArmor's mark that it throttles a container from here on. */
export function thresholdOf(place: Place, limits: ThrottleOptions, clusterName: string, micros: number): AlertFields {
  return {
    ...placeFields(place, clusterName, micros),
    Type: 'SystemEvent',
    Operation: 'AlertThreshold',
    MaxAlertsPerSec: limits.maxAlertsPerSec,
    DroppingAlertsInterval: limits.droppingIntervalSec,
    ...(place.host.older ? {} : { KubeArmorVersion: VERSION }),
  };
}

/** One of KubeArmor's own messages. */
export function messageOf(host: Host, clusterName: string, micros: number, text: string): MessageFields {
  return {
    ...timeFields(host, clusterName, micros),
    HostIP: host.ip,
    Type: 'Log',
    Level: 'INFO',
    Message: text,
  };
}

function timeFields(host: Host, clusterName: string, micros: number): MessageFields {
  return {
    Timestamp: Math.floor(micros / 1_000_000),
    UpdatedTime: formatMicros(micros, !host.older),
    ClusterName: clusterName,
    HostName: host.name,
  };
}

function placeFields({ host, fields }: Place, clusterName: string, micros: number): LogFields {
  return { ...fields, ...timeFields(host, clusterName, micros) };
}

function actFields({ place, process, operation, source, resource, hashes }: Act): LogFields {
  return {
    HostPID: process.hostPid,
    HostPPID: process.hostPpid,
    PID: process.pid,
    PPID: process.ppid,
    UID: process.uid,
    ParentProcessName: process.parentPath,
    ProcessName: process.path,
    Source: source,
    Operation: operation,
    Resource: resource,
    Cwd: process.cwd,
    ...(process.tty === '' ? {} : { TTY: process.tty }),
    ...(hashes === undefined ? {} : { ProcessHash: hashes.process, ParentHash: hashes.parent, HashAlgo: 'SHA256' }),
    ...(place.host.older
      ? {}
      : { ExecEvent: { ExecID: process.execId, ExecutableName: process.execName }, UserName: process.userName }),
  };
}

function eventData(host: Host, pairs: Readonly<Record<string, string>>): LogFields {
  return host.older ? {} : { EventData: pairs };
}
