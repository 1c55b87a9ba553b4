import { status } from '@grpc/grpc-js';
import type { ClientDuplexStream, ClientReadableStream, ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js';
import { failStream } from '@armorlake/proto';
import { messageOf } from '../../core/index.js';
import type { ErrorCode, ErrorShape } from '../../core/index.js';
import type { MessageStream, StreamHandlers } from '../backbone.js';
import { clip } from '../wire/text.js';

/** gRPC's status for an error that ends a stream; its sentence travels as the details. */
const statusOfCode: Partial<Record<ErrorCode, status>> = {
  BAD_REQUEST: status.INVALID_ARGUMENT,
  UNAUTHENTICATED: status.UNAUTHENTICATED,
  FORBIDDEN: status.PERMISSION_DENIED,
  NOT_FOUND: status.NOT_FOUND,
  CONFLICT: status.ALREADY_EXISTS,
  LIMIT_EXCEEDED: status.RESOURCE_EXHAUSTED,
  CANCELLED: status.CANCELLED,
  NOT_READY: status.UNAVAILABLE,
  DEADLINE: status.DEADLINE_EXCEEDED,
};

const codeOfStatus = new Map<number, ErrorCode>(
  Object.entries(statusOfCode).map(([code, number]) => [number, code as ErrorCode]),
);

export function toStatus(error: ErrorShape): { readonly code: status; readonly details: string } {
  const details = error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
  return { code: statusOfCode[error.code] ?? status.INTERNAL, details };
}

/** The error a status stands for; null for OK. */
export function fromStatus(
  ended: { readonly code: number; readonly details: string },
  explain: (details: string) => ErrorShape,
): ErrorShape | null {
  if (ended.code === status.OK) return null;
  // What a connection failed of is UNAVAILABLE too, in words of gRPC, OpenSSL or the system.
  if (ended.code === status.UNAVAILABLE) return explain(ended.details);
  return { code: codeOfStatus.get(ended.code) ?? 'INTERNAL', message: clip(ended.details, 2_000) };
}

interface Sender<Out> {
  write(message: Out): boolean;
  once(event: 'drain', listener: () => void): unknown;
}

/** What both ends of a stream have in common: waiting for room, and ending once. */
abstract class CallStream<Out, In> implements MessageStream<Out, In> {
  readonly #sender: Sender<Out> | null;
  readonly #early: In[] = [];
  #handlers: StreamHandlers<In> | null = null;
  #ended: { readonly error: ErrorShape | null } | null = null;
  #closed = false;
  #room: { readonly promise: Promise<void>; readonly open: () => void } | null = null;

  protected constructor(sender: Sender<Out> | null) {
    this.#sender = sender;
  }

  send(message: Out): Promise<void> {
    if (this.#sender === null || this.over) return Promise.resolve();
    if (this.#sender.write(message)) return Promise.resolve();
    if (this.#room === null) {
      let open = (): void => undefined;
      const promise = new Promise<void>((resolve) => {
        open = resolve;
      });
      this.#room = { promise, open };
      this.#sender.once('drain', () => this.#roomAgain());
    }
    return this.#room.promise;
  }

  handle(handlers: StreamHandlers<In>): void {
    this.#handlers = handlers;
    for (const message of this.#early.splice(0)) if (!this.#closed) handlers.message(message);
    if (this.#ended !== null && !this.#closed) handlers.closed(this.#ended.error);
  }

  close(error?: ErrorShape): void {
    if (this.over) {
      this.#closed = true;
      return;
    }
    this.#closed = true;
    this.#roomAgain();
    this.finish(error);
  }

  /** Ends the stream as if it had broken: the handlers hear of it, and so does the other side. */
  break(error: ErrorShape): void {
    if (this.over) return;
    this.gone(error);
    this.finish(error);
  }

  get over(): boolean {
    return this.#closed || this.#ended !== null;
  }

  /** Ends the call from this side. */
  protected abstract finish(error: ErrorShape | undefined): void;

  protected heard(message: In): void {
    if (this.over) return;
    if (this.#handlers === null) this.#early.push(message);
    else this.#handlers.message(message);
  }

  protected gone(error: ErrorShape | null): void {
    if (this.over) return;
    this.#ended = { error };
    this.#roomAgain();
    this.#handlers?.closed(error);
  }

  #roomAgain(): void {
    this.#room?.open();
    this.#room = null;
  }
}

type ClientCall<Out, In> = ClientDuplexStream<Out, In> | ClientReadableStream<In>;

/** A stream this node opened. Ending it cancels the call. */
export class CallerStream<Out, In> extends CallStream<Out, In> {
  readonly #call: ClientCall<Out, In>;

  /** @param explain the sentence for a connection that failed or broke, from gRPC's own words */
  constructor(call: ClientCall<Out, In>, explain: (details: string) => ErrorShape) {
    super('write' in call ? call : null);
    this.#call = call;
    call.on('data', (message: In) => this.heard(message));
    // The status tells all; an error without a listener would be thrown.
    call.on('error', () => undefined);
    call.on('status', (ended: { readonly code: number; readonly details: string }) =>
      this.gone(fromStatus(ended, explain)),
    );
  }

  protected finish(): void {
    this.#call.cancel();
  }
}

type ServerCall<Out, In> = ServerDuplexStream<In, Out> | ServerWritableStream<unknown, Out>;

/** A stream a caller opened here. Ending it sends what was written before. */
export class ServedStream<Out, In> extends CallStream<Out, In> {
  readonly #call: ServerCall<Out, In>;

  constructor(call: ServerCall<Out, In>) {
    super(call);
    this.#call = call;
    if ('read' in call) {
      call.on('data', (message: In) => this.heard(message));
      call.on('end', () => this.gone(null));
    }
    // Also emitted by `failStream`, for which this stream is over already.
    call.on('error', (error: unknown) => this.gone({ code: 'BAD_REQUEST', message: clip(messageOf(error), 2_000) }));
    call.on('cancelled', () => this.gone(null));
  }

  protected finish(error: ErrorShape | undefined): void {
    if (error === undefined) this.#call.end();
    else failStream(this.#call, toStatus(error));
  }
}
