import { isSensible } from '../backend/src/connectors/kubearmor/time.js';
import { readFileSync } from 'node:fs';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FeederDecoder, feeder } from '@armorlake/proto';
import { describe, expect, it } from 'vitest';
import type { EventKind } from '../backend/src/connectors/index.js';
import { IntakeRequest } from '../backend/src/intake/index.js';
import { tables, tableName } from '../backend/src/lake/index.js';
import { ARRIVAL_MS, HubFixture } from './support/connector-lane.js';
import type { PlainEvent } from './support/expected-rows.js';
import { expectedRow } from './support/expected-rows.js';

function testData(name: string): string[] {
  return readFileSync(new URL(`data/${name}`, import.meta.url), 'utf8')
    .trim()
    .split('\n');
}

const decoder = new FeederDecoder();

/** Hands bytes over as a KubeArmor connector does. */
function take(fixture: HubFixture, kind: EventKind, bytes: Uint8Array): void {
  const lane = fixture.hub.lane(kind);
  const arrival = { connector: 'ka', cluster: null, receivedAt: ARRIVAL_MS * 1000, size: bytes.byteLength };
  fixture.sinkOf(lane).take(bytes, kind, arrival, (message) => {
    switch (kind) {
      case 'logs':
        return { kind, event: decoder.decodeLog(message) };
      case 'alerts':
        return { kind, event: decoder.decodeAlert(message) };
      case 'messages':
        return { kind, event: decoder.decodeMessage(message) };
    }
  });
}

function log(fields: object): Uint8Array {
  return toBinary(feeder.LogSchema, create(feeder.LogSchema, fields));
}

function alert(fields: object): Uint8Array {
  return toBinary(feeder.AlertSchema, create(feeder.AlertSchema, fields));
}

/** Imports lines; what became of them. */
async function importLines(fixture: HubFixture, lines: readonly (string | Uint8Array)[], request = 1) {
  const lane = fixture.hub.lane('intake');
  const { hub, clock } = fixture;
  const intake = new IntakeRequest({ request, lane, sink: hub.intakeSink(), window: hub.window, clock });
  for (const line of lines) await intake.push(Buffer.concat([Buffer.from(line), Buffer.from('\n')]));
  return await intake.finish();
}

