import type { ErrorShape } from '../../core/index.js';
import type { MessageStream, StreamHandlers } from '../backbone.js';

/** Bytes on the way in one direction of a stream, above which a sender has to wait. */
const WINDOW_BYTES = 64 * 1024;

/** One node's wire to one hub: all streams over it share its faults. */
export class Line {
  readonly #ends = new Set<{ pump(): void; break(error: ErrorShape): void }>();
  #frozen = false;

  get frozen(): boolean {
    return this.#frozen;
  }

  /** Nothing goes through any more, and nobody is told. */
  freeze(): void {
    this.#frozen = true;
  }

  /** What was held up goes through. */
  thaw(): void {
    this.#frozen = false;
    for (const end of this.#ends) end.pump();
  }

  /** Ends every stream on it, at both sides. */
  cut(): void {
    for (const end of [...this.#ends]) end.break({ code: 'NOT_READY', message: 'The line was cut.' });
  }

  add(end: { pump(): void; break(error: ErrorShape): void }): void {
    this.#ends.add(end);
  }

  remove(end: { pump(): void; break(error: ErrorShape): void }): void {
    this.#ends.delete(end);
  }
}

/** Encodes and decodes a message; also its size. */
type Through<Out, In> = (message: Out) => [In, number];

/** Two ends of a stream over the line. */
export function connect<NearOut, FarIn, FarOut, NearIn>(
  line: Line,
  toFar: Through<NearOut, FarIn>,
  toNear: Through<FarOut, NearIn>,
): [End<NearOut, NearIn>, End<FarOut, FarIn>] {
  const near: End<NearOut, NearIn> = new End(
    line,
    (message) => far.take(...toFar(message)),
    () => far,
  );
  const far: End<FarOut, FarIn> = new End(
    line,
    (message) => near.take(...toNear(message)),
    () => near,
  );
  return [near, far];
}

/** What comes in at one end: a message, or the end of the stream. */
type Incoming<In> = { message: In; bytes: number; taken: () => void } | { end: ErrorShape | null };

export class End<Out, In> implements MessageStream<Out, In> {
  readonly #line: Line;
  readonly #give: (message: Out) => Promise<void>;
  readonly #other: () => Ending;
  readonly #incoming: Incoming<In>[] = [];
  #handlers: StreamHandlers<In> | null = null;
  #bytes = 0;
  #pumping = false;
  #closed = false;

  constructor(line: Line, give: (message: Out) => Promise<void>, other: () => Ending) {
    this.#line = line;
    this.#give = give;
    this.#other = other;
    line.add(this);
  }

  send(message: Out): Promise<void> {
    return this.#closed ? Promise.resolve() : this.#give(message);
  }

  handle(handlers: StreamHandlers<In>): void {
    this.#handlers = handlers;
    this.pump();
  }

  close(error?: ErrorShape): void {
    if (this.#closed) return;
    this.#leave();
    this.#other().ending(error ?? null);
  }

  /** A message from the other end; resolves when more may come. */
  take(message: In, bytes: number): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#bytes += bytes;
    return new Promise((resolve) => {
      this.#incoming.push({ message, bytes, taken: resolve });
      if (this.#bytes <= WINDOW_BYTES) resolve();
      this.pump();
    });
  }

  ending(error: ErrorShape | null): void {
    if (this.#closed) return;
    this.#incoming.push({ end: error });
    this.pump();
  }

  break(error: ErrorShape): void {
    if (this.#closed) return;
    this.#leave();
    const handlers = this.#handlers;
    if (handlers !== null) setImmediate(() => handlers.closed(error));
    else this.#incoming.push({ end: error });
  }

  /** Gives what has come, one message a turn of the event loop, as a socket would. */
  pump(): void {
    if (this.#pumping || this.#handlers === null || this.#incoming.length === 0) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      if (this.#line.frozen) return;
      const next = this.#incoming.shift();
      if (next === undefined) return;
      if ('end' in next) {
        this.#leave();
        this.#handlers?.closed(next.end);
        return;
      }
      this.#bytes -= next.bytes;
      next.taken();
      if (!this.#closed) this.#handlers?.message(next.message);
      this.pump();
    });
  }

  #leave(): void {
    this.#closed = true;
    this.#line.remove(this);
    for (const each of this.#incoming.splice(0)) if ('taken' in each) each.taken();
  }
}

/** The other end, as far as ending it goes. */
interface Ending {
  ending(error: ErrorShape | null): void;
}
