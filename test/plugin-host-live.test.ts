import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TailRequest } from '../plugin/shared/index.js';
import { defaultQuery } from '../plugin/shared/index.js';
import { tailKey } from '../plugin/shared/tail-key.js';
import { Workplace } from './cli-support.js';
import { FakeNode, sendJson } from './support/fake-node.js';
import { TestNode, until } from './support/node-process.js';
import type { DataSource } from './support/plugin-host.js';
import { PluginHost } from './support/plugin-host.js';

/** A frame as Grafana Live takes it. */
interface LiveFrame {
  readonly schema: {
    readonly meta: { readonly type: string; readonly notices: readonly { severity: string; text: string }[] };
    readonly fields: readonly { readonly name: string; readonly type: string }[];
  };
  readonly data: { readonly values: readonly (readonly unknown[])[] };
}

/** One stream, read as a browser's panel would. */
class Reader {
  readonly frames: LiveFrame[] = [];
  readonly #abort = new AbortController();
  /** Set when the stream ends. */
  ended = false;

  constructor(host: PluginHost, request: TailRequest, dataSource: DataSource) {
    const stream = host.runStream(`tail/${tailKey(request)}`, request, this.#abort.signal, dataSource);
    stream.on('data', ({ data }: { data: Uint8Array }) => {
      this.frames.push(JSON.parse(Buffer.from(data).toString()) as LiveFrame);
    });
    stream.on('error', () => undefined);
    stream.on('close', () => (this.ended = true));
  }

  /** All values of a field so far, of the lines that are events. */
  values(name: string): readonly unknown[] {
    return this.#values(name, false);
  }

  /** The lines about the stream itself: level and text. */
  get said(): readonly string[] {
    const levels = this.#values('severity', true);
    return this.#values('body', true).map((body, index) => `${String(levels[index])}: ${String(body)}`);
  }

  #values(name: string, ofStream: boolean): readonly unknown[] {
    return this.frames.flatMap(({ schema, data }) => {
      const column = (field: string): readonly unknown[] =>
        data.values[schema.fields.findIndex((each) => each.name === field)] ?? [];
      const ids = column('id');
      return column(name).filter((_, row) => String(ids[row]).startsWith('notice/') === ofStream);
    });
  }

  get notice(): string {
    return (
      this.frames
        .at(-1)
        ?.schema.meta.notices.map(({ severity, text }) => `${severity}: ${text}`)
        .join('|') ?? ''
    );
  }

  cancel(): void {
    this.#abort.abort();
  }
}

let host: PluginHost;
const readers: Reader[] = [];
const fakes: FakeNode[] = [];

beforeAll(async () => {
  host = await PluginHost.start();
});
afterAll(() => host.close());
afterEach(async () => {
  for (const reader of readers.splice(0)) reader.cancel();
  for (const fake of fakes.splice(0)) await fake.close();
});

const alerts: TailRequest = { table: 'kubearmor.alerts', filters: [], adHocFilters: [] };
let uid = 0;

function source(urls: readonly string[]): DataSource {
  uid += 1;
  return { uid: `live-${uid}`, jsonData: { urls, connectTimeoutMs: 500 } };
}

function read(dataSource: DataSource, request = alerts): Reader {
  const reader = new Reader(host, request, dataSource);
  readers.push(reader);
  return reader;
}

async function figure(name: string): Promise<number> {
  const line = (await host.collectMetrics()).split('\n').find((each) => each.startsWith(`${name} `));
  return Number(line?.split(' ')[1] ?? NaN);
}

