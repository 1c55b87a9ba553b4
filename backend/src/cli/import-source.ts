import { constants, createReadStream, openSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Socket } from 'node:net';
import { addAbortSignal } from 'node:stream';
import type { Readable } from 'node:stream';
import { ArmorlakeError, hasErrno, messageOf } from '../core/index.js';
import type { Io } from './io.js';

type Input = Pick<Io, 'input' | 'inputIsTerminal' | 'signal'>;

/** What is imported: a file can be read twice, a pipe once. */
export interface ImportSource {
  /** As the user named it. */
  readonly name: string;
  readonly isFile: boolean;
  /** Its bytes. @throws ArmorlakeError NOT_FOUND, BAD_REQUEST or CANCELLED when they can't be read (on) */
  bytes(): AsyncGenerator<Uint8Array>;
}

const standardInput: ReadonlySet<string> = new Set(['/dev/stdin', '/dev/fd/0', '/proc/self/fd/0']);

/** The file, named pipe or standard input (`-`) at a path. @throws ArmorlakeError NOT_FOUND or BAD_REQUEST */
export async function openSource(path: string, io: Input): Promise<ImportSource> {
  if (path === '-') return stdin(io);
  const found = await stat(path).catch((thrown: unknown) => {
    throw unreadable(path, thrown);
  });
  if (found.isFile()) return { name: path, isFile: true, bytes: () => read(path, io, () => createReadStream(path)) };
  // A socket, as other programs make standard input of, can't be opened by its path.
  if (standardInput.has(path)) return { ...stdin(io), name: path };
  const open = found.isFIFO() ? () => openPipe(path) : () => createReadStream(path);
  return { name: path, isFile: false, bytes: () => read(path, io, open) };
}

function stdin(io: Input): ImportSource {
  if (io.inputIsTerminal) {
    throw new ArmorlakeError('BAD_REQUEST', 'Standard input is a terminal.', {
      hint: 'Pipe the events in: karmor logs --json --logFilter all | armorlake import -',
    });
  }
  return { name: '-', isFile: false, bytes: () => read('standard input', io, () => io.input) };
}

/** Opened without waiting for a writer: a thread that waits in open() would hold the process beyond any signal. */
function openPipe(path: string): Readable {
  return new Socket({ fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK), readable: true, writable: false });
}

async function* read(name: string, { signal }: Input, open: () => Readable): AsyncGenerator<Uint8Array> {
  try {
    yield* addAbortSignal(signal, open()) as AsyncIterable<Uint8Array>;
  } catch (thrown) {
    if (signal.aborted) throw new ArmorlakeError('CANCELLED', 'Interrupted.', { cause: thrown });
    throw unreadable(name, thrown);
  }
}

function unreadable(name: string, thrown: unknown): ArmorlakeError {
  if (hasErrno(thrown, 'ENOENT')) {
    return new ArmorlakeError('NOT_FOUND', `There is no file ${name}.`, { cause: thrown });
  }
  return new ArmorlakeError('BAD_REQUEST', `Can't read ${name}: ${messageOf(thrown)}.`, { cause: thrown });
}