describe('recorded events', () => {
  it('the wire messages become the rows that a second opinion expects, field by field', () => {
    const fixture = new HubFixture({ redactionKey: Buffer.alloc(32, 1) });
    const expected: { readonly logs: unknown[]; readonly alerts: unknown[] } = { logs: [], alerts: [] };
    for (const line of testData('kubearmor-wire.ndjson')) {
      const { stream, message } = JSON.parse(line) as { stream: string; message: string };
      const bytes = Buffer.from(message, 'base64');
      const kind = stream === 'WatchAlerts' ? 'alerts' : 'logs';
      const schema = kind === 'alerts' ? feeder.AlertSchema : feeder.LogSchema;
      expected[kind].push(expectedRow(fromBinary(schema, bytes) as PlainEvent, 'ka', kind === 'alerts'));
      take(fixture, kind, bytes);
    }
    expect(fixture.rows('logs', 'kubearmor.logs')).toEqual(expected.logs);
    expect(fixture.rows('alerts', 'kubearmor.alerts')).toEqual(expected.alerts);
    expect(expected.logs.length + expected.alerts.length).toBe(600);
    expect(fixture.account()).toEqual({ received: 600, stored: 600, deadLettered: 0, dropped: 0 });
    expect(fixture.deadLetters()).toEqual([]);
  });

  it('the published events become the rows that a second opinion expects, field by field', async () => {
    const fixture = new HubFixture({ redactionKey: Buffer.alloc(32, 1) });
    const events = testData('kubearmor-published-events.ndjson').map((line) => JSON.parse(line) as PlainEvent);
    const result = await importLines(fixture, testData('kubearmor-published-events.ndjson'));
    expect(result).toEqual({ accepted: 49, rejected: 0, errors: [], forms: ['JSON lines'] });
    const isAlert = (event: PlainEvent): boolean => !String(event.Type).endsWith('Log');
    const foreign = ['HashID', 'cluster_id', 'UpdatedTimeISO', 'tenant_id', 'workload'];
    const expected = (alert: boolean): unknown[] =>
      events
        .filter((event) => isAlert(event) === alert)
        .map((event) => {
          const row = expectedRow(event, 'import', alert);
          const marks = foreign.some((name) => name in event) ? ['fields:unknown'] : [];
          return { ...row, quality: [...marks, ...(row.quality as string[])] };
        });
    expect(fixture.rows('intake', 'kubearmor.logs')).toEqual(expected(false));
    expect(fixture.rows('intake', 'kubearmor.alerts')).toEqual(expected(true));
    expect(fixture.account()).toEqual({ received: 49, stored: 49, deadLettered: 0, dropped: 0 });
  });

  it('gRPC and import give the same row', async () => {
    for (const line of testData('kubearmor-wire.ndjson')) {
      const { stream, message } = JSON.parse(line) as { stream: string; message: string };
      const kind = stream === 'WatchAlerts' ? 'alerts' : 'logs';
      const bytes = Buffer.from(message, 'base64');
      const schema = kind === 'alerts' ? feeder.AlertSchema : feeder.LogSchema;
      const { $typeName: _type, ...event } = fromBinary(schema, bytes) as PlainEvent & { $typeName: string };
      const json = JSON.stringify(event, (key, value: unknown) =>
        key === '$typeName' ? undefined : typeof value === 'bigint' ? Number(value) : value,
      );
      const fixture = new HubFixture();
      take(fixture, kind, bytes);
      await importLines(fixture, [json]);
      const [wire] = fixture.rows(kind, `kubearmor.${kind}`);
      expect(fixture.rows('intake', `kubearmor.${kind}`)).toEqual([{ ...wire, connector: 'import' }]);
    }
  });

  it('writes every column of the tables but node and seq', () => {
    const fixture = new HubFixture();
    take(fixture, 'logs', log({ HostName: 'h' }));
    take(fixture, 'alerts', alert({ HostName: 'h' }));
    take(fixture, 'messages', toBinary(feeder.MessageSchema, create(feeder.MessageSchema, { HostName: 'h' })));
    for (const kind of ['logs', 'alerts', 'messages'] as const) {
      const [row] = fixture.rows(kind, `kubearmor.${kind}`);
      const table = tables.find((each) => tableName(each) === `kubearmor.${kind}`);
      expect(Object.keys(row ?? {})).toEqual(table?.columns.map(({ name }) => name));
    }
  });
});

describe('times', () => {
  it.each([
    ['1970-01-01T00:00:00.000000Z', 0n],
    ['2027-01-01T00:00:00.000001Z', BigInt(Date.UTC(2027, 0, 1)) * 1000n + 1n],
  ])('stores %s as it is', (UpdatedTime, micros) => {
    const fixture = new HubFixture();
    take(fixture, 'logs', log({ UpdatedTime }));
    expect(fixture.rows('logs', 'kubearmor.logs')[0]).toMatchObject({ time: micros, quality: [] });
  });

  it('falls back to Timestamp, then to the arrival, and says so', () => {
    const fixture = new HubFixture();
    take(fixture, 'logs', log({ Timestamp: 5n }));
    take(fixture, 'logs', log({}));
    take(fixture, 'logs', log({ UpdatedTime: 'soon', Timestamp: 5n }));
    expect(fixture.rows('logs', 'kubearmor.logs').map(({ time, quality }) => [time, quality])).toEqual([
      [5_000_000n, ['time:seconds']],
      [BigInt(ARRIVAL_MS) * 1000n, ['time:arrival']],
      [5_000_000n, ['time:text', 'time:seconds']],
    ]);
    // The text that was no time is not in the row: the original is kept.
    expect(fixture.deadLetters().map(({ eventIndex, error }) => [eventIndex, error])).toEqual([
      [2, 'Stored with repairs: time:text.'],
    ]);
  });
});