const row = (seq: number, more = {}) => ({
  Timestamp: 1_767_261_600 + seq,
  UpdatedTime: new Date((1_767_261_600 + seq) * 1000).toISOString(),
  ClusterName: 'test',
  HostName: 'host-1',
  NamespaceName: 'shop',
  PodName: 'web-1',
  Labels: 'app=web',
  ContainerID: 'c1',
  ProcessName: '/bin/cat',
  ParentProcessName: '/bin/sh',
  PolicyName: 'block-shadow',
  Severity: '8',
  Message: 'no \u001b[31mshadow',
  Type: 'MatchedPolicy',
  Source: '/bin/cat',
  Operation: 'File',
  Resource: `/etc/shadow-${seq}`,
  Action: 'Block',
  Result: 'Permission denied',
  HostPID: 100,
  HostPPID: 1,
  PID: 10,
  PPID: 1,
  UID: 0,
  ...more,
});

describe('on a node', () => {
  const place = new Workplace();
  let node: TestNode;

  beforeAll(async () => {
    node = await TestNode.start(place);
  });
  afterAll(() => place.close());

  async function post(...rows: readonly object[]): Promise<void> {
    expect((await node.post(rows.map((each) => JSON.stringify(each)).join('\n'))).status).toBe(200);
  }

  it('a live tail carries each new row once, as log lines', async () => {
    const dataSource = source([node.url]);
    const answer = await host.subscribe(`tail/${tailKey(alerts)}`, alerts, dataSource);
    expect(answer).toMatchObject({ status: 'OK', frame: { data: { values: [[], [], [], [], [], [], []] } } });
    const reader = read(dataSource);
    // The stream has begun once the node said where.
    await until(() => reader.frames.length > 0, 'the stream opens');
    await post(row(1), row(2, { Type: 'ContainerLog', PolicyName: '' }), row(3));
    await until(() => reader.values('id').length >= 2, 'the rows come');
    expect(reader.frames[0]?.schema.fields).toEqual([
      { name: 'timestamp', type: 'time' },
      { name: 'body', type: 'string' },
      { name: 'severity', type: 'string' },
      { name: 'id', type: 'string' },
      { name: 'labels', type: 'other' },
      { name: 'node', type: 'string', config: { custom: { hidden: true } } },
      { name: 'seq', type: 'string', config: { links: [expect.objectContaining({ title: 'Process tree' })] } },
    ]);
    expect(reader.frames.at(-1)?.schema.meta.type).toBe('log-lines');
    expect(reader.values('timestamp')).toEqual([1_767_261_601_000, 1_767_261_603_000]);
    expect(new Set(reader.values('id')).size).toBe(2);
    expect(reader.values('id')).toEqual([expect.stringMatching(/^lake\/\d+$/), expect.stringMatching(/^lake\/\d+$/)]);
    expect(reader.values('severity')).toEqual(['critical', 'critical']);
    expect(reader.values('body')[0]).toMatch(/\/etc\/shadow-1/);
    expect(JSON.stringify(reader.values('body'))).not.toContain('\\u001b[');
    expect(reader.values('labels')[0]).toMatchObject({ namespace: 'shop', pod: 'web-1', 'labels[app]': 'web' });
    expect(await figure('armorlake_plugin_live_streams')).toBe(1);
    reader.cancel();
    await until(async () => (await figure('armorlake_plugin_live_streams')) === 0, 'the stream ends');
  });

  it('a live tail is filtered, also by hostile values', async () => {
    const request: TailRequest = {
      ...alerts,
      filters: [{ column: 'resource', operator: 'contains', values: ['-17', "' OR TRUE --"] }],
      adHocFilters: [{ key: 'namespace', operator: '=', values: ['shop'] }],
    };
    const reader = read(source([node.url]), request);
    await until(() => reader.frames.length > 0, 'the stream opens');
    await post(row(16), row(17), row(18));
    await until(() => reader.values('id').length > 0, 'the row comes');
    expect(reader.values('body')).toEqual([expect.stringContaining('/etc/shadow-17')]);
  });

  it('a request that is wrong says so where its lines would be', async () => {
    const request = {
      ...alerts,
      filters: [{ column: 'remote_ip', operator: 'in cidr', values: ['300.1.1.1/99'] }],
    } as const;
    const { status, frame } = await host.subscribe(`tail/${tailKey(request)}`, request, source([node.url]));
    expect(status).toBe('OK');
    expect((frame as LiveFrame).schema.meta.notices).toMatchObject([
      { severity: 'error', text: expect.any(String) as string },
    ]);
    const reader = read(source([node.url]), request);
    await until(() => reader.frames.length === 1, 'the sentence comes');
    expect(reader.notice).toMatch(/^error: .*300\.1\.1\.1\/99/);
    expect(reader.said).toEqual([expect.stringMatching(/^error: Live tail: .*300\.1\.1\.1\/99/)]);
    const unknown = { ...alerts, table: 'kubearmor.nothing' };
    const lost = read(source([node.url]), unknown);
    await until(() => lost.frames.length === 1, 'the sentence comes');
    expect(lost.notice).toMatch(/^error: .*kubearmor\.nothing/);
  });

  it('a channel carries only the request that it is named after', async () => {
    const other: TailRequest = { ...alerts, table: 'kubearmor.logs' };
    expect(await host.subscribe(`tail/${tailKey(alerts)}`, other, source([node.url]))).toMatchObject({
      status: 'NOT_FOUND',
    });
  });

  it('values of a column come with their counts, within range and filters', async () => {
    await post(
      ...[1, 2, 3].map((seq) => row(seq, { NamespaceName: 'values-a' })),
      row(4, { NamespaceName: 'values-b' }),
    );
    const request = {
      table: 'kubearmor.alerts',
      column: 'namespace',
      filters: [],
      scope: { clusters: [], nodes: [], labels: {} },
      search: 'VALUES-',
      limit: 10,
      fromMs: 1_767_261_600_000,
      toMs: 1_767_261_700_000,
    };
    const dataSource = source([node.url]);
    expect(await host.callResource('values', request, {}, dataSource)).toMatchObject({
      code: 200,
      body: {
        values: [
          { value: 'values-a', count: 3 },
          { value: 'values-b', count: 1 },
        ],
        truncated: false,
      },
    });
    expect(await host.callResource('values', { ...request, limit: 1 }, {}, dataSource)).toMatchObject({
      body: { values: [{ value: 'values-a', count: 3 }], truncated: true },
    });
    expect(await host.callResource('values', { ...request, fromMs: 0, toMs: 1 }, {}, dataSource)).toMatchObject({
      body: { values: [] },
    });
    expect(await host.callResource('values', { ...request, table: 'x y' }, {}, dataSource)).toMatchObject({
      code: 400,
    });
    expect(await host.callResource('values', { column: 1 }, {}, dataSource)).toMatchObject({
      code: 400,
      body: { error: { code: 'BAD_REQUEST' } },
    });
  });

  it('explain tells what runs where, or what is wrong with its position', async () => {
    const context = { fromMs: 1_767_261_600_000, toMs: 1_767_261_700_000, intervalMs: 1000, maxDataPoints: 100 };
    const dataSource = source([node.url]);
    const written = (sql: string) => ({ query: { ...defaultQuery('table'), editor: 'sql', sql }, context });
    const good = await host.callResource('explain', written('SELECT count(*) FROM kubearmor.alerts'), {}, dataSource);
    expect(good).toMatchObject({
      code: 200,
      body: { sql: expect.stringContaining('count(*)') as string, explanation: { estimate: { nodes: 1 } } },
    });
    const sql = 'SELECT $__timeFrom, polcy FROM kubearmor.alerts';
    expect(await host.callResource('explain', written(sql), {}, dataSource)).toMatchObject({
      code: 200,
      body: { error: { code: 'BAD_QUERY', position: sql.indexOf('polcy') } },
    });
    expect(await host.callResource('explain', written('SELECT $__timeGroup('), {}, dataSource)).toMatchObject({
      code: 200,
      body: { sql: null, error: { code: 'BAD_QUERY' } },
    });
    expect(await host.callResource('explain', written(sql), {}, source(['http://127.0.0.1:1']))).toMatchObject({
      code: 502,
    });
  });

  it('the catalogue and the nodes are as the node says', async () => {
    const dataSource = source([node.url]);
    const catalog = await host.callResource('catalog', undefined, {}, dataSource);
    expect(JSON.stringify(catalog.body)).toContain('"name":"kubearmor"');
    expect(await host.callResource('nodes', undefined, {}, dataSource)).toMatchObject({
      code: 200,
      body: { nodes: [{ name: 'lake', state: 'alive' }] },
    });
  });

  it('Save & test goes through all steps', async () => {
    expect(await host.checkHealth(source([node.url]))).toMatchObject({
      status: 'OK',
      message: expect.stringMatching(/^lake \(Armorlake \d+\.\d+\.\d+\) answers for 1 node\.$/) as string,
    });
  });

  it('Grafana’s cancel of a query stops the node’s engine', async () => {
    const abort = new AbortController();
    const sql = 'SELECT count(*) AS n FROM range(1000000) a, range(1000000) b WHERE (a.range * b.range) % 7 = 3';
    const model = { ...defaultQuery('table'), editor: 'sql', sql };
    const running = async (): Promise<number> => {
      const text = await (await fetch(`${node.url}/metrics`)).text();
      return Number(/^armorlake_queries_running(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1] ?? NaN);
    };
    const asking = host.queryData([{ model }], { signal: abort.signal }, source([node.url]));
    await until(async () => (await running()) === 1, 'the query runs');
    abort.abort();
    await expect(asking).rejects.toThrow(/Cancelled/i);
    // Left alone it would run for minutes.
    await until(async () => (await running()) === 0, 'the engine stops');
  });
});

