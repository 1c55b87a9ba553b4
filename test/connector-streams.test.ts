import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { rmSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ClientTls, KubeArmorConfig } from '../backend/src/config/index.js';
import type { ConnectorStatus, WorkerBatch, WorkerConfig } from '../backend/src/connectors/index.js';
import { ConnectorHub } from '../backend/src/connectors/index.js';
import { ArrivalClock } from '../backend/src/core/index.js';
import { readBatch } from '../backend/src/lake/index.js';
import { makeCertificate, writeTlsFiles } from './support/certificates.js';
import { hubConfig, testLimits } from './support/connector-lane.js';
import { alertBytes, logBytes, LogService } from './support/log-service.js';
import type { LogServiceOptions } from './support/log-service.js';
import { readPackedRows } from './support/packed-rows.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const timings = { firstRetryMs: 50, lastRetryMs: 100, probeMs: 500, quietMs: 60_000, settleMs: 20 };

async function serve(options: LogServiceOptions = {}): Promise<LogService> {
  const service = await LogService.start(options);
  cleanups.push(() => service.close());
  return service;
}

function kubearmor(address: string, more: Partial<KubeArmorConfig> = {}): KubeArmorConfig {
  return {
    name: 'ka',
    address,
    cluster: null,
    tls: null,
    streams: ['alerts', 'logs'],
    filters: { alerts: 'all', logs: 'all' },
    ...more,
  };
}

/** A hub with one KubeArmor, over real sockets. */
class Fixture {
  readonly batches: WorkerBatch[] = [];
  statuses: readonly ConnectorStatus[] = [];
  /** Every detail there has been. */
  readonly details = new Set<string>();
  readonly hub: ConnectorHub;

  constructor(config: KubeArmorConfig, more: Partial<WorkerConfig> = {}, waits = timings) {
    this.hub = new ConnectorHub({
      config: hubConfig({ kubearmor: [config], limits: { ...testLimits, batchRows: 1 }, ...more }),
      clock: new ArrivalClock(),
      post: (batch) => this.batches.push(batch),
      status: (connectors) => {
        this.statuses = connectors;
        for (const { detail } of connectors) if (detail !== null) this.details.add(detail);
      },
      timings: waits,
    });
    this.hub.start();
    cleanups.push(() => this.hub.close());
  }

  get status(): ConnectorStatus {
    const [status] = this.statuses;
    if (status === undefined) throw new Error('No status yet');
    return status;
  }

  async until(state: ConnectorStatus['state']): Promise<void> {
    await vi.waitFor(() => expect(this.status).toMatchObject({ state }), { timeout: 60_000, interval: 5 });
  }

  async untilRows(count: number): Promise<void> {
    await vi.waitFor(() => expect(this.batches.reduce((sum, { info }) => sum + info.rows, 0)).toBe(count), {
      timeout: 60_000,
      interval: 5,
    });
  }

  rows() {
    return this.batches.flatMap(({ buffer }) => readPackedRows(buffer)).flatMap(({ rows }) => rows);
  }

  gaps() {
    for (const streamClass of ['logs', 'alerts'] as const) this.hub.lane(streamClass).flush();
    return this.batches.flatMap(({ info }) => info.gaps);
  }
}

