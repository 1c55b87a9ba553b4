import { readFileSync } from 'node:fs';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import type { Alert, Log } from '../gen/feeder/kubearmor_pb.js';
import { AlertSchema, LogSchema, MessageSchema } from '../gen/feeder/kubearmor_pb.js';
import { FeederDecoder } from './decoder.js';
import type { FeederAlert, FeederEvent } from './events.js';
import { WireError } from './wire-reader.js';

interface Recorded {
  readonly stream: 'WatchLogs' | 'WatchAlerts';
  readonly bytes: Buffer;
}

function recorded(): Recorded[] {
  const file = new URL('../../../test/data/kubearmor-wire.ndjson', import.meta.url);
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { stream, message } = JSON.parse(line) as { stream: Recorded['stream']; message: string };
      return { stream, bytes: Buffer.from(message, 'base64') };
    });
}

/** What the generated code reads, in the decoder's shape. */
function expectedEvent(event: Log | Alert): FeederEvent {
  return {
    timestamp: Number(event.Timestamp),
    updatedTime: event.UpdatedTime,
    clusterName: event.ClusterName,
    hostName: event.HostName,
    namespaceName: event.NamespaceName,
    podName: event.PodName,
    containerId: event.ContainerID,
    containerName: event.ContainerName,
    hostPid: event.HostPID,
    ppid: event.PPID,
    pid: event.PID,
    uid: event.UID,
    type: event.Type,
    source: event.Source,
    operation: event.Operation,
    resource: event.Resource,
    data: event.Data,
    result: event.Result,
    containerImage: event.ContainerImage,
    parentProcessName: event.ParentProcessName,
    processName: event.ProcessName,
    hostPpid: event.HostPPID,
    labels: event.Labels,
    owner: event.Owner && { ref: event.Owner.Ref, name: event.Owner.Name, namespace: event.Owner.Namespace },
    cwd: event.Cwd,
    tty: event.TTY,
    execEvent: event.ExecEvent && {
      execId: event.ExecEvent.ExecID,
      executableName: event.ExecEvent.ExecutableName,
    },
    nodeId: event.NodeID,
    processHash: event.ProcessHash,
    parentHash: event.ParentHash,
    resourceHash: event.ResourceHash,
    hashAlgo: event.HashAlgo,
    eventData: Object.entries(event.EventData).flat(),
    userName: event.UserName,
    invalidUtf8: [],
  };
}

function expectedAlert(alert: Alert): FeederAlert {
  return {
    ...expectedEvent(alert),
    policyName: alert.PolicyName,
    severity: alert.Severity,
    tags: alert.Tags,
    message: alert.Message,
    action: alert.Action,
    enforcer: alert.Enforcer,
    aTags: alert.ATags,
    maxAlertsPerSec: alert.MaxAlertsPerSec,
    droppingAlertsInterval: alert.DroppingAlertsInterval,
    kubeArmorVersion: alert.KubeArmorVersion,
  };
}

