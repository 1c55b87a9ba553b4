import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ERROR_STATUS } from '../../backend/src/core/index.js';
import { QueryApi } from '../support/query-api.js';
import { RawConnection, listen, rawRequest } from '../support/raw-http.js';

interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE' | 'HEAD' | 'OPTIONS';
  readonly url: string;
}

/** Every route there is, by the document, and by methods that are not in it. */
async function routesOf(api: QueryApi): Promise<readonly Route[]> {
  const document = await api.app.inject({ url: '/api/v1/openapi.json', headers: { host: 'localhost' } });
  const { paths } = document.json<{ paths: Record<string, Record<string, unknown>> }>();
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      method: method.toUpperCase() as Route['method'],
      url: path.replace('{name}', 'n9'),
    })),
  );
  const more: Route[] = [
    { method: 'OPTIONS', url: '/api/v1/query' },
    { method: 'GET', url: '/nowhere' },
  ];
  return [...documented, ...more];
}

let api: QueryApi;
let port: number;
beforeAll(async () => {
  api = await QueryApi.open();
  port = await listen(api.app);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

describe('a web page, without tokens', () => {
  it.each([
    ['an image, script or frame of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['a page of another port of this machine', { 'sec-fetch-site': 'same-site' }],
    ['more than one word', { 'sec-fetch-site': 'none, cross-site' }],
    ['an origin', { origin: 'http://127.0.0.1:7470' }],
    ['a name of its own (DNS rebinding)', { host: 'rebound.example', 'sec-fetch-site': 'same-origin' }],
  ])('%s is refused at every route', async (_name, headers) => {
    for (const route of await routesOf(api)) {
      const answer = await api.app.inject({ ...route, headers: { host: '127.0.0.1', ...headers } });
      expect([route, answer.statusCode]).toEqual([route, 403]);
      expect(answer.json()).toEqual({
        error: { code: 'FORBIDDEN', message: expect.any(String), hint: expect.any(String) },
      });
    }
    const head = await api.app.inject({ method: 'HEAD', url: '/metrics', headers: { host: '127.0.0.1', ...headers } });
    expect([head.statusCode, head.body]).toEqual([403, '']);
  });

  it('the address bar and a page of the same origin are not, nor is what is no browser', async () => {
    for (const headers of [{}, { 'sec-fetch-site': 'none' }, { 'sec-fetch-site': 'same-origin' }]) {
      const answer = await api.app.inject({ url: '/api/v1/status', headers: { host: 'localhost', ...headers } });
      expect(answer.statusCode).toBe(200);
    }
  });

  it('can make nothing of an answer but what it is', async () => {
    const { headers } = await api.app.inject({ url: '/api/v1/catalog', headers: { host: 'localhost' } });
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    });
  });

  it('a live tail is no stream for HEAD', async () => {
    const answer = await api.app.inject({ method: 'HEAD', url: '/api/v1/tail', headers: { host: 'localhost' } });
    expect(answer.statusCode).toBe(404);
  });
});

describe('with tokens', () => {
  it('every route but the probes wants one, and the log and a metric tell of those that have none', async () => {
    await using guarded = await QueryApi.open();
    const routes = await routesOf(guarded);
    const admin = guarded.tokens.create('boss', 'admin', new Date(0));
    const read = guarded.tokens.create('reader', 'read', new Date(0));
    const ask = (route: Route, token?: string) =>
      guarded.app.inject({
        ...route,
        ...(token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } }),
      });
    for (const route of routes) {
      const probe = route.url === '/healthz' || route.url === '/readyz';
      expect([route, (await ask(route)).statusCode]).toEqual([route, probe ? 200 : 401]);
      expect([route, (await ask(route, 'alk_wrong')).statusCode]).toEqual([route, probe ? 200 : 401]);
    }
    expect((await ask({ method: 'GET', url: '/api/v1/tokens' }, read)).statusCode).toBe(403);
    expect((await ask({ method: 'GET', url: '/nowhere' }, read)).statusCode).toBe(404);
    const metrics = (await ask({ method: 'GET', url: '/metrics' }, admin)).body;
    expect(metrics).toContain(`armorlake_http_refused_total{reason="no_token"} ${routes.length - 2}`);
    expect(metrics).toContain(`armorlake_http_refused_total{reason="unknown_token"} ${routes.length - 2}`);
    expect(metrics).toContain('armorlake_http_refused_total{reason="role"} 1');
    // One line an address and reason, and then one a minute.
    expect(guarded.logged.map(({ fields }) => fields)).toEqual(
      ['no_token', 'unknown_token', 'role'].map((reason) => ({
        address: '127.0.0.1',
        reason,
        route: expect.any(String),
        wanted: expect.stringMatching(/admin$/),
        times: 1,
      })),
    );
    expect(JSON.stringify(guarded.logged)).not.toContain('alk_');
  });

  it('a probe without one learns the status, and nothing else', async () => {
    await using guarded = await QueryApi.open();
    const admin = guarded.tokens.create('boss', 'admin', new Date(0));
    const probe = (url: string, headers: Record<string, string> = {}) => guarded.app.inject({ url, headers });
    expect((await probe('/healthz')).json()).toEqual({ status: 'ok' });
    expect((await probe('/readyz')).json()).toEqual({ status: 'ready' });
    guarded.unready = 'The lake /secret/lake.duckdb is damaged.';
    const unready = await probe('/readyz');
    expect([unready.statusCode, unready.json()]).toEqual([
      503,
      { error: { code: 'NOT_READY', message: 'The node is not ready.' } },
    ]);
    expect((await probe('/readyz', { authorization: `Bearer ${admin}` })).json().error.message).toContain('damaged');
  });
});

