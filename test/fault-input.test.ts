import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { feeder } from '@armorlake/proto';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Workplace, run } from './cli-support.js';
import { expectBalanced, expectContiguous, microsOf, plainExpected, plainRow } from './support/account.js';
import type { CertificateOptions } from './support/certificates.js';
import { makeCertificate } from './support/certificates.js';
import type { LogServiceOptions } from './support/log-service.js';
import { LogService, logBytes } from './support/log-service.js';
import type { Row } from './support/node-process.js';
import { TestNode, until } from './support/node-process.js';

const MIB = 1 << 20;

let place: Workplace;
const cleanups: (() => unknown)[] = [];
beforeEach(() => {
  place = new Workplace();
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  await place.close();
});

async function serve(options: LogServiceOptions = {}): Promise<LogService> {
  const service = await LogService.start(options);
  cleanups.push(() => service.close());
  return service;
}

/** A node that watches both streams of the service. */
async function nodeOf(service: LogService): Promise<TestNode> {
  const node = await TestNode.start(place, { args: ['--kubearmor', service.address] });
  await until(() => service.watches.length === 2, 'both streams are watched');
  return node;
}

function testData(name: string): { readonly path: string; readonly lines: readonly string[] } {
  const url = new URL(`data/${name}`, import.meta.url);
  return { path: url.pathname, lines: readFileSync(url, 'utf8').trim().split('\n') };
}

async function untilReceived(node: TestNode, count: number): Promise<void> {
  let received = 0;
  await until(
    async () => (received = await node.received()) === count,
    () => `${received} of ${count} messages are received`,
  );
}

describe('recorded events', () => {
  const published = testData('kubearmor-published-events.ndjson');
  const foreign = ['HashID', 'cluster_id', 'UpdatedTimeISO', 'tenant_id', 'workload'];

  async function expectPublished(node: TestNode, connectorPattern: string): Promise<void> {
    const events = published.lines.map((line) => JSON.parse(line) as Row);
    for (const table of ['logs', 'alerts']) {
      const answered = await node.rows(
        `FROM kubearmor.${table} WHERE connector LIKE '${connectorPattern}' ORDER BY seq`,
      );
      const rows = answered.map(plainRow);
      const expected = events
        .filter((event) => String(event.Type).endsWith('Log') === (table === 'logs'))
        .map((event, index) => {
          const row = plainExpected(event, String(rows[index]?.connector), table === 'alerts');
          const marks = foreign.some((name) => name in event) ? ['fields:unknown'] : [];
          const quality = [...marks, ...(row.quality as string[])];
          // Some have no time at all: that of their arrival stands for it.
          const arrival = microsOf(String(answered[index]?.received_at));
          return { ...row, ...(quality.includes('time:arrival') ? { time: arrival } : {}), quality };
        });
      expect(rows).toEqual(expected);
    }
  }

  it('posted or imported are answered field by field', async () => {
    const node = await TestNode.start(place);
    const posted = await node.post(readFileSync(published.path, 'utf8'), 'posted');
    expect(posted).toMatchObject({ status: 200, body: { accepted: 49, rejected: 0 } });
    await expectPublished(node, 'posted');
    const imported = await run(['import', published.path, '--url', node.url], { cwd: place.folder });
    expect(imported, imported.err).toMatchObject({ code: 0 });
    await expectPublished(node, 'import:%');
    expect(await node.count('kubearmor.events')).toBe(98);
    await expectContiguous(node);
    await expectBalanced(node);
  });

  it('from the wire are answered field by field', async () => {
    const wire = testData('kubearmor-wire.ndjson')
      .lines.map((line) => JSON.parse(line) as { readonly stream: string; readonly message: string })
      .map(({ stream, message }) => ({ alert: stream === 'WatchAlerts', bytes: Buffer.from(message, 'base64') }));
    const service = await serve();
    const node = await nodeOf(service);
    for (const { alert, bytes } of wire) service.last(alert ? 'alerts' : 'logs').write(bytes);
    await untilReceived(node, 600);
    for (const alert of [false, true]) {
      const schema = alert ? feeder.AlertSchema : feeder.LogSchema;
      const expected = wire
        .filter((message) => message.alert === alert)
        .map(({ bytes }) => plainExpected(fromBinary(schema, bytes), 'kubearmor', alert));
      const rows = await node.rows(`FROM kubearmor.${alert ? 'alerts' : 'logs'} ORDER BY seq`);
      expect(rows.map(plainRow)).toEqual(expected);
    }
    await expectContiguous(node);
    await expectBalanced(node);
  });
});