/** mulberry32: small, seeded, good enough to vary test data. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const TEXTS = ['', 'a', '/bin/bash -c "x"', 'naïve Ünïcode', '日本語のパス', '😀\u202e\u0000\u001b[31m', '\uFFFD own'];

function randomEvent(next: () => number): Partial<Log> & Partial<Alert> {
  const event: Record<string, unknown> = {};
  for (const field of [...LogSchema.fields, ...AlertSchema.fields]) {
    if (next() < 0.25) continue;
    if (field.fieldKind === 'map') {
      event[field.localName] = Object.fromEntries(
        Array.from({ length: Math.floor(next() * 40) }, (_, index) => [`Key${index % 30}é`, text(next)]),
      );
    } else if (field.fieldKind === 'list') {
      event[field.localName] = Array.from({ length: Math.floor(next() * 4) }, () => text(next));
    } else if (field.fieldKind === 'message') {
      event[field.localName] =
        field.message.name === 'Podowner'
          ? { Ref: text(next), Name: text(next), Namespace: text(next) }
          : { ExecID: text(next), ExecutableName: text(next) };
    } else if (field.localName === 'Timestamp') {
      event[field.localName] = BigInt(Math.floor((next() - 0.5) * Number.MAX_SAFE_INTEGER));
    } else if (field.fieldKind === 'scalar' && field.scalar === 5) {
      event[field.localName] = Math.floor((next() - 0.5) * 2 ** (next() < 0.5 ? 8 : 32));
    } else {
      event[field.localName] = text(next);
    }
  }
  return event;
}

function text(next: () => number): string {
  const base = TEXTS[Math.floor(next() * TEXTS.length)] ?? '';
  return next() < 0.1 ? base.repeat(400) : base;
}

/** A length-delimited field by hand. */
function field(number: number, value: Buffer | string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

describe('FeederDecoder', () => {
  it('reads every recorded message as the generated code does', () => {
    const decoder = new FeederDecoder();
    let read = 0;
    for (const { stream, bytes } of recorded()) {
      if (stream === 'WatchLogs') {
        expect(decoder.decodeLog(bytes)).toEqual(expectedEvent(fromBinary(LogSchema, bytes)));
      } else {
        expect(decoder.decodeAlert(bytes)).toEqual(expectedAlert(fromBinary(AlertSchema, bytes)));
      }
      read += 1;
    }
    expect(read).toBe(600);
  });

  it('reads random messages as the generated code does', () => {
    const decoder = new FeederDecoder();
    const next = random(7);
    for (let round = 0; round < 400; round += 1) {
      const event = randomEvent(next);
      const log = toBinary(LogSchema, create(LogSchema, event));
      const alert = toBinary(AlertSchema, create(AlertSchema, event));
      expect(decoder.decodeLog(log)).toEqual(expectedEvent(fromBinary(LogSchema, log)));
      expect(decoder.decodeAlert(alert)).toEqual(expectedAlert(fromBinary(AlertSchema, alert)));
    }
  });

  it("reads KubeArmor's own messages", () => {
    const bytes = toBinary(
      MessageSchema,
      create(MessageSchema, {
        Timestamp: -1n,
        UpdatedTime: '2026-01-01T00:00:00.000000Z',
        ClusterName: 'c',
        HostName: 'h',
        HostIP: '10.0.0.1',
        Type: 'Log',
        Level: 'INFO',
        Message: 'détail',
      }),
    );
    expect(new FeederDecoder().decodeMessage(bytes)).toEqual({
      timestamp: -1,
      updatedTime: '2026-01-01T00:00:00.000000Z',
      clusterName: 'c',
      hostName: 'h',
      hostIp: '10.0.0.1',
      type: 'Log',
      level: 'INFO',
      message: 'détail',
      invalidUtf8: [],
    });
  });

  it('gives defaults for an empty message', () => {
    const decoder = new FeederDecoder();
    expect(decoder.decodeLog(new Uint8Array())).toEqual(expectedEvent(create(LogSchema)));
    expect(decoder.decodeAlert(new Uint8Array())).toEqual(expectedAlert(create(AlertSchema)));
  });

  it('throws nothing but WireError on bytes cut anywhere or flipped anywhere', () => {
    const decoder = new FeederDecoder();
    const next = random(11);
    const messages = recorded();
    let refused = 0;
    const attempt = (stream: Recorded['stream'], bytes: Uint8Array): void => {
      try {
        if (stream === 'WatchLogs') decoder.decodeLog(bytes);
        else decoder.decodeAlert(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
        if (error instanceof WireError) expect(error.position).toBeLessThanOrEqual(bytes.length);
        refused += 1;
      }
    };
    for (const { stream, bytes } of [messages[0], messages[1], messages[300], messages[599]].filter(
      (message) => message !== undefined,
    )) {
      for (let length = 0; length < bytes.length; length += 1) {
        attempt(stream, bytes.subarray(0, length));
        const flipped = Buffer.from(bytes);
        flipped[length] = Math.floor(next() * 256);
        attempt(stream, flipped);
      }
    }
    expect(refused).toBeGreaterThan(1_000);
  });

  it('names the fields with invalid UTF-8, replaces what is wrong and reads on', () => {
    const decoder = new FeederDecoder();
    const bytes = Buffer.concat([
      field(14, Buffer.from([0x2f, 0xff, 0x61])),
      field(16, 'résumé'),
      field(18, '\uFFFD'),
      field(24, field(2, Buffer.from([0xc3]))),
      field(33, Buffer.concat([field(1, Buffer.from([0xff])), field(2, Buffer.from([0xed, 0xa0, 0x80]))])),
    ]);
    const log = decoder.decodeLog(bytes);
    expect(log.invalidUtf8).toEqual(['source', 'owner.name', 'eventData']);
    expect(log.source).toBe('/\uFFFDa');
    expect(log.resource).toBe('résumé');
    expect(log.result).toBe('\uFFFD');
    expect(decoder.decodeLog(field(16, 'fine')).invalidUtf8).toEqual([]);
    // The same invalid bytes again don't come out of the cache as if they were valid.
    expect(decoder.decodeLog(bytes).invalidUtf8).toHaveLength(3);
  });

  it('takes the last of a repeated scalar, merges nested messages, keeps one value a key', () => {
    const log = new FeederDecoder().decodeLog(
      Buffer.concat([
        field(14, 'first'),
        field(14, 'second'),
        field(24, field(1, 'Deployment')),
        field(24, field(2, 'web')),
        field(33, Buffer.concat([field(1, 'K'), field(2, 'old')])),
        field(33, Buffer.concat([field(1, 'K'), field(2, 'new')])),
        field(33, field(1, 'alone')),
      ]),
    );
    expect(log.source).toBe('second');
    expect(log.owner).toEqual({ ref: 'Deployment', name: 'web', namespace: '' });
    expect(log.eventData).toEqual(['K', 'new', 'alone', '']);
  });

  it('leaves out fields it does not know', () => {
    const unknown = Buffer.concat([
      field(900, 'text'),
      Buffer.concat([varint(901 << 3), varint(300)]),
      Buffer.concat([varint((902 << 3) | 1), Buffer.alloc(8)]),
      Buffer.concat([varint((903 << 3) | 5), Buffer.alloc(4)]),
      field(14, 'known'),
    ]);
    expect(new FeederDecoder().decodeLog(unknown).source).toBe('known');
  });

  it.each([
    ['a field number 0', Buffer.from([0x02, 0x00])],
    ['a string where a number belongs', field(9, 'x')],
    ['a number where a string belongs', Buffer.from([(14 << 3) | 0, 1])],
    ['a group', Buffer.from([...varint((900 << 3) | 3)])],
    ['a number of eleven bytes', Buffer.from([9 << 3, ...Array.from({ length: 10 }, () => 0x80), 1])],
    [
      'a nested value that overruns its message',
      Buffer.from([...varint((24 << 3) | 2), 2, 0x0a, 5, 65, 65, 65, 65, 65]),
    ],
    ['a length of 2 GiB', Buffer.from([(14 << 3) | 2, 0xff, 0xff, 0xff, 0xff, 0x07])],
    ['a negative length', Buffer.from([(14 << 3) | 2, 0xff, 0xff, 0xff, 0xff, 0x0f])],
  ])('refuses %s', (_, bytes) => {
    expect(() => new FeederDecoder().decodeLog(bytes)).toThrow(WireError);
  });
});