describe('times that nothing can have happened at', () => {
  it.each<[string, string, bigint, bigint, readonly string[]]>([
    [
      'the end of TIMESTAMP',
      '294247-01-10T04:00:54.775806Z',
      9_223_372_036_854n,
      -1n,
      ['time:text', 'range:time', 'time:arrival'],
    ],
    ['year 9999', '9999-12-31T23:59:59.000000Z', 0n, -1n, ['range:time', 'time:arrival']],
    ['year 2300', '2300-12-31T23:59:59.999999Z', 5n, 5_000_000n, ['range:time', 'time:seconds']],
    ['no time in Go', '0001-01-01T00:00:00.000000Z', -62_135_596_800n, -1n, ['range:time', 'time:arrival']],
    [
      'two years ahead',
      new Date(ARRIVAL_MS + 2 * 366 * 86_400_000).toISOString(),
      0n,
      -1n,
      ['range:time', 'time:arrival'],
    ],
  ])('%s', (_name, UpdatedTime, Timestamp, micros, quality) => {
    const fixture = new HubFixture();
    take(fixture, 'logs', log({ UpdatedTime, Timestamp }));
    const time = micros === -1n ? BigInt(ARRIVAL_MS) * 1000n : micros;
    expect(fixture.rows('logs', 'kubearmor.logs')[0]).toMatchObject({ time, quality });
    // What it said is kept beside it.
    expect(fixture.deadLetters().map(({ error }) => error)).toEqual([expect.stringContaining('range:time')]);
  });

  it('a node whose own clock stands at 1970 takes what others say', () => {
    expect(isSensible(Date.UTC(2030, 0, 1) * 1000, 60_000_000)).toBe(true);
    expect(isSensible(BigInt(Date.UTC(2263, 0, 1)) * 1000n, 60_000_000)).toBe(false);
  });
});

describe('fields', () => {
  it('turns negative uids, unset sessions and severities into what they mean', () => {
    const fixture = new HubFixture();
    take(fixture, 'logs', log({ UID: -2, ExecEvent: { ExecID: '0', ExecutableName: 'sh' } }));
    take(fixture, 'alerts', alert({ Severity: '10' }));
    take(fixture, 'alerts', alert({ Severity: 'high' }));
    take(fixture, 'alerts', alert({ Severity: '' }));
    expect(fixture.rows('logs', 'kubearmor.logs')[0]).toMatchObject({
      uid: 2n ** 32n - 2n,
      exec_session: null,
      exec_name: 'sh',
      quality: ['time:arrival', 'uid:negative'],
    });
    expect(fixture.rows('alerts', 'kubearmor.alerts').map(({ severity, quality }) => [severity, quality])).toEqual([
      [10, ['time:arrival']],
      [null, ['severity:text', 'time:arrival']],
      [null, ['time:arrival']],
    ]);
    expect(fixture.deadLetters().map(({ error }) => error)).toEqual(['Stored with repairs: severity:text.']);
  });

  it.each([
    ['Block', 'Passed', 'happened'],
    ['Block', 'No such file or directory', 'blocked'],
    ['Block', '', 'blocked'],
    ['Audit (Block)', 'Passed', 'happened'],
    ['Audit', 'Permission denied', 'blocked'],
    ['Allow', 'Operation not permitted', 'blocked'],
    ['Audit', 'No such file or directory', 'failed'],
    ['Audit', 'Unknown (-11)', 'failed'],
    ['', '', 'happened'],
  ])('%j with %j: %s', (Action, Result, outcome) => {
    const fixture = new HubFixture();
    take(fixture, 'alerts', alert({ Action, Result }));
    expect(fixture.rows('alerts', 'kubearmor.alerts')[0]?.outcome).toBe(outcome);
  });

  it('keeps the last of duplicate labels, and the original', () => {
    const fixture = new HubFixture();
    const bytes = log({ Labels: 'c,a=1,b=Fast, small,, and x y=z,,a=3=4,' });
    take(fixture, 'logs', bytes);
    expect(fixture.rows('logs', 'kubearmor.logs')[0]).toMatchObject({
      labels: [
        ['c', ''],
        ['a', '3=4'],
        ['b', 'Fast, small,, and x y=z'],
      ],
      quality: ['labels:duplicate', 'time:arrival'],
    });
    expect(fixture.deadLetters()[0]?.bytes).toEqual(Buffer.from(bytes));
  });

  it('stores a throttle mark as an alert, and as a gap', () => {
    const fixture = new HubFixture();
    take(
      fixture,
      'alerts',
      alert({
        UpdatedTime: '2026-07-24T08:00:00.000001Z',
        Type: 'SystemEvent',
        Operation: 'AlertThreshold',
        MaxAlertsPerSec: 10,
        DroppingAlertsInterval: 30,
      }),
    );
    expect(fixture.rows('alerts', 'kubearmor.alerts')[0]).toMatchObject({
      operation: 'AlertThreshold',
      max_alerts_per_sec: 10,
      dropping_alerts_interval: 30,
    });
    const fromMicros = Date.UTC(2026, 6, 24, 8) * 1000 + 1;
    expect(fixture.batches[0]?.info.gaps).toEqual([
      {
        connector: 'ka',
        stream: 'alerts',
        fromMicros,
        toMicros: fromMicros + 30_000_000,
        cause: 'throttle',
        estimated: null,
      },
    ]);
  });
});