describe('when a tail', () => {
  const schema = ['time', 'node', 'seq', 'operation', 'source', 'resource'].map((name) => ({
    name,
    type: name === 'time' ? 'TIMESTAMP' : 'VARCHAR',
  }));

  function rows(...seqs: readonly number[]): string {
    const values = seqs.map((seq) => ['2026-01-01T10:00:00.000001Z', 'edge-1', seq, 'File', '/bin/cat', `/${seq}`]);
    return `id: {"edge-1":${seqs.at(-1) ?? 0}}\nevent: rows\ndata: ${JSON.stringify({ schema, rows: values })}\n\n`;
  }

  /** A node whose tail is written by the test. */
  async function fakeTail(): Promise<{ fake: FakeNode; tails: ServerResponse[]; resumed: (string | undefined)[] }> {
    const fake = await FakeNode.start();
    fakes.push(fake);
    const [tails, resumed]: [ServerResponse[], (string | undefined)[]] = [[], []];
    fake.answers.set('GET /api/v1/tail', (request, response) => {
      resumed.push(request.headers['last-event-id'] as string | undefined);
      tails.push(response);
      response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
      response.write('id: {"edge-1":0}\nevent: open\ndata: {"nodes":["edge-1"]}\n\n');
    });
    return { fake, tails, resumed };
  }

  it('breaks, it goes on after the last row, at another node if need be', async () => {
    const [first, second] = [await fakeTail(), await fakeTail()];
    const reader = read(source([first.fake.url, second.fake.url]));
    await until(() => first.tails.length === 1, 'the tail begins');
    first.tails[0]?.write(rows(1, 2));
    await until(() => reader.values('id').length === 2, 'rows');
    await first.fake.close();
    fakes.splice(fakes.indexOf(first.fake), 1);
    await until(() => reader.notice.startsWith('error:'), 'the break is told');
    expect(reader.notice).toMatch(/Trying again\.$/);
    await until(() => second.tails.length === 1, 'the other node is asked');
    expect(second.resumed).toEqual(['{"edge-1":2}']);
    second.tails[0]?.write(rows(3));
    await until(() => reader.values('id').length === 3, 'the row after');
    expect(reader.values('id')).toEqual(['edge-1/1', 'edge-1/2', 'edge-1/3']);
    expect(reader.notice).toBe('');
    // Explore's live view draws no notices: a line says it, once, and once that it is over.
    expect(reader.said[0]).toMatch(/^error: Live tail: .* Trying again\.$/);
    expect(reader.said.at(-1)).toBe('info: Live tail: Nothing is missing any more.');
    expect(new Set(reader.said).size).toBe(reader.said.length);
  });

  it('misses nodes, one notice names them, until they answer again', async () => {
    const { tails } = await fakeTailReader();
    const { reader, write } = tails;
    write('event: notice\ndata: edge-2: The node does not answer.\n\n');
    await until(() => reader.notice !== '', 'the notice');
    expect(reader.notice).toBe('warning: 1 node is missing in the live stream. edge-2: The node does not answer.');
    for (let index = 3; index < 12; index++) write(`event: notice\ndata: edge-${index}: Gone.\n\n`);
    await until(() => reader.notice.includes('10 nodes'), 'all of them');
    expect(reader.notice).toMatch(/^warning: 10 nodes are missing in the live stream\. edge-2: .* And 5 more\.$/);
    expect(reader.said[0]).toBe(
      'warning: Live tail: 1 node is missing in the live stream. edge-2: The node does not answer.',
    );
    // Who looks at the same stream later is told as well.
    const late = await host.subscribe(`tail/${tailKey(alerts)}`, alerts, tails.dataSource);
    expect(JSON.stringify(late.frame)).toContain('Live tail: 10 nodes are missing in the live stream. edge-2:');
    for (let index = 2; index < 12; index++) write(`event: notice\ndata: edge-${index}: It answers again.\n\n`);
    await until(() => reader.notice === '', 'they are back');
    expect(reader.said.at(-1)).toBe('info: Live tail: Nothing is missing any more.');
  });

  async function fakeTailReader(): Promise<{
    tails: { reader: Reader; dataSource: DataSource; write: (text: string) => void };
  }> {
    const { fake, tails } = await fakeTail();
    const dataSource = source([fake.url]);
    const reader = read(dataSource);
    await until(() => tails.length === 1, 'the tail begins');
    return { tails: { reader, dataSource, write: (text) => tails[0]?.write(text) } };
  }

  it('brings more than anybody reads, the newest lines are shown and the rest is counted', async () => {
    const { tails } = await fakeTailReader();
    const { reader, write } = tails;
    write(rows(...Array.from({ length: 2000 }, (_, index) => index)));
    await until(() => reader.values('id').length > 0, 'rows');
    expect(reader.values('id')).toHaveLength(500);
    expect(reader.values('id').at(-1)).toBe('edge-1/1999');
    expect(reader.notice).toBe('warning: 1500 lines came faster than they can be shown and are left out.');
    expect(reader.said).toEqual([
      'warning: Live tail: 1500 lines came faster than they can be shown and are left out.',
    ]);
  });

  it('is one of very many, questions are answered all the same', async () => {
    const { fake, tails } = await fakeTail();
    fake.answers.set('GET /api/v1/catalog', (_, response) => sendJson(response, 200, { databases: [] }));
    const dataSource = source([fake.url]);
    for (let index = 0; index < 70; index++) {
      read(dataSource, { ...alerts, adHocFilters: [{ key: 'pod', operator: '=', values: [`web-${index}`] }] });
    }
    await until(() => tails.length === 70, 'all tails begin');
    expect((await host.callResource('catalog', undefined, {}, dataSource)).code).toBe(200);
  });

  it('is left by its last reader, the node is left too', async () => {
    const { fake, tails } = await fakeTail();
    const reader = read(source([fake.url]));
    await until(() => tails.length === 1, 'the tail begins');
    let closed = false;
    tails[0]?.once('close', () => (closed = true));
    reader.cancel();
    await until(() => closed, 'the node’s stream is closed');
  });
});
