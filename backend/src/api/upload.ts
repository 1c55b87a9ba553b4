import type { Readable } from 'node:stream';
import type { Clock } from '../core/index.js';
import { ArmorlakeError } from '../core/index.js';
import { decompressed } from '../intake/index.js';

/** Pieces of this size go to the worker that parses them. */
const PIECE_BYTES = 256 * 1024;
/** What is packed may unpack to so many times its size, beyond the first megabyte: events get a tenth to a fortieth smaller. */
const MOST_RATIO = 200;
const FREE_BYTES = 1 << 20;
/** Lines of one body: those of events fill the largest body before. */
const MOST_LINES = 1_000_000;
/** A sender has its patience, and a second more for each so many bytes. */
const LEAST_BYTES_A_SECOND = 1024;

const NEWLINE = 0x0a;

export interface UploadOptions {
  readonly encoding: string | undefined;
  /** Told what the body is packed with, from the outside in. */
  readonly layer: (name: string) => void;
  /** Bytes of the body once it is unpacked. */
  readonly mostBytes: number;
  /** So long a sender that sends nothing is waited for, ms. */
  readonly patienceMs: number;
  readonly clock: Clock;
}

/**
 * A posted body in pieces, bounded in what it unpacks to and in the time its sender takes.
 * @throws ArmorlakeError BAD_REQUEST, LIMIT_EXCEEDED, DEADLINE, after the pieces that came before.
 */
export async function* uploadOf(
  body: Readable | null,
  options: UploadOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  if (body === null) return;
  const packed = { bytes: 0 };
  const bound = { lines: 0, bytes: 0 };
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  const { encoding, layer, mostBytes } = options;
  const plain = decompressed(paced(body, options, packed), {
    name: 'The body',
    layer,
    bounds: { ratio: MOST_RATIO, freeBytes: FREE_BYTES, mostBytes },
    known: encoding === undefined || encoding === 'identity' ? [] : [encoding],
  });
  for await (const chunk of plain) {
    bound.bytes += chunk.byteLength;
    bound.lines += linesIn(chunk);
    const limit = limitOf(bound, mostBytes);
    if (limit !== null) {
      throw new ArmorlakeError('LIMIT_EXCEEDED', limit, { hint: 'Send it in parts; what came before is stored.' });
    }
    pending.push(chunk);
    pendingBytes += chunk.byteLength;
    if (pendingBytes >= PIECE_BYTES) {
      yield Buffer.concat(pending);
      pending = [];
      pendingBytes = 0;
    }
  }
  if (pendingBytes > 0) yield Buffer.concat(pending);
}

function limitOf(
  { lines, bytes }: { readonly lines: number; readonly bytes: number },
  mostBytes: number,
): string | null {
  if (bytes > mostBytes) return `The body has more than ${mostBytes} bytes.`;
  return lines > MOST_LINES ? `The body has more than ${MOST_LINES} lines.` : null;
}

function linesIn(chunk: Uint8Array): number {
  let lines = 0;
  for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}

/** The body as it comes, while it comes; it stays whole, so that its sender can be answered. */
async function* paced(
  body: Readable,
  { patienceMs, clock }: UploadOptions,
  packed: { bytes: number },
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>;
  let waitedMs = 0;
  for (;;) {
    const sinceMs = clock.monotonicMs();
    const grantedMs = patienceMs + (packed.bytes / LEAST_BYTES_A_SECOND) * 1000 - waitedMs;
    const next = await inTime(chunks.next(), Math.min(patienceMs, grantedMs));
    // Only the sender's own time counts, not what the lake takes.
    waitedMs += clock.monotonicMs() - sinceMs;
    if (next.done === true) return;
    packed.bytes += next.value.byteLength;
    yield next.value;
  }
}

async function inTime<Value>(value: Promise<Value>, ms: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const hint = 'What came before is stored. Send it in parts, or faster.';
      reject(new ArmorlakeError('DEADLINE', 'The body of the request comes too slowly.', { hint }));
    }, ms);
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
  }
}
