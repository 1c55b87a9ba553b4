import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileQuery } from '../plugin/shared/index.js';
import { Workplace } from './cli-support.js';
import { asked, askersOf, boards } from './support/dashboards.js';
import { seedLake } from './support/federation-lakes.js';
import { askWhole, joinAddress, membersAlive, startQueryNode } from './support/federation-nodes.js';
import { TestNode } from './support/node-process.js';

const MINUTE_MS = 60_000;
const toMs = Date.now();
/** The hunt's range: two hours. */
const fromMs = toMs - 120 * MINUTE_MS;

const SHA256 = 'a3'.repeat(32);

/** An event: values by column, its time and arrival in minutes after the range's beginning. */
interface Row {
  readonly at: number;
  readonly arrived?: number;
  readonly seq?: number;
  readonly alert?: boolean;
  readonly columns?: Readonly<Record<string, string | number>>;
}

const shop = { namespace: 'shop', workload: 'web', host: 'h1', user_name: 'john.doe', outcome: 'happened' };
const exec = { operation: 'Process', process: '/usr/bin/id', parent_process: '/bin/sh', process_hash: SHA256 };
const refused = {
  ...shop,
  operation: 'Process',
  process: '/tmp/.x/xmrig',
  parent_process: '/bin/sh',
  outcome: 'blocked',
};
const open = { operation: 'File', process: '/usr/bin/id', resource: '/etc/passwd', process_hash: SHA256 };
const connect = { operation: 'Network', process: '/usr/bin/id', remote_ip: '51.15.58.224', remote_port: 3333 };
const v6 = { ...connect, remote_ip: '2001:db8::7', remote_port: 443 };
const mapped = { ...connect, remote_ip: '::ffff:10.20.30.40', remote_port: 443 };
const dns = {
  operation: 'Network',
  process: '/usr/bin/id',
  domain: 'evil.com',
  remote_ip: '10.96.0.10',
  remote_port: 53,
};

function watched(columns: Row['columns'], ...what: readonly Row['columns'][]): readonly Row[] {
  return what.map((each, index) => ({ at: 10 + index, columns: { ...columns, ...each } }));
}

/** Before the range: who has this listened by then. */
const earlier: Row = { at: -30, columns: { ...shop, ...exec } };

const lakes: Readonly<Record<string, readonly Row[]>> = {
  whole: [
    earlier,
    ...watched(shop, exec, open, connect, v6, mapped, dns),
    { at: 20, columns: { ...shop, operation: 'File', process: '/bin/cp', resource: '/tmp/.x/xmrig' } },
    ...[21, 22].flatMap((at) => [
      { at, alert: true, columns: refused },
      { at, columns: refused },
    ]),
    // The parent is the same program: one event, not two.
    { at: 23, columns: { ...shop, ...exec, process: '/bin/dash', parent_process: '/bin/dash' } },
  ],
  // Its history was imported a minute ago: it never deleted anything.
  imported: [earlier, ...watched(shop, exec, open, connect, dns)].map((row) => ({ ...row, arrived: 119 })),
  // In payments File visibility is off.
  blind: [
    earlier,
    ...watched(shop, exec, open, connect, dns),
    ...watched({ ...shop, namespace: 'payments' }, exec, connect),
  ],
  // One event of 1970 among what arrived within the range.
  young: [{ at: -fromMs / MINUTE_MS, arrived: 5 }, ...watched(shop, exec, open, connect, dns)],
  // An alert is kept for long; the logs between it and what is left went, those of the range's first half hour among them.
  forgetful: [
    { at: -300, alert: true, seq: 1, columns: shop },
    ...watched(shop, exec, open, connect, dns).map((row, index) => ({ ...row, at: row.at + 30, seq: 900 + index })),
  ],
};

const literal = (value: string | number): string =>
  typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
const moment = (minutes: number): string => `make_timestamp_ms(${Math.round(fromMs + minutes * MINUTE_MS)})`;

function insert(
  node: string,
  { at, arrived = Math.max(at, -600), alert, seq, columns = {} }: Row,
  index: number,
): string {
  const values = Object.entries(columns).map(([name, value]) => `${literal(value)} AS "${name}"`);
  const row = [`'${node}' AS node`, "'c1' AS cluster", `${seq ?? index + 1} AS seq`, `${moment(at)} AS time`];
  const all = [...row, `${moment(arrived)} AS received_at`, ...values].join(', ');
  return `INSERT INTO kubearmor.${alert === true ? 'alerts' : 'logs'} BY NAME SELECT ${all}`;
}

