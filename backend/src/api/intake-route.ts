import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { IntakeResult } from '../connectors/index.js';
import { ArmorlakeError } from '../core/index.js';
import { callerKey } from './access.js';
import { clientGone } from './client-gone.js';
import { JSON_TYPE, answers } from './openapi.js';
import { Places } from './places.js';
import type { Intake, IntakeStream } from './ports.js';
import { uploadOf } from './upload.js';
import type { UploadOptions } from './upload.js';

/** Posts at once. */
const MAX_POSTS = 64;
const connectorName = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

const intakeAnswer = z.object({
  accepted: z.number().describe('Records stored as rows'),
  rejected: z.number().describe('Records that gave no row; armorlake.dead_letters has the first 1,000 of them'),
  errors: z.array(z.object({ line: z.number(), error: z.string() })).describe('The first few of the rejected'),
  form: z.string().describe('What the body was read as: JSON lines, gzip, an OpenSearch answer, …'),
});

/** POST /intake/kubearmor: a recording in any form that import takes; answered after the last commit. */
export async function intakeRoute(
  app: FastifyInstance,
  intake: Intake,
  limits: Omit<UploadOptions, 'encoding' | 'layer'>,
): Promise<void> {
  const places = new Places(MAX_POSTS, 'posts');
  // A plugin of its own: only here bodies are streams.
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.post<{ Querystring: { connector?: string; lines?: boolean } }>(
      '/intake/kubearmor',
      {
        config: { audience: ['intake'] },
        bodyLimit: limits.mostBytes,
        schema: {
          summary: 'Post KubeArmor events: JSON lines, or any form that armorlake import reads',
          consumes: ['application/x-ndjson'],
          response: { 200: answers('All lines are committed', { [JSON_TYPE]: intakeAnswer }) },
          querystring: {
            type: 'object',
            properties: {
              connector: { type: 'string', description: 'The connector of the rows; default import' },
              lines: { type: 'boolean', description: 'Each line is one record, whatever it is' },
            },
          },
        },
      },
      async (request, reply) => {
        const { connector, lines = false } = request.query;
        if (connector !== undefined && !connectorName.test(connector)) {
          throw new ArmorlakeError('BAD_REQUEST', 'connector: 1 to 128 letters, digits, dots, colons or dashes.');
        }
        const refusal = intake.refusal();
        if (refusal !== null) throw refusal;
        const leave = places.take(callerKey(request.identity, request.ip));
        try {
          const encoding = request.headers['content-encoding'];
          const layers: string[] = [];
          const layer = (name: string): void => void layers.push(name);
          // Without a content type there is no body at all.
          const given = request.body as Readable | null | undefined;
          const body = uploadOf(given ?? null, { ...limits, encoding, layer });
          const { forms, errors, ...counts } = await take(intake.open(connector, lines), body, clientGone(reply));
          return { ...counts, errors: [...errors], form: [...layers, ...forms].join(', ') };
        } finally {
          leave();
        }
      },
    );
  });
}

/** Hands a body over; what came before it broke off is kept. */
async function take(session: IntakeStream, body: AsyncIterable<Uint8Array>, gone: AbortSignal): Promise<IntakeResult> {
  const onGone = (): void => session.abort();
  gone.addEventListener('abort', onGone, { once: true });
  try {
    for await (const piece of body) {
      gone.throwIfAborted();
      await session.write(piece);
    }
    return await session.finish();
  } catch (thrown) {
    if (!gone.aborted) session.abort();
    throw thrown;
  } finally {
    gone.removeEventListener('abort', onGone);
  }
}
