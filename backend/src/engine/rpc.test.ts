import { createServer, connect } from 'node:net';
import type { Socket } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ArmorlakeError } from '../core/index.js';
import { FrameReader } from './frames.js';
import { RpcClient } from './rpc-client.js';
import { RpcServer, STREAM_WINDOW_BYTES } from './rpc-server.js';
import type { CallHandlers } from './types.js';

/** Two ends of a Unix socket. */
async function socketPair(path: string): Promise<[Socket, Socket]> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const near = connect(path);
  const far = await accepted;
  server.close();
  return [near, far];
}

interface Pair extends AsyncDisposable {
  readonly client: RpcClient;
  readonly closed: Promise<void>;
}

async function connected(handlers: CallHandlers): Promise<Pair> {
  const folder = mkdtempSync(join(tmpdir(), 'armorlake-rpc-'));
  const [control, farControl] = await socketPair(join(folder, 'control'));
  const [bulk, farBulk] = await socketPair(join(folder, 'bulk'));
  rmSync(folder, { recursive: true });
  const closed = new Promise<void>((resolve) => new RpcServer(farControl, farBulk, handlers, resolve));
  const client = new RpcClient(
    control,
    bulk,
    () => undefined,
    () => undefined,
  );
  return {
    client,
    closed,
    [Symbol.asyncDispose]: async () => {
      client.close();
      await closed;
    },
  };
}

describe('FrameReader', () => {
  it('puts frames together whatever pieces they come in', () => {
    const frame = (id: number, payload: string): Buffer => {
      const header = Buffer.alloc(8);
      header.writeUInt32LE(Buffer.byteLength(payload), 0);
      header.writeUInt32LE(id, 4);
      return Buffer.concat([header, Buffer.from(payload)]);
    };
    const bytes = Buffer.concat([frame(1, 'one'), frame(2, ''), frame(4_000_000_000, 'three')]);
    for (let size = 1; size <= bytes.length; size++) {
      const seen: [number, string][] = [];
      const reader = new FrameReader((id, payload) => seen.push([id, Buffer.from(payload).toString()]));
      for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
      expect(seen).toEqual([
        [1, 'one'],
        [2, ''],
        [4_000_000_000, 'three'],
      ]);
    }
  });

  it('refuses a frame over the limit', () => {
    const reader = new FrameReader(() => undefined);
    expect(() => reader.push(Buffer.alloc(8, 0xff))).toThrow(/over the limit/);
  });
});

describe('calls', () => {
  it('answers, carries bytes, and passes errors on with their code and hint', async () => {
    await using pair = await connected({
      add: (parameters, { bulk }) => Promise.resolve({ parameters, bytes: bulk === null ? null : bulk.byteLength }),
      fail: () => Promise.reject(new ArmorlakeError('DISK_FULL', 'No room.', { hint: 'Make some.' })),
    });
    const { client } = pair;
    expect(await client.call('add', { a: 1 })).toEqual({ parameters: { a: 1 }, bytes: null });
    expect(await client.call('add', {}, { bulk: new ArrayBuffer(3_000_000) })).toEqual({ parameters: {}, bytes: 3e6 });
    expect(await client.call('add', {}, { bulk: new ArrayBuffer(0) })).toMatchObject({ bytes: 0 });
    await expect(client.call('fail', {})).rejects.toMatchObject({
      code: 'DISK_FULL',
      message: 'No room.',
      hint: 'Make some.',
    });
    await expect(client.call('unknown', {})).rejects.toMatchObject({ code: 'NOT_READY' });
    await expect(client.call('toString', {})).rejects.toMatchObject({ code: 'NOT_READY' });
  });

  it('streams whole answers, and holds the sender back while nobody reads', async () => {
    let sent = 0;
    const chunk = Buffer.alloc(100_000, 7);
    await using pair = await connected({
      stream: async (_parameters, { head, write }) => {
        head({ columns: 2 });
        for (let count = 0; count < 50; count++) {
          await write(chunk);
          sent += chunk.length;
        }
        return { rows: 50 };
      },
    });
    const answer = await pair.client.stream('stream', {});
    expect(answer.head).toEqual({ columns: 2 });
    // Another call gets through meanwhile, and shows that the sender had its chance.
    for (let turn = 0; turn < 20; turn++) await pair.client.call('unknown', {}).catch(() => undefined);
    expect(sent).toBeLessThanOrEqual(STREAM_WINDOW_BYTES + chunk.length);
    let received = 0;
    for await (const bytes of answer.chunks) received += bytes.length;
    expect(received).toBe(5_000_000);
    expect(await answer.tail).toEqual({ rows: 50 });
  });

  it('cancels by signal, and by leaving the stream early', async () => {
    const aborted: string[] = [];
    const handler: CallHandlers[string] = async (name, { signal, head, write }) => {
      head({});
      await write(Buffer.from('first'));
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      aborted.push(String(name));
      signal.throwIfAborted();
      return null;
    };
    await using pair = await connected({ wait: handler, seen: () => Promise.resolve(aborted) });
    const controller = new AbortController();
    const one = await pair.client.stream('wait', 'one', { signal: controller.signal });
    controller.abort();
    await expect(one.tail).rejects.toMatchObject({ code: 'CANCELLED' });
    const { chunks } = await pair.client.stream('wait', 'two');
    for await (const bytes of chunks) {
      expect(Buffer.from(bytes).toString()).toBe('first');
      break;
    }
    expect(await pair.client.call('seen', {})).toEqual(['one', 'two']);
    await expect(pair.client.call('seen', {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });

  it('rejects what is in flight with NOT_READY when the connection goes', async () => {
    const pair = await connected({ wait: () => new Promise(() => undefined) });
    const call = pair.client.call('wait', {});
    const stream = pair.client.stream('wait', {});
    pair.client.close();
    await expect(call).rejects.toMatchObject({ code: 'NOT_READY' });
    await expect(stream).rejects.toMatchObject({ code: 'NOT_READY' });
    await expect(pair.client.call('wait', {})).rejects.toMatchObject({ code: 'NOT_READY' });
    await pair.closed;
  });
});