describe('the indicator hunt', () => {
  const place = new Workplace();
  let query: TestNode;

  beforeAll(async () => {
    query = await startQueryNode(place);
    const join = await joinAddress(query);
    for (const [name, rows] of Object.entries(lakes)) {
      await seedLake({
        name,
        dataFolder: place.path(name),
        archive: null,
        fill: async (connection) => {
          for (const [index, row] of rows.entries()) await connection.run(insert(name, row, index));
        },
      });
      await TestNode.start(place, { data: name, args: ['--join', join, '--cluster', 'c1'] });
    }
    await membersAlive(query, ...Object.keys(lakes));
  }, 300_000);
  afterAll(() => place.close());

  /** Rows of a panel, by the names of its columns, of what these nodes hold. */
  async function rowsOf(title: string, pasted: string, nodes: readonly string[]) {
    const board = boards.find(({ uid }) => uid === 'armorlake-indicator-hunt');
    const target = board && askersOf(board).find((each) => each.title === title)?.targets[0];
    if (board === undefined || target === undefined) throw new Error(`There is no panel ${title}.`);
    const model = asked(board, target, new Map([['indicators', pasted]]), new Map([['node', nodes]]));
    const context = { fromMs, toMs, intervalMs: MINUTE_MS, maxDataPoints: 100 };
    const { sql, nodes: scope, perNode, rows: most } = compileQuery(model, context);
    const { status, error, schema, rows } = await askWhole(query, {
      sql,
      nodes: scope,
      perNode,
      limits: { rows: most },
    });
    expect({ status, error }).toEqual({ status: 200, error: undefined });
    return rows.map((row) => Object.fromEntries(schema.map(({ name }, index) => [name, row[index]])));
  }

  async function verdict(indicator: string, ...nodes: readonly string[]) {
    const rows = await rowsOf('Each indicator', indicator, nodes);
    expect(rows.length).toBe(1);
    return rows[0] ?? {};
  }

  it.each([
    ['/usr/bin/id', 'path'],
    ['/ETC/passwd', 'path'],
    [`sha256:${SHA256}`, `SHA-256: ${SHA256}`],
    [SHA256.toUpperCase(), 'SHA-256'],
    ['john.doe', 'domain, user or program'],
    ['xmrig', 'user or program'],
    ['51.15.58.224', 'IP'],
    ['51[.]15(.)58[dot]224', 'IP: 51.15.58.224'],
    ['51.15.58.224:3333', 'IP and port'],
    ['stratum+tcp://51.15.58.224:3333/x', 'IP and port: 51.15.58.224:3333'],
    ['51.0.0.0/8', 'network'],
    ['51.8.0.0/13', 'network'],
    ['51.15.56.0/21', 'network'],
    ['51.15.58.192/26', 'network'],
    ['10.20.30.40', 'IP'],
    ['::ffff:10.20.30.40', 'IP: 10.20.30.40'],
    ['10.20.0.0/16', 'network'],
    ['2001:db8::7', 'IP'],
    ['[2001:DB8::7]:443', 'IP: 2001:db8::7'],
    ['evil.com', 'domain, user or program'],
    ['evil[.]com', 'domain, user or program: evil.com'],
    ['evil.com.', 'domain, user or program: evil.com'],
    ['evil.com:8080', 'domain, user or program: evil.com'],
    ['http://evil.com/x.y?z=1', 'domain, user or program: evil.com'],
    ['hxxps[:]//user@evil[.]com:8443/x', 'domain, user or program: evil.com'],
  ])('sees %s as %s', async (indicator, kind) => {
    expect(await verdict(indicator, 'whole')).toMatchObject({ verdict: 'Seen', kind, found: 'shop/web' });
  });

  it.each([
    ['/usr/bin/nothing', 'path'],
    ['sha256=' + 'b4'.repeat(32), 'SHA-256: ' + 'b4'.repeat(32)],
    ['jane.doe', 'domain, user or program'],
    ['cpuminer', 'user or program'],
    ['51.15.58.224:14444', 'IP and port'],
    ['52.0.0.0/8', 'network'],
    ['51.16.0.0/13', 'network'],
    ['51.15.48.0/21', 'network'],
    ['51.15.58.0/26', 'network'],
    ['2001:db8::8', 'IP'],
    ['good.com', 'domain, user or program'],
  ])('does not see %s, compared as %s', async (indicator, kind) => {
    expect(await verdict(indicator, 'whole')).toMatchObject({ verdict: 'Not seen', kind, found: null });
  });

  it.each([
    'évil',
    '*.evil.com',
    '/tmp/*',
    'relative/path',
    'C:\\Windows\\x',
    '10.0.0.0/33',
    '0.0.0.0/0',
    '300.1.1.1',
    '2001:0db8::7',
    '2001:db8:0:0:0:0:0:7',
    '2001:db8::/32',
    'ab'.repeat(64),
    '4444',
    'file:///etc/passwd',
  ])('does not know the form of %s', async (indicator) => {
    expect(await verdict(indicator, 'whole')).toMatchObject({
      verdict: 'Unknown',
      kind: expect.stringMatching('^unknown form'),
      found: 'its form is not recognised: it was compared with nothing',
    });
  });

  it('compares each of many by itself', async () => {
    const rows = await rowsOf('Each indicator', 'hxxp://a.b/ hxxp://evil[.]com/ 51.15.58.0/24,51.15.58.224:1;xmrig', [
      'whole',
    ]);
    expect(new Map(rows.map((row) => [row['indicator'], row['verdict']]))).toEqual(
      new Map([
        ['hxxp://evil[.]com/', 'Seen'],
        ['51.15.58.0/24', 'Seen'],
        ['xmrig', 'Seen'],
        ['hxxp://a.b/', 'Not seen'],
        ['51.15.58.224:1', 'Not seen'],
      ]),
    );
  });

  it.each([
    ['hashes', SHA256, (index: number) => createHash('sha256').update(String(index)).digest('hex')],
    ['addresses', '51.15.58.224', (index: number) => `192.${index % 250}.${index >> 8}.7`],
    ['domains', 'evil[.]com', (index: number) => `host-${index}.example[.]org`],
  ])('finds one of 500 %s', async (_name, seen, other) => {
    const all = [...Array.from({ length: 499 }, (_, index) => other(index)), seen];
    const rows = await rowsOf('Where', all.join('\n'), ['whole', 'imported']);
    expect(new Set(rows.map(({ indicator }) => indicator))).toEqual(new Set([seen]));
    expect(new Set(rows.map(({ node }) => node))).toEqual(new Set(['whole', 'imported']));
  });

  it('does not rule out what a namespace is not watched for', async () => {
    expect(await verdict('/etc/cron.d/x', 'blind')).toMatchObject({
      verdict: 'Unknown',
      found: 'no File events from c1/payments (blind)',
    });
    expect(await verdict('203.0.113.9', 'blind')).toMatchObject({ verdict: 'Not seen' });
    expect(await verdict('/etc/passwd', 'blind')).toMatchObject({ verdict: 'Seen', found: 'shop/web' });
    const md5 = 'd41d8cd98f00b204e9800998ecf8427e';
    expect(await verdict(md5, 'whole')).toMatchObject({
      verdict: 'Unknown',
      found: 'no MD5 hashes from c1/shop (whole)',
    });
  });

  it('asks by arrival what the nodes remember', async () => {
    expect(await verdict('/none', 'imported')).toMatchObject({ verdict: 'Not seen' });
    for (const node of ['young', 'forgetful'])
      expect(await verdict('/none', node)).toMatchObject({
        verdict: 'Unknown',
        found: `remembers too little: ${node}`,
      });
  });

  it('counts an act once, though both a log and an alert tell of it', async () => {
    for (const indicator of ['xmrig', '/tmp/.x/xmrig'])
      expect(await verdict(indicator, 'whole')).toMatchObject(
        indicator === 'xmrig' ? { logs: 2, alerts: 2, blocked: 2 } : { logs: 3, alerts: 2, blocked: 2 },
      );
    expect(await verdict('/bin/dash', 'whole')).toMatchObject({ logs: 1, alerts: 0, blocked: 0 });
    const bars = await rowsOf('When', '/tmp/.x/xmrig', ['whole']);
    expect(bars.reduce((sum, row) => sum + Number(row['events']), 0)).toBe(3);
  });

  it('says where each was, field by field', async () => {
    const rows = await rowsOf('Where', '/tmp/.x/xmrig', ['whole']);
    expect(rows.map(({ field, logs, alerts }) => [field, logs, alerts])).toEqual([
      ['process', 2, 2],
      ['file', 1, 0],
    ]);
  });
});