const hostile = {
  quotes: `'"\`\\ ' OR 1=1; --`,
  nul: 'a\0b\0',
  ansi: '\u001b[31mred\u001b[0m\u009b1m',
  rightToLeft: 'abc\u202egnp.exe\u2066x\u2069',
  html: '<img src=x onerror=alert(1)>',
  newlines: 'a\r\nb\tc\u2028d',
  emoji: '👩‍👩‍👧‍👦🚀',
  replacement: 'a\ufffdb',
  noncharacter: '\uffff\ufdd0',
};

describe('hostile text', () => {
  const textFields = feeder.AlertSchema.fields.filter((field) => field.fieldKind === 'scalar' && field.scalar === 9);

  it.each(Object.entries(hostile))('%s comes back byte for byte in every field', (_name, text) => {
    const given = Object.fromEntries(textFields.map((field) => [field.localName, text]));
    const fixture = new HubFixture({ redactionKey: Buffer.alloc(32, 1) });
    take(
      fixture,
      'alerts',
      alert({
        ...given,
        UpdatedTime: '',
        Severity: '',
        Owner: { Ref: text, Name: text, Namespace: text },
        ATags: [text],
        EventData: { [text]: text },
        Labels: `k=${text.replaceAll(',', '')}`,
      }),
    );
    const [row] = fixture.rows('alerts', 'kubearmor.alerts');
    const derived = [
      'time received_at node seq connector quality labels host_pid host_ppid pid ppid uid outcome severity',
      'syscall direction remote_ip remote_port local_port protocol domain exec_session exec_name',
      'max_alerts_per_sec dropping_alerts_interval tags event_data',
    ]
      .join(' ')
      .split(' ');
    for (const [column, value] of Object.entries(row ?? {})) {
      if (!derived.includes(column)) expect([column, value]).toEqual([column, text]);
    }
    expect(row).toMatchObject({ tags: [text], event_data: [[text, text]], quality: ['time:arrival'] });
  });

  it('invalid UTF-8 is replaced, marked, and its original kept', () => {
    const fixture = new HubFixture();
    const bytes = log({ Source: 'XXXX', PodName: 'pod', EventData: { Path: 'YYYY' } });
    const broken = Buffer.from(bytes);
    broken.set([0x61, 0xff, 0xc3, 0x28], broken.indexOf('XXXX'));
    broken.set([0xf0, 0x9f, 0x98, 0x21], broken.indexOf('YYYY'));
    take(fixture, 'logs', broken);
    const [row] = fixture.rows('logs', 'kubearmor.logs');
    expect(row).toMatchObject({ source: 'a\ufffd\ufffd(', pod: 'pod', event_data: [['Path', '\ufffd!']] });
    expect(row?.quality).toEqual(expect.arrayContaining(['utf8:source', 'utf8:event_data']));
    expect(fixture.deadLetters()).toMatchObject([{ eventIndex: 0, stream: 'logs', bytes: broken }]);
    expect(fixture.account()).toEqual({ received: 1, stored: 1, deadLettered: 0, dropped: 0 });
  });

  it('strings of 4 MiB are capped at 1 MiB between characters, marked, and their original kept', () => {
    const fixture = new HubFixture();
    const bytes = log({
      Resource: `a${'é'.repeat(2 << 20)}`,
      Source: 'x'.repeat(1 << 20),
      Labels: `k=${'v'.repeat(4 << 20)}`,
      EventData: { k: '日'.repeat(1 << 20) },
    });
    take(fixture, 'logs', bytes);
    const [row] = fixture.rows('logs', 'kubearmor.logs');
    expect(row?.resource).toBe(`a${'é'.repeat((1 << 19) - 1)}`);
    expect(row?.source).toBe('x'.repeat(1 << 20));
    expect(row?.labels).toEqual([['k', 'v'.repeat((1 << 20) - 2)]]);
    expect(row?.event_data).toEqual([['k', '日'.repeat(Math.floor((1 << 20) / 3))]]);
    expect(new Set(row?.quality as string[])).toEqual(
      new Set(['capped:resource', 'capped:labels', 'capped:event_data', 'time:arrival']),
    );
    expect(fixture.deadLetters()[0]?.bytes.equals(bytes)).toBe(true);
  });

  it('bytes that are no message become a dead letter, counted once', () => {
    const fixture = new HubFixture();
    const bytes = Buffer.from([0x0a, 0x7f, 0x01]);
    take(fixture, 'logs', bytes);
    take(fixture, 'logs', log({ HostName: 'h' }));
    expect(fixture.rows('logs', 'kubearmor.logs').map(({ host }) => host)).toEqual(['h']);
    expect(fixture.deadLetters()).toMatchObject([{ connector: 'ka', stream: 'logs', eventIndex: null, bytes }]);
    expect(fixture.account()).toEqual({ received: 2, stored: 1, deadLettered: 1, dropped: 0 });
  });

  it('redacted rows keep no original that would tell the secret', () => {
    const redactionKey = Buffer.alloc(32, 1);
    const fixture = new HubFixture({ redactionKey });
    const secret = 'hunter2hunter2';
    take(
      fixture,
      'logs',
      log({ Resource: `run --password ${secret}`, Data: `token=${secret}`, EventData: { Token: secret } }),
    );
    take(fixture, 'logs', log({ Resource: `run --password ${secret}`, Labels: 'a=1,a=2' }));
    take(
      fixture,
      'logs',
      log({
        Cwd: `/srv/token=${secret}`,
        ProcessName: `/tmp/a --password ${secret}`,
        ParentProcessName: `/tmp/a --password=${secret}`,
        ExecEvent: { ExecID: '7', ExecutableName: `PASSWORD=${secret}` },
        Labels: `app=web,password=${secret}`,
      }),
    );
    take(fixture, 'alerts', alert({ Source: `curl -u me:${secret} x`, Message: `PASSWORD=${secret}` }));
    take(fixture, 'logs', Buffer.concat([Buffer.from([0x0a, 0x7f]), Buffer.from(`--password ${secret} `)]));
    fixture.hub.lane('alerts').flush();
    const rows = fixture.rows('logs', 'kubearmor.logs');
    expect(rows.map(({ quality }) => quality)).toEqual([
      ['redacted', 'time:arrival'],
      ['labels:duplicate', 'redacted', 'time:arrival'],
      ['redacted', 'time:arrival'],
    ]);
    expect(rows[0]?.resource).toMatch(/^run --password \[redacted:[0-9a-f]{12}\]$/);
    const letters = fixture.deadLetters();
    expect(letters.map(({ eventIndex, bytes }) => [eventIndex, bytes.length > 0])).toEqual([
      [1, false],
      [null, true],
    ]);
    for (const { buffer } of fixture.batches) expect(Buffer.from(buffer).includes(secret)).toBe(false);
    // Switched off, everything is stored as it came.
    const open = new HubFixture();
    take(open, 'logs', log({ Resource: `run --password ${secret}` }));
    expect(open.rows('logs', 'kubearmor.logs')[0]).toMatchObject({
      resource: `run --password ${secret}`,
      quality: ['time:arrival'],
    });
  });
});

