import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerResponse } from 'node:http';
import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ArmorlakeError, messageOf } from '../core/index.js';
import type { Logger } from '../core/index.js';
import type { EngineClient, TailEnd } from '../engine/index.js';
import { requireRole } from './access.js';
import { clientGone } from './client-gone.js';
import { jsonSchemaOf, parseBody } from './schemas.js';

export interface TailOptions {
  readonly engine: EngineClient;
  readonly node: string;
  readonly logger: Logger;
}

const TABLES: Readonly<Record<string, string>> = {
  alerts: 'kubearmor.alerts',
  logs: 'kubearmor.logs',
  messages: 'kubearmor.messages',
  events: 'kubearmor.events',
};
const MAX_TAILS = 64;
const LIMITS = { rows: 500, bytes: 1 << 20, timeoutMs: 10_000 };
/** A comment goes as often when nothing else does: proxies and clients see that the stream lives. */
const HEARTBEAT_MS = 10_000;
/** A client that reads nothing for so long has gone. */
const SLOW_MS = 30_000;
const RETRY_MS = 1000;

const oneOrMore = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (Array.isArray(value) ? value : [value]));
const equalNames = [
  'namespace',
  'pod',
  'container',
  'host',
  'cluster',
  'connector',
  'operation',
  'type',
  'policy',
  'workload',
  'result',
  'outcome',
  'action',
] as const;
const matchNames = ['source', 'resource', 'process', 'message'] as const;

const json = (text: string, context: z.RefinementCtx): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'must be JSON: a list, or an object' });
    return z.NEVER;
  }
};
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

const tailQuery = z.strictObject({
  table: z.string().default('alerts').describe('alerts, logs, messages or events; or as kubearmor.alerts'),
  ...Object.fromEntries(
    equalNames.map((name) => [name, oneOrMore.optional().describe('Exactly this; or one of several')]),
  ),
  ...Object.fromEntries(matchNames.map((name) => [name, z.string().optional().describe('A regular expression (RE2)')])),
  labels: oneOrMore.optional().describe('key=value; all of them'),
  severity: z.coerce.number().int().min(0).max(10).optional().describe('At least this'),
  where: z.string().max(10_000).optional().describe('Any condition in SQL'),
  params: z
    .string()
    .transform(json)
    .pipe(z.union([z.array(scalar), z.record(z.string(), scalar)]))
    .optional()
    .describe("Values of the condition's parameters, as JSON"),
});

/** GET /api/v1/tail: server-sent events `rows`, `notice` and `open`; resumed by Last-Event-ID, a map of node to seq. */
export function tailRoute(app: FastifyInstance, options: TailOptions): void {
  let tails = 0;
  app.get(
    '/api/v1/tail',
    {
      schema: {
        summary: 'Events as they come, as server-sent events',
        description:
          'Events `open`, `rows` ({schema, rows}) and `notice` (a sentence). Each id is {node: seq}: sent back as Last-Event-ID, the stream goes on after it.',
        querystring: jsonSchemaOf(tailQuery),
      },
    },
    async (request, reply) => {
      requireRole(request.identity, ['read']);
      const call = callOf(parseBody(tailQuery, request.query));
      const position = positionOf(request.headers['last-event-id'], options.node);
      if (tails >= MAX_TAILS) {
        throw new ArmorlakeError('BUSY', `${MAX_TAILS} tails are open already.`, { hint: 'Close some.' });
      }
      tails += 1;
      try {
        const signal = clientGone(reply);
        // The first one fails as any request does, when the filter is wrong.
        const first = await nextRows(options.engine, call, position, 0, signal);
        reply.hijack();
        await new TailStream(options, reply.raw, call, signal).run(first, position === null);
      } finally {
        tails -= 1;
      }
      return reply;
    },
  );
}

interface EngineCall {
  readonly table: string;
  readonly filters: Readonly<Record<string, unknown>>;
}

function callOf(query: z.output<typeof tailQuery>): EngineCall {
  const given = query as Readonly<Record<string, unknown>>;
  const pick = (names: readonly string[]): Record<string, unknown> =>
    Object.fromEntries(names.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])));
  return {
    table: TABLES[query.table] ?? query.table,
    filters: {
      equal: pick(equalNames),
      match: pick(matchNames),
      labels: Object.fromEntries((query.labels ?? []).flatMap((each) => each.split(',')).map(labelPair)),
      severity: query.severity ?? null,
      where: query.where ?? null,
      params: query.params ?? [],
    },
  };
}

