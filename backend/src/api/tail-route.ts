import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ArmorlakeError } from '../core/index.js';
import type { Logger } from '../core/index.js';
import type { TailSelection, Tails } from '../query/index.js';
import { callerKey } from './access.js';
import { clientGone } from './client-gone.js';
import { answers } from './openapi.js';
import type { HostPaths } from './host-paths.js';
import { Places } from './places.js';
import { jsonSchemaOf, parseBody } from './schemas.js';
import type { Positions } from './tail-stream.js';
import { TailStream } from './tail-stream.js';

export interface TailOptions {
  /** This node's own lake: a filter that is wrong is told before the stream begins. */
  readonly own: Tails;
  /** What is followed: the own lake, or the network. */
  readonly tails: Tails;
  /** A reader that takes nothing for so long is let go, ms. */
  readonly patienceMs: number;
  readonly paths: HostPaths;
  readonly logger: Logger;
}

const TABLES: ReadonlyMap<string, string> = new Map([
  ['alerts', 'kubearmor.alerts'],
  ['logs', 'kubearmor.logs'],
  ['messages', 'kubearmor.messages'],
  ['events', 'kubearmor.events'],
]);
const MAX_TAILS = 64;

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
  const places = new Places(MAX_TAILS, 'live tails');
  app.get(
    '/api/v1/tail',
    {
      config: { audience: ['read'] },
      // A HEAD would stream to nobody.
      exposeHeadRoute: false,
      schema: {
        summary: 'Events as they come, as server-sent events',
        description:
          'Events `open`, `rows` ({schema, rows}) and `notice` (a sentence). Each id is {node: seq}: sent back as Last-Event-ID, the stream goes on after it.',
        querystring: jsonSchemaOf(tailQuery),
        response: { 200: answers('The stream', { 'text/event-stream': z.string() }) },
      },
    },
    async (request, reply) => {
      const caller = { token: request.identity.token, key: callerKey(request.identity, request.ip) };
      const selection = { id: `tail ${randomUUID()}`, ...selectionOf(parseBody(tailQuery, request.query)), caller };
      const positions = positionsOf(request.headers['last-event-id']);
      const leave = places.take(caller.key);
      try {
        const signal = clientGone(reply);
        // It fails as any request does, when the filter is wrong.
        await options.own.next('', selection, null, 0, signal);
        reply.hijack();
        await new TailStream({ ...options, selection, positions, reply, signal }).run();
      } finally {
        leave();
      }
      return reply;
    },
  );
}

function selectionOf(query: z.output<typeof tailQuery>): Omit<TailSelection, 'id' | 'caller'> {
  const given = query as Readonly<Record<string, unknown>>;
  const pick = (names: readonly string[]): Record<string, unknown> =>
    Object.fromEntries(names.flatMap((name) => (given[name] === undefined ? [] : [[name, given[name]]])));
  return {
    table: TABLES.get(query.table) ?? query.table,
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
  // The objects on the way to the engine drop this key, and the filter with it.
  if (text.startsWith('__proto__=')) {
    throw new ArmorlakeError('BAD_REQUEST', 'labels: __proto__ is not taken here.', {
      hint: "As where=labels['__proto__'] = 'x'.",
    });
  }
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new ArmorlakeError('BAD_REQUEST', `labels: ${text} is no key=value.`, { hint: 'As labels=app=shop.' });
}

/** Where a stream goes on, by a Last-Event-ID; empty to begin now. */
function positionsOf(header: string | string[] | undefined): Positions {
  if (typeof header !== 'string' || header === '') return new Map();
  try {
    const seqs = z.record(z.string(), z.number().int().nonnegative()).parse(JSON.parse(header));
    return new Map(Object.entries(seqs));
  } catch (thrown) {
    throw new ArmorlakeError('BAD_REQUEST', 'Last-Event-ID is none of this stream: it is as {"edge-1":42}.', {
      cause: thrown,
    });
  }
}
