import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { z } from 'zod';
import { callerKey } from './access.js';
import { clientGone } from './client-gone.js';
import type { QueryAnswer, QueryEnd, QueryService } from '../query/index.js';
import { queryRequest, withArrowMetadata } from '../query/index.js';
import type { HostPaths } from './host-paths.js';
import { JSON_TYPE, answers } from './openapi.js';
import { jsonSchemaOf, parseBody } from './schemas.js';

const ARROW = 'application/vnd.apache.arrow.stream';
/** An answer up to this size is held until it is whole: an error midway is then still an error. */
const HELD_BYTES = 1 << 20;

const queryAnswer = z.object({
  schema: z.array(z.object({ name: z.string(), type: z.string() })),
  rows: z.array(z.array(z.unknown())),
  stats: z.object({
    rows: z.number(),
    truncated: z.boolean().describe('There are more rows than the limits allow'),
    elapsedMs: z.number(),
    queryId: z.string(),
  }),
  coverage: z.looseObject({
    complete: z.boolean(),
    expected: z.number(),
    asked: z.number(),
    answered: z.number(),
    failed: z.number(),
    pruned: z.number(),
  }),
});

/** POST /api/v1/query */
export function queryRoute(app: FastifyInstance, queries: QueryService, paths: HostPaths): void {
  app.post(
    '/api/v1/query',
    {
      config: { audience: ['read'] },
      schema: {
        summary: 'Run one SELECT',
        description: `Answers JSON, or an Arrow IPC stream for Accept: ${ARROW} (coverage in the schema's metadata).`,
        body: jsonSchemaOf(queryRequest),
        response: { 200: answers('The rows', { [JSON_TYPE]: queryAnswer, [ARROW]: z.string() }) },
      },
    },
    async (request, reply) => {
      const body = parseBody(queryRequest, request.body);
      const arrow = (request.headers.accept ?? '').includes(ARROW);
      const caller = { token: request.identity.token, key: callerKey(request.identity, request.ip) };
      const whole = await queries.run(body, caller, arrow ? 'arrow' : 'json', clientGone(reply));
      const answer = paths.answer(whole, request.identity);
      return arrow ? sendArrow(answer, reply) : sendJson(answer, reply);
    },
  );
}

const explanation = z.object({
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  merge: z.string().nullable().describe('SQL over what the fragments answer; null when one node answers alone'),
  subqueries: z.number().describe('Subqueries that run first and become literals'),
  fragments: z.array(z.object({ name: z.string(), kind: z.string(), table: z.string(), sql: z.string() })),
  nodes: z.array(
    z.object({ name: z.string(), status: z.enum(['asked', 'pruned', 'failed']), reason: z.string().nullable() }),
  ),
  estimate: z.object({ nodes: z.number(), rows: z.number(), bytes: z.number() }),
});

/** POST /api/v1/explain */
export function explainRoute(app: FastifyInstance, queries: QueryService): void {
  app.post(
    '/api/v1/explain',
    {
      config: { audience: ['read'] },
      schema: {
        summary: 'How a query would be answered',
        description:
          'Fragments, who is asked for them and why others are not, and an estimate; the query does not run.',
        body: jsonSchemaOf(queryRequest),
        response: { 200: answers('The plan', { [JSON_TYPE]: explanation }) },
      },
    },
    async (request, reply) => {
      const caller = { token: request.identity.token, key: callerKey(request.identity, request.ip) };
      return await queries.explain(parseBody(queryRequest, request.body), caller, clientGone(reply));
    },
  );
}

/** The beginning of an answer, and the end when that came within it. */
interface Held {
  readonly pieces: readonly Uint8Array[];
  readonly rest: AsyncIterator<Uint8Array>;
  readonly end: QueryEnd | null;
}

async function hold(answer: QueryAnswer): Promise<Held> {
  const pieces: Uint8Array[] = [];
  const rest = answer.chunks[Symbol.asyncIterator]();
  let bytes = 0;
  while (bytes < HELD_BYTES) {
    const next = await rest.next();
    if (next.done === true) return { pieces, rest, end: await answer.end };
    pieces.push(next.value);
    bytes += next.value.byteLength;
  }
  return { pieces, rest, end: null };
}

/** A reader that takes nothing for so long gives its query's place to others. */
const STALLED_MS = 5000;

/** The answer's bytes; while one isn't taken, `stalled` may be called. */
async function* continued({ pieces, rest }: Held, stalled: () => void): AsyncGenerator<Uint8Array, void, undefined> {
  let whole = false;
  let timer: NodeJS.Timeout | undefined;
  const waitForReader = (): void => {
    timer = setTimeout(stalled, STALLED_MS);
  };
  try {
    for (const piece of pieces) {
      waitForReader();
      yield piece;
      clearTimeout(timer);
    }
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) {
      waitForReader();
      yield next.value;
      clearTimeout(timer);
    }
    whole = true;
  } finally {
    clearTimeout(timer);
    // Left early, as by a client that went away: the query is cancelled.
    if (!whole) await rest.return?.();
  }
}

async function sendJson(answer: QueryAnswer, reply: FastifyReply): Promise<FastifyReply> {
  const held = await hold(answer);
  void reply.type('application/json; charset=utf-8');
  const begin = Buffer.from(`{"schema":${JSON.stringify(answer.schema)},"rows":[`);
  if (held.end !== null) return reply.send(Buffer.concat([begin, ...held.pieces, ending(held.end)]));
  return reply.send(
    Readable.from(
      (async function* () {
        yield begin;
        yield* continued(held, () => reply.raw.destroy());
        yield ending(await answer.end);
      })(),
      { objectMode: false },
    ),
  );
}

function ending({ stats, coverage }: QueryEnd): Buffer {
  return Buffer.from(`],"stats":${JSON.stringify(stats)},"coverage":${JSON.stringify(coverage)}}`);
}

/**
 * What is known when the first bytes go stands in the schema's metadata: `armorlake.coverage`, `armorlake.queryId`, and
 * `armorlake.stats` when the answer was held; the trailer `armorlake-stats` has it for long ones.
 */
async function sendArrow(answer: QueryAnswer, reply: FastifyReply): Promise<FastifyReply> {
  const held = await hold(answer);
  const metadata = (): Record<string, string> => ({
    'armorlake.coverage': JSON.stringify(held.end?.coverage ?? answer.coverage),
    'armorlake.queryId': answer.queryId,
    ...(held.end === null ? {} : { 'armorlake.stats': JSON.stringify(held.end.stats) }),
  });
  void reply.type(ARROW);
  const chunks = withArrowMetadata(
    continued(held, () => reply.raw.destroy()),
    metadata,
  );
  if (held.end !== null) {
    const whole: Uint8Array[] = [];
    for await (const chunk of chunks) whole.push(chunk);
    return reply.send(Buffer.concat(whole));
  }
  reply.trailer('armorlake-stats', async () => JSON.stringify((await answer.end).stats));
  return reply.send(Readable.from(chunks, { objectMode: false }));
}
