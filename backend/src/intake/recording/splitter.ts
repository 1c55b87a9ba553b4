import { JournalExport } from './journal-export.js';
import { JsonScanner, MAX_RECORD_BYTES } from './json-scanner.js';
import type { ScannedRecord } from './json-scanner.js';
import { KarmorBlock, isKarmorHeader } from './karmor-text.js';
import type { Piece } from './piece.js';
import { noJson, parseJson } from './piece.js';

const NEWLINE = 0x0a;
const BRACE = 0x7b;
const BRACKET = 0x5b;
/** A line above this is read as it comes, not when it is whole. */
const LONG_LINE = 1 << 20;

const JOURNAL_FORM = 'journalctl -o export';
/** What records lie in, by the path of their array. */
const formOfArray: Readonly<Record<string, string>> = {
  '': 'a JSON array',
  '.hits.hits': 'an OpenSearch or Elasticsearch answer',
  '.responses[].hits.hits': 'an OpenSearch or Elasticsearch answer',
  '.data.result[].values': 'a Loki answer',
  '.streams[].values': 'Loki streams',
};

export interface SplitterOptions {
  /** Each line is one record, whatever it is: what `import` sends counts as it counted. */
  readonly lines?: boolean;
  readonly limitBytes?: number;
}

/**
 * Splits UTF-8 that comes in chunks into records: JSON objects, one a line or over many lines, in arrays and answers,
 * blocks of karmor's text and of journald's export, and lines of any other text. Holds at most one unfinished record.
 */
export class RecordSplitter {
  readonly #lines: boolean;
  readonly #limit: number;
  readonly #journal = new JournalExport();
  #parts: Buffer[] = [];
  #length = 0;
  #line = 1;
  /** A value that goes on in the next line. */
  #scanner: JsonScanner | null = null;
  #block: KarmorBlock | null = null;
  /** What is left of a line belongs to a record that broke in it. */
  #skipping = false;

  constructor({ lines = false, limitBytes = MAX_RECORD_BYTES }: SplitterOptions = {}) {
    this.#lines = lines;
    this.#limit = limitBytes;
  }

