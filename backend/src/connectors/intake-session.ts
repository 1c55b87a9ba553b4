import { ArmorlakeError } from '../core/index.js';
import type { BatchOutcome, IntakeResult, ToWorker } from './messages.js';

type IntakeMessage =
  Omit<Extract<ToWorker, { type: 'intake' }>, 'request' | 'connector' | 'lines'> | { readonly type: 'intakeAbort' };

interface Deferred<Value> {
  readonly promise: Promise<Value>;
  resolve(value: Value): void;
  reject(error: Error): void;
}

function deferred<Value>(): Deferred<Value> {
  let settle: Omit<Deferred<Value>, 'promise'> | undefined;
  const promise = new Promise<Value>((resolve, reject) => (settle = { resolve, reject }));
  // The executor has run when the constructor returns; who never waits doesn't hear of a failure here.
  promise.catch(() => undefined);
  return { promise, resolve: (value) => settle?.resolve(value), reject: (error) => settle?.reject(error) };
}

/** One intake request from the API process: answered after the commit. */
export class IntakeSession {
  readonly #send: (message: IntakeMessage) => void;
  /** Batches of this request that are on their way, and those of earlier ones. */
  readonly #pending = new Set<number>();
  readonly #earlier = new Set<number>();
  readonly #finished = deferred<IntakeResult>();
  readonly #closed = deferred<undefined>();
  #taken: Deferred<undefined> | null = null;
  #result: IntakeResult | null = null;
  #error: Error | null = null;

  constructor(send: (message: IntakeMessage) => void) {
    this.#send = send;
  }

  /** Resolves when the session is over, however. */
  get closed(): Promise<undefined> {
    return this.#closed.promise;
  }

  /** Hands over a piece of the body (any bytes, records may go on in the next); resolves when the next may come. */
  async write(chunk: Uint8Array): Promise<void> {
    await this.#chunk(chunk, false);
  }

  /**
   * The end of the input; resolves once every line is committed as a row or a dead letter.
   * @throws ArmorlakeError BUSY when rows were dropped before their commit, NOT_READY when the worker died
   */
  async finish(): Promise<IntakeResult> {
    await this.#chunk(new Uint8Array(), true);
    return await this.#finished.promise;
  }

  /** The client went away; what was parsed is kept. */
  abort(): void {
    this.#send({ type: 'intakeAbort' });
    this.fail(new ArmorlakeError('CANCELLED', 'The intake request was cancelled.'));
  }

  /** A batch with lines of this request is on its way. */
  expect(batch: number): void {
    this.#pending.add(batch);
  }

  settled(batch: number, outcome: BatchOutcome): void {
    const own = this.#pending.delete(batch);
    if (!this.#earlier.delete(batch) && !own) return;
    if (own && outcome === 'dropped') {
      this.fail(
        new ArmorlakeError('BUSY', 'Events of this request were dropped, because the lake could not keep up.', {
          hint: 'Send it again more slowly.',
        }),
      );
    } else this.#conclude();
  }

  taken(): void {
    this.#taken?.resolve(undefined);
    this.#taken = null;
  }

  /** All lines are parsed; `open` are the batches of all intakes that are on their way. */
  done(result: IntakeResult, open: ReadonlySet<number>): void {
    this.#result = result;
    for (const batch of open) this.#earlier.add(batch);
    this.#conclude();
  }

  fail(error: Error): void {
    this.#error ??= error;
    this.#taken?.reject(error);
    this.#finished.reject(error);
    this.#closed.resolve(undefined);
  }

  async #chunk(chunk: Uint8Array, last: boolean): Promise<void> {
    if (this.#error !== null) throw this.#error;
    const taken = deferred<undefined>();
    this.#taken = taken;
    this.#send({ type: 'intake', chunk, last });
    await taken.promise;
  }

  #conclude(): void {
    if (this.#result === null || this.#pending.size > 0 || this.#earlier.size > 0) return;
    this.#finished.resolve(this.#result);
    this.#closed.resolve(undefined);
  }
}
