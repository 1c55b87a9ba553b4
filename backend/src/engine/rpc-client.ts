import type { Socket } from 'node:net';
import { ArmorlakeError } from '../core/index.js';
import { Channel } from './channel.js';
import type { CallEnd, CallOptions, CallStream, ControlFrame, EngineClient } from './types.js';

/** One call waiting for its answer. */
class PendingCall {
  readonly head: Promise<unknown>;
  readonly tail: Promise<unknown>;
  #resolveHead: (value: unknown) => void = () => undefined;
  #rejectHead: (error: ArmorlakeError) => void = () => undefined;
  #resolveTail: (value: unknown) => void = () => undefined;
  #rejectTail: (error: ArmorlakeError) => void = () => undefined;
  readonly #chunks: Uint8Array[] = [];
  readonly #credit: (bytes: number) => void;
  #received = 0;
  #result: { readonly value: unknown; readonly bulkBytes: number } | null = null;
  #error: ArmorlakeError | null = null;
  #wake: (() => void) | null = null;

  constructor(credit: (bytes: number) => void) {
    this.#credit = credit;
    this.head = new Promise((resolve, reject) => {
      this.#resolveHead = resolve;
      this.#rejectHead = reject;
    });
    this.tail = new Promise((resolve, reject) => {
      this.#resolveTail = resolve;
      this.#rejectTail = reject;
    });
    // Whoever doesn't look at one of the two still hears the error by the other.
    this.head.catch(() => undefined);
    this.tail.catch(() => undefined);
  }

  onHead(value: unknown): void {
    this.#resolveHead(value);
  }

  onChunk(payload: ArrayBuffer): void {
    this.#received += payload.byteLength;
    this.#chunks.push(new Uint8Array(payload));
    this.#wake?.();
  }

  onResult(value: unknown, bulkBytes: number): void {
    this.#result = { value, bulkBytes };
    // An answer without head is a plain one; a stream's reader gets null as its head.
    this.#resolveHead(null);
    if (bulkBytes === 0) this.#resolveTail(value);
    this.#wake?.();
  }

  fail(error: ArmorlakeError): void {
    this.#error = error;
    this.#rejectHead(error);
    this.#rejectTail(error);
    this.#wake?.();
  }

  /** True when nothing more will come for this call. */
  get settled(): boolean {
    return this.#error !== null || (this.#result !== null && this.#received >= this.#result.bulkBytes);
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) {
        this.#credit(chunk.byteLength);
        yield chunk;
      } else if (this.#error !== null) {
        throw this.#error;
      } else if (this.#result !== null && this.settled) {
        this.#resolveTail(this.#result.value);
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = null;
      }
    }
  }
}

/** The API process's side of the protocol, over one engine's life. */
export class RpcClient implements EngineClient {
  readonly #channel: Channel;
  readonly #pending = new Map<number, PendingCall>();
  /** Calls that the engine still works on, cancelled ones too. */
  readonly #working = new Map<number, (how: CallEnd) => void>();
  #nextId = 1;
  #closed = false;
  readonly #onAnswer: () => void;

