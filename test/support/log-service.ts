import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { feeder } from '@armorlake/proto';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { handleUnaryCall, ServerWritableStream, UntypedHandleCall } from '@grpc/grpc-js';
import type { Certificate } from './certificates.js';

export type WatchedStream = 'logs' | 'alerts' | 'messages';
type Call = ServerWritableStream<Buffer, Buffer>;

/** A subscription the service was asked for. */
export interface Watch {
  readonly stream: WatchedStream;
  readonly filter: string;
  readonly call: Call;
}

export interface LogServiceOptions {
  readonly port?: number;
  readonly tls?: { readonly ca: string; readonly server: Certificate };
  /** Leaves out the service: something that isn't KubeArmor. */
  readonly other?: boolean;
  /** Told of each subscription, at once; may end it. */
  readonly onWatch?: (watch: Watch) => void;
}

const streams = { WatchLogs: 'logs', WatchAlerts: 'alerts', WatchMessages: 'messages' } as const;

/** KubeArmor's LogService as a test wants it: it says nothing by itself, and breaks streams on demand. */
export class LogService {
  readonly watches: Watch[] = [];
  readonly #server = new Server();
  port = 0;

  static async start(options: LogServiceOptions = {}): Promise<LogService> {
    const service = new LogService();
    if (options.other !== true) service.#addService(options);
    const { tls } = options;
    const credentials =
      tls === undefined
        ? ServerCredentials.createInsecure()
        : ServerCredentials.createSsl(
            Buffer.from(tls.ca),
            [{ private_key: Buffer.from(tls.server.key), cert_chain: Buffer.from(tls.server.cert) }],
            true,
          );
    service.port = await new Promise<number>((resolve, reject) => {
      service.#server.bindAsync(`127.0.0.1:${options.port ?? 0}`, credentials, (error, port) => {
        if (error === null) resolve(port);
        else reject(error);
      });
    });
    return service;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** The streams open now. */
  open(stream: WatchedStream): readonly Watch[] {
    return this.watches.filter((watch) => watch.stream === stream && !watch.call.cancelled && !watch.call.destroyed);
  }

  /** The newest subscription of a stream. */
  last(stream: WatchedStream): Call {
    const watch = this.watches.findLast((each) => each.stream === stream);
    if (watch === undefined) throw new Error(`Nobody watches ${stream}`);
    return watch.call;
  }

  close(): void {
    this.#server.forceShutdown();
  }

  #addService({ onWatch }: LogServiceOptions): void {
    const same = (bytes: Buffer): Buffer => bytes;
    const method = (name: string, responseStream: boolean) => ({
      path: `/feeder.LogService/${name}`,
      requestStream: false,
      responseStream,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    });
    const health: handleUnaryCall<Buffer, Buffer> = (call, answer) => {
      const { nonce } = fromBinary(feeder.NonceMessageSchema, call.request);
      answer(
        null,
        Buffer.from(toBinary(feeder.ReplyMessageSchema, create(feeder.ReplyMessageSchema, { Retval: nonce }))),
      );
    };
    const watch =
      (stream: WatchedStream) =>
      (call: Call): void => {
        const filter = fromBinary(feeder.RequestMessageSchema, call.request).Filter;
        const entry = { stream, filter, call };
        this.watches.push(entry);
        onWatch?.(entry);
      };
    const handlers: Record<string, UntypedHandleCall> = { HealthCheck: health };
    for (const [name, stream] of Object.entries(streams)) handlers[name] = watch(stream);
    const definition = Object.fromEntries(
      Object.keys(handlers).map((name) => [name, method(name, name !== 'HealthCheck')]),
    );
    this.#server.addService(definition, handlers);
  }
}

/** The bytes of a log with this resource. */
export function logBytes(resource: string): Buffer {
  return Buffer.from(toBinary(feeder.LogSchema, create(feeder.LogSchema, { Resource: resource, Operation: 'File' })));
}

/** The bytes of an alert of this policy. */
export function alertBytes(policy: string): Buffer {
  return Buffer.from(
    toBinary(feeder.AlertSchema, create(feeder.AlertSchema, { PolicyName: policy, KubeArmorVersion: 'v1.7.0' })),
  );
}
