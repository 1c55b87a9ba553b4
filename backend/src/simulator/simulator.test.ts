import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FeederDecoder, GrpcClient, WireError, feeder } from '@armorlake/proto';
import { credentials, status } from '@grpc/grpc-js';
import type { ClientReadableStream } from '@grpc/grpc-js';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ArmorlakeError } from '../core/index.js';
import type { BreakWay, RunningSimulator, SimulatorInput } from './options.js';
import { startSimulator } from './simulator.js';
import type { TruthLine } from './truth.js';

const { healthCheck, watchAlerts, watchLogs, watchMessages } = feeder.LogService.method;
const recording = new URL('../../../test/data/kubearmor-published-events.ndjson', import.meta.url).pathname;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function start(input: SimulatorInput): Promise<{ simulator: RunningSimulator; client: GrpcClient }> {
  const simulator = await startSimulator({ listen: '127.0.0.1:0', rate: 1_000_000, ...input });
  cleanups.push(() => simulator.close());
  return { simulator, client: connect(simulator) };
}

function connect(simulator: RunningSimulator): GrpcClient {
  const client = new GrpcClient(simulator.address, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 64 << 20,
    'grpc-node.flow_control_window': 16 << 20,
    'grpc.max_reconnect_backoff_ms': 200,
  });
  cleanups.push(() => {
    client.close();
  });
  return client;
}

/** A subscriber that keeps what it got and how its stream ended. */
class Reader {
  readonly got: Buffer[] = [];
  readonly ended: Promise<{ readonly code: number }>;

  constructor(stream: ClientReadableStream<Buffer>) {
    stream.on('data', (bytes: Buffer) => this.got.push(bytes));
    stream.on('error', () => undefined);
    this.ended = new Promise((resolve) => stream.on('status', resolve));
  }

  /** Resolves when so many messages are here. */
  async reach(count: number): Promise<void> {
    await vi.waitFor(
      () => {
        expect(this.got.length).toBeGreaterThanOrEqual(count);
      },
      { timeout: 60_000, interval: 10 },
    );
  }
}

function subscribe(client: GrpcClient): { readonly logs: Reader; readonly alerts: Reader } {
  return {
    logs: new Reader(client.rawServerStream(watchLogs, { Filter: 'all' })),
    alerts: new Reader(client.rawServerStream(watchAlerts, { Filter: 'all' })),
  };
}

async function temporaryFile(name: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'armorlake-simulator-'));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  return join(folder, name);
}

async function truthOf(file: string): Promise<TruthLine[]> {
  const text = await readFile(file, 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as TruthLine);
}

