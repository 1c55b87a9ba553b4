import { randomUUID } from 'node:crypto';
import type { EngineClient, QueryColumn, TailEnd } from '../engine/index.js';

/** What a live tail takes of a table; the engine knows the filters. */
export interface TailSelection {
  readonly table: string;
  readonly filters: Readonly<Record<string, unknown>>;
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

/** The live tail of this node's own lake. */
export class LakeTails implements Tails {
  readonly #engine: EngineClient;
  readonly #name: string;

  constructor(engine: EngineClient, name: string) {
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
    const call = { ...selection, queryId: `tail ${randomUUID()}`, afterSeq, waitMs, limits: LIMITS };
    const stream = await this.#engine.stream('tail', call, { signal });
    const pieces: Uint8Array[] = [];
    for await (const piece of stream.chunks) pieces.push(piece);
    const { rows, lastSeq } = (await stream.tail) as TailEnd;
    const { schema } = stream.head as { readonly schema: readonly QueryColumn[] };
    return { schema, body: Buffer.concat(pieces), rows, lastSeq };
  }
}