describe('streams', () => {
  it('stores what comes, each stream on a connection of its own, and knows the version', async () => {
    const service = await serve();
    const fixture = new Fixture(kubearmor(service.address, { filters: { alerts: 'policy', logs: 'system' } }));
    await fixture.until('streaming');
    expect(service.watches.map(({ stream, filter }) => `${stream} ${filter}`).sort()).toEqual([
      'alerts policy',
      'logs system',
    ]);
    expect(new Set(service.watches.map(({ call }) => call.getPeer())).size).toBe(2);
    service.last('logs').write(logBytes('/etc/passwd'));
    service.last('alerts').write(alertBytes('block'));
    await fixture.untilRows(2);
    expect(fixture.rows().map(({ connector, resource, policy }) => [connector, resource, policy])).toEqual(
      expect.arrayContaining([
        ['ka', '/etc/passwd', undefined],
        ['ka', null, 'block'],
      ]),
    );
    await vi.waitFor(
      () => expect(fixture.status).toMatchObject({ version: 'v1.7.0', breaks: 0, detail: null }),
      60_000,
    );
    expect(fixture.status.rate).toBeGreaterThan(0);
    expect(fixture.gaps()).toEqual([]);
  });

  it('survives what can not be decoded, and takes messages of more than 4 MiB', async () => {
    const service = await serve();
    const fixture = new Fixture(kubearmor(service.address, { streams: ['logs'] }));
    await fixture.until('streaming');
    service.last('logs').write(Buffer.from([0x0a, 0x7f]));
    service.last('logs').write(logBytes('x'.repeat(5 << 20)));
    service.last('logs').write(logBytes('after'));
    await fixture.untilRows(2);
    expect(fixture.rows().map(({ resource }) => (resource as string).length)).toEqual([1 << 20, 5]);
    const letters = fixture.batches.flatMap(({ buffer }) => readBatch(buffer).header.deadLetters);
    expect(letters.map(({ eventIndex }) => eventIndex)).toEqual([null, 0]);
    expect(fixture.status.breaks).toBe(0);
  });

  it.each([
    ['an error 13', 13, 'break:13'],
    ['an error 2', 2, 'break:2'],
    ['an unexpected OK', 0, 'ended'],
  ])('subscribes again at once after %s, and writes the gap', async (_name, code, cause) => {
    const service = await serve();
    // A retry that waited would take longer than this test may.
    const waits = { ...timings, firstRetryMs: 600_000, lastRetryMs: 600_000 };
    const fixture = new Fixture(kubearmor(service.address, { streams: ['logs'] }), {}, waits);
    await fixture.until('streaming');
    const began = Date.now() * 1000;
    service.last('logs').write(logBytes('one'));
    await fixture.untilRows(1);
    end(service, code);
    await vi.waitFor(() => expect(service.watches).toHaveLength(2), 60_000);
    service.last('logs').write(logBytes('two'));
    await fixture.untilRows(2);
    const gaps = fixture.gaps();
    expect(gaps).toMatchObject([{ connector: 'ka', stream: 'logs', cause, estimated: null }]);
    const [gap] = gaps;
    expect(gap?.fromMicros).toBeGreaterThanOrEqual(began);
    expect(gap?.toMicros).toBeGreaterThanOrEqual(gap?.fromMicros ?? Infinity);
    expect(fixture.status.breaks).toBe(1);
  });

  it('waits after an error 14, and writes one gap for all attempts', async () => {
    const service = await serve();
    const fixture = new Fixture(kubearmor(service.address, { streams: ['logs'] }));
    await fixture.until('streaming');
    service.last('logs').emit('error', { code: 14, details: 'going away' });
    service.close();
    await fixture.until('connecting');
    expect(fixture.status.detail).toContain(service.address);
    await vi.waitFor(() => expect(fixture.status.detail).toMatch(/^Nobody listens at/), {
      timeout: 60_000,
      interval: 5,
    });
    await serve({ port: service.port });
    await fixture.until('streaming');
    expect(fixture.gaps()).toMatchObject([{ stream: 'logs', cause: 'break:14' }]);
    expect(fixture.status).toMatchObject({ breaks: 1, detail: null });
  });

  it('pauses when a stream breaks again and again', async () => {
    const service = await serve({
      onWatch: ({ call }) => {
        call.write(logBytes('again'));
        call.emit('error', { code: 13, details: 'invalid UTF-8' });
      },
    });
    const waits = { ...timings, firstRetryMs: 600_000, lastRetryMs: 600_000 };
    const fixture = new Fixture(kubearmor(service.address, { streams: ['logs'] }), {}, waits);
    await vi.waitFor(() => expect(fixture.status.breaks).toBe(6), { timeout: 60_000, interval: 5 });
    expect(service.watches).toHaveLength(6);
  });

  it('says that an immediate OK end is a misconfiguration, and recovers', async () => {
    let refuse = true;
    const service = await serve({ onWatch: ({ call }) => refuse && call.end() });
    const fixture = new Fixture(kubearmor(service.address, { streams: ['logs'] }));
    await fixture.until('misconfigured');
    expect(fixture.status.detail).toMatch(/ended the logs stream at once without an error.*filter/);
    refuse = false;
    await fixture.until('streaming');
    expect(fixture.gaps()).toMatchObject([{ stream: 'logs', cause: 'misconfigured' }]);
  });

  it('is degraded while one of its streams is down', async () => {
    const service = await serve({
      onWatch: ({ stream, call }) => stream === 'logs' && call.emit('error', { code: 14 }),
    });
    const fixture = new Fixture(kubearmor(service.address));
    await fixture.until('degraded');
    expect(fixture.status.detail).toMatch(/logs stream/);
  });

  it('writes an open gap when it is closed, and the gap an earlier worker left', async () => {
    const since = Date.now() * 1000 - 5_000_000;
    const fixture = new Fixture(kubearmor('127.0.0.1:1', { streams: ['alerts'] }), {
      lost: { since, cause: 'worker' },
    });
    await vi.waitFor(() => expect(fixture.status.detail).toMatch(/^Nobody listens/), { timeout: 60_000, interval: 5 });
    await fixture.hub.close();
    expect(fixture.gaps()).toMatchObject([{ stream: 'alerts', cause: 'worker', fromMicros: since }]);
    expect(fixture.status.state).toBe('stopped');
  });
});

