import { FeederDecoder } from '@armorlake/proto';
import type { AlertFields, LogFields } from '@armorlake/proto';
import { describe, expect, it } from 'vitest';
import type { SimulatedEvent } from './event.js';
import { generateEvents } from './generator.js';
import type { GeneratorOptions } from './options.js';

const START = Date.UTC(2026, 6, 24, 8) * 1000;

function events(options: Partial<GeneratorOptions> = {}): SimulatedEvent[] {
  return [...generateEvents({ startTimeMicros: START, count: 3_000, ...options })];
}

function micros(event: LogFields | AlertFields): number {
  const text = event.UpdatedTime ?? '';
  return Date.parse(`${text.slice(0, 23)}Z`) * 1000 + Number(text.slice(23, 26));
}

function kubearmor(list: readonly SimulatedEvent[]): (LogFields & AlertFields)[] {
  return list.flatMap((each) => (each.stream === 'messages' ? [] : [each.event]));
}

describe('generateEvents', () => {
  it('gives the same bytes for the same options and others for another seed', () => {
    const bytes = events().map((each) => each.bytes.toString('base64'));
    expect(events().map((each) => each.bytes.toString('base64'))).toEqual(bytes);
    const others = events({ seed: 2 }).map((each) => each.bytes.toString('base64'));
    expect(others.filter((each, index) => each === bytes[index])).toEqual([]);
  });

  it('counts logs and alerts together, numbered from 1, at the rate, each with a time of its own', () => {
    const list = events({ rate: 1_000 });
    expect(list.map((each) => each.number)).toEqual(Array.from({ length: 3_000 }, (_, index) => index + 1));
    expect(list.filter((each) => each.stream === 'messages')).toEqual([]);
    const times = kubearmor(list).map(micros);
    expect(new Set(times).size).toBe(3_000);
    expect(Math.min(...times)).toBe(START);
    expect(Math.max(...times)).toBe(START + 2_999_000);
  });

  it('encodes what it says', () => {
    const decoder = new FeederDecoder();
    for (const each of events({ count: 500, messages: true })) {
      if (each.stream === 'logs') {
        const log = decoder.decodeLog(each.bytes);
        expect([log.updatedTime, log.source, log.resource, log.data, log.hostPid, log.podName]).toEqual([
          each.event.UpdatedTime,
          each.event.Source,
          each.event.Resource,
          each.event.Data,
          each.event.HostPID,
          each.event.PodName ?? '',
        ]);
        expect(log.eventData).toEqual(Object.entries(each.event.EventData ?? {}).flat());
      } else if (each.stream === 'alerts') {
        const alert = decoder.decodeAlert(each.bytes);
        expect([alert.policyName, alert.aTags, alert.action]).toEqual([
          each.event.PolicyName ?? '',
          each.event.ATags ?? [],
          each.event.Action ?? '',
        ]);
      } else {
        expect(decoder.decodeMessage(each.bytes).message).toBe(each.event.Message);
      }
    }
  });

  it('sends events out of order, but none more than 12 ms late; with no disorder in the order of their times', () => {
    const list = events({ rate: 2_000 });
    const times = kubearmor(list).map(micros);
    let latest = 0;
    let overtaken = 0;
    for (const time of times) {
      if (time < latest) overtaken += 1;
      expect(latest - time).toBeLessThanOrEqual(12_000);
      latest = Math.max(latest, time);
    }
    expect(overtaken / times.length).toBeGreaterThan(0.5);
    for (const each of list) {
      if (each.stream === 'messages') continue;
      expect(each.dueMicros - (micros(each.event) - START)).toBeLessThan(12_000);
    }
    const ordered = kubearmor(events({ rate: 2_000, disorderMs: 0 })).map(micros);
    expect(ordered).toEqual(ordered.toSorted((a, b) => a - b));
  });

  it('spreads its workloads over the hosts, some of them with an older KubeArmor', () => {
    const list = kubearmor(events({ hosts: 4 }));
    const hosts = new Set(list.map((each) => each.HostName));
    expect([...hosts].toSorted()).toEqual(['edge-node-01', 'edge-node-02', 'edge-node-03', 'edge-node-04']);
    expect(new Set(list.map((each) => each.NamespaceName)).size).toBeGreaterThan(4);
    const older = list.filter((each) => each.HostName === 'edge-node-03');
    expect(older.every((each) => !(each.UpdatedTime ?? '').endsWith('Z') && each.EventData === undefined)).toBe(true);
    const newer = list.filter((each) => each.HostName === 'edge-node-01' && each.Operation !== 'AlertThreshold');
    expect(newer.every((each) => (each.UpdatedTime ?? '').endsWith('Z') && each.EventData !== undefined)).toBe(true);
  });

  it('tells attacks as process trees, from the web server down to the blocked miner', () => {
    const list = kubearmor(events({ attackEvery: 300, rate: 50, disorderMs: 0 }));
    const alerts = list.filter((each) => each.PolicyName !== undefined);
    const policies = new Set(alerts.map((each) => each.PolicyName));
    for (const policy of [
      'ksp-web-server-spawns-shell',
      'ksp-audit-service-account-token',
      'ksp-block-cryptominer',
      'ksp-audit-lateral-database',
      'ksp-block-stratum',
    ]) {
      expect(policies).toContain(policy);
    }
    const miner = alerts.find(
      (each) => each.PolicyName === 'ksp-block-cryptominer' && each.NamespaceName === 'shop' && each.TTY === undefined,
    );
    expect(miner).toMatchObject({
      Action: 'Block',
      Result: 'Permission denied',
      Severity: '10',
      Type: 'MatchedPolicy',
    });
    expect(miner?.ATags).toContain('MITRE_T1496_resource_hijacking');
    expect(miner?.Tags).toBe(miner?.ATags?.join(','));
    // A refused exec is an alert and a log.
    expect(list.filter((each) => each.HostPID === miner?.HostPID && each.Operation === 'Process')).toHaveLength(2);
    const started = new Map(
      list.filter((each) => each.Operation === 'Process').map((each) => [`${each.HostName}/${each.HostPID}`, each]),
    );
    const shell = started.get(`${miner?.HostName}/${miner?.HostPPID}`);
    expect(shell?.ProcessName).toBe('/bin/bash');
    const webShell = started.get(`${shell?.HostName}/${shell?.HostPPID}`);
    expect(webShell).toMatchObject({ ProcessName: '/bin/sh', ParentProcessName: '/usr/sbin/apache2' });
  });

  it('shows sessions that entered a container from outside, on a terminal', () => {
    const sessions = kubearmor(events({ count: 20_000 })).filter((each) => each.TTY === 'pts0');
    expect(sessions.length).toBeGreaterThan(10);
    const marked = sessions.filter((each) => each.ExecEvent !== undefined);
    expect(marked.every((each) => each.ExecEvent?.ExecID !== '0')).toBe(true);
    const entering = marked.filter((each) => each.ParentProcessName === '/usr/bin/runc');
    expect(entering.length).toBeGreaterThan(0);
    // What it starts has the low half of its ExecID, and its own PID above.
    const halves = (each: LogFields): readonly number[] => {
      const id = BigInt(each.ExecEvent?.ExecID ?? '0');
      return [Number(id >> 32n), Number(BigInt.asUintN(32, id))];
    };
    const low = new Map(entering.map((each) => [`${each.HostName}/${each.HostPID}`, halves(each)[1]]));
    const started = marked.filter((each) => low.has(`${each.HostName}/${each.HostPPID}`));
    expect(started.length).toBeGreaterThan(entering.length);
    for (const each of started) {
      expect(halves(each)).toEqual([each.HostPID, low.get(`${each.HostName}/${each.HostPPID}`)]);
    }
    for (const each of entering) expect(halves(each)[0]).not.toBe(each.HostPID);
  });

  it("throttles a container's alerts as KubeArmor does, and marks it", () => {
    const tally = { throttled: 0 };
    const list = kubearmor([...generateEvents({ startTimeMicros: START, rate: 5_000, count: 20_000 }, tally)]);
    const marks = list.filter((each) => each.Operation === 'AlertThreshold');
    expect(marks.length).toBeGreaterThan(0);
    expect(marks[0]).toMatchObject({ Type: 'SystemEvent', MaxAlertsPerSec: 10, DroppingAlertsInterval: 30 });
    expect(tally.throttled).toBeGreaterThan(0);
    // The whole run takes 4 s, so that whoever was silenced stays silent.
    for (const mark of marks) {
      const after = list.filter(
        (each) =>
          each.PolicyName !== undefined &&
          each.HostName === mark.HostName &&
          each.ContainerID === mark.ContainerID &&
          micros(each) > micros(mark),
      );
      expect(after).toEqual([]);
    }
    const open = kubearmor(events({ rate: 5_000, throttle: undefined }));
    expect(open.filter((each) => each.Operation === 'AlertThreshold')).toEqual([]);
  });

  it('adds messages only when asked', () => {
    const list = events({ count: 1_000, messages: true });
    expect(list.filter((each) => each.stream === 'messages')).toHaveLength(10);
    expect(list.filter((each) => each.stream !== 'messages')).toHaveLength(1_000);
  });
});
