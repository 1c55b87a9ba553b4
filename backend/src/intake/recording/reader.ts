import { RecordSplitter } from './splitter.js';
import type { SplitterOptions } from './splitter.js';
import { TextDecoding } from './text.js';
import type { Recorded } from './wrappers.js';
import { Unwrapper } from './wrappers.js';

/**
 * Reads a recording of KubeArmor events, whatever its form, from bytes that come in chunks: text decoding, records,
 * wrappers. What isn't an event comes as a record with its error. Holds at most one unfinished record of each kind.
 */
export class RecordingReader {
  readonly #text = new TextDecoding();
  readonly #splitter: RecordSplitter;
  readonly #unwrapper: Unwrapper;
  readonly #forms = new Set<string>();

  constructor(options: SplitterOptions = {}) {
    this.#splitter = new RecordSplitter(options);
    this.#unwrapper = new Unwrapper(options.lines);
  }

  /** The forms met so far, for people: `pretty-printed JSON`, `UTF-16`, … */
  get forms(): readonly string[] {
    const { form } = this.#text;
    return [...(form === null ? [] : [form]), ...this.#forms];
  }

  /** The records that this chunk completes. */
  *push(chunk: Uint8Array): Generator<Recorded> {
    for (const piece of this.#splitter.push(this.#text.push(chunk))) yield* this.#seen(this.#unwrapper.take(piece));
  }

  /** Those that the end of the input completes, or leaves behind. */
  *end(): Generator<Recorded> {
    for (const piece of this.#splitter.push(this.#text.end())) yield* this.#seen(this.#unwrapper.take(piece));
    for (const piece of this.#splitter.end()) yield* this.#seen(this.#unwrapper.take(piece));
    yield* this.#unwrapper.end();
  }

  *#seen(records: Iterable<Recorded>): Generator<Recorded> {
    for (const record of records) {
      if ('event' in record) for (const form of record.forms) this.#forms.add(form);
      yield record;
    }
  }
}
