import { create, toBinary } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { AlertSchema, LogSchema, MessageSchema } from '../gen/feeder/kubearmor_pb.js';
import type { AlertFields } from './encoder.js';
import { FeederEncoder } from './encoder.js';

const ALERT: AlertFields = {
  Timestamp: 1_784_880_000,
  UpdatedTime: '2026-07-24T08:00:00.000000Z',
  HostName: 'edge-1',
  HostPID: 4_194_303,
  PID: 1,
  UID: -1,
  PPID: -2_147_483_648,
  Source: '/bin/bash -c "naïve 😀"',
  Resource: 'x'.repeat(127),
  Data: 'é'.repeat(100_000),
  Result: '',
  Owner: { Ref: 'Deployment', Name: 'n'.repeat(200), Namespace: 'shop' },
  ExecEvent: {},
  EventData: { Syscall: 'SYS_EXECVE', '': 'no key', Empty: '', Long: 'y'.repeat(20_000) },
  ATags: ['MITRE', '', 'NIST'],
  PolicyName: 'ksp',
  MaxAlertsPerSec: 10,
};

describe('FeederEncoder', () => {
  it('gives the bytes that the generated code gives, whatever it encoded before', () => {
    const encoder = new FeederEncoder();
    const { Timestamp = 0, ATags = [], ...rest } = ALERT;
    const alert = { ...rest, ATags: [...ATags], EventData: { ...rest.EventData }, Timestamp: BigInt(Timestamp) };
    const message = { Timestamp: 3n, Message: 'hi' };
    for (let round = 0; round < 2; round += 1) {
      expect(encoder.encodeAlert(ALERT).equals(toBinary(AlertSchema, create(AlertSchema, alert)))).toBe(true);
      expect(encoder.encodeLog(ALERT).equals(toBinary(LogSchema, create(LogSchema, alert)))).toBe(true);
      expect(encoder.encodeMessage({ ...message, Timestamp: 3 })).toEqual(
        Buffer.from(toBinary(MessageSchema, create(MessageSchema, message))),
      );
      expect(encoder.encodeLog({})).toHaveLength(0);
    }
  });
});