describe('what is no request', () => {
  const query = 'POST /api/v1/query HTTP/1.1\r\nHost: 127.0.0.1\r\n';
  it.each([
    ['no HTTP', 'hello\r\n\r\n', 'BAD_REQUEST'],
    ['a length and chunks', `${query}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 'BAD_REQUEST'],
    ['two lengths', `${query}Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcd`, 'BAD_REQUEST'],
    ['an encoding after chunks', `${query}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`, 'BAD_REQUEST'],
    ['a space before the colon', `${query}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`, 'BAD_REQUEST'],
    ['a folded header', `${query}X: a\r\n b: c\r\nContent-Length: x\r\n\r\n`, 'BAD_REQUEST'],
    ['a length that is none', `${query}Content-Length: +4\r\n\r\nabcd`, 'BAD_REQUEST'],
    ['a chunk that is none', `${query}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 'BAD_REQUEST'],
    ['headers without end', `GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ${'x'.repeat(330_000)}`, 'LIMIT_EXCEEDED'],
    [
      'too many headers',
      `GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${'A: b\r\n'.repeat(3000)}\r\n`,
      'LIMIT_EXCEEDED',
    ],
    ['a path that is none', 'GET // HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n', 'NOT_FOUND'],
    [
      'a host in the path',
      'GET //evil.example/x HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n',
      'NOT_FOUND',
    ],
    ['a broken escape', 'GET /%zz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n', 'BAD_REQUEST'],
    ['an overlong escape', 'GET /%c0%ae HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n', 'BAD_REQUEST'],
    ['another method', 'PUT /api/v1/query HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n', 'NOT_FOUND'],
    ['an unknown type', `${query}Connection: close\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\n{}`, 'BAD_REQUEST'],
    [
      'no JSON',
      `${query}Connection: close\r\nContent-Type: application/json\r\nContent-Length: 1\r\n\r\n{`,
      'BAD_REQUEST',
    ],
    [
      'a poisoned prototype',
      `${query}Connection: close\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{"__proto__":{}}`,
      'BAD_REQUEST',
    ],
    ['too much', `${query}Content-Type: application/json\r\nContent-Length: 99999999\r\n\r\n{`, 'LIMIT_EXCEEDED'],
  ] as const)('%s is refused in the shape of every error, and the connection ends', async (_name, bytes, code) => {
    const answer = await rawRequest(port, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${ERROR_STATUS[code]} `));
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({
      error: { code, message: expect.any(String) },
    });
  });

  it('is never answered into an answer that is under way', async () => {
    const connection = new RawConnection(port);
    connection.socket.write('GET /api/v1/tail HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n');
    await expect.poll(() => connection.text).toContain('event: open');
    connection.socket.write('garbage\r\n\r\n');
    expect((await connection.closed).match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  it('requests in one piece are answered in their order', async () => {
    const request = (path: string, last = false) =>
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${last ? 'Connection: close\r\n' : ''}\r\n`;
    const connection = new RawConnection(port);
    connection.socket.write(request('/api/v1/catalog') + request('/nowhere') + request('/healthz', true));
    await connection.closed;
    expect(connection.statuses).toEqual([200, 404, 200]);
  });
});

it('docs/errors.md and the OpenAPI document say the same of errors, at every route', async () => {
  const text = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  const codes = [...text.matchAll(/^\| `([A-Z_]+)` +\| (\d{3}) /gm)].map(([, code, status]) => `${status} ${code}`);
  const document = await api.app.inject({ url: '/api/v1/openapi.json', headers: { host: 'localhost' } });
  const { paths } = document.json<{ paths: Record<string, Record<string, { responses: Record<string, unknown> }>> }>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const { responses } of Object.values(methods)) {
      const failure = z
        .object({
          content: z.object({
            'application/json': z.object({
              schema: z.object({
                properties: z.object({ error: z.object({ properties: z.record(z.string(), z.looseObject({})) }) }),
              }),
            }),
          }),
        })
        .parse(responses['default'], { error: () => path });
      const { properties } = failure.content['application/json'].schema.properties.error;
      expect(Object.keys(properties)).toEqual(['code', 'message', 'hint', 'position', 'node']);
      for (const name of Object.keys(properties)) expect(text).toMatch(new RegExp('["`]' + name + '["`]'));
      expect(String(properties['code']?.['description']).replace('One of ', '').split(', ').sort()).toEqual(
        codes.sort(),
      );
    }
  }
});

