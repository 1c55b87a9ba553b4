import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { QueryApi } from '../support/query-api.js';
import { listen } from '../support/raw-http.js';

let api: QueryApi;
let port: number;
const sockets: Socket[] = [];

beforeEach(async () => {
  api = await QueryApi.open({ limits: { concurrency: 2, waiting: 4 } });
  port = await listen(api.app);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await api[Symbol.asyncDispose]();
});

const slow = 'SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range % 7 = b.range % 3';
/** More than all buffers on the way hold. */
const large = `SELECT ${Array(12).fill('sha256(range::VARCHAR)').join(', ')} FROM range(60000)`;

function send(body: object, token: string): Socket {
  const text = JSON.stringify(body);
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.write(
    `POST /api/v1/query HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  );
  sockets.push(socket);
  return socket;
}

async function ask(
  body: object,
  token: string,
): Promise<{ status: number; code: string | undefined; message: string }> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  const { error } = (await response.json()) as { error?: { code: string; message: string } };
  return { status: response.status, code: error?.code, message: error?.message ?? '' };
}

const token = (name: string): string => api.tokens.create(name, name === 'boss' ? 'admin' : 'read', new Date());

it('readers that take nothing hold no place for long, and never all of them', async () => {
  token('boss');
  const [hog, ann] = [token('hog'), token('ann')];
  const stalled = [1, 2, 3].map(() => send({ sql: large, limits: { rows: 60_000 } }, hog));
  for (const socket of stalled) socket.pause();
  await expect.poll(() => [api.queries.running, api.queries.waiting]).toEqual([2, 1]);
  expect((await ask({ sql: 'SELECT 1' }, ann)).status).toBe(200);
  // Their time is 30 s: they end long before it.
  const ended = stalled.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
  await expect.poll(() => [api.queries.running, api.queries.waiting]).toEqual([0, 0]);
  for (const socket of stalled) socket.resume();
  await Promise.all(ended);
  await api.log.flush();
  const ms = api.engine.logged.map((row) => (row as { ms: number; error: string | null }).ms);
  expect(Math.max(...ms)).toBeLessThan(30_000);
});

it('waiting is a part of the time: what got no turn within it is told so', async () => {
  token('boss');
  const [hog, ann] = [token('hog'), token('ann')];
  send({ sql: slow }, hog);
  send({ sql: slow }, hog);
  await expect.poll(() => api.queries.running).toBe(2);
  send({ sql: slow }, ann);
  await expect.poll(() => api.queries.running).toBe(3);
  const late = await ask({ sql: 'SELECT 1', limits: { timeoutMs: 200 } }, ann);
  expect(late).toMatchObject({
    status: 429,
    code: 'BUSY',
    message: 'The query waited 0.2 s, all of its time, for its turn.',
  });
});

it('one with many waiting queries doesn’t take the places to wait from others', async () => {
  token('boss');
  const [hog, ann] = [token('hog'), token('ann')];
  for (let query = 0; query < 6; query++) send({ sql: slow }, hog);
  await expect.poll(() => [api.queries.running, api.queries.waiting]).toEqual([2, 4]);
  expect((await ask({ sql: 'SELECT 1' }, hog)).code).toBe('BUSY');
  send({ sql: slow }, ann);
  await expect.poll(() => api.queries.running).toBe(3);
  const waiting = ask({ sql: 'SELECT 1', limits: { timeoutMs: 500 } }, ann);
  // The hog's newest made room: it is answered by its own time, not refused at once.
  expect((await waiting).message).toMatch(/waited/);
});