  /** The records that this chunk completes. */
  *push(chunk: Uint8Array): Generator<Piece> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let at = 0;
    while (at < bytes.length) {
      if (this.#scanner !== null) at = yield* this.#document(this.#scanner, bytes, at);
      else if (this.#journal.inField) at = yield* this.#field(bytes, at);
      else at = yield* this.#lineFrom(bytes, at);
    }
  }

  /** What is left when the input ends. */
  *end(): Generator<Piece> {
    if (this.#length > 0) yield* this.#dispatch(this.#takeLine());
    if (this.#scanner !== null) {
      const { bytes, line } = this.#scanner.rest();
      const error = `The JSON that begins in line ${line} is not whole: the input ends in it.`;
      yield { kind: 'broken', line, bytes: oneLine(bytes.length === 0 ? Buffer.from('[') : bytes), error };
    }
    if (this.#journal.inField) yield this.#brokenField('the input ends in it');
    yield* this.#endBlock();
  }

  *#lineFrom(bytes: Buffer, from: number): Generator<Piece, number> {
    const end = bytes.indexOf(NEWLINE, from);
    if (!this.#skipping) this.#keep(bytes.subarray(from, end < 0 ? bytes.length : end));
    if (end < 0) {
      if (this.#length > LONG_LINE && !this.#lines) yield* this.#openLong();
      return bytes.length;
    }
    if (!this.#skipping) yield* this.#dispatch(this.#takeLine());
    else this.#skipping = false;
    // A value that was opened counts its lines itself.
    if (this.#scanner === null) this.#line++;
    return end + 1;
  }

  #keep(part: Buffer): void {
    // One byte more than allowed tells that it is too long.
    const room = this.#limit + 1 - this.#length;
    const kept = part.subarray(0, Math.max(0, room));
    if (kept.length > 0) this.#parts.push(kept);
    this.#length += kept.length;
  }

  #takeLine(): Buffer {
    const [first] = this.#parts;
    const whole = this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    return whole;
  }

  /** A long line of JSON is read from here on as it comes. */
  *#openLong(): Generator<Piece> {
    const line = trimmed(this.#parts[0] ?? Buffer.alloc(0));
    if (line[0] !== BRACE && line[0] !== BRACKET) return;
    const begun = trimmedStart(this.#takeLine());
    this.#journal.begin(begun);
    this.#scanner = new JsonScanner(this.#line, this.#limit);
    const end = yield* this.#document(this.#scanner, begun, 0);
    if (end < begun.length && !this.#skipping) this.#keep(begun.subarray(end));
  }

  *#dispatch(line: Buffer, form = 'JSON lines'): Generator<Piece> {
    const text = trimmed(line);
    if (text.length === 0) return;
    this.#journal.begin(text);
    if (line.length > this.#limit) {
      const error = `The line is longer than ${this.#limit >> 20} MiB; its beginning is kept.`;
      yield { kind: 'broken', line: this.#line, bytes: line.subarray(0, this.#limit), error };
    } else if (text[0] === BRACE || (text[0] === BRACKET && beginsList(text))) {
      yield* this.#endBlock();
      yield* this.#json(text, line, form);
    } else yield* this.#text(text, line);
  }

  *#json(text: Buffer, line: Buffer, form: string): Generator<Piece> {
    const parsed = text.length <= LONG_LINE ? parseJson(text) : { error: 'it is too long to be looked at at once' };
    if ('value' in parsed && (this.#lines || !holdsOthers(parsed.value))) {
      yield { kind: 'json', line: this.#line, bytes: text, value: parsed.value, form };
      return;
    }
    const found: Piece[] = [];
    let scanner: JsonScanner | null = null;
    for (let at = 0; at < text.length;) {
      scanner = new JsonScanner(this.#line, this.#limit);
      const scan = scanner.scan(text, at);
      let step = scan.next();
      for (; step.done !== true; step = scan.next())
        found.push(pieceOf(step.value, this.#formOf(scanner, found.length)));
      if (scanner.state !== 'done' || (scanner.records === 0 && scanner.arrayPath === '')) break;
      at = step.value;
      while (at < text.length && separates(text[at] ?? 0)) at++;
      if (at >= text.length && (!this.#lines || found.length === 1)) {
        yield* found;
        return;
      }
    }
    if (scanner?.state === 'open' && !scanner.inText && !this.#lines && goesOn(text)) {
      yield* found;
      this.#scanner = scanner;
      yield* this.#feedBreak(scanner);
      return;
    }
    const error = 'error' in parsed ? parsed.error : 'there is nothing in it';
    yield { kind: 'broken', line: this.#line, bytes: noReturn(line), error: noJson(error) };
  }

  /** The line break that ended the line in which a value began. */
  *#feedBreak(scanner: JsonScanner): Generator<Piece> {
    yield* this.#document(scanner, Buffer.of(NEWLINE), 0);
  }

  #formOf(scanner: JsonScanner, before: number): string {
    if (scanner.arrayPath !== null) return formOfArray[scanner.arrayPath] ?? 'a JSON array';
    return before > 0 ? 'several objects on a line' : 'JSON lines';
  }

  *#document(scanner: JsonScanner, bytes: Buffer, from: number): Generator<Piece, number> {
    const scan = scanner.scan(bytes, from);
    let step = scan.next();
    for (; step.done !== true; step = scan.next()) {
      yield pieceOf(step.value, scanner.arrayPath === null ? 'pretty-printed JSON' : this.#formOf(scanner, 0));
    }
    const end = step.value;
    this.#line = scanner.line;
    if (scanner.state === 'open') return end;
    this.#scanner = null;
    if (scanner.state === 'broken') yield* this.#broken(scanner, bytes, end);
    return end;
  }

  /** What broke is a record of its own; a line that begins where it broke is read as what it is. */
  *#broken(scanner: JsonScanner, bytes: Buffer, at: number): Generator<Piece> {
    const rest = scanner.rest();
    this.#skipping = !scanner.atLineStart && bytes[at] !== NEWLINE;
    if (rest.bytes.length === 0 && !this.#skipping) return;
    const error = `Not a KubeArmor event: the JSON that begins in line ${rest.line} breaks off in line ${scanner.line}.`;
    const shown = rest.bytes.length === 0 ? bytes.subarray(at, at + 1) : rest.bytes;
    yield { kind: 'broken', line: rest.line, bytes: oneLine(shown), error };
  }

  *#text(text: Buffer, line: Buffer): Generator<Piece> {
    if (!this.#lines) {
      if (isKarmorHeader(text)) {
        yield* this.#endBlock();
        this.#block = new KarmorBlock(text, this.#line);
        return;
      }
      if (this.#block !== null) {
        this.#block.add(noReturn(line));
        return;
      }
      const message = this.#journal.line(text);
      if (message !== null) {
        if (message.length > 0) yield* this.#dispatch(message, JOURNAL_FORM);
        return;
      }
    }
    yield { kind: 'text', line: this.#line, bytes: noReturn(line) };
  }

  *#field(bytes: Buffer, from: number): Generator<Piece, number> {
    const { at, message, unread } = this.#journal.field(bytes, from, this.#limit);
    if (unread !== undefined) {
      yield this.#brokenField(`it would have more than ${this.#limit >> 20} MiB`);
      // What was taken for the size is text.
      yield* this.push(unread);
    }
    if (message !== null && message.length > 0) yield* this.#dispatch(oneLine(message), JOURNAL_FORM);
    return at;
  }

  #brokenField(why: string): Piece {
    const error = `A field of journald's export format before line ${this.#line} can't be read: ${why}.`;
    return { kind: 'broken', line: this.#line, bytes: Buffer.from('journald'), error };
  }

  *#endBlock(): Generator<Piece> {
    const block = this.#block;
    this.#block = null;
    if (block !== null) yield block.piece();
  }
}

function pieceOf({ bytes, line, truncated }: ScannedRecord, form: string): Piece {
  const whole = oneLine(bytes);
  if (truncated) {
    return { kind: 'broken', line, bytes: whole, error: 'The record is longer than 64 MiB; its beginning is kept.' };
  }
  const parsed = parseJson(whole);
  if ('error' in parsed) return { kind: 'broken', line, bytes: whole, error: noJson(parsed.error) };
  return { kind: 'json', line, bytes: whole, value: parsed.value, form };
}

/** Whether a value is an answer around records. */
function holdsOthers(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (Array.isArray(value)) return value.length > 0 && value.every((each) => typeof each === 'object' && each !== null);
  const hits: unknown = Reflect.get(value, 'hits');
  const data: unknown = Reflect.get(value, 'data');
  const within = (outer: unknown, key: string): boolean =>
    typeof outer === 'object' && outer !== null && Array.isArray(Reflect.get(outer, key));
  return within(hits, 'hits') || within(data, 'result') || within(value, 'responses') || within(value, 'streams');
}

/** `[` begins a list, or the prefix of a text line: `[pod/…`. */
function beginsList(text: Buffer): boolean {
  const next = trimmed(text.subarray(1))[0];
  return next === undefined || next === BRACE || next === BRACKET || next === 0x5d || next === 0x22 || isDigit(next);
}

const isDigit = (code: number): boolean => (code >= 0x30 && code <= 0x39) || code === 0x2d;

/** A line that ends so goes on in the next one; any other was cut off. */
function goesOn(text: Buffer): boolean {
  const last = text.at(-1);
  return last === BRACE || last === BRACKET || last === 0x2c;
}

function separates(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d || code === 0x2c;
}

/** Without blanks around it, a comma behind the record before, and a byte order mark. */
function trimmed(line: Buffer): Buffer {
  const start = trimmedStart(line);
  let end = start.length;
  while (end > 0 && isBlank(start[end - 1] ?? 0)) end--;
  return start.subarray(0, end);
}

function trimmedStart(line: Buffer): Buffer {
  let at = 0;
  for (; at < line.length; at++) {
    const code = line[at] ?? 0;
    if (code === 0xef && line[at + 1] === 0xbb && line[at + 2] === 0xbf) at += 2;
    else if (!separates(code)) break;
  }
  return line.subarray(at);
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0d;
}

function noReturn(line: Buffer): Buffer {
  return line.at(-1) === 0x0d ? line.subarray(0, -1) : line;
}

/** Line breaks of a record are blanks between its parts. */
function oneLine(bytes: Buffer): Buffer {
  if (!bytes.includes(NEWLINE) && !bytes.includes(0x0d)) return bytes;
  return Buffer.from(bytes.map((code) => (code === NEWLINE || code === 0x0d ? 0x20 : code)));
}
