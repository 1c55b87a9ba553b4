import { z } from 'zod';
import type { Clock } from '../../core/index.js';
import { ArmorlakeError, messageOf } from '../../core/index.js';
import type { NodeFacts, NodeOutcome, Scatter, ScatterRequest } from '../scatter.js';
import { callerNamed } from '../caller.js';
import type { LakeTails, TailRows, TailSelection, Tails } from '../tails.js';

/** The one part of a request for a tail. */
const TAIL = 'tail';
/** An answer is at most a tail's own limit, and a line. */
const MOST_BYTES = 4 << 20;
/** For the way, beside the time a node waits for rows. */
const WAY_MS = 10_000;

/** As every version of Armorlake names its columns, and DuckDB the types of these. */
const COLUMN = /^[a-z][a-z0-9_]{0,62}$/;
const TYPE = /^[A-Z][A-Z0-9_ ,()[\]]{0,99}$/;
const MOST_COLUMNS = 1000;

const tailCall = z.object({
  table: z.string(),
  filters: z.record(z.string(), z.unknown()),
  afterSeq: z.number().int().nullable(),
  waitMs: z.number().min(0).max(60_000),
});

const tailHead = z.object({
  schema: z.array(z.object({ name: z.string().regex(COLUMN), type: z.string().regex(TYPE) })).max(MOST_COLUMNS),
  rows: z.number().int().nonnegative(),
  lastSeq: z.number().int().nonnegative(),
});

/** Live tails of all nodes of the network: each tails its own lake, here they come together. */
export class NetworkTails implements Tails {
  readonly #scatter: Scatter;
  readonly #clock: Clock;

  constructor(scatter: Scatter, clock: Clock) {
    this.#scatter = scatter;
    this.#clock = clock;
  }

  nodes(): ReturnType<Tails['nodes']> {
    return this.#scatter
      .members()
      .map(({ name, alive, reason }) => ({ name, trouble: alive ? null : (reason ?? 'It is not connected.') }));
  }

  async next(
    node: string,
    selection: TailSelection,
    afterSeq: number | null,
    waitMs: number,
    signal: AbortSignal,
  ): Promise<TailRows> {
    const request: ScatterRequest = {
      queryId: selection.id,
      fragments: [{ name: TAIL, sql: '' }],
      tail: JSON.stringify({ table: selection.table, filters: selection.filters, afterSeq, waitMs }),
      timeRange: { fromMicros: null, toMicros: null },
      expects: [],
      nowMicros: Math.round(this.#clock.wallMs() * 1000),
      budget: { rows: Number.MAX_SAFE_INTEGER, bytes: MOST_BYTES },
      timeoutMs: waitMs + WAY_MS,
      who: selection.caller.token ?? '',
      origin: null,
    };
    const pieces: Uint8Array[] = [];
    const ended: { outcome: NodeOutcome | null } = { outcome: null };
    const sink = {
      chunk: (_node: string, _fragment: string, bytes: Uint8Array): Promise<void> => {
        pieces.push(Buffer.from(bytes));
        return Promise.resolve();
      },
      ended: (_node: string, outcome: NodeOutcome): void => {
        ended.outcome = outcome;
      },
    };
    await this.#scatter.scatter([node], request, sink, signal);
    signal.throwIfAborted();
    const { outcome } = ended;
    if (outcome?.status === 'failed') throw ArmorlakeError.fromShape(outcome.error);
    return readTail(node, afterSeq, Buffer.concat(pieces));
  }
}

/** What a request for a tail asks. @throws ArmorlakeError BAD_REQUEST when it is none. */
export function readTailCall(text: string): z.output<typeof tailCall> {
  return parsed(tailCall, text);
}

/** A node's own side: runs the tail that a request carries. @throws ArmorlakeError as the tail does. */
export async function answerTail(
  tails: LakeTails,
  { queryId, who, tail }: Pick<ScatterRequest, 'queryId' | 'who' | 'tail'>,
  emit: { chunk(fragment: string, bytes: Uint8Array): Promise<void> },
  signal: AbortSignal,
): Promise<Pick<NodeFacts, 'rows' | 'bytes'>> {
  const { table, filters, afterSeq, waitMs } = readTailCall(tail ?? '');
  const { body, ...head } = await tails.next(
    '',
    { id: queryId, table, filters, caller: callerNamed(who) },
    afterSeq,
    waitMs,
    signal,
  );
  const line = Buffer.from(`${JSON.stringify(head)}\n`);
  await emit.chunk(TAIL, Buffer.concat([line, body]));
  return { rows: head.rows, bytes: line.length + body.length };
}

/**
 * What a node sends becomes part of a stream of ours: it has to be what it says, of itself, and go on.
 * @throws ArmorlakeError INTERNAL for what is no answer of `answerTail`.
 */
function readTail(node: string, afterSeq: number | null, bytes: Buffer): TailRows {
  const end = bytes.indexOf('\n');
  try {
    const head = parsed(tailHead, bytes.subarray(0, end).toString('utf8'));
    const body = bytes.subarray(end + 1);
    const rows = z.array(z.array(z.unknown())).parse(JSON.parse(`[${body.toString('utf8')}]`));
    if (rows.length !== head.rows) throw new TypeError('it has another number of rows than it says');
    if (head.lastSeq < (afterSeq ?? 0)) throw new TypeError('it goes back in its log');
    const names = head.schema.map(({ name }) => name);
    if (new Set(names).size < names.length) throw new TypeError('it has a column twice');
    if (rows.some((row) => row.length !== names.length)) throw new TypeError('a row has other columns than it says');
    const place = names.indexOf('node');
    if (rows.some((row) => row[place] !== node)) throw new TypeError('it has rows of another node');
    return { ...head, body };
  } catch (thrown) {
    throw new ArmorlakeError('INTERNAL', `The live tail of ${node} can't be read: ${messageOf(thrown)}.`, { node });
  }
}

function parsed<Type>(schema: z.ZodType<Type>, text: string): Type {
  try {
    return schema.parse(JSON.parse(text));
  } catch (thrown) {
    throw new ArmorlakeError('BAD_REQUEST', `A live tail is malformed: ${messageOf(thrown)}`);
  }
}
