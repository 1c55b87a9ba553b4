import type { FeederAlert, FeederEvent, FeederExecEvent, FeederMessage, FeederOwner } from '@armorlake/proto';
import type { KubeArmorEvent } from './event-sink.js';
import { columnOfField } from './repair.js';
import { parseUpdatedTime } from './time.js';

/** An event as JSON gave it, and the marks made while reading it. */
export interface JsonEvent {
  readonly decoded: KubeArmorEvent;
  readonly marks: readonly string[];
}

/** KubeArmor's JSON names that aren't the decoder's with a capital first letter. */
const special: Readonly<Record<string, string>> = {
  ContainerID: 'containerId',
  HostPID: 'hostPid',
  HostPPID: 'hostPpid',
  PPID: 'ppid',
  PID: 'pid',
  UID: 'uid',
  TTY: 'tty',
  NodeID: 'nodeId',
  ATags: 'aTags',
  HostIP: 'hostIp',
};

const eventFields =
  'Timestamp UpdatedTime ClusterName HostName NamespaceName PodName ContainerID ContainerName HostPID PPID PID UID Type Source Operation Resource Data Result ContainerImage ParentProcessName ProcessName HostPPID Labels Owner Cwd TTY ExecEvent NodeID ProcessHash ParentHash ResourceHash HashAlgo EventData UserName'.split(
    ' ',
  );
const alertOnlyFields =
  'PolicyName Severity Tags Message Action Enforcer ATags MaxAlertsPerSec DroppingAlertsInterval KubeArmorVersion'.split(
    ' ',
  );
const messageFields = 'Timestamp UpdatedTime ClusterName HostName HostIP Type Level Message'.split(' ');

const known = {
  logs: new Set(eventFields),
  alerts: new Set([...eventFields, ...alertOnlyFields]),
  messages: new Set(messageFields),
};
const allFields: ReadonlySet<string> = new Set([...known.alerts, ...known.messages]);
/** Names as KubeArmor's own file writes them (`hostPPid`, `username`, `atags`), by their small letters. */
const fieldBySmall = new Map([...allFields, 'Ref', 'Name', 'Namespace'].map((name) => [name.toLowerCase(), name]));
const types = /^(?:ContainerLog|HostLog|SystemEvent|Matched[A-Za-z]*Policy)$/;
const operations: ReadonlySet<string> = new Set(
  'Process File Network Capabilities Syscall Device NetworkFirewall AlertThreshold'.split(' '),
);
/** Fields that others don't have; two of them make an event of an unknown type. */
const ownFields =
  'ClusterName HostName NamespaceName PodName ContainerID ContainerName HostPID HostPPID ParentProcessName ProcessName PolicyName Enforcer UpdatedTime'.split(
    ' ',
  );

/** Whether a value is an event of KubeArmor, with its field names as karmor or as its own file writes them. */
export function isKubeArmorEvent(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isObject(value)) return false;
  if (typeof value.Type === 'string' && types.test(value.Type)) return true;
  const object = canonical(value);
  const { Type: type, Operation: operation, Level: level, Message: message } = object;
  if (typeof type === 'string' && types.test(type)) return true;
  if (typeof operation === 'string' && operations.has(operation)) return true;
  const own = ownFields.reduce((count, name) => count + (object[name] === undefined ? 0 : 1), 0);
  if (typeof level === 'string' && typeof message === 'string') return own > 0 || type === 'Log' || type === 'MESSAGE';
  return own >= 2;
}

/** The object under the names that karmor prints; itself when it has them. */
function canonical(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const keys = Object.keys(object);
  if (keys.every((key) => !renames(object, key))) return object;
  return Object.fromEntries(
    keys.map((key) => [renames(object, key) ? (fieldBySmall.get(key.toLowerCase()) ?? key) : key, object[key]]),
  );
}

/** KubeArmor's own file writes a field so; not when the field is there under its name as well. */
function renames(object: Readonly<Record<string, unknown>>, key: string): boolean {
  if (allFields.has(key) || key.charCodeAt(0) < 0x61) return false;
  const name = fieldBySmall.get(key.toLowerCase());
  return name !== undefined && !(name in object);
}

/**
 * A KubeArmor event from JSON, as `karmor logs --json` or KubeArmor's own file (-logPath) has it: an alert where there
 * is a policy. Numbers may be strings; what has another type than it should is made text, and marked.
 * @param invalidUtf8 the record wasn't valid UTF-8: fields with U+FFFD are marked
 */