/** Characters that must not reach a terminal: controls but newline, and those that turn the direction of text. */
const unprintable = /[\0-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

const hostile = {
  quotes: `'"\`\\ ' OR 1=1; DROP TABLE kubearmor.logs; --`,
  nul: 'a\0b\0',
  ansi: '\u001b[31mred\u001b[0m\u009b1m\u001b]0;title\u0007',
  rightToLeft: 'abc\u202egnp.exe\u2066x\u2069',
  newlines: 'a\r\nb\tc\u2028d',
  emoji: '👩‍👩‍👧‍👦🚀',
};

describe('hostile text', () => {
  const textFields = feeder.AlertSchema.fields
    .filter((field) => field.fieldKind === 'scalar' && field.scalar === 9)
    .map(({ localName }) => localName)
    .filter((name) => !['UpdatedTime', 'Severity', 'Labels', 'Tags'].includes(name));

  function alertOf(text: string): Buffer {
    const message = create(feeder.AlertSchema, {
      ...Object.fromEntries(textFields.map((name) => [name, text])),
      Owner: { Ref: text, Name: text, Namespace: text },
      ExecEvent: { ExecID: text, ExecutableName: text },
      ATags: [text],
      EventData: { [text]: text },
      Labels: `k=${text.replaceAll(',', '')}`,
    });
    return Buffer.from(toBinary(feeder.AlertSchema, message));
  }

  const columns = [
    'cluster host machine_id namespace pod container container_id image workload_kind workload workload_namespace',
    'user_name process parent_process cwd tty type operation source resource data result exec_session exec_name',
    'process_hash parent_hash resource_hash hash_algo policy message action enforcer kubearmor_version',
  ]
    .join(' ')
    .split(' ');

  it('comes back byte for byte in every field, is found by its value, and does nothing to a terminal', async () => {
    const service = await serve();
    const node = await nodeOf(service);
    const texts = Object.values(hostile);
    for (const text of texts) service.last('alerts').write(alertOf(text));
    await untilReceived(node, texts.length);
    const rows = await node.rows('FROM kubearmor.alerts ORDER BY seq');
    expect(rows).toHaveLength(texts.length);
    for (const [index, row] of rows.entries()) {
      const text = texts[index] ?? '';
      for (const column of columns) expect([column, row[column]]).toEqual([column, text]);
      expect(row).toMatchObject({ tags: [text], event_data: { [text]: text }, labels: { k: text } });
      const response = await fetch(`${node.url}/api/v1/query`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          sql: 'SELECT seq FROM kubearmor.alerts WHERE resource = $text',
          params: { text },
        }),
      });
      expect(await response.json()).toMatchObject({ rows: [[row.seq]] });
    }
    const sql = 'SELECT resource, process, labels, tags FROM kubearmor.alerts';
    for (const args of [['query', sql], ['logs', '--logFilter', 'all'], ['status']]) {
      const { code, out, err } = await run([...args, '--url', node.url], { cwd: place.folder });
      expect(code, err).toBe(0);
      expect(out).not.toMatch(unprintable);
    }
  });

  it('of other kinds is stored and marked: invalid UTF-8, 4 MiB, the years 1970 and 2300, fields twice or not at all', async () => {
    const service = await serve();
    const node = await nodeOf(service);
    const log = (fields: object): Buffer =>
      Buffer.from(toBinary(feeder.LogSchema, create(feeder.LogSchema, { UpdatedTime, ...fields })));
    const UpdatedTime = '2026-07-24T08:00:00.000001Z';
    const invalid = log({ Source: 'XXXX' });
    invalid.set([0x61, 0xff, 0xc3, 0x28], invalid.indexOf('XXXX'));
    const stream = service.last('logs');
    const messages = [
      invalid,
      log({ Resource: 'r'.repeat(4 * MIB) }),
      log({ UpdatedTime: '1970-01-01T00:00:00.000000Z' }),
      log({ UpdatedTime: '2300-12-31T23:59:59.999999Z' }),
      Buffer.concat([log({ HostName: 'first' }), log({ HostName: 'last', UpdatedTime: '' })]),
      Buffer.alloc(0),
    ];
    for (const message of messages) stream.write(message);
    await untilReceived(node, messages.length);
    const rows = await node.rows('SELECT time, source, resource, host, quality FROM kubearmor.logs ORDER BY seq');
    const time = '2026-07-24T08:00:00.000001Z';
    expect(rows).toMatchObject([
      { time, source: 'a\ufffd\ufffd(', quality: ['utf8:source'] },
      { time, resource: 'r'.repeat(MIB), quality: ['capped:resource'] },
      { time: '1970-01-01T00:00:00.000000Z', quality: [] },
      // No event is from there; it counts when it came, and what was sent is kept.
      { time: expect.stringMatching(/^20/), quality: ['range:time', 'time:arrival'] },
      { host: 'last', quality: [] },
      { host: null, source: null, quality: ['time:arrival'] },
    ]);
    const letters = await node.rows('SELECT seq, bytes FROM armorlake.dead_letters ORDER BY seq');
    expect(letters).toEqual([0, 1, 3].map((index) => ({ seq: index + 1, bytes: messages[index]?.toString('base64') })));
    await expectBalanced(node);
  });

  it('that is posted is a row or a dead letter, whatever it is', async () => {
    const node = await TestNode.start(place);
    const letters = ['no json', '{"Type":"HostLog"', '[]', '{}', '\u0001', '"\\ud800"'];
    const rows = [
      '{"Type":"HostLog","Cwd":"first","Cwd":"second"}',
      '{"Type":"HostLog","Cwd":"\\ud800\\u0000"}',
      '{"Type":"HostLog","UpdatedTime":"9999-99-99T99:99:99Z","HostPID":"x","UID":1e30}',
      '{"Type":"HostLog","__proto__":{"Cwd":"inherited"},"constructor":1}',
      `{"Type":"HostLog","Resource":"${'r'.repeat(4 * MIB)}"}`,
    ];
    const { status, body } = await node.post([...letters, ...rows].join('\n'), 'posted');
    expect([status, body]).toMatchObject([200, { accepted: rows.length, rejected: letters.length }]);
    const stored = await node.rows('SELECT cwd, length(resource) AS size FROM kubearmor.logs ORDER BY seq');
    expect(stored).toEqual([
      { cwd: 'second', size: null },
      { cwd: '\ufffd\0', size: null },
      { cwd: null, size: null },
      { cwd: null, size: null },
      { cwd: null, size: MIB },
    ]);
    const kept = await node.rows('SELECT bytes FROM armorlake.dead_letters WHERE seq IS NULL');
    expect(kept.map(({ bytes }) => Buffer.from(String(bytes), 'base64').toString()).sort()).toEqual(letters.sort());
    await expectContiguous(node);
    await expectBalanced(node);
  });
});

