import { Readable, pipeline } from 'node:stream';
import type { Duplex } from 'node:stream';
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';
import { ArmorlakeError } from '../../core/index.js';

/** A recording may be packed twice: a gzip file that is sent with Content-Encoding: gzip. */
const MOST_LAYERS = 2;
/** What tells a form stands in so many bytes; a tar archive's mark begins at 257. */
const HEAD_BYTES = 262;
/** 128 MiB, which `zstd -22` needs, and 8 MiB, which `zstd -19` does. */
const FILE_WINDOW_LOG = 27;
const UPLOAD_WINDOW_LOG = 23;

export interface PackingOptions {
  /** What the input is called in errors, as `events.ndjson.gz` or `The body`. */
  readonly name: string;
  /** Told the name of each layer: `gzip`, `zstd`. */
  readonly layer: (name: string) => void;
  /** The input comes from somebody who may mean harm: what unpacks to too much, or needs much memory, is refused. */
  readonly bounds?: { readonly ratio: number; readonly freeBytes: number; readonly mostBytes: number };
  /** Packings known beforehand, from the outside in (Content-Encoding). */
  readonly known?: readonly string[];
}

type Bytes = AsyncIterable<Uint8Array>;

/**
 * The plain bytes of a recording: gzip and zstd are taken off, by what the bytes are and not by a name.
 * @throws ArmorlakeError BAD_REQUEST for what can't be read, with what makes it readable; LIMIT_EXCEEDED beyond bounds
 */
export async function* decompressed(source: Bytes, options: PackingOptions): AsyncGenerator<Uint8Array> {
  const known = [...(options.known ?? [])];
  let bytes = source;
  for (let layer = 0; ; layer++) {
    const { head, all } = await peek(bytes);
    const packing = known.shift() ?? packingOf(head);
    if (packing === null) {
      refuseForeign(head, options.name);
      yield* all;
      return;
    }
    if (layer >= MOST_LAYERS) throw unreadable(options.name, 'is packed more than twice', 'Unpack it first.');
    options.layer(packing);
    const packed = { bytes: 0 };
    bytes = bounded(unpacked(counted(all, packed), packing, options), packed, options);
  }
}

/** The first bytes, and all of them. */
async function peek(source: Bytes): Promise<{ readonly head: Buffer; readonly all: Bytes }> {
  const chunks = source[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let length = 0;
  // What begins as JSON is neither packed nor foreign: a live pipe isn't waited for.
  while (length < HEAD_BYTES && first[0]?.[0] !== 0x7b) {
    const next = await chunks.next();
    if (next.done === true) break;
    first.push(next.value);
    length += next.value.length;
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    try {
      yield* first;
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
    } finally {
      await chunks.return?.();
    }
  }
  return { head: Buffer.concat(first), all: all() };
}

async function* counted(source: Bytes, count: { bytes: number }): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    count.bytes += chunk.byteLength;
    yield chunk;
  }
}

/** Each layer is bounded by itself: a small one can unpack to much that unpacks to nothing. */
async function* bounded(
  source: Bytes,
  packed: { readonly bytes: number },
  options: PackingOptions,
): AsyncGenerator<Uint8Array> {
  const { bounds, name } = options;
  if (bounds === undefined) return yield* source;
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.byteLength;
    const limit =
      bytes > bounds.mostBytes
        ? `${name} has more than ${bounds.mostBytes} bytes.`
        : bytes > Math.max(bounds.freeBytes, packed.bytes * bounds.ratio)
          ? `${name} unpacks to more than ${bounds.ratio} times its size.`
          : null;
    if (limit !== null) {
      throw new ArmorlakeError('LIMIT_EXCEEDED', limit, { hint: 'Send it in parts; what came before is stored.' });
    }
    yield chunk;
  }
}

function packingOf(head: Buffer): string | null {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  return head.length >= 4 && head.readUInt32LE() === 0xfd2fb528 ? 'zstd' : null;
}