function end(service: LogService, code: number): void {
  const call = service.last('logs');
  if (code === 0) call.end();
  else call.emit('error', { code, details: 'grpc: error while marshaling: string field contains invalid UTF-8' });
}

describe('what else may be there', () => {
  it('something that is not KubeArmor', async () => {
    const service = await serve({ other: true });
    const fixture = new Fixture(kubearmor(service.address));
    await fixture.until('misconfigured');
    expect(fixture.status.detail).toMatch(/is not KubeArmor/);
  });

  it.each([
    ['nothing', 'connecting', /doesn't answer/, (): void => undefined],
    [
      'HTTP/1.1',
      'misconfigured',
      /is not KubeArmor/,
      (socket: { end(text: string): void }): void => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'),
    ],
  ] as const)('something that says %s', async (_name, state, sentence, answer) => {
    const sockets = new Set<{ destroy(): void }>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      answer(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const fixture = new Fixture(kubearmor(`127.0.0.1:${port}`, { streams: ['logs'] }));
    await vi.waitFor(() => expect(fixture.status.detail).toMatch(sentence), { timeout: 60_000, interval: 5 });
    expect(fixture.status.state).toBe(state);
  });

  it('a name that does not resolve', async () => {
    const fixture = new Fixture(kubearmor('nowhere.invalid:32767', { streams: ['logs'] }));
    await vi.waitFor(() => expect(fixture.status.detail).toMatch(/can't be resolved/), {
      timeout: 60_000,
      interval: 20,
    });
  });
});

describe('TLS', () => {
  const ca = makeCertificate({ name: 'kubearmor-ca', isCa: true });
  const otherCa = makeCertificate({ name: 'other-ca', isCa: true });
  const client = makeCertificate({ name: 'client', issuer: ca });
  const server = makeCertificate({ name: 'kubearmor', issuer: ca, ips: ['127.0.0.1'] });
  const onlyNodeIp = makeCertificate({ name: 'kubearmor', issuer: ca, ips: ['10.9.9.9'] });
  const expired = makeCertificate({
    name: 'kubearmor',
    issuer: ca,
    ips: ['127.0.0.1'],
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('2021-01-01'),
  });
  const future = makeCertificate({
    name: 'kubearmor',
    issuer: ca,
    ips: ['127.0.0.1'],
    notBefore: new Date('2090-01-01'),
    notAfter: new Date('2091-01-01'),
  });
  const selfSigned = makeCertificate({ name: 'kubearmor-ca', ips: ['127.0.0.1'] });

  function tls(
    files: { ca: string; client: { cert: string; key: string } },
    serverName: string | null = null,
  ): ClientTls {
    const { folder, ...paths } = writeTlsFiles(files.ca, files.client);
    cleanups.push(() => rmSync(folder, { recursive: true, force: true }));
    return { ...paths, serverName };
  }

  const ours = { ca: ca.cert, client };

  it('streams with a client certificate', async () => {
    const service = await serve({ tls: { ca: ca.cert, server } });
    const fixture = new Fixture(kubearmor(service.address, { tls: tls(ours) }));
    await fixture.until('streaming');
    service.last('logs').write(logBytes('x'));
    await fixture.untilRows(1);
  });

  it('streams with a server name that the certificate has', async () => {
    const service = await serve({ tls: { ca: ca.cert, server: onlyNodeIp } });
    const fixture = new Fixture(kubearmor(service.address, { tls: tls(ours, '10.9.9.9') }));
    await fixture.until('streaming');
  });

  it.each([
    ['a CA that is not its own', { server, files: { ca: otherCa.cert, client } }, /not issued by the CA/],
    [
      'a certificate for another name',
      { server: onlyNodeIp, files: ours },
      /another name.*10\.9\.9\.9.*tls\.serverName/,
    ],
    ['an expired certificate', { server: expired, files: ours }, /has expired/],
    ['a certificate of the future', { server: future, files: ours }, /not valid yet/],
    ['a certificate with its issuer as subject', { server: selfSigned, files: ours }, /names itself as its issuer/],
    [
      'a client certificate of another CA',
      { server, files: { ca: ca.cert, client: makeCertificate({ name: 'client', issuer: otherCa }) } },
      /certificate.*issued by its CA/,
    ],
  ])('explains %s', async (_name, given, sentence) => {
    const service = await serve({ tls: { ca: ca.cert, server: given.server } });
    const fixture = new Fixture(kubearmor(service.address, { streams: ['logs'], tls: tls(given.files) }));
    await fixture.until('misconfigured');
    expect(fixture.status.detail).toMatch(sentence);
  });

  it('explains a KubeArmor without TLS', async () => {
    const service = await serve();
    const fixture = new Fixture(kubearmor(service.address, { streams: ['logs'], tls: tls(ours) }));
    await fixture.until('misconfigured');
    expect(fixture.status.detail).toMatch(/doesn't speak TLS/);
  });

  it('explains a KubeArmor with TLS to a connector without', async () => {
    const service = await serve({ tls: { ca: ca.cert, server } });
    const fixture = new Fixture(kubearmor(service.address, { streams: ['logs'] }));
    await fixture.until('misconfigured');
    expect(fixture.status.detail).toMatch(/as a KubeArmor with TLS does/);
  });

  /** Listens on loopback until the test ends; its address. */
  async function listening(listener: Server): Promise<string> {
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    cleanups.push(() => listener.close());
    return `127.0.0.1:${(listener.address() as AddressInfo).port}`;
  }

  /** Ends each connection in the next of these ways, to and fro; a way is told when TLS is up, or the first bytes came. */
  class Refusals {
    count = 0;

    constructor(readonly ways: readonly ((socket: Socket) => void)[]) {}

    readonly next = (socket: Socket): void => this.ways[this.count++ % this.ways.length]?.(socket);
  }

  /** A slow machine is not taken for a server that says nothing. */
  const patient = { ...timings, probeMs: 20_000 };
  const reset = (socket: Socket): unknown => socket.resetAndDestroy();
  const finish = (socket: Socket): unknown => socket.destroy();
  /** TLS 1.2's and 1.3's record of a fatal alert: unknown CA. */
  const alert = (socket: Socket): unknown => socket.end(Buffer.from([0x15, 3, 3, 0, 2, 2, 48]));

  it('has one sentence for a refused client certificate, however the connection ends', async () => {
    const early = new Refusals([reset, finish, alert]);
    const beforeTls = createServer((socket) => {
      socket.on('error', () => undefined).once('data', () => early.next(socket));
    });
    const late = new Refusals([reset, finish]);
    const afterTls = createTlsServer({ cert: server.cert, key: server.key, ALPNProtocols: ['h2'] });
    const raw = new Map<number | undefined, Socket>();
    afterTls.on('connection', (socket) => raw.set(socket.remotePort, socket));
    afterTls.on('secureConnection', (socket) => {
      socket.on('error', () => undefined);
      late.next(raw.get(socket.remotePort) ?? socket);
    });
    for (const [listener, refusals] of [
      [beforeTls, early],
      [afterTls, late],
    ] as const) {
      const address = await listening(listener);
      const files = tls(ours);
      const fixture = new Fixture(kubearmor(address, { streams: ['logs'], tls: files }), {}, patient);
      await vi.waitFor(() => expect(refusals.count).toBeGreaterThan(12), { timeout: 60_000, interval: 5 });
      expect([...fixture.details]).toEqual([
        `KubeArmor at ${address} ended the connection as TLS was set up, as it does with a client certificate it doesn't trust. Check that ${files.cert} is issued by its CA and has not expired.`,
      ]);
      expect(fixture.status.state).toBe('misconfigured');
    }
  });

  it('has one sentence for what wants TLS from a connector without, however the connection ends', async () => {
    const refusals = new Refusals([reset, finish]);
    const address = await listening(
      createServer((socket) => {
        socket.on('error', () => undefined).once('data', () => refusals.next(socket));
      }),
    );
    const fixture = new Fixture(kubearmor(address, { streams: ['logs'] }), {}, patient);
    await vi.waitFor(() => expect(refusals.count).toBeGreaterThan(8), { timeout: 60_000, interval: 5 });
    expect([...fixture.details]).toEqual([
      `What listens at ${address} closes the connection before it answers, as a KubeArmor with TLS does. Set tls.ca, tls.cert and tls.key.`,
    ]);
    expect(fixture.status.state).toBe('misconfigured');
  });

  it('explains files that are missing or do not belong together', async () => {
    const files = tls(ours);
    const missing = new Fixture(
      kubearmor('127.0.0.1:1', { streams: ['logs'], tls: { ...files, ca: '/nowhere/ca.crt' } }),
    );
    await missing.until('misconfigured');
    expect(missing.status.detail).toMatch(/can't read \/nowhere\/ca\.crt/);
    const wrong = tls({ ca: ca.cert, client: { cert: client.cert, key: otherCa.key } });
    const mixed = new Fixture(kubearmor('127.0.0.1:1', { streams: ['logs'], tls: wrong }));
    await mixed.until('misconfigured');
    expect(mixed.status.detail).toMatch(/can't be used together/);
  });
});
