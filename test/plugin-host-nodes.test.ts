import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate } from './support/certificates.js';
import { FakeNode, goodStatus, sendJson } from './support/fake-node.js';
import { until } from './support/node-process.js';
import type { DataSource, HealthResult } from './support/plugin-host.js';
import { PluginHost } from './support/plugin-host.js';

let host: PluginHost;
const nodes: FakeNode[] = [];
const servers: Server[] = [];
let uid = 0;

beforeAll(async () => {
  host = await PluginHost.start();
});
afterAll(() => host.close());
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close();
  for (const server of servers.splice(0)) server.close();
});

async function fake(...tls: Parameters<typeof FakeNode.start>): Promise<FakeNode> {
  const node = await FakeNode.start(...tls);
  nodes.push(node);
  return node;
}

/** A server that says this to whoever connects, and nothing else. */
async function raw(greeting: string | null): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    if (greeting !== null) socket.end(greeting);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function source(
  urls: readonly string[],
  more: Omit<DataSource, 'uid' | 'jsonData'> & { json?: object } = {},
): DataSource {
  const { json = {}, ...rest } = more;
  uid += 1;
  return { uid: `source-${uid}`, jsonData: { urls, ...json }, ...rest };
}

interface Tried {
  readonly url: string;
  readonly failed: string | null;
  readonly message: string;
}

function triedOf({ details }: HealthResult): readonly Tried[] {
  return (details as { urls: readonly Tried[] }).urls;
}

/** The step that failed and its sentence. */
async function failure(dataSource: DataSource): Promise<string> {
  const health = await host.checkHealth(dataSource);
  expect(health.status).toBe('ERROR');
  const [tried] = triedOf(health);
  return tried === undefined ? health.message : `${tried.failed ?? ''}: ${tried.message}`;
}