/** Forms that can't be read: their first bytes, their name, and the command that makes lines of them. */
const foreign: readonly (readonly [head: string, name: string, command: string])[] = [
  ['fd377a585a00', 'an xz file', 'xz -dc FILE | armorlake import -'],
  ['425a68', 'a bzip2 file', 'bzip2 -dc FILE | armorlake import -'],
  ['504b0304', 'a zip archive', 'unzip -p FILE | armorlake import -'],
  ['377abcaf271c', 'a 7-Zip archive', '7z x -so FILE | armorlake import -'],
  ['04224d18', 'an lz4 file', 'lz4 -dc FILE | armorlake import -'],
  ['50415231', 'a Parquet file', `duckdb -c "COPY (FROM 'FILE') TO '/dev/stdout' (FORMAT json)" | armorlake import -`],
  ['4c504b5348485248', "one of journald's own files", 'journalctl --file FILE -o json --all | armorlake import -'],
  ['fffe0000', 'UTF-32', 'iconv -f UTF-32 -t UTF-8 FILE | armorlake import -'],
  ['0000feff', 'UTF-32', 'iconv -f UTF-32 -t UTF-8 FILE | armorlake import -'],
];

function refuseForeign(head: Buffer, name: string): void {
  const hex = head.toString('hex', 0, 8);
  const known = foreign.find(([first]) => hex.startsWith(first));
  if (known !== undefined) throw unreadable(name, `is ${known[1]}`, known[2]);
  if (head.toString('latin1', 257, 262) === 'ustar') {
    throw unreadable(name, 'is a tar archive', 'tar -xOf FILE | armorlake import -');
  }
}

function unreadable(name: string, what: string, hint: string, cause?: unknown): ArmorlakeError {
  return new ArmorlakeError('BAD_REQUEST', `${name} ${what}, which is not read.`, { hint, cause });
}

async function* unpacked(source: Bytes, packing: string, options: PackingOptions): AsyncGenerator<Uint8Array> {
  if (packing === 'gzip') return yield* through(source, zlib.createGunzip(), 'gzip', options);
  if (packing !== 'zstd') {
    throw new ArmorlakeError('BAD_REQUEST', 'Bodies of this Content-Encoding are not understood.', {
      hint: 'Send them plain, or as gzip.',
    });
  }
  const native = nativeZstd(options.bounds === undefined ? FILE_WINDOW_LOG : UPLOAD_WINDOW_LOG);
  if (native !== null) yield* through(source, native, 'zstd', options);
  else if (options.bounds === undefined) yield* inJavaScript(source, options);
  else {
    // The decoder in JavaScript moves its whole window for each block, however small: a sender could stop the node.
    throw unreadable(
      options.name,
      'is zstd, and this Node.js has none',
      'Send it plain or as gzip, or run the node on Node.js 24.',
    );
  }
}

/** Node's own decoder, from Node.js 22.15 on. */
function nativeZstd(windowLogMax: number): Duplex | null {
  const create: unknown = Reflect.get(zlib, 'createZstdDecompress');
  const key: unknown = Reflect.get(zlib.constants, 'ZSTD_d_windowLogMax');
  if (!isFactory(create) || typeof key !== 'number') return null;
  return create({ params: { [key]: windowLogMax } });
}

function isFactory(value: unknown): value is (options: object) => Duplex {
  return typeof value === 'function';
}

async function* through(
  source: Bytes,
  stream: Duplex,
  packing: string,
  options: PackingOptions,
): AsyncGenerator<Uint8Array> {
  // Errors reach whoever iterates over the last stream.
  const plain = pipeline(Readable.from(source, { objectMode: false }), stream, () => undefined);
  try {
    for await (const chunk of plain) yield chunk as Uint8Array;
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
    if (code.startsWith('Z_') || code.startsWith('ZSTD_') || code === 'ERR_TRAILING_JUNK_AFTER_STREAM_END') {
      throw damaged(options, packing, thrown);
    }
    throw thrown;
  }
}

function damaged({ name, bounds }: PackingOptions, packing: string, cause: unknown): ArmorlakeError {
  const hint =
    bounds === undefined
      ? `What can be read: ${packing === 'gzip' ? 'gunzip' : 'zstd'} -dc FILE | armorlake import -`
      : undefined;
  return new ArmorlakeError('BAD_REQUEST', `${name} is no whole ${packing} file.`, { hint, cause });
}

async function* inJavaScript(source: Bytes, options: PackingOptions): AsyncGenerator<Uint8Array> {
  let blocks: Uint8Array[] = [];
  const decoder = new Decompress((block) => void blocks.push(block));
  const take = (chunk: Uint8Array, last: boolean): readonly Uint8Array[] => {
    blocks = [];
    try {
      decoder.push(chunk, last);
    } catch (thrown) {
      throw damaged(options, 'zstd', thrown);
    }
    return blocks;
  };
  for await (const chunk of source) yield* take(chunk, false);
  yield* take(new Uint8Array(), true);
}