describe('imported lines', () => {
  it('that are no events become dead letters that say why', async () => {
    const fixture = new HubFixture();
    const lines = [
      'no json',
      '[1]',
      '"text"',
      'null',
      '{}',
      '{"a":1}',
      '{"Type":"ContainerLog"',
      Buffer.from([0xff, 0xfe]),
      `${'['.repeat(100_000)}`,
    ];
    const result = await importLines(fixture, [...lines, '', '{"Type":"HostLog"}', '  ']);
    expect(result).toMatchObject({ accepted: 1, rejected: 9 });
    expect(result.errors[0]).toMatchObject({ line: 1, error: expect.stringContaining('not JSON') });
    expect(result.errors[4]).toMatchObject({ line: 5, error: expect.stringContaining('none of Type') });
    fixture.rows('intake', 'kubearmor.logs');
    expect(fixture.deadLetters().map(({ bytes }) => bytes)).toEqual(lines.map((line) => Buffer.from(line)));
    expect(fixture.account()).toEqual({ received: 10, stored: 1, deadLettered: 9, dropped: 0 });
    expect(fixture.batches.flatMap(({ info }) => info.requests)).toEqual([1]);
  });

  it('take numbers as text, and mark what has another type or is out of range', async () => {
    const fixture = new HubFixture();
    await importLines(fixture, [
      '{"Type":"HostLog","Timestamp":"1784880000","HostPID":"42","UID":4294967294,"PID":null}',
      '{"Type":"HostLog","Timestamp":1784880000,"HostPID":99999999999,"Resource":5,"Labels":{"a":"b"},"Owner":"x","PID":1.5}',
      '{"Type":"HostLog","Timestamp":1784880000,"Source":"\\ud800x","EventData":{"Fd":3}}',
    ]);
    expect(fixture.rows('intake', 'kubearmor.logs')).toMatchObject([
      { time: 1_784_880_000_000_000n, host_pid: 42, uid: 4_294_967_294n, pid: 0, quality: ['time:seconds'] },
      {
        host_pid: 0,
        resource: '5',
        labels: [['a', 'b']],
        workload: null,
        quality: ['range:host_pid', 'type:pid', 'type:resource', 'type:labels', 'type:workload', 'time:seconds'],
      },
      {
        source: '\ufffdx',
        event_data: [['Fd', '3']],
        quality: ['utf8:source', 'type:event_data', 'time:seconds'],
      },
    ]);
    expect(fixture.deadLetters().map(({ eventIndex }) => eventIndex)).toEqual([1, 2]);
  });

  it('tell alerts, logs and messages apart', async () => {
    const fixture = new HubFixture();
    await importLines(fixture, [
      '{"Type":"MatchedHostPolicy"}',
      '{"Type":"SystemEvent","Operation":"AlertThreshold"}',
      '{"Operation":"File","PolicyName":"p"}',
      '{"Operation":"File"}',
      '{"Type":"ContainerLog","Tags":"x"}',
      '{"Type":"MESSAGE","Level":"INFO","Message":"m"}',
    ]);
    const count = (table: string): number => fixture.rows('intake', table).length;
    expect([count('kubearmor.alerts'), count('kubearmor.logs'), count('kubearmor.messages')]).toEqual([3, 2, 1]);
  });

  it('may come in pieces of any size', async () => {
    const text = `${testData('kubearmor-published-events.ndjson').join('\r\n')}\n\n${'{"Type":"HostLog"}'}`;
    const bytes = Buffer.from(text);
    for (const size of [1, 7, 1000, bytes.length]) {
      const fixture = new HubFixture();
      const { hub, clock } = fixture;
      const lane = hub.lane('intake');
      const intake = new IntakeRequest({ request: 1, lane, sink: hub.intakeSink(), window: hub.window, clock });
      for (let at = 0; at < bytes.length; at += size) await intake.push(bytes.subarray(at, at + size));
      expect(await intake.finish()).toEqual({ accepted: 50, rejected: 0, errors: [], forms: ['JSON lines'] });
    }
  });
});

