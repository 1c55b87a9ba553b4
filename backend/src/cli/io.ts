import type { Readable } from 'node:stream';

/** The terminal side of a command; tests give their own. */
export interface Io {
  /** Writes to stdout; resolves when it can take more. */
  out(text: string): Promise<void>;
  /** Writes to stderr. */
  err(text: string): void;
  readonly input: Readable;
  /** True when stdin is a terminal: nothing was piped in. */
  readonly inputIsTerminal: boolean;
  readonly outIsTerminal: boolean;
  readonly errIsTerminal: boolean;
  /** Width of the terminal in characters. */
  readonly columns: number;
  /** Its height in lines. */
  readonly rows: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Aborted by the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
}

/** The process's own terminal. */
export function processIo(signal: AbortSignal): Io {
  return {
    out: (text) =>
      new Promise((resolve) => {
        if (process.stdout.write(text)) resolve();
        else process.stdout.once('drain', resolve);
      }),
    err: (text) => void process.stderr.write(text),
    input: process.stdin,
    inputIsTerminal: process.stdin.isTTY,
    outIsTerminal: process.stdout.isTTY,
    errIsTerminal: process.stderr.isTTY,
    columns: process.stdout.columns || 120,
    rows: process.stdout.rows || 40,
    environment: process.env,
    cwd: process.cwd(),
    signal,
  };
}

/** Everything there is on stdin, as text. */
export async function readInput(input: Readable): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of input) parts.push(Buffer.isBuffer(part) ? part : Buffer.from(String(part)));
  return Buffer.concat(parts).toString('utf8');
}
