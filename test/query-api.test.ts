import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { tableFromIPC } from 'apache-arrow';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TokenStore, refuseExposed } from '../backend/src/api/index.js';
import { ArmorlakeError } from '../backend/src/core/index.js';
import { QueryApi } from './support/query-api.js';

let api: QueryApi;

beforeEach(async () => {
  api = await QueryApi.open();
  await api.lake.connection.run(
    "INSERT INTO kubearmor.logs BY NAME SELECT TIMESTAMP '2026-01-01' + to_seconds(i) AS time, 'n1' AS node, i::BIGINT AS seq, 'h' || (i % 4) AS host, 'ls ' || i AS source, MAP {'app': 'a' || (i % 2)} AS labels FROM range(1, 101) r(i)",
  );
});

afterEach(async () => {
  await api[Symbol.asyncDispose]();
});

const local = { host: '127.0.0.1:7470' };

function post(body: object, headers: Record<string, string> = {}, url = '/api/v1/query') {
  return api.app.inject({ method: 'POST', url, payload: body, headers: { ...local, ...headers } });
}

function get(url: string, headers: Record<string, string> = {}) {
  return api.app.inject({ url, headers: { ...local, ...headers } });
}

describe('POST /api/v1/query', () => {
  it('answers schema, rows, stats and coverage', async () => {
    const response = await post({
      sql: 'SELECT host, count(*) AS n FROM kubearmor.logs GROUP BY 1 ORDER BY 1 LIMIT 2',
    });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      schema: [
        { name: 'host', type: 'VARCHAR' },
        { name: 'n', type: 'BIGINT' },
      ],
      rows: [
        ['h0', 25],
        ['h1', 25],
      ],
      stats: {
        rows: 2,
        truncated: false,
        elapsedMs: expect.any(Number),
        queryId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
      coverage: {
        complete: true,
        expected: 1,
        asked: 1,
        answered: 1,
        failed: 0,
        pruned: 0,
        nodes: [
          {
            name: 'n1',
            status: 'answered',
            code: null,
            message: null,
            rows: 2,
            bytes: expect.any(Number),
            ms: expect.any(Number),
          },
        ],
        gaps: { nodes: 0, minutes: 0, worst: [] },
        retention: { nodesShort: 0, from: null },
      },
    });
  });

  it.each([
    [{ from: '2026-01-01T00:00:50Z' }, 51],
    [{ from: '2026-01-01T00:00:50Z', to: '2026-01-01T00:00:50.000001Z' }, 1],
    [{ from: '2026-01-01 01:00:50+01:00', to: '2026-01-01T00:00:51' }, 1],
    [{ to: Date.parse('2026-01-01T00:00:50Z') }, 49],
    [{}, 100],
  ])('bounds every event table by timeRange %j', async (timeRange, count) => {
    expect((await post({ sql: 'SELECT count(*) FROM kubearmor.events', timeRange })).json().rows).toEqual([[count]]);
  });

  it('gives Arrow, with coverage and stats in the schema', async () => {
    const sql = 'SELECT seq, host, time FROM kubearmor.logs ORDER BY seq LIMIT 3';
    const response = await post({ sql }, { accept: 'application/vnd.apache.arrow.stream' });
    expect(response.headers['content-type']).toBe('application/vnd.apache.arrow.stream');
    const table = tableFromIPC(response.rawPayload);
    expect([...(table.getChild('seq') ?? [])]).toEqual([1n, 2n, 3n]);
    expect(JSON.parse(table.schema.metadata.get('armorlake.coverage') ?? '')).toMatchObject({
      complete: true,
      answered: 1,
    });
    expect(JSON.parse(table.schema.metadata.get('armorlake.stats') ?? '')).toMatchObject({ rows: 3, truncated: false });
  });

  it('streams what is long, and is whole', async () => {
    const sql = "SELECT i, 'a text that is longer than twelve bytes ' || i AS t FROM range(60000) r(i)";
    const json = (await post({ sql, limits: { rows: 50_000 } })).json();
    expect(json.rows).toHaveLength(50_000);
    expect(json.rows.at(-1)).toEqual([49_999, 'a text that is longer than twelve bytes 49999']);
    expect(json.stats).toMatchObject({ rows: 50_000, truncated: true });
    const arrow = await post({ sql, limits: { rows: 50_000 } }, { accept: 'application/vnd.apache.arrow.stream' });
    expect(tableFromIPC(arrow.rawPayload).numRows).toBe(50_000);
  });

  it.each([
    [{ sql: 'SELECT nope FROM kubearmor.logs' }, 400, { code: 'BAD_QUERY', position: 7 }],
    [{ sql: 'SELECT * FROM logs' }, 400, { code: 'UNKNOWN_TABLE', position: 14, hint: 'Did you mean kubearmor.logs?' }],
    [{ sql: 'DELETE FROM kubearmor.logs' }, 400, { code: 'NOT_ALLOWED' }],
    [{ sql: 'SELECT 1', limits: { rows: 1_000_001 } }, 413, { code: 'LIMIT_EXCEEDED' }],
    [{ sql: 'SELECT 1', limits: { timeoutMs: 300_001 } }, 413, { code: 'LIMIT_EXCEEDED' }],
    [
      {
        sql: 'SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range % 7 = b.range % 3',
        limits: { timeoutMs: 50 },
      },
      504,
      { code: 'DEADLINE' },
    ],
    [{ sq: 'SELECT 1' }, 400, { code: 'BAD_REQUEST' }],
    [{ sql: 'SELECT 1', unknown: 1 }, 400, { code: 'BAD_REQUEST' }],
    [{ sql: 'SELECT 1', timeRange: { from: 'yesterday' } }, 400, { code: 'BAD_REQUEST' }],
    [{ sql: "SELECT cast('x' || host AS INTEGER) FROM kubearmor.logs" }, 400, { code: 'BAD_QUERY' }],
  ])('%j → %i', async (body, status, error) => {
    const response = await post(body);
    expect(response.json()).toMatchObject({ error });
    expect(response.statusCode).toBe(status);
  });

  it.each([
    [{ names: ['n1'] }, 1],
    [{ clusters: ['prod', 'x'] }, 1],
    [{ clusters: ['x'] }, 0],
    [{ labels: { site: ['berlin', 'x'] } }, 1],
    [{ labels: { site: ['x'] } }, 0],
    [{ names: ['n1'], labels: { other: ['x'] } }, 0],
  ])('nodes %j expects %i', async (nodes, expected) => {
    const answer = (await post({ sql: 'SELECT count(*) AS n FROM kubearmor.logs', nodes })).json();
    // Nobody who could have answered is no innocence.
    expect(answer.coverage).toMatchObject({ expected, answered: expected, failed: 0, complete: expected === 1 });
    expect(answer.schema).toEqual([{ name: 'n', type: 'BIGINT' }]);
    expect(answer.rows).toEqual(expected === 1 ? [[100]] : []);
  });

  it('names columns as they are written, whatever range stands in the tables they read', async () => {
    const sql =
      'SELECT (SELECT max(seq) FROM kubearmor.logs WHERE pid = $p), now() > (SELECT min(time) FROM kubearmor.logs)';
    const answer = (await post({ sql, params: { p: -1 }, timeRange: { from: '2026-01-01T00:00:00Z' } })).json();
    expect(answer.schema.map(({ name }: { name: string }) => name)).toEqual([
      '(SELECT max(seq) FROM kubearmor.logs WHERE (pid = $p))',
      '(now() > (SELECT min("time") FROM kubearmor.logs))',
    ]);
  });

  it('names a node that is not known here', async () => {
    const answer = (
      await post({ sql: 'SELECT count(*) FROM kubearmor.logs', nodes: { names: ['n1', 'other'] } })
    ).json();
    expect(answer.rows).toEqual([[100]]);
    expect(answer.coverage).toMatchObject({ complete: false, expected: 2, answered: 1, failed: 1 });
    expect(answer.coverage.nodes[1]).toMatchObject({ name: 'other', status: 'failed', code: 'NOT_FOUND' });
  });

  it('writes every query to the account, with its origin, its cost or its error', async () => {
    await post({ sql: 'SELECT 1', origin: { user: 'ann', dashboard: 'd' } });
    await post({ sql: 'SELECT nope' });
    await post({ sql: 'SELECT 2' }, {}, '/api/v1/explain');
    await api.log.flush();
    expect(api.engine.logged).toMatchObject([
      { sql: 'SELECT 1', who: null, origin: '{"user":"ann","dashboard":"d"}', rows: 1, error: null },
      { sql: 'SELECT nope', rows: 0, error: 'BAD_QUERY' },
      { sql: 'EXPLAIN SELECT 2', rows: 0, error: null },
    ]);
  });

  it('a client that goes away cancels its query', async () => {
    await api.app.listen({ host: '127.0.0.1', port: 0 });
    const address = api.app.server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const body = JSON.stringify({
      sql: 'SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range % 7 = b.range % 3',
    });
    const socket = connect(port, '127.0.0.1');
    socket.write(
      `POST /api/v1/query HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    const running = async (): Promise<number> =>
      ((await api.engine.call('running', {})) as { queryIds: string[] }).queryIds.length;
    await expect.poll(running).toBe(1);
    socket.destroy();
    await expect.poll(running).toBe(0);
    await expect.poll(() => api.queries.running).toBe(0);
    await api.log.flush();
    expect(api.engine.logged).toMatchObject([{ error: 'CANCELLED', rows: 0, bytes: 0 }]);
  });

  it('keeps in the account what was sent of an answer that its reader left', async () => {
    const door = await api.app.listen({ host: '127.0.0.1', port: 0 });
    const leaving = new AbortController();
    const response = await fetch(`${door}/api/v1/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sql: "SELECT range, repeat('x', 1000) FROM range(50000)", limits: { rows: 50_000 } }),
      signal: leaving.signal,
    });
    const first = await response.body?.getReader().read();
    expect(first?.value?.length).toBeGreaterThan(0);
    leaving.abort();
    await expect.poll(() => api.queries.running).toBe(0);
    await api.log.flush();
    expect(api.engine.logged).toMatchObject([{ error: 'CANCELLED', rows: null }]);
    expect(JSON.stringify(api.engine.logged)).toMatch(/"bytes":[1-9]/);
  });
});