  /** `onAnswer` is called on every sign of life of the engine; `onClosed` once, after its sockets are gone. */
  constructor(control: Socket, bulk: Socket, onAnswer: () => void, onClosed: () => void) {
    this.#onAnswer = onAnswer;
    this.#channel = new Channel(control, bulk, {
      control: (frame) => this.#onControl(frame),
      bulk: (id, payload) => this.#onBulk(id, payload),
      closed: () => {
        this.#failAll();
        onClosed();
      },
    });
  }

  async call(method: string, parameters: unknown, options: CallOptions = {}): Promise<unknown> {
    const { pending, release } = this.#send(method, parameters, options);
    try {
      // A plain answer has no chunks; those of a streamed one are let go.
      for await (const chunk of pending.chunks()) void chunk;
      return await pending.tail;
    } finally {
      release();
    }
  }

  async stream(method: string, parameters: unknown, options: CallOptions = {}): Promise<CallStream> {
    const { id, pending, release } = this.#send(method, parameters, options);
    pending.tail.then(release, release);
    return { head: await pending.head, chunks: this.#chunksOf(id, pending), tail: pending.tail };
  }

  close(): void {
    this.#channel.close();
    this.#failAll();
  }

  /** Leaving the loop over the chunks early cancels the call. */
  async *#chunksOf(id: number, pending: PendingCall): AsyncGenerator<Uint8Array, void, undefined> {
    let whole = false;
    try {
      yield* pending.chunks();
      whole = true;
    } finally {
      if (!whole && !pending.settled) this.#cancel(id, pending, cancelled());
    }
  }

  #send(
    method: string,
    parameters: unknown,
    options: CallOptions,
  ): { id: number; pending: PendingCall; release: () => void } {
    const { signal, bulk, onOver } = options;
    if (signal?.aborted === true) throw reasonOf(signal);
    if (this.#closed) throw engineGone();
    const id = this.#nextId;
    this.#nextId = (this.#nextId % 0xffff_fffe) + 1;
    const pending = new PendingCall((bytes) => {
      if (!pending.settled) this.#channel.sendControl({ type: 'credit', id, bytes });
    });
    this.#pending.set(id, pending);
    if (onOver !== undefined) this.#working.set(id, onOver);
    this.#channel.sendControl({ type: 'call', id, method, parameters, bulk: bulk !== undefined });
    if (bulk !== undefined) this.#channel.sendBulk(id, new Uint8Array(bulk));
    const onAbort = (): void => this.#cancel(id, pending, reasonOf(signal));
    signal?.addEventListener('abort', onAbort, { once: true });
    return { id, pending, release: () => signal?.removeEventListener('abort', onAbort) };
  }

  #cancel(id: number, pending: PendingCall, reason: ArmorlakeError): void {
    this.#channel.sendControl({ type: 'cancel', id });
    this.#pending.delete(id);
    pending.fail(reason);
  }

  #over(id: number): void {
    const onOver = this.#working.get(id);
    this.#working.delete(id);
    onOver?.('answered');
  }

  #onControl(frame: ControlFrame): void {
    this.#onAnswer();
    if (frame.type === 'result' || frame.type === 'error') this.#over(frame.id);
    const pending = this.#pending.get(frame.id);
    if (pending === undefined) return;
    switch (frame.type) {
      case 'head':
        pending.onHead(frame.value);
        return;
      case 'result':
        pending.onResult(frame.value, frame.bulkBytes);
        this.#forgetIfSettled(frame.id, pending);
        return;
      case 'error':
        this.#pending.delete(frame.id);
        pending.fail(ArmorlakeError.fromShape(frame.error));
        return;
      case 'call':
      case 'cancel':
      case 'credit':
    }
  }

  #onBulk(id: number, payload: ArrayBuffer): void {
    this.#onAnswer();
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    pending.onChunk(payload);
    this.#forgetIfSettled(id, pending);
  }

  #forgetIfSettled(id: number, pending: PendingCall): void {
    if (pending.settled) this.#pending.delete(id);
  }

  #failAll(): void {
    this.#closed = true;
    const all = [...this.#pending.values()];
    this.#pending.clear();
    const working = [...this.#working.values()];
    this.#working.clear();
    for (const onOver of working) onOver('died');
    for (const pending of all) pending.fail(engineGone());
  }
}

export function engineGone(): ArmorlakeError {
  return new ArmorlakeError('NOT_READY', 'The database engine is not running at this moment.', {
    hint: 'It is being restarted; try again in a second.',
  });
}

function reasonOf(signal: AbortSignal | undefined): ArmorlakeError {
  const reason: unknown = signal?.reason;
  return reason instanceof ArmorlakeError ? reason : cancelled();
}

function cancelled(): ArmorlakeError {
  return new ArmorlakeError('CANCELLED', 'The request was cancelled.');
}
