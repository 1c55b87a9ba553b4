import { createHash } from 'node:crypto';
import { ArmorlakeError } from '../core/index.js';
import type { Recorded } from '../intake/index.js';
import { RecordingReader, decompressed } from '../intake/index.js';
import { adviceFor } from './import-advice.js';
import type { ImportSource } from './import-source.js';

/** Well below the least limit of an intake's body (edge: 4 MiB). */
const CHUNK_BYTES = 7 << 19;
/** A live pipe's records wait so long for others, ms. */
const LINGER_MS = 1000;

/** Records as lines, in order. */
export interface RecordChunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly records: number;
}

/** Reads the records of a source, and remembers its form. */
export class ImportReader {
  readonly #source: ImportSource;
  readonly #reader = new RecordingReader();
  readonly #layers: string[] = [];
  events = 0;
  #refused: Extract<Recorded, { error: string }> | null = null;

  constructor(source: ImportSource) {
    this.#source = source;
  }

  /** As `gzip, JSON lines`. */
  get form(): string {
    return [...this.#layers, ...this.#reader.forms].join(', ');
  }

  /** The records, those of one read together. */
  async *records(): AsyncGenerator<readonly Recorded[]> {
    const { name } = this.#source;
    const layer = (packing: string): void => void this.#layers.push(packing);
    for await (const chunk of decompressed(this.#source.bytes(), { name, layer })) {
      yield this.#seen([...this.#reader.push(chunk)]);
    }
    yield this.#seen([...this.#reader.end()]);
  }

  /** Why nothing of the source is imported, when none of its records is an event; null when one is. */
  refusal(records: number): ArmorlakeError | null {
    if (this.events > 0 || this.#refused === null) return null;
    const { name } = this.#source;
    const { line, error, bytes } = this.#refused;
    const { form, hint } = adviceFor(bytes);
    const what = `${name} is ${form}: ${records === 1 ? 'its one record is' : `all ${records} records are`} rejected, none is a KubeArmor event.`;
    return new ArmorlakeError('BAD_REQUEST', `${what} Line ${line}: ${error}`, { hint });
  }

  #seen(records: readonly Recorded[]): readonly Recorded[] {
    for (const record of records) {
      if ('event' in record) this.events++;
      else this.#refused ??= record;
    }
    return records;
  }
}

/** What a file holds. */
export interface FileSurvey {
  /** Of its records, whatever form they are in. */
  readonly sha256: string;
  readonly records: number;
  readonly form: string;
  /** Those of `prefixes` that this file begins with. */
  readonly known: ReadonlySet<string>;
}

/** The beginnings that a file may have: a hash by its number of records. */
export type Prefixes = ReadonlyMap<number, readonly string[]>;

/**
 * Reads the whole file once.
 * @param prefixes hashes of earlier imports, by their number of records
 * @throws ArmorlakeError when it can't be read, or holds records and no event
 */
export async function surveyFile(source: ImportSource, prefixes: Prefixes): Promise<FileSurvey> {
  const reader = new ImportReader(source);
  const hash = createHash('sha256');
  const known = new Set<string>();
  let records = 0;
  for await (const part of reader.records()) {
    for (const { bytes } of part) {
      hash.update(bytes).update('\n');
      const hashes = prefixes.get(++records);
      if (hashes === undefined) continue;
      const digest = hash.copy().digest('hex');
      for (const each of hashes) if (digest.startsWith(each)) known.add(each);
    }
  }
  const refusal = reader.refusal(records);
  if (refusal !== null) throw refusal;
  return { sha256: hash.digest('hex'), records, form: reader.form, known };
}

/** The records after the first `skip` of `all` as lines, in chunks of about 3.5 MiB. */
export async function* chunksOf(reader: ImportReader, skip = 0, all = Infinity): AsyncGenerator<RecordChunk> {
  let pending: Buffer[] = [];
  let bytes = 0;
  let passed = 0;
  const take = (): RecordChunk => {
    const chunk = { bytes: joined(pending, bytes), records: pending.length };
    pending = [];
    bytes = 0;
    return chunk;
  };
  for await (const part of orPause(reader.records(), () => pending.length > 0)) {
    for (const record of part ?? []) {
      if (passed >= all) break;
      if (passed++ < skip) continue;
      if (bytes > 0 && bytes + record.bytes.length + 1 > CHUNK_BYTES) yield take();
      pending.push(record.bytes);
      bytes += record.bytes.length + 1;
    }
    if (part === null) yield take();
  }
  if (pending.length > 0) yield take();
}

/** What comes, and null when nothing comes for a while although `waits` says that something waits. */
async function* orPause<Value>(source: AsyncGenerator<Value>, waits: () => boolean): AsyncGenerator<Value | null> {
  let next = source.next();
  // Whoever waits for it hears of its failure.
  next.catch(() => undefined);
  for (;;) {
    let timer: NodeJS.Timeout | undefined;
    const pause = new Promise<null>((resolve) => {
      if (waits()) timer = setTimeout(() => resolve(null), LINGER_MS);
    });
    const result = await Promise.race([next, pause]);
    clearTimeout(timer);
    if (result === null) {
      yield null;
      continue;
    }
    if (result.done === true) return;
    next = source.next();
    next.catch(() => undefined);
    yield result.value;
  }
}

function joined(lines: readonly Buffer[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const line of lines) {
    bytes.set(line, at);
    at += line.length;
    bytes[at++] = 0x0a;
  }
  return bytes;
}