describe('startSimulator', () => {
  it('echoes the nonce', async () => {
    const { client } = await start({});
    await expect(client.unary(healthCheck, { nonce: -7 })).resolves.toMatchObject({ Retval: -7 });
  });

  it.each(['', 'policies', 'system'])('ends a stream of alerts with filter "%s" at once, with OK', async (Filter) => {
    const { client } = await start({});
    const reader = new Reader(client.rawServerStream(watchAlerts, { Filter }));
    await expect(reader.ended).resolves.toMatchObject({ code: status.OK });
    expect(reader.got).toEqual([]);
  });

  it('waits for logs and alerts to be subscribed to, then sends all, and its truth file says so', async () => {
    const truthFile = await temporaryFile('truth.ndjson');
    const { simulator, client } = await start({ count: 2_000, lossless: true, truthFile });
    const logs = new Reader(client.rawServerStream(watchLogs, { Filter: 'system' }));
    await client.unary(healthCheck, { nonce: 1 });
    expect(simulator.counters().logs.generated).toBe(0);
    const alerts = new Reader(client.rawServerStream(watchAlerts, { Filter: 'policy' }));
    await simulator.finished;
    const { logs: logCount, alerts: alertCount } = simulator.counters();
    expect(logCount.sent + alertCount.sent).toBe(2_000);
    await Promise.all([logs.reach(logCount.sent), alerts.reach(alertCount.sent)]);
    await simulator.close();
    const truth = await truthOf(truthFile);
    const decoder = new FeederDecoder();
    for (const [stream, sent] of [
      ['logs', logs.got.map((bytes) => decoder.decodeLog(bytes))],
      ['alerts', alerts.got.map((bytes) => decoder.decodeAlert(bytes))],
    ] as const) {
      const lines = truth.filter((line) => line.stream === stream);
      expect(
        sent.map((each) => [each.updatedTime, each.hostName, each.hostPid, each.operation, each.resource]),
      ).toEqual(
        lines.map((line) => [line.UpdatedTime, line.HostName, line.HostPID ?? 0, line.Operation, line.Resource ?? '']),
      );
    }
    expect(truth.map((line) => line.number).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 2_000 }, (_, index) => index + 1),
    );
    expect(truth[0]?.event).toMatchObject({ ClusterName: 'default', Type: expect.any(String) as string });
  });

  it('writes its truth down while it runs', async () => {
    const truthFile = await temporaryFile('truth.ndjson');
    const { client } = await start({ rate: 500, truthFile });
    const { logs } = subscribe(client);
    await logs.reach(20);
    await vi.waitFor(async () => {
      expect((await truthOf(truthFile)).filter((line) => line.stream === 'logs').length).toBeGreaterThanOrEqual(20);
    }, 60_000);
  });

  it("loses what nobody hears with noWait, KubeArmor's own way, and outlives its clients", async () => {
    const { simulator, client } = await start({ count: 500, noWait: true });
    await simulator.finished;
    expect(simulator.counters().logs).toMatchObject({ sent: 0, subscribers: 0 });
    const { logs, alerts } = simulator.counters();
    expect(logs.dropped + alerts.dropped).toBe(500);
    // The streams stay open after the last event, for whoever comes.
    const abort = new AbortController();
    const gone = new Reader(client.rawServerStream(watchLogs, { Filter: 'all' }, { signal: abort.signal }));
    await vi.waitFor(() => {
      expect(simulator.counters().logs.subscribers).toBe(1);
    }, 60_000);
    abort.abort();
    await gone.ended;
    await vi.waitFor(() => {
      expect(simulator.counters().logs.subscribers).toBe(0);
    }, 60_000);
    await expect(connect(simulator).unary(healthCheck, { nonce: 3 })).resolves.toMatchObject({ Retval: 3 });
  });

  it('drops what a full queue has no room for, and sends the rest when the stall is over', async () => {
    const { simulator, client } = await start({ count: 5_000, queueLength: 1_000 });
    simulator.stall(60_000);
    const { logs } = subscribe(client);
    await vi.waitFor(
      () => {
        const counters = simulator.counters();
        expect(counters.logs.generated + counters.alerts.generated).toBe(5_000);
      },
      { timeout: 60_000 },
    );
    const counters = simulator.counters();
    expect(counters.logs).toMatchObject({ sent: 0, dropped: counters.logs.generated - 1_000 });
    expect(logs.got).toEqual([]);
  });

  it('goes on after a stall with what the queues still hold', async () => {
    const { simulator, client } = await start({ count: 300, faults: { stallEvery: 100, stallMs: 20 } });
    const { logs, alerts } = subscribe(client);
    await simulator.finished;
    const { sent } = simulator.counters().logs;
    await logs.reach(sent);
    await alerts.reach(300 - sent);
  });

  it.each<[BreakWay, number]>([
    ['internal', status.INTERNAL],
    ['unavailable', status.UNAVAILABLE],
    ['ok', status.OK],
    ['reset', status.UNAVAILABLE],
  ])('breaks its streams the way of "%s" and serves whoever comes back', async (way, code) => {
    const { simulator, client } = await start({ rate: 2_000 });
    const { logs, alerts } = subscribe(client);
    await logs.reach(10);
    simulator.breakStreams(way);
    await expect(logs.ended).resolves.toMatchObject({ code });
    await expect(alerts.ended).resolves.toMatchObject({ code });
    const again = subscribe(client);
    await again.logs.reach(10);
    expect(simulator.counters()).toMatchObject({ breaks: 1, logs: { subscribers: 1 } });
  });

  it('breaks by itself every so many events, the ways taken in turn', async () => {
    const { simulator, client } = await start({
      rate: 2_000,
      faults: { breakEvery: 50, breakWays: ['ok', 'internal'] },
    });
    const first = subscribe(client);
    await expect(first.logs.ended).resolves.toMatchObject({ code: status.OK });
    const codes = [];
    for (let round = 0; round < 2; round += 1) codes.push((await subscribe(client).logs.ended).code);
    expect(codes.every((code) => code === status.OK || code === status.INTERNAL)).toBe(true);
    expect(simulator.counters().breaks).toBeGreaterThan(1);
  });

  it('is out of reach when the time has come, goes on meanwhile, and is back on the same port', async () => {
    const { simulator, client } = await start({ rate: 2_000, faults: { awayAfterMs: 100, awayForMs: 2_000 } });
    const { logs, alerts } = subscribe(client);
    await expect(logs.ended).resolves.toMatchObject({ code: status.UNAVAILABLE });
    await expect(alerts.ended).resolves.toMatchObject({ code: status.UNAVAILABLE });
    await expect(connect(simulator).unary(healthCheck, { nonce: 5 })).rejects.toMatchObject({
      code: status.UNAVAILABLE,
    });
    await vi.waitFor(
      () => expect(connect(simulator).unary(healthCheck, { nonce: 6 })).resolves.toMatchObject({ Retval: 6 }),
      { timeout: 60_000, interval: 100 },
    );
    await subscribe(connect(simulator)).logs.reach(10);
    const { logs: counted, breaks } = simulator.counters();
    expect(counted.dropped).toBeGreaterThan(1_000);
    expect(breaks).toBe(1);
  });

  it('can be closed while it is out of reach', async () => {
    const { simulator } = await start({ rate: 100 });
    simulator.leave(3_600_000);
    await simulator.close();
    await expect(connect(simulator).unary(healthCheck, { nonce: 7 })).rejects.toThrow();
  });

  it('tells the history of its story without loss, also to who comes back, and then what is now', async () => {
    const startedMs = Date.now();
    const { simulator, client } = await start({ story: { chapter: 'west', historyMs: 3_600_000 }, queueLength: 100 });
    const first = subscribe(client);
    await first.logs.reach(100);
    // It goes away while a full queue keeps the history waiting.
    simulator.stall(3_000);
    await vi.waitFor(
      () => {
        const { generated, sent } = simulator.counters().logs;
        expect(generated - sent).toBe(100);
      },
      { timeout: 60_000, interval: 10 },
    );
    simulator.breakStreams('unavailable');
    await first.logs.ended;
    const lost = simulator.counters().logs.dropped + simulator.counters().alerts.dropped;
    const { logs } = subscribe(client);
    const decoder = new FeederDecoder();
    const time = (bytes: Buffer | undefined): number => Date.parse(decoder.decodeLog(bytes ?? Buffer.of()).updatedTime);
    await vi.waitFor(
      () => {
        expect(time(logs.got.at(-1))).toBeGreaterThan(Date.now() - 1_000);
      },
      { timeout: 100_000, interval: 50 },
    );
    const times = [...first.logs.got, ...logs.got].map(time);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    expect(times[0]).toBeLessThan(startedMs - 3_500_000);
    // What a break takes from the queues is gone, and nothing else.
    expect(simulator.counters().logs.dropped + simulator.counters().alerts.dropped).toBe(lost);
    expect(lost).toBe(0);
  });

  it('sends malformed messages besides, oversized and hostile ones instead, and loses a share', async () => {
    const { simulator, client } = await start({
      count: 1_000,
      lossless: true,
      faults: { malformedEvery: 100, oversizedEvery: 250, oversizedBytes: 5_000_000, hostileEvery: 30, dropShare: 0.1 },
    });
    const { logs, alerts } = subscribe(client);
    await simulator.finished;
    const counters = simulator.counters();
    const sent = counters.logs.sent + counters.alerts.sent;
    expect(sent + counters.logs.dropped + counters.alerts.dropped).toBe(1_000);
    expect(sent).toBeGreaterThan(850);
    expect(sent).toBeLessThan(950);
    await vi.waitFor(
      () => {
        expect(logs.got.length + alerts.got.length).toBe(sent + 10);
      },
      { timeout: 60_000 },
    );
    const decoder = new FeederDecoder();
    let malformed = 0;
    let oversized = 0;
    let invalid = 0;
    let hostile = 0;
    for (const bytes of logs.got) {
      try {
        const log = decoder.decodeLog(bytes);
        if (log.resource.length >= 5_000_000) oversized += 1;
        if (log.source.includes('DROP TABLE')) hostile += 1;
        if (log.invalidUtf8.includes('source')) invalid += 1;
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
        malformed += 1;
      }
    }
    expect(malformed).toBeGreaterThan(0);
    expect(oversized).toBeGreaterThan(0);
    expect(hostile).toBeGreaterThan(0);
    expect(invalid).toBeGreaterThan(0);
  });

  it('replays a recording as it stands, then goes on with its own events', async () => {
    const lines = (await readFile(recording, 'utf8')).trimEnd().split('\n');
    const published = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const { simulator, client } = await start({
      replayFile: recording,
      thenGenerate: true,
      count: 100,
      lossless: true,
    });
    const { logs, alerts } = subscribe(client);
    await simulator.finished;
    const { logs: sentLogs, alerts: sentAlerts } = simulator.counters();
    expect(sentLogs.sent + sentAlerts.sent).toBe(100);
    await logs.reach(sentLogs.sent);
    await alerts.reach(sentAlerts.sent);
    const decoder = new FeederDecoder();
    const replayed = alerts.got.slice(0, 35).map((bytes) => decoder.decodeAlert(bytes));
    expect(replayed.map((alert) => [alert.policyName, alert.updatedTime, alert.resource, alert.action])).toEqual(
      published
        .filter((each) => each['Action'] !== undefined)
        .map((each) => [each['PolicyName'], each['UpdatedTime'] ?? '', each['Resource'] ?? '', each['Action']]),
    );
    expect(decoder.decodeLog(logs.got[0] ?? Buffer.alloc(0)).hostName).toBe('archlinux');
  });

  it('sends messages to whoever watches them', async () => {
    const { simulator, client } = await start({ count: 400, messages: true, lossless: true });
    const messages = new Reader(client.rawServerStream(watchMessages, {}));
    await vi.waitFor(() => {
      expect(simulator.counters().messages.subscribers).toBe(1);
    }, 60_000);
    subscribe(client);
    await messages.reach(4);
    expect(new FeederDecoder().decodeMessage(messages.got[0] ?? Buffer.alloc(0)).level).toBe('INFO');
  });

  it('sends a ring of events encoded beforehand', async () => {
    const { simulator, client } = await start({ count: 5_000, preEncoded: 100, lossless: true });
    const { logs, alerts } = subscribe(client);
    await simulator.finished;
    const { sent } = simulator.counters().logs;
    await logs.reach(sent);
    await alerts.reach(5_000 - sent);
    expect(new Set(logs.got.map((bytes) => bytes.toString('base64'))).size).toBeLessThanOrEqual(100);
  });

  it('says what is wrong with its address and its files', async () => {
    const { simulator } = await start({});
    const bad = await temporaryFile('bad.ndjson');
    await writeFile(bad, '{"Type":"ContainerLog"}\nnot json\n');
    for (const [input, sentence] of [
      [{ listen: 'here' }, /"here" is no address/],
      [{ listen: simulator.address }, /can't listen on .*EADDRINUSE/],
      [{ replayFile: '/nowhere/at/all' }, /there is no such file/],
      [{ replayFile: bad }, /bad\.ndjson, line 2: .*not JSON/],
      [{ truthFile: '/nowhere/at/all' }, /can't be written/],
      [{ tls: { caFile: '/no/ca', certFile: '/no/crt', keyFile: '/no/key' } }, /TLS files can't be used/],
    ] as const) {
      const attempt = startSimulator({ listen: '127.0.0.1:0', ...input });
      await expect(attempt).rejects.toThrow(sentence);
      await expect(attempt).rejects.toBeInstanceOf(ArmorlakeError);
    }
  });
});
