/** Longest line taken. */
export const MAX_LINE_BYTES = 64 << 20;

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** A line without its end; `truncated` when it was longer than allowed, and then only its beginning is here. */
export interface Line {
  readonly bytes: Buffer;
  readonly truncated: boolean;
}

/** Splits bytes that come in chunks into lines at LF or CRLF; holds at most one unfinished line. */
export class LineSplitter {
  readonly #limit: number;
  #parts: Buffer[] = [];
  #length = 0;
  #truncated = false;

  constructor(limitBytes: number = MAX_LINE_BYTES) {
    this.#limit = limitBytes;
  }

  /** The lines that this chunk completes; their bytes are the chunk's own memory where they can be. */
  *push(chunk: Uint8Array): Generator<Line> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let from = 0;
    for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, from)) {
      this.#keep(bytes.subarray(from, at));
      from = at + 1;
      yield this.#take();
    }
    if (from < bytes.length) this.#keep(bytes.subarray(from));
  }

  /** The last line, when it has no newline. */
  end(): Line | null {
    return this.#parts.length === 0 ? null : this.#take();
  }

  #keep(part: Buffer): void {
    const room = this.#limit - this.#length;
    if (part.length > room) this.#truncated = true;
    const kept = part.subarray(0, Math.max(0, room));
    if (kept.length > 0) this.#parts.push(kept);
    this.#length += kept.length;
  }

  #take(): Line {
    const [first] = this.#parts;
    const whole = this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts);
    const line = {
      bytes: whole.at(-1) === RETURN ? whole.subarray(0, -1) : whole,
      truncated: this.#truncated,
    };
    this.#parts = [];
    this.#length = 0;
    this.#truncated = false;
    return line;
  }
}