export function readJsonEvent(given: Readonly<Record<string, unknown>>, invalidUtf8: boolean): JsonEvent {
  const object = canonical(given);
  const fields = new Fields(object, invalidUtf8);
  const kind = kindOf(object);
  if (Object.keys(object).some((name) => !known[kind].has(name) && !isUnset(object[name])))
    fields.mark('fields:unknown');
  const record = {
    ...timesOf(fields, object.Timestamp),
    clusterName: fields.text('ClusterName'),
    hostName: fields.text('HostName'),
    type: fields.text('Type'),
    invalidUtf8: fields.invalid,
  };
  if (kind === 'messages') {
    const event: FeederMessage = {
      ...record,
      hostIp: fields.text('HostIP'),
      level: fields.text('Level'),
      message: fields.text('Message'),
    };
    return { decoded: { kind, event }, marks: fields.marks };
  }
  const event: FeederEvent = { ...record, ...eventOf(fields) };
  if (kind === 'logs') return { decoded: { kind, event }, marks: fields.marks };
  const alert: FeederAlert = {
    ...event,
    policyName: fields.text('PolicyName'),
    severity: fields.text('Severity'),
    tags: fields.text('Tags'),
    message: fields.text('Message'),
    action: fields.text('Action'),
    enforcer: fields.text('Enforcer'),
    aTags: fields.list('ATags'),
    maxAlertsPerSec: fields.integer('MaxAlertsPerSec'),
    droppingAlertsInterval: fields.integer('DroppingAlertsInterval'),
    kubeArmorVersion: fields.text('KubeArmorVersion'),
  };
  return { decoded: { kind, event: alert }, marks: fields.marks };
}

/** Timestamp may be text as UpdatedTime is, which it then stands for. */
function timesOf(fields: Fields, timestamp: unknown): { readonly timestamp: number; readonly updatedTime: string } {
  const updatedTime = fields.text('UpdatedTime');
  if (updatedTime === '' && typeof timestamp === 'string' && parseUpdatedTime(timestamp) !== null) {
    return { timestamp: 0, updatedTime: timestamp };
  }
  return { timestamp: fields.integer('Timestamp', 2 ** 63), updatedTime };
}

function eventOf(fields: Fields) {
  return {
    namespaceName: fields.text('NamespaceName'),
    podName: fields.text('PodName'),
    containerId: fields.text('ContainerID'),
    containerName: fields.text('ContainerName'),
    hostPid: fields.integer('HostPID'),
    ppid: fields.integer('PPID'),
    pid: fields.integer('PID'),
    uid: fields.integer('UID', 2 ** 32 - 1),
    source: fields.text('Source'),
    operation: fields.text('Operation'),
    resource: fields.text('Resource'),
    data: fields.text('Data'),
    result: fields.text('Result'),
    containerImage: fields.text('ContainerImage'),
    parentProcessName: fields.text('ParentProcessName'),
    processName: fields.text('ProcessName'),
    hostPpid: fields.integer('HostPPID'),
    labels: fields.labels('Labels'),
    owner: ownerOf(fields.object('Owner')),
    cwd: fields.text('Cwd'),
    tty: fields.text('TTY'),
    execEvent: execEventOf(fields.object('ExecEvent')),
    nodeId: fields.text('NodeID'),
    processHash: fields.text('ProcessHash'),
    parentHash: fields.text('ParentHash'),
    resourceHash: fields.text('ResourceHash'),
    hashAlgo: fields.text('HashAlgo'),
    eventData: fields.pairs('EventData'),
    userName: fields.text('UserName'),
  };
}

function ownerOf(fields: Fields | undefined): FeederOwner | undefined {
  if (fields === undefined) return undefined;
  return { ref: fields.text('Ref'), name: fields.text('Name'), namespace: fields.text('Namespace') };
}

function execEventOf(fields: Fields | undefined): FeederExecEvent | undefined {
  return fields && { execId: fields.text('ExecID'), executableName: fields.text('ExecutableName') };
}

/** What a field says that isn't set; a file of KubeArmor's own names each. */
function isUnset(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === null || value === '' || value === 0 || value === false;
}

