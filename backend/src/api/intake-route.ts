import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
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
  accepted: z.number().describe('Lines stored as rows'),
  rejected: z.number().describe('Lines that gave no row; armorlake.dead_letters has the first 1,000 of them'),
  errors: z.array(z.object({ line: z.number(), error: z.string() })).describe('The first few of the rejected'),
});

/** POST /intake/kubearmor: NDJSON as `karmor logs --json` prints it; answered after the last commit. */
export async function intakeRoute(
  app: FastifyInstance,
  intake: Intake,
  limits: Omit<UploadOptions, 'encoding'>,
): Promise<void> {
  const places = new Places(MAX_POSTS, 'posts');
  // A plugin of its own: only here bodies are streams.
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.post<{ Querystring: { connector?: string } }>(
      '/intake/kubearmor',
      {
        config: { audience: ['intake'] },
        bodyLimit: limits.mostBytes,
        schema: {
          summary: 'Post KubeArmor events, one JSON object a line',
          consumes: ['application/x-ndjson'],
          response: { 200: answers('All lines are committed', { [JSON_TYPE]: intakeAnswer }) },
          querystring: {
            type: 'object',
            properties: { connector: { type: 'string', description: 'The connector of the rows; default import' } },
          },
        },
      },
      async (request, reply) => {
        const { connector } = request.query;
        if (connector !== undefined && !connectorName.test(connector)) {
          throw new ArmorlakeError('BAD_REQUEST', 'connector: 1 to 128 letters, digits, dots, colons or dashes.');
        }
        const refusal = intake.refusal();
        if (refusal !== null) throw refusal;
        const leave = places.take(callerKey(request.identity, request.ip));
        try {
          const encoding = request.headers['content-encoding'];
          const body = uploadOf(request.body as Readable | null, { ...limits, encoding });
          return await take(intake.open(connector), body, clientGone(reply));
        } finally {
          leave();
        }
      },
    );
  });
}

/** Hands a body over; what came before it broke off is kept. */
async function take(
  session: IntakeStream,
  body: AsyncIterable<Uint8Array>,
  gone: AbortSignal,
): Promise<z.output<typeof intakeAnswer>> {
  const onGone = (): void => session.abort();
  gone.addEventListener('abort', onGone, { once: true });
  try {
    for await (const piece of body) {
      gone.throwIfAborted();
      await session.write(piece);
    }
    const { accepted, rejected, errors } = await session.finish();
    return { accepted, rejected, errors: [...errors] };
  } catch (thrown) {
    if (!gone.aborted) session.abort();
    throw thrown;
  } finally {
    gone.removeEventListener('abort', onGone);
  }
}
