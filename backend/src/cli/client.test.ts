import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { Client } from './client.js';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('the client', () => {
  it('sends its token and understands an error of a node', async () => {
    const url = await serve((request, response) => {
      response.statusCode = 401;
      const message = `token ${request.headers.authorization ?? 'none'}`;
      response.end(JSON.stringify({ error: { code: 'UNAUTHENTICATED', message, position: 3 } }));
    });
    await expect(new Client(`${url}/`, 'secret').query('SELECT 1')).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
      message: 'token Bearer secret',
      position: 3,
      hint: expect.stringContaining('ARMORLAKE_TOKEN'),
    });
  });

  it('says when what answers is no node', async () => {
    const url = await serve((_, response) => {
      response.statusCode = 502;
      response.end('<html>');
    });
    await expect(new Client(url, null).request('/readyz')).rejects.toMatchObject({
      code: 'INTERNAL',
      message: expect.stringContaining('HTTP 502'),
      hint: expect.stringContaining('--url'),
    });
  });

  it('says when a node answers in a form it does not know', async () => {
    const url = await serve((_, response) => response.end('{"rows":[]}'));
    await expect(new Client(url, null).query('SELECT 1')).rejects.toThrow(/a form this version doesn't know/);
  });

  it('gives up at its deadline, and at once when interrupted', async () => {
    const url = await serve(() => undefined);
    await expect(new Client(url, null).request('/', { deadlineMs: 30 })).rejects.toMatchObject({ code: 'DEADLINE' });
    const interrupted = new AbortController();
    const waiting = new Client(url, null).request('/', { signal: interrupted.signal });
    interrupted.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('refuses what is no address', () => {
    expect(() => new Client('localhost:7470', null)).toThrow(/localhost:7470 is no address/);
  });

  it('names a host that is not known', async () => {
    await expect(new Client('http://no-such-host.invalid:1', null).request('/')).rejects.toMatchObject({
      code: 'NOT_READY',
      message: expect.stringContaining('no-such-host.invalid'),
    });
  });
});