it('who opens connections and asks nothing shuts nobody out, and is told of', async () => {
  await using own = await QueryApi.open();
  const at = await listen(own.app);
  const health = 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n';
  const asking = new RawConnection(at);
  asking.socket.write('POST /intake/kubearmor HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\n');
  const connections: RawConnection[] = [];
  // One after the other: they are accepted in this order.
  for (let count = 0; count < 520; count++) {
    const connection = new RawConnection(at);
    connection.socket.write('POST /api/v1/query HTTP/1.1\r\nX: ');
    await once(connection.socket, 'connect');
    connections.push(connection);
  }
  expect(await rawRequest(at, health)).toContain('200');
  expect(await connections[0]?.closed).toBe('');
  expect(connections.at(-1)?.socket.closed).toBe(false);
  // What is being asked keeps its place, however long ago it began.
  asking.socket.write('{}\n');
  await expect.poll(() => asking.statuses).toEqual([200]);
  for (const { socket } of [asking, ...connections]) socket.destroy();
  const lines = own.logged.filter(({ fields }) => 'reason' in fields && fields.reason === 'connections');
  expect(lines).toMatchObject([{ level: 'warn', fields: { address: '127.0.0.1' } }]);
  expect((await own.app.inject({ url: '/metrics', headers: { host: '127.0.0.1' } })).body).toMatch(
    /armorlake_http_refused_total\{reason="connections"\} \d/,
  );
});

it('who goes away in the middle of a post is no fault of the node', async () => {
  await using own = await QueryApi.open();
  const at = await listen(own.app);
  const posting = new RawConnection(at);
  posting.socket.write(
    'POST /intake/kubearmor HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n',
  );
  const answered = new Promise((resolve) =>
    own.app.server.once('request', (_, response) => response.once('close', resolve)),
  );
  await once(posting.socket, 'connect');
  posting.socket.resetAndDestroy();
  await answered;
  await expect
    .poll(() => rawRequest(at, 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'))
    .toContain('200');
  expect(own.logged.filter(({ level }) => level === 'error')).toEqual([]);
});

it.each([
  ['two hosts', 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n'],
  [
    'another host in its path',
    'GET http://evil.example/healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n',
  ],
])('a request with %s is refused', async (_name, bytes) => {
  expect(await rawRequest(port, bytes)).toMatch(/^HTTP\/1\.1 400 [^]*"code":"BAD_REQUEST"/);
});
