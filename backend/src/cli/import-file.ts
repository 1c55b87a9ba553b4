import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { ArmorlakeError, hasErrno, messageOf } from '../core/index.js';

/** What a file holds: its hash, and its lines that are not blank. */
export interface FileSurvey {
  readonly sha256: string;
  readonly lines: number;
}

/** Whole lines of a file, in order. */
export interface LineChunk {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly lines: number;
}

/** Well below the least limit of an intake's body (edge: 4 MiB). */
const CHUNK_BYTES = 7 << 19;
const NEWLINE = 0x0a;

/** Reads the whole file once. Throws NOT_FOUND or BAD_REQUEST when it can't be read. */
export async function surveyFile(file: string, signal: AbortSignal): Promise<FileSurvey> {
  const hash = createHash('sha256');
  let lines = 0;
  for await (const part of linesOf(file, signal, (bytes) => void hash.update(bytes))) lines += part.length;
  return { sha256: hash.digest('hex'), lines };
}

/** The lines after the first `skip` that are not blank, in chunks of about 3.5 MiB. */
export async function* chunksOf(file: string, skip: number, signal: AbortSignal): AsyncGenerator<LineChunk> {
  let pending: Buffer[] = [];
  let bytes = 0;
  let lines = 0;
  let passed = 0;
  for await (const part of linesOf(file, signal)) {
    for (const line of part) {
      if (passed++ < skip) continue;
      if (bytes > 0 && bytes + line.length + 1 > CHUNK_BYTES) {
        yield { bytes: joined(pending), lines };
        pending = [];
        bytes = 0;
        lines = 0;
      }
      pending.push(line);
      bytes += line.length + 1;
      lines++;
    }
  }
  if (lines > 0) yield { bytes: joined(pending), lines };
}

function joined(lines: readonly Buffer[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lines.reduce((sum, line) => sum + line.length + 1, 0));
  let at = 0;
  for (const line of lines) {
    bytes.set(line, at);
    at += line.length;
    bytes[at++] = NEWLINE;
  }
  return bytes;
}

/** Lines without their newline, those of one read together; blank ones are left out. */
async function* linesOf(file: string, signal: AbortSignal, see?: (bytes: Buffer) => void): AsyncGenerator<Buffer[]> {
  let rest: Buffer[] = [];
  try {
    for await (const part of createReadStream(file, { signal, highWaterMark: 1 << 18 }) as AsyncIterable<Buffer>) {
      see?.(part);
      const lines: Buffer[] = [];
      let from = 0;
      for (let at = part.indexOf(NEWLINE); at >= 0; at = part.indexOf(NEWLINE, from)) {
        const end = part.subarray(from, at);
        const line = rest.length === 0 ? end : Buffer.concat([...rest, end]);
        rest = [];
        from = at + 1;
        if (!isBlank(line)) lines.push(line);
      }
      if (from < part.length) rest.push(part.subarray(from));
      yield lines;
    }
  } catch (thrown) {
    if (signal.aborted) throw new ArmorlakeError('CANCELLED', 'Interrupted.', { cause: thrown });
    if (hasErrno(thrown, 'ENOENT'))
      throw new ArmorlakeError('NOT_FOUND', `There is no file ${file}.`, { cause: thrown });
    throw new ArmorlakeError('BAD_REQUEST', `Can't read ${file}: ${messageOf(thrown)}.`, { cause: thrown });
  }
  const last = Buffer.concat(rest);
  if (!isBlank(last)) yield [last];
}

/** Spaces, tabs and carriage returns only: the intake leaves such lines out, too. */
function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
