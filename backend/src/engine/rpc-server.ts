import { ArmorlakeError } from '../core/index.js';
import { Channel } from './channel.js';
import type { Socket } from 'node:net';
import type { CallContext, CallHandlers, ControlFrame } from './types.js';

/** Bytes of one streamed answer on their way before the sender waits for the reader. */
export const STREAM_WINDOW_BYTES = 1 << 20;

type CallFrame = Extract<ControlFrame, { type: 'call' }>;

/** One call being answered. */
class ServedCall {
  readonly abort = new AbortController();
  sent = 0;
  #credited = 0;
  #wake: (() => void) | null = null;

  credit(bytes: number): void {
    this.#credited += bytes;
    this.#wake?.();
  }

  cancel(): void {
    this.abort.abort(new ArmorlakeError('CANCELLED', 'The caller cancelled the call.'));
    this.#wake?.();
  }

  /** Resolves when there is room in the window; rejects CANCELLED. */
  async room(): Promise<void> {
    while (this.sent - this.#credited >= STREAM_WINDOW_BYTES) {
      this.abort.signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = null;
    }
    this.abort.signal.throwIfAborted();
  }
}

/** The engine's side of the protocol: answers calls by the handlers it has been given so far. */
export class RpcServer {
  readonly #channel: Channel;
  readonly #calls = new Map<number, ServedCall>();
  readonly #bulkWaiting = new Map<number, (payload: ArrayBuffer) => void>();
  readonly #bulkArrived = new Map<number, ArrayBuffer>();
  #handlers: CallHandlers;

  constructor(control: Socket, bulk: Socket, handlers: CallHandlers, onClosed: () => void) {
    this.#handlers = handlers;
    this.#channel = new Channel(control, bulk, {
      control: (frame) => this.#onControl(frame),
      bulk: (id, payload) => this.#onBulk(id, payload),
      closed: () => {
        for (const call of this.#calls.values()) call.cancel();
        onClosed();
      },
    });
  }

  /** Replaces the methods that are answered from now on. */
  setHandlers(handlers: CallHandlers): void {
    this.#handlers = handlers;
  }

  #onControl(frame: ControlFrame): void {
    switch (frame.type) {
      case 'call':
        void this.#serve(frame);
        return;
      case 'cancel':
        this.#calls.get(frame.id)?.cancel();
        return;
      case 'credit':
        this.#calls.get(frame.id)?.credit(frame.bytes);
        return;
      case 'head':
      case 'result':
      case 'error':
    }
  }

  #onBulk(id: number, payload: ArrayBuffer): void {
    const waiting = this.#bulkWaiting.get(id);
    if (waiting === undefined) this.#bulkArrived.set(id, payload);
    else waiting(payload);
  }

  /** The bytes that belong to a call; the sockets are apart, so they may come before or after it. */
  #bulkOf(id: number): Promise<ArrayBuffer> {
    const arrived = this.#bulkArrived.get(id);
    this.#bulkArrived.delete(id);
    if (arrived !== undefined) return Promise.resolve(arrived);
    return new Promise((resolve) => {
      this.#bulkWaiting.set(id, (payload) => {
        this.#bulkWaiting.delete(id);
        resolve(payload);
      });
    });
  }

  async #serve(frame: CallFrame): Promise<void> {
    const { id } = frame;
    const call = new ServedCall();
    this.#calls.set(id, call);
    try {
      const bulk = frame.bulk ? await this.#bulkOf(id) : null;
      const handler = Object.hasOwn(this.#handlers, frame.method) ? this.#handlers[frame.method] : undefined;
      if (handler === undefined) {
        throw new ArmorlakeError('NOT_READY', `The engine does not answer ${frame.method} (yet).`);
      }
      const context: CallContext = {
        signal: call.abort.signal,
        bulk,
        head: (value) => this.#channel.sendControl({ type: 'head', id, value }),
        write: async (chunk) => {
          await call.room();
          call.sent += chunk.byteLength;
          this.#channel.sendBulk(id, chunk);
        },
      };
      const value = await handler(frame.parameters, context);
      this.#channel.sendControl({ type: 'result', id, value: value ?? null, bulkBytes: call.sent });
    } catch (thrown) {
      this.#channel.sendControl({ type: 'error', id, error: ArmorlakeError.from(thrown).toShape() });
    } finally {
      this.#calls.delete(id);
    }
  }
}