function labelPair(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new ArmorlakeError('BAD_REQUEST', `labels: ${text} is no key=value.`, { hint: 'As labels=app=shop.' });
}

/** This node's seq in a Last-Event-ID; null to begin now. */
function positionOf(header: string | string[] | undefined, node: string): number | null {
  if (typeof header !== 'string' || header === '') return null;
  try {
    const seqs = z.record(z.string(), z.number().int().nonnegative()).parse(JSON.parse(header));
    return seqs[node] ?? null;
  } catch (thrown) {
    throw new ArmorlakeError('BAD_REQUEST', 'Last-Event-ID is none of this stream: it is as {"edge-1":42}.', {
      cause: thrown,
    });
  }
}

interface Rows {
  readonly schema: unknown;
  readonly body: Buffer;
  readonly rows: number;
  readonly lastSeq: number;
}

async function nextRows(
  engine: EngineClient,
  call: EngineCall,
  afterSeq: number | null,
  waitMs: number,
  signal: AbortSignal,
): Promise<Rows> {
  const parameters = { ...call, queryId: `tail ${randomUUID()}`, afterSeq, waitMs, limits: LIMITS };
  const stream = await engine.stream('tail', parameters, { signal });
  const pieces: Uint8Array[] = [];
  for await (const piece of stream.chunks) pieces.push(piece);
  const { rows, lastSeq } = (await stream.tail) as TailEnd;
  return { schema: (stream.head as { readonly schema: unknown }).schema, body: Buffer.concat(pieces), rows, lastSeq };
}

/** One open stream. */
class TailStream {
  readonly #options: TailOptions;
  readonly #response: ServerResponse;
  readonly #call: EngineCall;
  readonly #signal: AbortSignal;

  constructor(options: TailOptions, response: ServerResponse, call: EngineCall, signal: AbortSignal) {
    this.#options = options;
    this.#response = response;
    this.#call = call;
    this.#signal = signal;
  }

  /** Streams until the client goes away, or reads too slowly. */
  async run(first: Rows, fresh: boolean): Promise<void> {
    this.#response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    try {
      // Says where it begins, so that a client that is cut off before its first row loses none.
      if (fresh) await this.#send(first.lastSeq, 'open', JSON.stringify({ node: this.#options.node }));
      await this.#rows(first);
      await this.#follow(first.lastSeq);
    } catch (thrown) {
      if (!this.#signal.aborted) {
        this.#options.logger.debug({ error: messageOf(thrown) }, 'A live tail ended.');
      }
    } finally {
      this.#response.end();
    }
  }

  async #follow(from: number): Promise<void> {
    let position = from;
    for (;;) {
      this.#signal.throwIfAborted();
      try {
        const next = await nextRows(this.#options.engine, this.#call, position, HEARTBEAT_MS, this.#signal);
        await this.#rows(next);
        position = next.lastSeq;
      } catch (thrown) {
        const error = ArmorlakeError.from(thrown);
        if (error.code !== 'NOT_READY' && error.code !== 'DEADLINE') throw error;
        await this.#send(position, 'notice', `${this.#options.node}: ${error.message}`);
        await sleep(RETRY_MS, undefined, { signal: this.#signal });
      }
    }
  }

  async #rows({ schema, body, rows, lastSeq }: Rows): Promise<void> {
    if (rows === 0) return this.#write(': nothing new\n\n');
    return this.#send(lastSeq, 'rows', `{"schema":${JSON.stringify(schema)},"rows":[${body.toString()}]}`);
  }

  /** JSON has no line breaks, and sentences are made of ours. */
  #send(seq: number, event: string, data: string): Promise<void> {
    const id = JSON.stringify({ [this.#options.node]: seq });
    return this.#write(`id: ${id}\nevent: ${event}\ndata: ${data.replaceAll(/[\r\n]+/g, ' ')}\n\n`);
  }

  /** Waits for a slow client, for a while: nothing more is read from the lake meanwhile. */
  async #write(text: string): Promise<void> {
    this.#signal.throwIfAborted();
    if (this.#response.write(text)) return;
    await once(this.#response, 'drain', { signal: AbortSignal.any([this.#signal, AbortSignal.timeout(SLOW_MS)]) });
  }
}
