import type { FeederAlert, FeederEvent, FeederMessage } from '@armorlake/proto';
import type { FlatPairs } from '../../lake/index.js';
import type { Redactor } from '../redaction/redactor.js';
import { DetailReader } from './detail.js';
import { LabelReader } from './labels.js';
import { CAP_BYTES, capFields, columnOfField, losesOriginal } from './repair.js';
import type { AlertPart, AlertRow, LogRow, MessageRow } from './rows.js';
import type { Micros } from './time.js';
import { isSensible, parseUpdatedTime, timestampMicros } from './time.js';

/** What is known of a message besides its fields. */
export interface Arrival {
  /** Name of the connector or intake. */
  readonly connector: string;
  /** Cluster of events that name none. */
  readonly cluster: string | null;
  /** µs since 1970. */
  readonly receivedAt: number;
  /** Bytes it came in; strings are only looked at for the cap when these are more. */
  readonly size: number;
  /** Marks already made, by field name of the decoder: `type:hostPid` (import only). */
  readonly marks?: readonly string[];
}

const none: readonly string[] = Object.freeze([]);

/** Marks of one row; nothing is allocated while there are none. */
class Marks {
  #list: string[] | null = null;

  add(mark: string): void {
    if (this.#list === null) this.#list = [mark];
    else if (!this.#list.includes(mark)) this.#list.push(mark);
  }

  list(): readonly string[] {
    return this.#list ?? none;
  }
}

/**
 * Turns KubeArmor's decoded messages into rows, the same for events that came by gRPC and by import. What it repairs
 * it says in `quality`: `utf8:<column>`, `capped:<column>`, `time:seconds` (or another unit), `time:arrival`, `time:text`,
 * `range:time`, `severity:text`, `uid:negative`, `labels:duplicate`, `redacted`, and for imports `type:<column>`, `range:<column>`,
 * `fields:unknown`.
 */
export class Normaliser {
  readonly #redactor: Redactor | null;
  readonly #details = new DetailReader();
  readonly #labels: LabelReader;
  readonly #tags = new Map<string, readonly string[]>();

  /** @param redactor null stores secrets as they came */
  constructor(redactor: Redactor | null) {
    this.#redactor = redactor;
    this.#labels = new LabelReader((pairs) => redactor?.redactPairs(pairs) ?? pairs);
  }

  log(message: FeederEvent, arrival: Arrival): LogRow {
    const marks = new Marks();
    const event = prepare(message, arrival, marks);
    return this.#event(event, arrival, '', none, marks);
  }

  alert(message: FeederAlert, arrival: Arrival): AlertRow {
    const marks = new Marks();
    const event = prepare(message, arrival, marks);
    const alert: AlertPart = {
      policy: orNull(event.policyName),
      severity: severityOf(event.severity, marks),
      message: orNull(this.#redact(event.message, marks)),
      action: orNull(event.action),
      enforcer: orNull(event.enforcer),
      max_alerts_per_sec: event.maxAlertsPerSec,
      dropping_alerts_interval: event.droppingAlertsInterval,
      kubearmor_version: orNull(event.kubeArmorVersion),
    };
    const tags = event.aTags.length > 0 ? event.aTags : this.#splitTags(event.tags);
    return { log: this.#event(event, arrival, event.action, tags, marks), alert };
  }

  message(message: FeederMessage, arrival: Arrival): MessageRow {
    const marks = new Marks();
    const event = prepare(message, arrival, marks);
    return {
      time: timeOf(event.updatedTime, event.timestamp, arrival.receivedAt, marks),
      received_at: arrival.receivedAt,
      connector: arrival.connector,
      cluster: event.clusterName === '' ? arrival.cluster : event.clusterName,
      tags: none,
      host: orNull(event.hostName),
      host_ip: orNull(event.hostIp),
      type: orNull(event.type),
      level: orNull(event.level),
      message: orNull(this.#redact(event.message, marks)),
      quality: marks.list(),
    };
  }

  #event(event: FeederEvent, arrival: Arrival, action: string, tags: readonly string[], marks: Marks): LogRow {
    const { owner, execEvent } = event;
    const labels = event.labels === '' ? null : this.#labels.read(event.labels);
    if (labels?.duplicate === true) marks.add('labels:duplicate');
    if (labels?.redacted === true) marks.add('redacted');
    // What is derived is derived from the redacted texts, so that it can't hold a secret either.
    const resource = this.#redact(event.resource, marks);
    const data = this.#redact(event.data, marks);
    const eventData = this.#redactPairs(event.eventData, marks);
    const detail = this.#details.read(event.operation, data, resource, eventData);
    return {
      time: timeOf(event.updatedTime, event.timestamp, arrival.receivedAt, marks),
      received_at: arrival.receivedAt,
      connector: arrival.connector,
      cluster: event.clusterName === '' ? arrival.cluster : event.clusterName,
      tags,
      host: orNull(event.hostName),
      machine_id: orNull(event.nodeId),
      namespace: orNull(event.namespaceName),
      pod: orNull(event.podName),
      container: orNull(event.containerName),
      container_id: orNull(event.containerId),
      image: orNull(event.containerImage),
      workload_kind: owner === undefined ? null : orNull(owner.ref),
      workload: owner === undefined ? null : orNull(owner.name),
      workload_namespace: owner === undefined ? null : orNull(owner.namespace),
      labels: labels === null || labels.pairs.length === 0 ? null : labels.pairs,
      host_pid: event.hostPid,
      host_ppid: event.hostPpid,
      pid: event.pid,
      ppid: event.ppid,
      uid: event.uid < 0 ? unsignedUid(event.uid, marks) : event.uid,
      user_name: orNull(event.userName),
      process: orNull(this.#redact(event.processName, marks)),
      parent_process: orNull(this.#redact(event.parentProcessName, marks)),
      cwd: orNull(this.#redact(event.cwd, marks)),
      tty: orNull(event.tty),
      type: orNull(event.type),
      operation: orNull(event.operation),
      source: orNull(this.#redact(event.source, marks)),
      resource: orNull(resource),
      data: orNull(data),
      event_data: eventData.length === 0 ? null : eventData,
      result: orNull(event.result),
      outcome: outcomeOf(action, event, detail.syscall),
      syscall: detail.syscall,
      direction: detail.direction,
      remote_ip: detail.remoteIp,
      remote_port: detail.remotePort,
      local_port: detail.localPort,
      protocol: detail.protocol,
      domain: detail.domain,
      exec_session: execEvent === undefined || execEvent.execId === '0' ? null : orNull(execEvent.execId),
      exec_name: execEvent === undefined ? null : orNull(this.#redact(execEvent.executableName, marks)),
      process_hash: orNull(event.processHash),
      parent_hash: orNull(event.parentHash),
      resource_hash: orNull(event.resourceHash),
      hash_algo: orNull(event.hashAlgo),
      quality: marks.list(),
    };
  }

  #redact(text: string, marks: Marks): string {
    if (this.#redactor === null || text === '') return text;
    const safe = this.#redactor.redact(text);
    if (safe !== text) marks.add('redacted');
    return safe;
  }

  #redactPairs(pairs: FlatPairs, marks: Marks): FlatPairs {
    if (this.#redactor === null) return pairs;
    const safe = this.#redactor.redactPairs(pairs);
    if (safe !== pairs) marks.add('redacted');
    return safe;
  }

  #splitTags(text: string): readonly string[] {
    if (text === '') return none;
    let tags = this.#tags.get(text);
    if (tags === undefined) {
      tags = text.split(',').filter((tag) => tag !== '');
      if (text.length > 1024) return tags;
      if (this.#tags.size >= 1024) this.#tags.clear();
      this.#tags.set(text, tags);
    }
    return tags;
  }
}

/** Why the original bytes of a row are kept in the dead letters, as a sentence; null when the row has it all. */
export function repairsOf(quality: readonly string[]): string | null {
  if (quality.length === 0) return null;
  const lost = quality.filter(losesOriginal);
  return lost.length === 0 ? null : `Stored with repairs: ${lost.join(', ')}.`;
}

/** Marks what the decoder repaired, and caps what is too long. */
function prepare<Message extends FeederMessage | FeederEvent>(
  message: Message,
  arrival: Arrival,
  marks: Marks,
): Message {
  for (const field of message.invalidUtf8) marks.add(`utf8:${columnOfField(field)}`);
  if (arrival.marks !== undefined) for (const mark of arrival.marks) marks.add(mark);
  return arrival.size <= CAP_BYTES
    ? message
    : capFields(message, (field) => marks.add(`capped:${columnOfField(field)}`));
}

function orNull(text: string): string | null {
  return text === '' ? null : text;
}

/** UpdatedTime, else Timestamp's seconds, else the arrival. */
function timeOf(updatedTime: string, timestamp: number, receivedAt: number, marks: Marks): Micros {
  const exact = parseUpdatedTime(updatedTime);
  if (exact !== null && isSensible(exact, receivedAt)) return exact;
  if (exact !== null) marks.add('range:time');
  else if (updatedTime !== '') marks.add('time:text');
  const stamp = timestampMicros(timestamp);
  if (stamp !== null && isSensible(stamp.micros, receivedAt)) {
    marks.add(`time:${stamp.unit}`);
    return stamp.micros;
  }
  if (stamp !== null) marks.add('range:time');
  marks.add('time:arrival');
  return receivedAt;
}

/** Uids from 2^31 on come as negative int32. */
function unsignedUid(uid: number, marks: Marks): number {
  marks.add('uid:negative');
  return uid + 2 ** 32;
}

function severityOf(text: string, marks: Marks): number | null {
  if (text === '') return null;
  if (/^(?:[1-9]|10)$/.test(text)) return Number(text);
  marks.add('severity:text');
  return null;
}

/** Kernel probes whose return values older KubeArmors read as errors, and called them `Unknown error`. */
const misread: ReadonlySet<string | null> = new Set(['tcp_accept', 'tcp_connect']);

/**
 * What the kernel said counts before what the policy wanted: a Block with `Passed` happened (KubeArmor up to 0.4 sends
 * it), as an `Audit (Block)` that passed did.
 */
function outcomeOf(action: string, { result, operation }: FeederEvent, syscall: string | null): LogRow['outcome'] {
  if (result === 'Permission denied' || result === 'Operation not permitted') return 'blocked';
  if (result === 'Passed') return 'happened';
  if (action === 'Block') return 'blocked';
  if (result === '' || (result === 'Removed' && operation === 'Device')) return 'happened';
  return result === 'Unknown error' && misread.has(syscall) ? 'happened' : 'failed';
}
