/** Longest record taken; of a longer one its beginning is kept. */
export const MAX_RECORD_BYTES = 64 << 20;
/** Objects and lists of one record: far more than an event has, and few enough to be parsed whatever they hold. */
const MOST_PARTS = 100_000;
const MOST_DEPTH = 512;

/** Arrays whose elements are the records: a bare one, and those of answers of OpenSearch, Elasticsearch and Loki. */
const recordArrays: ReadonlySet<string> = new Set([
  '',
  '.hits.hits',
  '.responses[].hits.hits',
  '.data.result[].values',
  '.streams[].values',
]);
/** Keys are only looked at as deep as those arrays lie. */
const PATH_DEPTH = 5;
const PATH_KEY = 16;

/** What may come next; the first three of an object, the last of both. */
type Next = 'key' | 'key-or-end' | 'colon' | 'value' | 'value-or-end' | 'comma-or-end';

interface Container {
  readonly array: boolean;
  /** Where it lies, as `.hits.hits`; null below the depth where that matters. */
  readonly path: string | null;
  /** The key whose value comes. */
  key: string;
}

/** The bytes of one record; `truncated` when it was longer than allowed, and then only its beginning is here. */
export interface ScannedRecord {
  readonly bytes: Buffer;
  /** Line it begins in, from 1. */
  readonly line: number;
  readonly truncated: boolean;
}

/** open: more must come; done: the value is whole; broken: it isn't JSON from here on. */
export type ScanState = 'open' | 'done' | 'broken';

const isBlank = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

/**
 * Reads one JSON value, an object or an array, that comes in pieces, and gives its records while they come: the value
 * itself, or what the array of an answer or of a bare list holds. It holds one record at most.
 */
export class JsonScanner {
  state: ScanState = 'open';
  /** The line the scanner is in. */
  line: number;
  /** Records given so far. */
  records = 0;
  /** Whether it lies within a text, where no line can end. */
  inText = false;
  /** Whether nothing but blanks has come in this line. */
  atLineStart = false;
  /** Where the array of records lies, as `.hits.hits`, `` for a bare list; null while the value itself is the record. */
  arrayPath: string | null = null;
  readonly #limit: number;
  readonly #stack: Container[] = [];
  #next: Next = 'value';
  #escaped = false;
  #inKey = false;
  #inPrimitive = false;
  /** Depth of the containers that are records; 1 is the value itself, 0 means that it is an answer around them. */
  #recordDepth = 1;
  #arrayDepth = -1;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #truncated = false;
  #recordLine: number;
  #parts = 0;

  constructor(line: number, limitBytes = MAX_RECORD_BYTES) {
    this.line = line;
    this.#recordLine = line;
    this.#limit = limitBytes;
  }