describe('a full window', () => {
  it('drops logs before alerts, and counts each of them', () => {
    const limits = {
      logsCommitMs: 60_000,
      alertsCommitMs: 60_000,
      batchRows: 1,
      batchBytes: 1 << 20,
      windowBytes: 100_000,
    };
    const fixture = new HubFixture({ limits });
    // Each batch of one row posted and not settled fills the window a little.
    for (let sent = 0; sent < 200; sent++) take(fixture, 'logs', log({ Resource: 'x'.repeat(1000) }));
    const logs = fixture.rows('logs', 'kubearmor.logs').length;
    expect(logs).toBeGreaterThan(10);
    expect(logs).toBeLessThan(110);
    take(fixture, 'alerts', alert({ HostName: 'h' }));
    expect(fixture.rows('alerts', 'kubearmor.alerts')).toHaveLength(1);
    expect(fixture.account()).toEqual({ received: 201, stored: logs + 1, deadLettered: 0, dropped: 200 - logs });
    const dropped = fixture.batches.flatMap(({ info }) => info.ledger).filter((delta) => delta.dropped > 0);
    expect(new Set(dropped.map(({ reason, stream }) => `${stream} ${String(reason)}`))).toEqual(
      new Set(['logs queue_full']),
    );
    for (const { id } of fixture.batches) fixture.hub.window.settle(id);
    take(fixture, 'logs', log({ HostName: 'again' }));
    expect(fixture.rows('logs', 'kubearmor.logs').at(-1)?.host).toBe('again');
  });
});
