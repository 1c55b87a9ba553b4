import type {
  DescMessage,
  DescMethod,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import type {
  MethodDefinition,
  Server,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { decodeMessageOf, encodeMessage, methodPath, sameBuffer } from './codec.js';

/** One method of a service with what answers it; made by the functions below, served by `addMethods`. */
export interface ServerMethod {
  readonly service: string;
  readonly name: string;
  readonly definition: ServiceDefinition[string];
  readonly handler: UntypedHandleCall;
}

/**
 * A unary method. What the handler throws goes out with its own numeric `code`, or else as INTERNAL.
 * @param encode makes the answer's bytes where protobuf-es would be too slow
 */
export function unary<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  answer: (
    request: MessageShape<I>,
    call: ServerUnaryCall<MessageShape<I>, MessageInitShape<O>>,
  ) => MessageInitShape<O> | Promise<MessageInitShape<O>>,
  encode: (message: MessageInitShape<O>) => Buffer = encoderOf(method.output),
): ServerMethod {
  const handler = (
    call: ServerUnaryCall<MessageShape<I>, MessageInitShape<O>>,
    callback: (error: Partial<GrpcStatus> | null, answer?: MessageInitShape<O>) => void,
  ): void => {
    Promise.resolve()
      .then(() => answer(call.request, call))
      .then(
        (message) => {
          callback(null, message);
        },
        (error: unknown) => {
          callback(statusOf(error));
        },
      );
  };
  return serverMethod(method, encode, handler);
}

/** A server stream of messages. End it with `call.end()`, or `failStream` for another status than OK. */
export function serverStreaming<I extends DescMessage, O extends DescMessage>(
  method: DescMethodServerStreaming<I, O>,
  handler: (call: ServerWritableStream<MessageShape<I>, MessageInitShape<O>>) => void,
): ServerMethod {
  return serverMethod(method, encoderOf(method.output), handler);
}

/** A server stream of messages that are bytes already. */
export function rawServerStreaming<I extends DescMessage, O extends DescMessage>(
  method: DescMethodServerStreaming<I, O>,
  handler: (call: ServerWritableStream<MessageShape<I>, Buffer>) => void,
): ServerMethod {
  return serverMethod(method, sameBuffer, handler);
}

/** Streams both ways. */
export function bidiStreaming<I extends DescMessage, O extends DescMessage>(
  method: DescMethodBiDiStreaming<I, O>,
  handler: (call: ServerDuplexStream<MessageShape<I>, MessageInitShape<O>>) => void,
): ServerMethod {
  return serverMethod(method, encoderOf(method.output), handler);
}

/** Serves these methods; a service's methods left out answer UNIMPLEMENTED. */
export function addMethods(server: Server, methods: readonly ServerMethod[]): void {
  const services = new Map<string, { definition: ServiceDefinition; implementation: UntypedServiceImplementation }>();
  for (const { service, name, definition, handler } of methods) {
    const known = services.get(service) ?? { definition: {}, implementation: {} };
    services.set(service, {
      definition: { ...known.definition, [name]: definition },
      implementation: { ...known.implementation, [name]: handler },
    });
  }
  for (const { definition, implementation } of services.values()) server.addService(definition, implementation);
}

/** A status as it leaves a server. */
export interface GrpcStatus {
  readonly code: status;
  readonly details: string;
}

/** Ends a server's stream with a status; `destroy(error)` would leave the caller hanging. */
export function failStream(call: { emit(event: 'error', error: GrpcStatus): boolean }, failure: GrpcStatus): void {
  call.emit('error', failure);
}

/** The status for whatever a handler threw: its own numeric `code` if it has one, INTERNAL otherwise. */
export function statusOf(thrown: unknown): GrpcStatus {
  const details = thrown instanceof Error ? thrown.message : String(thrown);
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
  return { code: typeof code === 'number' && code in status ? code : status.INTERNAL, details };
}

function encoderOf<D extends DescMessage>(schema: D): (message: MessageInitShape<D>) => Buffer {
  return (message) => encodeMessage(schema, message);
}

function serverMethod<I extends DescMessage, R>(
  method: DescMethod & { readonly input: I },
  responseSerialize: (answer: R) => Buffer,
  handler: UntypedHandleCall,
): ServerMethod {
  const definition: MethodDefinition<MessageShape<I>, R> = {
    path: methodPath(method),
    requestStream: method.methodKind === 'bidi_streaming' || method.methodKind === 'client_streaming',
    responseStream: method.methodKind === 'bidi_streaming' || method.methodKind === 'server_streaming',
    requestSerialize: () => Buffer.alloc(0),
    requestDeserialize: (bytes) => decodeMessageOf(method.input, bytes),
    responseSerialize,
    responseDeserialize: () => {
      throw new Error('A server reads no answers.');
    },
  };
  return { service: method.parent.typeName, name: method.name, definition, handler };
}