describe('a KubeArmor that can not be reached', () => {
  const ca = makeCertificate({ name: 'kubearmor-ca', isCa: true });
  const otherCa = makeCertificate({ name: 'other-ca', isCa: true });
  const client = makeCertificate({ name: 'client', issuer: ca });
  const local = { issuer: ca, ips: ['127.0.0.1'] };
  const server = (options: Partial<CertificateOptions>) => makeCertificate({ name: 'kubearmor', ...options });
  const tls = (certificate: ReturnType<typeof server>) => ({ tls: { ca: ca.cert, server: certificate } });
  const past = { notBefore: new Date('2020-01-01'), notAfter: new Date('2021-01-01') };
  const future = { notBefore: new Date('2090-01-01'), notAfter: new Date('2091-01-01') };

  it('has a sentence of its own for each cause, in armorlake.connectors and in status', async () => {
    const files = (name: string, pem: string): string => {
      writeFileSync(place.path(name), pem);
      return place.path(name);
    };
    const ours = { ca: files('ca.crt', ca.cert), cert: files('c.crt', client.cert), key: files('c.key', client.key) };
    const stranger = makeCertificate({ name: 'client', issuer: otherCa });
    const nobody = createServer();
    await new Promise<void>((resolve) => nobody.listen(0, '127.0.0.1', resolve));
    const closedPort = (nobody.address() as AddressInfo).port;
    await new Promise((resolve) => nobody.close(resolve));
    const cases: Readonly<Record<string, readonly [address: string, tls: object | undefined, RegExp]>> = {
      'no-listener': [`127.0.0.1:${closedPort}`, undefined, /^Nobody listens at 127\.0\.0\.1/],
      'no-name': ['nowhere.invalid:32767', undefined, /can't be resolved/],
      'other-service': [(await serve({ other: true })).address, undefined, /is not KubeArmor/],
      'wrong-filter': [
        (await serve({ onWatch: ({ call }) => call.end() })).address,
        undefined,
        /ended the \w+ stream at once without an error/,
      ],
      'other-ca': [
        (await serve(tls(server(local)))).address,
        { ...ours, ca: files('other.crt', otherCa.cert) },
        /was not issued by the CA/,
      ],
      'other-name': [(await serve(tls(server({ issuer: ca, ips: ['10.9.9.9'] })))).address, ours, /for another name/],
      expired: [(await serve(tls(server({ ...local, ...past })))).address, ours, /has expired/],
      'not-yet': [(await serve(tls(server({ ...local, ...future })))).address, ours, /is not valid yet/],
      'own-issuer': [
        (await serve(tls(makeCertificate({ name: 'kubearmor-ca', ips: ['127.0.0.1'] })))).address,
        ours,
        /names itself as its issuer/,
      ],
      'client-of-other-ca': [
        (await serve(tls(server(local)))).address,
        { ...ours, cert: files('s.crt', stranger.cert), key: files('s.key', stranger.key) },
        /doesn't trust.*issued by its CA/,
      ],
      'no-tls-there': [(await serve()).address, ours, /doesn't speak TLS/],
      'tls-there': [(await serve(tls(server(local)))).address, undefined, /as a KubeArmor with TLS does/],
      'no-file': [`127.0.0.1:${closedPort}`, { ...ours, ca: place.path('none.crt') }, /can't read .*none\.crt/],
    };
    const good = await serve(tls(server(local)));
    const kubearmor = [
      ...Object.entries(cases).map(([name, [address, clientTls]]) => ({ name, address, tls: clientTls })),
      { name: 'good', address: good.address, tls: ours },
    ];
    writeFileSync(place.path('node.yaml'), JSON.stringify({ kubearmor }));
    const node = await TestNode.start(place, { args: ['--config', place.path('node.yaml')] });
    let seen: Row[] = [];
    await until(
      async () => {
        seen = await node.rows('SELECT name, state, detail FROM armorlake.connectors');
        // The row is for whoever may ask: a path of the host is only in status.
        const rowOf = (name: string): RegExp | undefined => (name === 'no-file' ? /can't read …/ : cases[name]?.[2]);
        const rightly = seen.filter(({ name, detail }) => rowOf(String(name))?.test(String(detail)));
        return rightly.length === Object.keys(cases).length;
      },
      () => JSON.stringify(seen, null, 1),
      30_000,
    );
    await until(async () => {
      const good = "FROM armorlake.connectors WHERE name = 'good' AND state = 'streaming' AND detail IS NULL";
      return (await node.rows(good)).length === 1;
    }, 'the good one streams');
    const { out } = await run(['status', '--url', node.url], { cwd: place.folder });
    for (const [, , sentence] of Object.values(cases))
      expect(out).toMatch(new RegExp(sentence.source.replace('^', '')));
    // The others do not keep the good one from being heard.
    good.last('logs').write(logBytes('good'));
    await until(
      async () => (await node.count("kubearmor.logs WHERE connector = 'good'")) === 1,
      'the good one is heard',
    );
    const gaps = await node.rows('SELECT DISTINCT connector FROM armorlake.gaps');
    expect(gaps.filter(({ connector }) => connector === 'good')).toEqual([]);
  });
});

describe('SQL that can not be answered', () => {
  it.each([
    ['an insertion', 'INSERT INTO kubearmor.logs VALUES (1)', /./],
    ['two statements', 'SELECT 1; SELECT 2', /one/i],
    ['a definition', 'DROP TABLE kubearmor.logs', /./],
    ['a syntax error', 'SELEC 1', /syntax/i],
    ['nothing', '', /./],
    ['a table that is none', 'SELECT * FROM kubearmor.log', /kubearmor\.logs/],
    ['a table misspelt', 'SELECT * FROM kubearmor.allerts', /kubearmor\.alerts/],
    ['a column misspelt', 'SELECT hostt FROM kubearmor.logs', /host/],
    ['a file', "SELECT * FROM read_csv('/etc/passwd')", /./],
    ['a NUL', 'SELECT "\0" FROM kubearmor.logs', /./],
    ['deep nesting', `SELECT ${'abs('.repeat(5000)}1${')'.repeat(5000)}`, /./],
    ['two megabytes', `SELECT '${'x'.repeat(2 * MIB)}'`, /./],
  ])('%s is refused with a reason', async (_name, sql, message) => {
    const node = await sharedNode();
    const answer = await node.query(sql);
    expect(answer.status, JSON.stringify(answer.error)).toBe(400);
    expect(`${answer.error?.message} ${answer.error?.hint}`).toMatch(message);
    expect(answer.error?.code).toMatch(/^(BAD_QUERY|NOT_ALLOWED|UNKNOWN_TABLE|BAD_REQUEST|LIMIT_EXCEEDED)$/);
    expect((await node.query('SELECT 1')).rows).toEqual([[1]]);
    expect((await node.status()).engine.restarts).toBe(0);
  });

  const shared = new Workplace();
  let starting: Promise<TestNode> | undefined;
  const sharedNode = (): Promise<TestNode> => (starting ??= TestNode.start(shared));
  afterAll(() => shared.close());
});

describe('a configuration', () => {
  it.each([
    ['nmae: x', /nmae.*name/s],
    ['kubearmor: [{address: "127.0.0.1:1", adress: x}]', /adress/],
    ['limits: {ingest: {queue: lots}}', /limits\.ingest\.queue/],
    ['http: {port: 99999}', /http\.port/],
    ['{', /node\.yaml/],
  ])('with %j is refused by the name of its key, before anything is made', async (text, message) => {
    writeFileSync(place.path('node.yaml'), text);
    const { code, out, err } = await run(['node', '--config', 'node.yaml', '--data', 'lake'], { cwd: place.folder });
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(message);
    expect(existsSync(place.path('lake'))).toBe(false);
  });
});

describe('a machine DuckDB is not built for', () => {
  it('is refused in one sentence', async () => {
    writeFileSync(place.path('arm.mjs'), "Object.defineProperty(process, 'arch', { value: 'arm' });");
    const environment = { NODE_OPTIONS: `--import=${place.path('arm.mjs')}` };
    const { code, err } = await run(['node', '--data', 'lake', '--http', '127.0.0.1:0', '--log-level', 'silent'], {
      cwd: place.folder,
      environment,
    });
    expect(code).not.toBe(0);
    expect(err).toMatch(/needs a 64-bit system.*arm/);
    expect(err).not.toMatch(/\n\s+at /);
  });
});
