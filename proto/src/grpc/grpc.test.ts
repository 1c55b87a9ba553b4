import { Server, ServerCredentials, credentials, status } from '@grpc/grpc-js';
import type { ServerWritableStream } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import type { RequestMessage } from '../gen/feeder/kubearmor_pb.js';
import { LogSchema, LogService } from '../gen/feeder/kubearmor_pb.js';
import { GRPCBroker } from '../gen/plugin/go_plugin_pb.js';
import { FeederDecoder } from '../feeder/decoder.js';
import { GrpcClient } from './client.js';
import { encodeMessage, methodPath } from './codec.js';
import type { ServerMethod } from './server.js';
import { addMethods, bidiStreaming, failStream, rawServerStreaming, serverStreaming, unary } from './server.js';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

async function serve(methods: readonly ServerMethod[]): Promise<GrpcClient> {
  const server = new Server();
  addMethods(server, methods);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  const client = new GrpcClient(`127.0.0.1:${port}`, credentials.createInsecure());
  open.push(client, { close: () => server.forceShutdown() });
  return client;
}

describe('the grpc-js adapter', () => {
  it("keeps the wire's own paths", () => {
    expect(methodPath(LogService.method.watchAlerts)).toBe('/feeder.LogService/WatchAlerts');
  });

  it('calls a unary method, and a failing one ends with its own status', async () => {
    const client = await serve([
      unary(LogService.method.healthCheck, (request) => {
        if (request.nonce < 0) throw Object.assign(new Error('negative'), { code: status.INVALID_ARGUMENT });
        return { Retval: request.nonce };
      }),
    ]);
    await expect(client.unary(LogService.method.healthCheck, { nonce: 42 })).resolves.toMatchObject({ Retval: 42 });
    await expect(client.unary(LogService.method.healthCheck, { nonce: -1 })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: 'negative',
    });
    const failing = client.serverStream(LogService.method.watchLogs, {});
    await expect(failing.toArray()).rejects.toMatchObject({ code: status.UNIMPLEMENTED });
  });

  it('ends a unary call at its deadline', async () => {
    const client = await serve([unary(LogService.method.healthCheck, () => new Promise(() => undefined))]);
    await expect(client.unary(LogService.method.healthCheck, {}, { timeoutMs: 50 })).rejects.toMatchObject({
      code: status.DEADLINE_EXCEEDED,
    });
  });

  it('streams messages, typed or as bytes, from a server that sends either', async () => {
    const client = await serve([
      serverStreaming(LogService.method.watchAlerts, (call) => {
        call.write({ PolicyName: call.request.Filter, UID: -1 });
        call.end();
      }),
      rawServerStreaming(LogService.method.watchLogs, (call) => {
        call.write(encodeMessage(LogSchema, { Source: 'é' }));
        call.write(Buffer.from([0xff]));
        call.end();
      }),
    ]);
    const alerts = await client.serverStream(LogService.method.watchAlerts, { Filter: 'policy' }).toArray();
    expect(alerts).toMatchObject([{ PolicyName: 'policy', UID: -1 }]);
    const logs: unknown[] = await client.rawServerStream(LogService.method.watchLogs, {}).toArray();
    expect(logs).toHaveLength(2);
    expect(new FeederDecoder().decodeLog(logs[0] as Buffer).source).toBe('é');
    expect(logs[1]).toEqual(Buffer.from([0xff]));
  });

  it('ends a stream with the status the server gives, or when the caller aborts', async () => {
    let heard: ServerWritableStream<RequestMessage, unknown> | undefined;
    const client = await serve([
      serverStreaming(LogService.method.watchAlerts, (call) => {
        failStream(call, { code: status.INTERNAL, details: 'broken on purpose' });
      }),
      serverStreaming(LogService.method.watchLogs, (call) => {
        heard = call;
        call.write({});
      }),
    ]);
    await expect(client.serverStream(LogService.method.watchAlerts, {}).toArray()).rejects.toMatchObject({
      code: status.INTERNAL,
      details: 'broken on purpose',
    });
    const abort = new AbortController();
    const stream = client.serverStream(LogService.method.watchLogs, {}, { signal: abort.signal });
    stream.once('data', () => {
      abort.abort();
    });
    await expect(stream.toArray()).rejects.toMatchObject({ code: status.CANCELLED });
    expect(heard).toBeDefined();
  });

  it('streams both ways', async () => {
    const client = await serve([
      bidiStreaming(GRPCBroker.method.startStream, (call) => {
        call.on('data', (info) => call.write({ serviceId: info.serviceId + 1 }));
        call.on('end', () => {
          call.end();
        });
      }),
    ]);
    const call = client.bidi(GRPCBroker.method.startStream);
    call.write({ serviceId: 1 });
    call.write({ serviceId: 2 });
    call.end();
    expect(await call.toArray()).toMatchObject([{ serviceId: 2 }, { serviceId: 3 }]);
  });
});