function kindOf(object: Readonly<Record<string, unknown>>): KubeArmorEvent['kind'] {
  const { Type: type } = object;
  if (type === 'ContainerLog' || type === 'HostLog') return 'logs';
  if (typeof type === 'string' && (type.startsWith('Matched') || type === 'SystemEvent')) return 'alerts';
  if (object.Level !== undefined && object.Operation === undefined) return 'messages';
  return alertOnlyFields.some((name) => object[name] !== undefined) ? 'alerts' : 'logs';
}

/** Reads fields of one JSON object, noting what isn't as it should be. */
class Fields {
  readonly marks: string[];
  /** Decoder's names of fields with broken UTF-8. */
  readonly invalid: string[];
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #invalidUtf8: boolean;
  readonly #prefix: string;

  constructor(object: Readonly<Record<string, unknown>>, invalidUtf8: boolean, parent?: Fields, prefix = '') {
    this.#object = object;
    this.#invalidUtf8 = invalidUtf8;
    this.#prefix = prefix;
    this.marks = parent?.marks ?? [];
    this.invalid = parent?.invalid ?? [];
  }

  mark(mark: string): void {
    this.marks.push(mark);
  }

  text(name: string): string {
    const value = this.#object[name];
    if (value === undefined || value === null) return '';
    if (typeof value === 'string') return this.#wellFormed(name, value);
    this.#mistyped(name);
    return asText(value);
  }

  /** An int32, or an integer up to `most`; 0 where there is none, as proto3 has it. */
  integer(name: string, most = 2 ** 31 - 1): number {
    const value = this.#object[name];
    if (value === undefined || value === null || value === '') return 0;
    const number = typeof value === 'string' && /^-?\d{1,20}$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number)) {
      this.#mistyped(name);
      return 0;
    }
    if (number <= most && number >= (name === 'Timestamp' ? -most : -(2 ** 31))) return number;
    this.mark(`range:${columnOfField(this.#field(name))}`);
    return 0;
  }

  list(name: string): readonly string[] {
    const value = this.#object[name];
    if (value === undefined || value === null) return [];
    if (!Array.isArray(value)) {
      this.#mistyped(name);
      return [asText(value)];
    }
    return value.map((item) => {
      if (typeof item === 'string') return this.#wellFormed(name, item);
      this.#mistyped(name);
      return asText(item);
    });
  }

  /** Flat pairs of an object of texts. */
  pairs(name: string): readonly string[] {
    const fields = this.object(name);
    if (fields === undefined) return [];
    return Object.keys(fields.#object).flatMap((key) => {
      const value = fields.#object[key];
      if (typeof value !== 'string') this.#mistyped(name);
      return [this.#wellFormed(name, key), this.#wellFormed(name, typeof value === 'string' ? value : asText(value))];
    });
  }

  /** Labels are text `k=v,k=v`; an object of them is taken too. */
  labels(name: string): string {
    const value = this.#object[name];
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return this.text(name);
    this.#mistyped(name);
    return Object.entries(value)
      .map(([key, each]) => `${key}=${asText(each)}`)
      .join(',');
  }

  object(name: string): Fields | undefined {
    const value = this.#object[name];
    if (value === undefined || value === null) return undefined;
    if (!isObject(value)) {
      this.#mistyped(name);
      return undefined;
    }
    return new Fields(
      name === 'EventData' ? value : canonical(value),
      this.#invalidUtf8,
      this,
      `${this.#field(name)}.`,
    );
  }

  #field(name: string): string {
    return this.#prefix + decodedName(name);
  }

  #mistyped(name: string): void {
    this.mark(`type:${columnOfField(this.#field(name))}`);
  }

  /** JSON can name lone surrogates (`"\ud800"`), which no UTF-8 can. */
  #wellFormed(name: string, value: string): string {
    const lone = /\p{Surrogate}/u.test(value);
    if (lone || (this.#invalidUtf8 && value.includes('\ufffd'))) this.invalid.push(this.#field(name));
    return lone ? value.replaceAll(/\p{Surrogate}/gu, '\ufffd') : value;
  }
}

/** The decoder's name of one of KubeArmor's fields: `HostPID` → `hostPid`. */
export function decodedName(name: string): string {
  if (name === 'ExecID') return 'execId';
  return special[name] ?? name.charAt(0).toLowerCase() + name.slice(1);
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