describe('Save & test', () => {
  it('says who answers, and shows the nodes known there', async () => {
    const node = await fake();
    const health = await host.checkHealth(source([node.url]));
    expect(health.status).toBe('OK');
    expect(health.message).toBe('edge-1 (Armorlake 0.1.0) answers for 1 node.');
    expect(health.details).toMatchObject({
      urls: [{ url: node.url, failed: null, node: 'edge-1', version: '0.1.0' }],
      nodes: [{ name: 'edge-1', state: 'alive', version: '0.1.0', rows: 42, clockOffsetMs: null }],
    });
  });

  it('tells of the network', async () => {
    expect(await failure(source(['http://127.0.0.1:1']))).toBe(
      'network: Nothing listens at 127.0.0.1:1. Is the node running, and is the port right?',
    );
    expect(await failure(source(['http://no-such-host.invalid:7470']))).toMatch(
      /^network: The host name of no-such-host\.invalid:7470 is not known here\./,
    );
  });

  it('tells of what is no Armorlake', async () => {
    const page = await fake();
    page.answers.set('*', (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'));
    page.answers.delete('GET /api/v1/status');
    expect(await failure(source([page.url]))).toBe(
      `version: 127.0.0.1:${page.port} is no Armorlake node: it answers a web page (HTTP 200). Check the URL: a node's HTTP port is 7470 unless it is configured otherwise.`,
    );
    const json = await fake();
    json.answers.set('GET /api/v1/status', (_, response) => sendJson(response, 200, { status: 'success', data: {} }));
    expect(await failure(source([json.url]))).toMatch(
      /^version: .* is no Armorlake node: it answers JSON of its own\./,
    );
    const refusing = await fake();
    refusing.answers.set('GET /api/v1/status', (_, response) => sendJson(response, 404, { message: 'Not found' }));
    expect(await failure(source([refusing.url]))).toMatch(/it answers JSON of its own \(HTTP 404\)/);
    const moved = await fake();
    moved.answers.set('GET /api/v1/status', (_, response) =>
      response.writeHead(302, { location: 'https://login.example/\u00e9' }).end(),
    );
    expect(await failure(source([moved.url]))).toMatch(/it sends elsewhere \(HTTP 302 to https:\/\/login\.example/);
    expect(await failure(source([`http://${await raw('SSH-2.0-OpenSSH_9.6\r\n')}`]))).toMatch(
      /^version: What listens at 127\.0\.0\.1:\d+ does not speak HTTP\./,
    );
  });

  it('tells of an older node, also when only a question shows it', async () => {
    const old = await fake();
    old.answers.set('GET /api/v1/status', (_, response) =>
      // Neither `ready` nor what its network's nodes have is as it is now.
      sendJson(response, 200, {
        node: 'edge-1',
        version: '0.0.9',
        state: 'ready',
        lake: { events: 42 },
        network: { role: 'query', nodes: [{ name: 'edge-1', role: 'edge', state: 'alive', version: '0.0.9' }] },
      }),
    );
    old.answers.delete('POST /api/v1/query');
    const sentence = `127.0.0.1:${old.port} runs Armorlake 0.0.9; this data source needs 0.1 or newer. Update the node.`;
    expect(await failure(source([old.url]))).toBe(`version: ${sentence}`);
    expect(await host.callResource('catalog', undefined, {}, source([old.url]))).toMatchObject({
      code: 502,
      body: { error: { code: 'VERSION', hint: 'Update the node.' } },
    });
  });

  it('tells of the token', async () => {
    const node = await fake();
    let role = 'none';
    node.answers.set('GET /api/v1/status', ({ headers }, response) => {
      role = headers.authorization ?? 'none';
      if (role === 'Bearer reader') return sendJson(response, 200, goodStatus);
      if (role === 'Bearer intake') {
        return sendJson(response, 403, {
          error: { code: 'FORBIDDEN', message: 'A token of role intake may not do this.', hint: 'It needs read.' },
        });
      }
      sendJson(response, 401, { error: { code: 'UNAUTHENTICATED', message: 'This node asks for a token.' } });
    });
    expect(await failure(source([node.url]))).toBe(
      `auth: 127.0.0.1:${node.port}: This node asks for a token. Set the token in the settings of the data source; \`armorlake token create\` on the node makes one.`,
    );
    expect(role).toBe('none');
    expect(await failure(source([node.url], { secureJsonData: { token: 'wrong' } }))).toMatch(/^auth: /);
    expect(role).toBe('Bearer wrong');
    expect(await failure(source([node.url], { secureJsonData: { token: 'intake' } }))).toMatch(
      /^auth: .*A token of role intake may not do this\. It needs read\./,
    );
    expect((await host.checkHealth(source([node.url], { secureJsonData: { token: 'reader' } }))).status).toBe('OK');
  });

  it('tells of the query', async () => {
    const node = await fake();
    node.answers.set('POST /api/v1/query', (_, response) =>
      sendJson(response, 400, { error: { code: 'UNKNOWN_TABLE', message: 'There is no table kubearmor.alert.' } }),
    );
    expect(await failure(source([node.url]))).toBe('query: There is no table kubearmor.alert.');
    expect(await failure(source([node.url], { json: { defaultTable: 'x; DROP TABLE y' } }))).toMatch(
      /^query: "x; DROP TABLE y" is no name of a table\./,
    );
  });

  it('names the setting that is wrong', async () => {
    const expectations: readonly (readonly [DataSource, RegExp])[] = [
      [source([]), /^Settings: No URL of a query node is set\./],
      [source(['edge:7470']), /^Settings: "edge:7470" is no URL of a query node\./],
      [source(['http://me:secret@edge:7470']), /^Settings: The URL of edge:7470 holds more than an address\./],
      [
        source(['http://edge'], { json: { timeoutMs: 'long' } }),
        /^Settings: The setting jsonData\.timeoutMs is not right/,
      ],
      [
        source(['http://edge'], { json: { rowLimit: 50_001 } }),
        /^Settings: The setting jsonData\.rowLimit is not right: no table has more than 50,000 rows\./,
      ],
      [
        source(['https://edge'], { secureJsonData: { token: 'a\nb' } }),
        /^Settings: The token holds spaces, line breaks/,
      ],
      [
        source(['https://edge'], { json: { tlsCaCert: true } }),
        /^Settings: The CA certificate is switched on, but empty/,
      ],
      [source(['https://edge'], { secureJsonData: { caCert: 'PEM?' } }), /^Settings: The CA certificate can't be read/],
      [
        source(['https://edge'], { secureJsonData: { clientCert: 'x' } }),
        /^Settings: The client certificate's key is switched on/,
      ],
    ];
    for (const [dataSource, sentence] of expectations) expect(await failure(dataSource)).toMatch(sentence);
    expect(await failure(source(['http://me:secret@edge:7470']))).not.toMatch(/secret/);
  });
});

describe('TLS', () => {
  const ca = makeCertificate({ name: 'Test CA', isCa: true });
  const issued = makeCertificate({ name: 'edge', issuer: ca, ips: ['127.0.0.1'], dnsNames: ['edge.example'] });
  const client = makeCertificate({ name: 'grafana', issuer: ca });
  const trusting = { secureJsonData: { caCert: ca.cert } };

  it('is trusted with its CA, and with the client’s pair where the node asks for one', async () => {
    const node = await fake({ ...issued, ca: ca.cert, requestCert: true, rejectUnauthorized: true });
    const secure = { caCert: ca.cert, clientCert: client.cert, clientKey: client.key };
    expect((await host.checkHealth(source([node.url], { secureJsonData: secure }))).message).toMatch(/^edge-1/);
    expect(await failure(source([node.url], trusting))).toMatch(/^(tls|network): 127\.0\.0\.1:\d+ /);
  });

  it('is refused in a sentence for each reason', async () => {
    const node = await fake(issued);
    expect(await failure(source([node.url]))).toMatch(
      /^tls: The certificate of 127\.0\.0\.1:\d+ is not signed by a CA that is trusted here \(\w+\)\. Paste the CA's certificate/,
    );
    const other = makeCertificate({ name: 'Other CA', isCa: true });
    expect(await failure(source([node.url], { secureJsonData: { caCert: other.cert } }))).toMatch(
      /^tls: .*not signed by a CA/,
    );
    const late = await fake(
      makeCertificate({ name: 'edge', issuer: ca, ips: ['127.0.0.1'], notAfter: new Date(Date.now() - 1000) }),
    );
    expect(await failure(source([late.url], trusting))).toMatch(
      /^tls: The certificate of 127\.0\.0\.1:\d+ has expired\./,
    );
    const named = await fake(makeCertificate({ name: 'edge', issuer: ca, dnsNames: ['edge.example'] }));
    expect(await failure(source([named.url], trusting))).toMatch(
      /^tls: The certificate of 127\.0\.0\.1:\d+ is for another name/,
    );
    const plain = await fake();
    expect(await failure(source([plain.url.replace('http:', 'https:')]))).toMatch(/^tls: .* does not speak TLS\./);
    expect(await failure(source([node.url.replace('https:', 'http:')]))).toMatch(/^network: .*https:\/\//);
  });

  it('looks for the server name that is set, or for nothing when told so', async () => {
    const node = await fake(makeCertificate({ name: 'edge', issuer: ca, dnsNames: ['edge.example'] }));
    const named = source([node.url], { ...trusting, json: { serverName: 'edge.example' } });
    expect((await host.checkHealth(named)).status).toBe('OK');
    const skipping = source([node.url], { json: { tlsSkipVerify: true } });
    expect((await host.checkHealth(skipping)).status).toBe('OK');
  });

  it('refuses a client’s certificate and key that make no pair', async () => {
    const secure = { clientCert: client.cert, clientKey: issued.key };
    expect(await failure(source(['https://edge'], { secureJsonData: secure }))).toMatch(/don't make a pair/);
  });
});

describe('several nodes', () => {
  const catalog = { databases: [] };

  async function catalogNode(): Promise<FakeNode> {
    const node = await fake();
    node.answers.set('GET /api/v1/catalog', (_, response) => sendJson(response, 200, catalog));
    return node;
  }

  it('are asked in turn; one that failed comes last for a while', async () => {
    const second = await catalogNode();
    const dataSource = source(['http://127.0.0.1:1', second.url]);
    for (let turn = 0; turn < 3; turn++) {
      expect(await host.callResource('catalog', undefined, {}, dataSource)).toMatchObject({ code: 200, body: catalog });
    }
    expect(second.connections).toBe(1);
    const health = await host.checkHealth(dataSource);
    expect(health).toMatchObject({
      status: 'OK',
      message: 'edge-1 (Armorlake 0.1.0) answers for 1 node. 1 of 2 URLs failed.',
    });
    expect(triedOf(health).map(({ failed }) => failed)).toEqual(['network', null]);
  });

  it('that all fail are all named', async () => {
    const { body, code } = await host.callResource(
      'catalog',
      undefined,
      {},
      source(['http://127.0.0.1:1', 'http://127.0.0.1:2']),
    );
    expect(code).toBe(502);
    expect(body).toMatchObject({
      error: { code: 'NETWORK', message: 'Nothing listens at 127.0.0.1:1. Nothing listens at 127.0.0.1:2.' },
    });
  });

  it('are left for the next when they are not ready, not when the question is wrong', async () => {
    const [first, second] = [await fake(), await catalogNode()];
    first.answers.set('GET /api/v1/catalog', (_, response) =>
      sendJson(response, 503, { error: { code: 'NOT_READY', message: 'The database engine is starting.' } }),
    );
    expect((await host.callResource('catalog', undefined, {}, source([first.url, second.url]))).code).toBe(200);
    first.answers.set('GET /api/v1/catalog', (_, response) =>
      sendJson(response, 403, { error: { code: 'FORBIDDEN', message: 'No.' } }),
    );
    expect((await host.callResource('catalog', undefined, {}, source([first.url, second.url]))).code).toBe(403);
  });

  it('that can’t be reached in time are left for the next, silent ones from the next question on', async () => {
    const second = await catalogNode();
    const silent = `http://${await raw(null)}`;
    const dataSource = source([silent, second.url], { json: { timeoutMs: 100 } });
    expect(await host.callResource('catalog', undefined, {}, dataSource)).toMatchObject({
      code: 504,
      body: {
        error: { code: 'DEADLINE', message: expect.stringMatching(/did not answer within 2\d{3} ms/) as string },
      },
    });
    expect((await host.callResource('catalog', undefined, {}, dataSource)).code).toBe(200);
  });
});

describe('connections', () => {
  it('are kept, and one that the node closed meanwhile is no error', async () => {
    const node = await fake();
    node.answers.set('GET /api/v1/catalog', (_, response) => sendJson(response, 200, {}));
    const dataSource = source([node.url]);
    const ask = async (): Promise<number> => (await host.callResource('catalog', undefined, {}, dataSource)).code;
    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 200]);
    expect(node.connections).toBe(1);
    node.disconnect();
    expect(await ask()).toBe(200);
    expect(node.connections).toBe(2);
  });

  it('that break in the middle of an answer are told', async () => {
    const node = await fake();
    node.answers.set('GET /api/v1/catalog', (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
      response.write('{"databases":', () => response.destroy());
    });
    expect(await host.callResource('catalog', undefined, {}, source([node.url]))).toMatchObject({
      code: 502,
      body: { error: { code: 'NETWORK', message: `127.0.0.1:${node.port} broke off its answer.` } },
    });
  });

  it('follow changed settings, also when two changes were saved in one second', async () => {
    const [before, after] = [await fake(), await fake()];
    for (const node of [before, after]) {
      node.answers.set('GET /api/v1/catalog', (_, response) => sendJson(response, 200, { at: node.url }));
    }
    const at = async (url: string, lastUpdatedMS: number): Promise<unknown> =>
      (await host.callResource('catalog', undefined, {}, { uid: 'changing', jsonData: { urls: [url] }, lastUpdatedMS }))
        .body;
    expect(await at(before.url, 1)).toEqual({ at: before.url });
    // Grafana's time of a change has whole seconds.
    expect(await at(after.url, 1)).toEqual({ at: after.url });
    expect(await at(before.url, 2)).toEqual({ at: before.url });
  });

  it('are closed when Grafana cancels: the node stops', async () => {
    const node = await fake();
    let left = false;
    node.answers.set('GET /api/v1/catalog', (_, response) => {
      response.once('close', () => (left = true));
    });
    const abort = new AbortController();
    const asking = host.callResource('catalog', undefined, { signal: abort.signal }, source([node.url]));
    await until(() => node.asked.length === 1, 'the node is asked');
    abort.abort();
    await expect(asking).rejects.toThrow(/CANCELLED|Cancelled/);
    await until(() => left, 'the connection is closed');
  });
});
