import type { DuckDBResult, DuckDBType } from '@duckdb/node-api';
import type { CallContext } from '../types.js';
import type { RawColumn } from './columns.js';
import { rawColumns } from './columns.js';
import type { Guard } from './guard.js';
import { jsonRows, jsonWriter } from './json-rows.js';

/** What an answer may have at most; it is cut there, at a whole row. */
export interface SendLimits {
  readonly rows: number;
  readonly bytes: number;
}

export interface Sent {
  readonly rows: number;
  readonly bytes: number;
  /** The result had more. */
  readonly truncated: boolean;
}

interface Chunk {
  readonly columns: readonly RawColumn[];
  readonly rows: number;
}

/** JSON is sent in pieces of about this size. */
const PIECE_BYTES = 64 * 1024;

/** The chunks of a streaming result, never all of them at once; stopped with the guard. */
async function* chunksOf(
  result: DuckDBResult,
  types: readonly DuckDBType[],
  guard: Guard,
): AsyncGenerator<Chunk, void, undefined> {
  for (;;) {
    guard.check();
    const chunk = await result.fetchChunk();
    guard.check();
    if (chunk === null || chunk.rowCount === 0) return;
    yield { columns: rawColumns(chunk, types), rows: chunk.rowCount };
  }
}

/** Collects rows of JSON into pieces that concatenate to a comma-separated list. */
class Pieces {
  readonly #write: (piece: Uint8Array) => Promise<void>;
  #rows: string[] = [];
  #bytes = 0;
  #separator = '';

  constructor(write: (piece: Uint8Array) => Promise<void>) {
    this.#write = write;
  }

  async add(row: string, bytes: number): Promise<void> {
    this.#rows.push(row);
    this.#bytes += bytes;
    if (this.#bytes >= PIECE_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#rows.length === 0) return;
    const text = this.#separator + this.#rows.join(',');
    this.#separator = ',';
    this.#rows = [];
    this.#bytes = 0;
    await this.#write(Buffer.from(text));
  }
}

/**
 * Sends a result as JSON: pieces that concatenate to the comma-separated row arrays, without the outer brackets.
 * @param onChunk sees each chunk, and how many of its rows are sent.
 */
export async function sendJson(
  result: DuckDBResult,
  limits: SendLimits,
  context: CallContext,
  guard: Guard,
  onChunk: (columns: readonly RawColumn[], rows: number) => void = () => undefined,
): Promise<Sent> {
  const pieces = new Pieces((piece) => guard.within(context.write(piece)));
  let rows = 0;
  let bytes = 0;
  let truncated = false;
  for await (const chunk of chunksOf(result, result.columnTypes(), guard)) {
    const room = Math.min(chunk.rows, limits.rows - rows);
    truncated = room < chunk.rows;
    let sent = 0;
    for (const row of jsonRows(chunk.columns.map(jsonWriter), room)) {
      const size = Buffer.byteLength(row) + 1;
      if (bytes + size > limits.bytes) {
        truncated = true;
        break;
      }
      bytes += size;
      sent += 1;
      await pieces.add(row, size);
    }
    rows += sent;
    onChunk(chunk.columns, sent);
    if (truncated) break;
  }
  await pieces.flush();
  return { rows, bytes, truncated };
}

/**
 * Sends a result as an Arrow IPC stream, a record batch for each chunk.
 * @param names what its columns are called.
 */
export async function sendArrow(
  result: DuckDBResult,
  limits: SendLimits,
  context: CallContext,
  guard: Guard,
  names: readonly string[] = result.columnNames(),
): Promise<Sent> {
  // Loaded by the first Arrow query: a node that is never asked for it doesn't pay for the library.
  const { ArrowEncoder } = await import('./arrow-rows.js');
  const types = result.columnTypes();
  const encoder = new ArrowEncoder(names, types);
  let rows = 0;
  let bytes = 0;
  let truncated = false;
  let begun = false;
  // With the first rows: until they are read, a run that finds a damaged file can be repeated.
  const begin = async (): Promise<void> => {
    if (!begun) await guard.within(context.write(encoder.begin()));
    begun = true;
  };
  for await (const chunk of chunksOf(result, types, guard)) {
    const room = Math.min(chunk.rows, limits.rows - rows);
    truncated = room < chunk.rows;
    await begin();
    const message = room === 0 ? null : encoder.batch(chunk.columns, room);
    if (message !== null && bytes + message.byteLength > limits.bytes) {
      truncated = true;
    } else if (message !== null) {
      await guard.within(context.write(message));
      rows += room;
      bytes += message.byteLength;
    }
    if (truncated) break;
  }
  await begin();
  await guard.within(context.write(encoder.end()));
  return { rows, bytes, truncated };
}
