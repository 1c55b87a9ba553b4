import { randomUUID } from 'node:crypto';
import { ArmorlakeError, deadlineOf } from '../core/index.js';
import type { QueryColumn, TailEnd } from '../engine/index.js';
import type { Caller } from './caller.js';
import type { GuardedEngine } from './guarded-engine.js';
import { asked } from './strikes.js';

/** What a live tail takes of a table; the engine knows the filters. */
export interface TailSelection {
  /** Of the stream that follows. */
  readonly id: string;
  readonly table: string;
  readonly filters: Readonly<Record<string, unknown>>;
  /** Who follows. */
  readonly caller: Caller;
}

/** The next rows of one node. */
export interface TailRows {
  readonly schema: readonly QueryColumn[];
  /** The row arrays in JSON, separated by commas. */
  readonly body: Buffer;
  readonly rows: number;
  /** Where the next call goes on. */
  readonly lastSeq: number;
}

/** Live tails of the nodes that hold events. */
export interface Tails {
  /** The nodes expected to have something to say, with what keeps them from it. */
  nodes(): readonly { readonly name: string; readonly trouble: string | null }[];
  /**
   * Rows of a node after a seq, those that come from now on for null; waits for some when there are none.
   * @throws ArmorlakeError as a query does; NOT_READY and DEADLINE pass.
   */
  next(
    node: string,
    selection: TailSelection,
    afterSeq: number | null,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<TailRows>;
}

const LIMITS = { rows: 500, bytes: 1 << 20, timeoutMs: 10_000 };

function unanswered(): ArmorlakeError {
  return new ArmorlakeError('DEADLINE', 'The database engine does not say whether there are new rows.', {
    hint: 'It is busy, or it hangs and is restarted within half a minute.',
  });
}

/** The live tail of this node's own lake. */
export class LakeTails implements Tails {
  readonly #engine: GuardedEngine;
  readonly #name: string;

  constructor(engine: GuardedEngine, name: string) {
    this.#engine = engine;
    this.#name = name;
  }

  nodes(): ReturnType<Tails['nodes']> {
    return [{ name: this.#name, trouble: null }];
  }

  async next(
    _node: string,
    selection: TailSelection,
    afterSeq: number | null,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<TailRows> {
    const { table, filters, caller } = selection;
    // While it waits for a commit it has nothing of the engine that others could miss.
    if (afterSeq !== null && waitMs > 0 && (await this.#lastSeq(afterSeq, waitMs, signal)) <= afterSeq) {
      return { schema: [], body: Buffer.alloc(0), rows: 0, lastSeq: afterSeq };
    }
    const id = `tail ${randomUUID()}`;
    const call = (timeoutMs: number): unknown => {
      return { table, filters, queryId: id, afterSeq, limits: { ...LIMITS, timeoutMs } };
    };
    const { where, match, params } = filters;
    const text = `tail ${JSON.stringify([table, where, match])}`;
    const statement = { id, asked: asked(text, params), caller, timeoutMs: LIMITS.timeoutMs, background: true };
    const stream = await this.#engine.stream('tail', call, statement, signal);
    const pieces: Uint8Array[] = [];
    for await (const piece of stream.chunks) pieces.push(piece);
    const { rows, lastSeq } = (await stream.tail) as TailEnd;
    const { schema } = stream.head as { readonly schema: readonly QueryColumn[] };
    return { schema, body: Buffer.concat(pieces), rows, lastSeq };
  }

  /** The lake's last seq, as soon as it is another one. */
  async #lastSeq(afterSeq: number, waitMs: number, signal: AbortSignal): Promise<number> {
    const deadline = deadlineOf(signal, waitMs + LIMITS.timeoutMs, unanswered);
    try {
      const call = { afterSeq, waitMs };
      const answer = await this.#engine.engine.call('committed', call, { signal: deadline.signal });
      return (answer as { readonly lastSeq: number }).lastSeq;
    } finally {
      deadline.clear();
    }
  }
}
