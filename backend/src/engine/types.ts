import type { ErrorShape } from '../core/index.js';

/** What a method's handler in the engine gets besides its parameters. */
export interface CallContext {
  /** Aborted when the caller cancels or goes away. */
  readonly signal: AbortSignal;
  /** Bytes that came with the call on the bulk socket, as a packed batch; null when there were none. */
  readonly bulk: ArrayBuffer | null;
  /** Sends the head of a streamed answer; once, before the first `write`. */
  head(value: unknown): void;
  /** Sends a piece of a streamed answer on the bulk socket; resolves when the caller can take more. */
  write(chunk: Uint8Array): Promise<void>;
}

/** A method of an engine: JSON in, JSON out (the tail of a streamed answer). */
export type CallHandler = (parameters: unknown, context: CallContext) => Promise<unknown>;

export type CallHandlers = Readonly<Record<string, CallHandler>>;

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Sent with the call on the bulk socket. */
  readonly bulk?: ArrayBuffer;
  /** Called once, when the engine no longer works on the call, also on one that was cancelled; never when it wasn't sent. */
  readonly onOver?: (how: CallEnd) => void;
}

/** The engine has said its last word of a call, or it ended with the call in it. */
export type CallEnd = 'answered' | 'died';

/** A streamed answer: the head first, then bytes, then the tail. Not reading `chunks` holds the sender back. */
export interface CallStream {
  readonly head: unknown;
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Resolves after the last chunk was read; rejects with what went wrong midway. */
  readonly tail: Promise<unknown>;
}

/** The API process's side of an engine; errors are ArmorlakeErrors; NOT_READY while the engine (re)starts. */
export interface EngineClient {
  call(method: string, parameters: unknown, options?: CallOptions): Promise<unknown>;
  stream(method: string, parameters: unknown, options?: CallOptions): Promise<CallStream>;
}

/** The JSON frames of the control socket; the bulk socket carries bytes under the same call ids. */
export type ControlFrame =
  | {
      readonly type: 'call';
      readonly id: number;
      readonly method: string;
      readonly parameters: unknown;
      readonly bulk: boolean;
    }
  | { readonly type: 'cancel'; readonly id: number }
  | { readonly type: 'head'; readonly id: number; readonly value: unknown }
  | { readonly type: 'credit'; readonly id: number; readonly bytes: number }
  /** `bulkBytes`: all that was streamed under this id; the answer is whole when that much has arrived. */
  | { readonly type: 'result'; readonly id: number; readonly value: unknown; readonly bulkBytes: number }
  | { readonly type: 'error'; readonly id: number; readonly error: ErrorShape };
