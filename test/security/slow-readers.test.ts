import { afterAll, beforeAll, expect, it } from 'vitest';
import { Places } from '../../backend/src/api/places.js';
import { QueryApi } from '../support/query-api.js';
import { RawConnection, listen } from '../support/raw-http.js';

let api: QueryApi;
let port: number;
beforeAll(async () => {
  api = await QueryApi.open({ patienceMs: 300 });
  port = await listen(api.app);
});
afterAll(async () => {
  await api[Symbol.asyncDispose]();
});

const ask = 'GET /api/v1/tail?table=logs HTTP/1.1\r\nHost: 127.0.0.1\r\nLast-Event-ID: {"n1":0}\r\n\r\n';

const connections = (): Promise<number> =>
  new Promise((resolve, reject) =>
    api.app.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
  );

it('a live tail whose reader takes nothing is let go, with its connection and its place', async () => {
  // More than the kernel takes on behalf of a reader that doesn't read.
  await api.lake.connection.run(
    "INSERT INTO kubearmor.logs BY NAME SELECT now()::TIMESTAMP AS time, 'n1' AS node, i::BIGINT AS seq, rpad('x', 20000, 'x') AS data FROM range(1, 801) r(i)",
  );
  api.lake.commit(800);
  const readers = Array.from({ length: 3 }, () => new RawConnection(port));
  for (const { socket } of readers) {
    socket.write(ask);
    socket.pause();
  }
  await expect.poll(connections).toBe(3);
  await expect.poll(connections).toBe(0);
  const reader = new RawConnection(port);
  reader.socket.write(ask);
  await expect.poll(() => reader.text).toContain('event: rows');
  reader.socket.destroy();
  for (const { socket } of readers) socket.destroy();
});

it('one caller never gets all the places, and whoever comes later finds one', () => {
  const places = new Places(64, 'live tails');
  const takeAll = (caller: string): number => {
    for (let taken = 0; ; taken += 1) {
      try {
        places.take(caller);
      } catch (thrown) {
        expect(thrown).toMatchObject({ code: 'BUSY' });
        return taken;
      }
    }
  };
  expect(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map(takeAll)).toEqual([32, 16, 8, 4, 2, 1, 1, 0]);
});

it('a place that is given back is another’s, once', () => {
  const places = new Places(2, 'posts');
  const leave = places.take('a');
  expect(() => places.take('a')).toThrow();
  leave();
  leave();
  places.take('a');
  places.take('b');
  expect(() => places.take('c')).toThrow();
});
