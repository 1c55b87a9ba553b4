import { TextDecoder } from 'node:util';

/** A text encoding besides UTF-8. */
type Wide = 'utf-16le' | 'utf-16be';

/** Turns UTF-16, with or without a byte order mark, into UTF-8; what is UTF-8 passes as it is. */
export class TextDecoding {
  #first: Buffer | null = Buffer.alloc(0);
  #decoder: TextDecoder | null = null;
  form: string | null = null;

  push(chunk: Uint8Array): Uint8Array {
    if (this.#first === null) return this.#decoded(chunk);
    this.#first = Buffer.concat([this.#first, chunk]);
    return this.#first.length < 2 ? new Uint8Array() : this.#begin(this.#first);
  }

  end(): Uint8Array {
    if (this.#first !== null) return this.#begin(this.#first);
    return this.#decoder === null ? new Uint8Array() : Buffer.from(this.#decoder.decode());
  }

  #begin(first: Buffer): Uint8Array {
    this.#first = null;
    const wide = wideOf(first);
    if (wide !== null) {
      this.#decoder = new TextDecoder(wide);
      this.form = 'UTF-16';
    }
    return this.#decoded(first);
  }

  #decoded(chunk: Uint8Array): Uint8Array {
    return this.#decoder === null ? chunk : Buffer.from(this.#decoder.decode(chunk, { stream: true }));
  }
}

/** By the mark, or by the zero beside the first character, which is ASCII in every form of a recording. */
function wideOf(bytes: Buffer): Wide | null {
  const [first = 0, second = 0] = bytes;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (bytes.length < 2) return null;
  if (first > 0 && first < 0x80 && second === 0) return 'utf-16le';
  return first === 0 && second > 0 && second < 0x80 ? 'utf-16be' : null;
}