  /** Whether the bytes seen are held as the beginning of a record. */
  get #holding(): boolean {
    return this.#recordDepth > 0 && this.#stack.length >= this.#recordDepth;
  }

  /** Scans `bytes` from `from`; returns the index after the value, of what broke it, or the end of the bytes. */
  *scan(bytes: Buffer, from: number): Generator<ScannedRecord, number> {
    let start = this.#holding ? from : -1;
    let at = from;
    for (; at < bytes.length; at++) {
      const code = bytes[at] ?? 0;
      if (this.inText) {
        if (this.#escaped) this.#escaped = false;
        else if (code === 0x5c) this.#escaped = true;
        else if (code === 0x22) this.#endText();
        else if (code < 0x20) break;
        else if (this.#inKey) this.#keepKey(code);
        continue;
      }
      if (isBlank(code)) {
        this.#inPrimitive = false;
        if (code === 0x0a) {
          this.line++;
          this.atLineStart = true;
        }
        continue;
      }
      if (code === 0x7b || code === 0x5b) {
        if (!this.#open(code === 0x5b)) break;
        if (this.#stack.length === this.#recordDepth) {
          start = at;
          this.#recordLine = this.line;
          this.#parts = 0;
        } else if (!this.#holding) start = -1;
        if (++this.#parts > MOST_PARTS) break;
      } else if (code === 0x7d || code === 0x5d) {
        const holding = this.#stack.length === this.#recordDepth;
        if (!this.#close(code === 0x5d)) break;
        if (holding) {
          yield this.#record(bytes.subarray(start, at + 1));
          start = -1;
        }
        if (this.#stack.length === 0) {
          this.state = 'done';
          return at + 1;
        }
      } else if (!this.#inside(code)) break;
      this.atLineStart = false;
    }
    if (start >= 0) this.#keep(bytes.subarray(start, at));
    if (at < bytes.length) this.state = 'broken';
    return at;
  }

  /** What is held of the record that broke, or that the input ends in. */
  rest(): ScannedRecord {
    return { bytes: Buffer.concat(this.#held), line: this.#recordLine, truncated: this.#truncated };
  }

  #open(array: boolean): boolean {
    if (this.#next !== 'value' && this.#next !== 'value-or-end') return false;
    if (this.#inPrimitive || this.#stack.length >= MOST_DEPTH) return false;
    const parent = this.#stack.at(-1);
    // A bare list holds objects; a list of anything else is no recording.
    if (this.#arrayDepth === 1 && this.#stack.length === 1 && array) return false;
    const path = this.#pathIn(parent);
    this.#stack.push({ array, path, key: '' });
    this.#next = array ? 'value-or-end' : 'key-or-end';
    if (array && path !== null && this.#arrayDepth < 0 && recordArrays.has(path)) {
      this.arrayPath = path;
      this.#arrayDepth = this.#stack.length;
      this.#recordDepth = this.#arrayDepth + 1;
      this.#drop();
    }
    return true;
  }

  #pathIn(parent: Container | undefined): string | null {
    if (parent === undefined) return '';
    if (parent.path === null || this.#stack.length > PATH_DEPTH) return null;
    return parent.array ? `${parent.path}[]` : `${parent.path}.${parent.key}`;
  }

  #close(array: boolean): boolean {
    const open = this.#stack.at(-1);
    if (open?.array !== array) return false;
    const fine = array ? this.#next === 'value-or-end' : this.#next === 'key-or-end';
    if (!fine && this.#next !== 'comma-or-end') return false;
    this.#stack.pop();
    this.#inPrimitive = false;
    this.#next = 'comma-or-end';
    if (this.#stack.length < this.#arrayDepth) {
      // Behind its records an answer goes on, but is none itself.
      this.#arrayDepth = -1;
      this.#recordDepth = 0;
    }
    return true;
  }

  /** A comma, a colon, the beginning of a text, or a part of a number or word. */
  #inside(code: number): boolean {
    const open = this.#stack.at(-1);
    if (open === undefined) return false;
    if (code === 0x2c) {
      if (this.#next !== 'comma-or-end') return false;
      this.#inPrimitive = false;
      this.#next = open.array ? 'value' : 'key';
      return true;
    }
    if (code === 0x3a) {
      if (this.#next !== 'colon') return false;
      this.#next = 'value';
      return true;
    }
    if (code === 0x22) {
      if (this.#next === 'colon' || this.#next === 'comma-or-end') return false;
      if (this.#isListed()) return false;
      this.inText = true;
      this.#inKey = this.#next === 'key' || this.#next === 'key-or-end';
      if (this.#inKey) open.key = '';
      return true;
    }
    if (this.#inPrimitive) return code > 0x2a && code < 0x7b;
    if (this.#next !== 'value' && this.#next !== 'value-or-end') return false;
    if (this.#isListed()) return false;
    // Numbers and words are looked at when the record is parsed.
    this.#inPrimitive = true;
    this.#next = 'comma-or-end';
    return code > 0x2a && code < 0x7b;
  }

  /** A text or number straight in an array of records is none. */
  #isListed(): boolean {
    return this.#stack.length === this.#arrayDepth;
  }

  #endText(): void {
    this.inText = false;
    this.#next = this.#inKey ? 'colon' : 'comma-or-end';
    this.#inKey = false;
  }

  #keepKey(code: number): void {
    const open = this.#stack.at(-1);
    if (open !== undefined && open.path !== null && open.key.length < PATH_KEY) open.key += String.fromCharCode(code);
  }

  #keep(part: Buffer): void {
    const room = this.#limit - this.#heldBytes;
    if (part.length > room) this.#truncated = true;
    const kept = part.subarray(0, Math.max(0, room));
    // A copy: the piece's own memory may be reused or large.
    if (kept.length > 0) this.#held.push(Buffer.from(kept));
    this.#heldBytes += kept.length;
  }

  #record(last: Buffer): ScannedRecord {
    this.#keep(last);
    this.records++;
    const record = this.rest();
    this.#drop();
    return record;
  }

  #drop(): void {
    this.#held = [];
    this.#heldBytes = 0;
    this.#truncated = false;
  }
}
