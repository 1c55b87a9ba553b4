import type { ErrorShape } from '../../core/index.js';
import type { Stop, Time } from '../time.js';

/** A stream that can be ended from this side with an error that both sides hear. */
interface Breakable {
  readonly over: boolean;
  break(error: ErrorShape): void;
}

/** How long after its proof a stream may go on. */
const CHECK_MS = 1_000;

/** Open streams, each with what proved its other side: ends a stream when that doesn't hold any more. */
export class KeptStreams {
  readonly #streams = new Map<Breakable, () => ErrorShape | null>();
  readonly #stop: Stop;

  constructor(time: Time) {
    this.#stop = time.every(CHECK_MS, () => this.#check());
  }

  /** @param trouble why the other side is not to be trusted any more; null while it is */
  keep<S extends Breakable>(stream: S, trouble: () => ErrorShape | null): S {
    this.#streams.set(stream, trouble);
    return stream;
  }

  close(): void {
    this.#stop();
    this.#streams.clear();
  }

  #check(): void {
    for (const [stream, trouble] of this.#streams) {
      const error = stream.over ? null : trouble();
      if (error !== null) stream.break(error);
      if (stream.over) this.#streams.delete(stream);
    }
  }
}