describe('strikes', () => {
  const sql = 'SELECT 1';

  it('a statement that stopped the engine twice is refused for 10 minutes', async () => {
    api.engine.stream = (_method, _parameters, options) => {
      options?.onOver?.('died');
      return Promise.reject(new ArmorlakeError('NOT_READY', 'gone'));
    };
    expect((await post({ sql })).json().error.code).toBe('NOT_READY');
    expect((await post({ sql })).json().error.code).toBe('NOT_READY');
    const refused = (await post({ sql })).json().error;
    expect(refused).toMatchObject({
      code: 'NOT_ALLOWED',
      message: 'This statement stopped the database engine twice.',
    });
    expect((await post({ sql: 'SELECT 2' })).json().error.code).toBe('NOT_READY');
  });

  it('an engine that was not there is nobody’s fault', async () => {
    api.engine.state = 'restarting';
    api.engine.stream = () => Promise.reject(new ArmorlakeError('NOT_READY', 'not yet'));
    for (let time = 0; time < 4; time += 1) expect((await post({ sql })).json().error.code).toBe('NOT_READY');
  });
});

describe('access', () => {
  it.each([
    [{ host: '127.0.0.1:7470' }, 200],
    [{ host: 'localhost' }, 200],
    [{ host: '[::1]:7470' }, 200],
    [{ host: 'armorlake.evil.example:7470' }, 403],
    [{ host: '127.0.0.1.evil.example' }, 403],
    [{ host: 'localhost', origin: 'http://localhost:7470' }, 403],
    [{ host: 'localhost', origin: 'null' }, 403],
  ])('without tokens, loopback answers %j with %i', async (headers, status) => {
    expect((await api.app.inject({ url: '/api/v1/catalog', headers })).statusCode).toBe(status);
  });

  it('with one token every request needs one, of a role that may', async () => {
    const created = await api.app.inject({
      method: 'POST',
      url: '/api/v1/tokens',
      headers: local,
      payload: { name: 'boss', role: 'admin' },
    });
    expect(created.statusCode).toBe(201);
    const admin = created.json().token as string;
    const make = async (role: string): Promise<string> =>
      (
        await api.app.inject({
          method: 'POST',
          url: '/api/v1/tokens',
          headers: { ...local, authorization: `Bearer ${admin}` },
          payload: { name: role, role },
        })
      ).json().token as string;
    const [read, intake] = [await make('read'), await make('intake')];
    const requests = {
      query: { method: 'POST', url: '/api/v1/query', payload: { sql: 'SELECT 1' } },
      catalog: { method: 'GET', url: '/api/v1/catalog' },
      status: { method: 'GET', url: '/api/v1/status' },
      metrics: { method: 'GET', url: '/metrics' },
      intake: { method: 'POST', url: '/intake/kubearmor', payload: '{}\n' },
      tokens: { method: 'GET', url: '/api/v1/tokens' },
      health: { method: 'GET', url: '/healthz' },
    } as const;
    const statuses = async (authorization: string | undefined): Promise<Record<string, number>> => {
      const result: Record<string, number> = {};
      for (const [name, request] of Object.entries(requests)) {
        const headers = { host: 'anywhere.example', ...(authorization === undefined ? {} : { authorization }) };
        result[name] = (await api.app.inject({ ...request, headers })).statusCode;
      }
      return result;
    };
    const all = (status: number) => Object.fromEntries(Object.keys(requests).map((name) => [name, status]));
    const probesOnly = { ...all(401), health: 200 };
    expect(await statuses(undefined)).toEqual(probesOnly);
    expect(await statuses('Bearer alk_wrong')).toEqual(probesOnly);
    expect(await statuses(`Basic ${admin}`)).toEqual(probesOnly);
    expect(await statuses(`Bearer ${admin}`)).toEqual(all(200));
    expect(await statuses(`Bearer ${read}`)).toEqual({ ...all(200), intake: 403, tokens: 403 });
    expect(await statuses(`Bearer ${intake}`)).toEqual({ ...all(403), intake: 200, health: 200 });
    const revoked = await api.app.inject({
      method: 'DELETE',
      url: '/api/v1/tokens/read',
      headers: { authorization: `bearer ${admin}` },
    });
    expect(revoked.statusCode).toBe(204);
    expect((await statuses(`Bearer ${read}`))['query']).toBe(401);
  });

  it('keeps tokens hashed, in a file of its owner only, over restarts', () => {
    const path = join(api.lake.folder, 'other-tokens.json');
    const store = TokenStore.open(path);
    expect(() => store.create('reader', 'read', new Date(0))).toThrow(/has to be of role admin/);
    const token = store.create('boss', 'admin', new Date(0));
    const again = TokenStore.open(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(JSON.stringify(again.list())).not.toContain(token);
    expect(again.authenticate(token)).toMatchObject({ name: 'boss', role: 'admin' });
    expect(again.authenticate(`${token}x`)).toBeNull();
    expect(() => again.create('boss', 'admin', new Date(0))).toThrow(/already/);
    again.create('reader', 'read', new Date(0));
    expect(() => again.revoke('boss')).toThrow(/last token of role admin/);
    expect(() => again.revoke('nobody')).toThrow(/no token/);
  });

  it('does not open the node to everybody when the file of its tokens is gone', () => {
    const folder = join(api.lake.folder, 'tokens');
    mkdirSync(folder);
    const path = join(folder, 'tokens.json');
    const store = TokenStore.open(path);
    store.create('boss', 'admin', new Date(0));
    rmSync(path);
    expect(() => TokenStore.open(path)).toThrow(
      expect.objectContaining({ code: 'BAD_CONFIG', hint: expect.stringContaining(join(folder, 'tokens.required')) }),
    );
    rmSync(join(folder, 'tokens.required'));
    const anew = TokenStore.open(path);
    anew.create('boss', 'admin', new Date(0));
    // One of an earlier version has no mark: its next start makes it.
    rmSync(join(folder, 'tokens.required'));
    TokenStore.open(path).remember();
    expect(readdirSync(folder).toSorted()).toEqual(['tokens.json', 'tokens.required']);
    anew.revoke('boss');
    rmSync(path);
    expect(TokenStore.open(path).size).toBe(0);
  });

  it.each([
    ['127.0.0.1', false, 0, false, true],
    ['::1', false, 0, false, true],
    ['localhost', false, 0, false, true],
    ['0.0.0.0', false, 0, false, false],
    ['0.0.0.0', true, 0, false, false],
    ['10.0.0.1', false, 1, false, false],
    ['10.0.0.1', true, 1, false, true],
    ['10.0.0.1', false, 0, true, true],
  ])(
    'listening on %s with TLS %j, %i tokens, insecure %j is allowed: %j',
    (host, secure, tokens, insecure, allowed) => {
      const check = (): void => refuseExposed(host, secure, tokens, insecure);
      if (allowed) expect(check).not.toThrow();
      else expect(check).toThrow(ArmorlakeError);
    },
  );
});

describe('POST /intake/kubearmor', () => {
  it('takes no body for an empty one', async () => {
    const answer = await api.app.inject({ method: 'POST', url: '/intake/kubearmor' });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({ accepted: 0, rejected: 0 });
  });

  const lines = '{"a":1}\n'.repeat(1000);
  const intake = (payload: Buffer | string, headers: Record<string, string> = {}, query = '') =>
    api.app.inject({ method: 'POST', url: `/intake/kubearmor${query}`, headers: { ...local, ...headers }, payload });

  it('hands the body over in pieces and answers what became of it', async () => {
    const response = await intake(lines, { 'content-type': 'application/x-ndjson' }, '?connector=import:abc:1');
    expect(response.json()).toEqual({ accepted: 1000, rejected: 0, errors: [], form: '' });
    expect(api.intake.bodies.map(String)).toEqual([lines]);
    expect(api.intake.connectors).toEqual(['import:abc:1']);
  });

  it.each([['application/json'], ['text/plain'], ['application/octet-stream']])('takes %s as well', async (type) => {
    expect((await intake(lines, { 'content-type': type })).json().accepted).toBe(1000);
  });

  it('takes gzip, large bodies, and none', async () => {
    expect(
      (await intake(gzipSync(lines), { 'content-encoding': 'gzip', 'content-type': 'application/x-ndjson' })).json()
        .accepted,
    ).toBe(1000);
    const large = `${JSON.stringify({ a: 'x'.repeat(1 << 20) })}\n`.repeat(13);
    expect((await intake(large, { 'content-type': 'application/x-ndjson' })).json().accepted).toBe(13);
    expect((await intake('', { 'content-type': 'application/x-ndjson' })).json().accepted).toBe(0);
  });

  it('refuses what is broken, unknown or too large, and while nothing can be stored', async () => {
    const ndjson = { 'content-type': 'application/x-ndjson' };
    expect((await intake('no gzip', { ...ndjson, 'content-encoding': 'gzip' })).statusCode).toBe(400);
    expect((await intake(lines, { ...ndjson, 'content-encoding': 'br' })).statusCode).toBe(400);
    expect((await intake(lines, ndjson, '?connector=%22x')).statusCode).toBe(400);
    const bomb = gzipSync(Buffer.alloc(65 << 20));
    expect((await intake(bomb, { ...ndjson, 'content-encoding': 'gzip' })).statusCode).toBe(413);
    api.intake.refused = new ArmorlakeError('DISK_FULL', 'The disk is full.');
    expect((await intake(lines, ndjson)).statusCode).toBe(503);
  });
});

describe('GET', () => {
  it.each([['/healthz'], ['/readyz'], ['/api/v1/status'], ['/api/v1/catalog'], ['/api/v1/openapi.json'], ['/metrics']])(
    '%s answers',
    async (url) => {
      expect((await get(url)).statusCode).toBe(200);
    },
  );

  it('/readyz tells why not', async () => {
    api.unready = 'The database engine is restarting.';
    const response = await get('/readyz');
    expect(response.statusCode).toBe(503);
    expect(response.json().error).toMatchObject({ code: 'NOT_READY', message: 'The database engine is restarting.' });
  });

  it('/metrics is Prometheus’ form, whatever names hold', async () => {
    await post({ sql: 'SELECT 1' });
    const text = (await get('/metrics')).payload;
    expect(text).toContain('armorlake_ingest_committed_events_total 42');
    expect(text).toContain('armorlake_ingest_dropped_events_total 3');
    expect(text).toContain('armorlake_engine_restarts_total 2');
    expect(text).toContain(String.raw`armorlake_connector_breaks_total{connector="edge \"1\"\n"} 4`);
    expect(text).toContain('armorlake_query_seconds_count{outcome="ok"} 1');
    expect(text).toMatch(/armorlake_process_resident_bytes\{process="api"\} \d+/);
    expect(text).toContain('armorlake_http_requests_total{route="/api/v1/query",status="200"} 1');
  });

  it('/api/v1/openapi.json describes every door', async () => {
    const document = (await get('/api/v1/openapi.json')).json();
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining([
        '/api/v1/query',
        '/api/v1/tail',
        '/api/v1/catalog',
        '/intake/kubearmor',
        '/readyz',
        '/metrics',
      ]),
    );
    const body = document.paths['/api/v1/query'].post.requestBody.content['application/json'].schema;
    expect(body.required).toEqual(['sql']);
    expect(Object.keys(body.properties)).toContain('timeRange');
    const doors = Object.values<Record<string, { responses: Record<string, unknown> }>>(document.paths);
    for (const { responses } of doors.flatMap((door) => Object.values(door))) {
      const good = Object.entries(responses).find(([status]) => status.startsWith('2'));
      expect(good?.[1]).not.toMatchObject({ description: 'Default Response' });
      expect(responses).toMatchObject({
        default: { content: { 'application/json': { schema: { required: ['error'] } } } },
      });
    }
  });

  it('an unknown path is NOT_FOUND in the same shape', async () => {
    const response = await get('/nope?x=1');
    expect(response.statusCode).toBe(404);
    expect(response.json().error).toMatchObject({ code: 'NOT_FOUND', message: 'There is no GET /nope.' });
  });
});
