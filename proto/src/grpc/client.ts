import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import { Client, Metadata } from '@grpc/grpc-js';
import type {
  CallOptions as GrpcCallOptions,
  ChannelCredentials,
  ChannelOptions,
  ClientDuplexStream,
  ClientReadableStream,
} from '@grpc/grpc-js';
import { decodeMessageOf, encodeMessage, methodPath, sameBuffer } from './codec.js';

export interface CallOptions {
  /** Cancels the call; it then ends with status CANCELLED. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds from now after which the call ends with status DEADLINE_EXCEEDED; none: never. */
  readonly timeoutMs?: number | undefined;
  readonly metadata?: Metadata | undefined;
}

/**
 * A typed client of any service: methods are the generated descriptors, as `LogService.method.watchAlerts`.
 * Errors are grpc-js's own ServiceError (`code`, `details`, `metadata`).
 */
export class GrpcClient {
  readonly #client: Client;

  /** @param address HOST:PORT, or any target grpc-js takes, as `unix:/run/x.sock` */
  constructor(address: string, credentials: ChannelCredentials, options: ChannelOptions = {}) {
    this.#client = new Client(address, credentials, options);
  }

  unary<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): Promise<MessageShape<O>> {
    return new Promise((resolve, reject) => {
      const call = this.#client.makeUnaryRequest<MessageInitShape<I>, MessageShape<O>>(
        methodPath(method),
        (message) => encodeMessage(method.input, message),
        (bytes) => decodeMessageOf(method.output, bytes),
        request,
        options.metadata ?? new Metadata(),
        grpcOptions(options),
        (error, answer) => {
          release();
          if (error !== null) reject(error);
          else if (answer === undefined) reject(new Error(`${methodPath(method)} ended without an answer.`));
          else resolve(answer);
        },
      );
      const release = cancelOnAbort(call, options.signal);
    });
  }

  serverStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): ClientReadableStream<MessageShape<O>> {
    return this.#serverStream(method, request, options, (bytes) => decodeMessageOf(method.output, bytes));
  }

  /** A server stream whose messages stay bytes, for a reader that decodes them itself and survives bad ones. */
  rawServerStream<I extends DescMessage, O extends DescMessage>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions = {},
  ): ClientReadableStream<Buffer> {
    return this.#serverStream(method, request, options, sameBuffer);
  }

  bidi<I extends DescMessage, O extends DescMessage>(
    method: DescMethodBiDiStreaming<I, O>,
    options: CallOptions = {},
  ): ClientDuplexStream<MessageInitShape<I>, MessageShape<O>> {
    const call = this.#client.makeBidiStreamRequest<MessageInitShape<I>, MessageShape<O>>(
      methodPath(method),
      (message) => encodeMessage(method.input, message),
      (bytes) => decodeMessageOf(method.output, bytes),
      options.metadata ?? new Metadata(),
      grpcOptions(options),
    );
    call.once('status', cancelOnAbort(call, options.signal));
    return call;
  }

  /** Resolves when the channel is connected; rejects at the deadline (milliseconds from now). */
  ready(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.waitForReady(Date.now() + timeoutMs, (error) => {
        if (error === undefined || error === null) resolve();
        else reject(error);
      });
    });
  }

  close(): void {
    this.#client.close();
  }

  #serverStream<I extends DescMessage, O extends DescMessage, T>(
    method: DescMethodServerStreaming<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
    deserialize: (bytes: Buffer) => T,
  ): ClientReadableStream<T> {
    const call = this.#client.makeServerStreamRequest<MessageInitShape<I>, T>(
      methodPath(method),
      (message) => encodeMessage(method.input, message),
      deserialize,
      request,
      options.metadata ?? new Metadata(),
      grpcOptions(options),
    );
    call.once('status', cancelOnAbort(call, options.signal));
    return call;
  }
}

function grpcOptions(options: CallOptions): GrpcCallOptions {
  return options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs };
}

/** Ties a call to a signal; the function returned unties them. */
function cancelOnAbort(call: { cancel(): void }, signal: AbortSignal | undefined): () => void {
  if (signal === undefined) return () => undefined;
  const cancel = (): void => {
    call.cancel();
  };
  if (signal.aborted) cancel();
  else signal.addEventListener('abort', cancel, { once: true });
  return () => {
    signal.removeEventListener('abort', cancel);
  };
}
