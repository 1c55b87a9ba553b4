import { createGunzip } from 'node:zlib';
import { pipeline } from 'node:stream';
import type { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ArmorlakeError } from '../core/index.js';
import { clientGone } from './client-gone.js';
import { JSON_TYPE, answers } from './openapi.js';
import type { Intake } from './ports.js';

/** Pieces of this size go to the worker that parses them. */
const PIECE_BYTES = 256 * 1024;
const connectorName = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/;

const intakeAnswer = z.object({
  accepted: z.number().describe('Lines stored as rows'),
  rejected: z.number().describe('Lines that gave no row; armorlake.dead_letters has them'),
  errors: z.array(z.object({ line: z.number(), error: z.string() })).describe('The first few of the rejected'),
});

/** POST /intake/kubearmor: NDJSON as `karmor logs --json` prints it; answered after the last commit. */
export async function intakeRoute(app: FastifyInstance, intake: Intake, bodyBytes: number): Promise<void> {
  // A plugin of its own: only here bodies are streams.
  await app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
    scope.post<{ Querystring: { connector?: string } }>(
      '/intake/kubearmor',
      {
        config: { audience: ['intake'] },
        bodyLimit: bodyBytes,
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
        const gone = clientGone(reply);
        const session = intake.open(connector);
        const onGone = (): void => session.abort();
        gone.addEventListener('abort', onGone, { once: true });
        try {
          for await (const piece of piecesOf(
            bodyOf(request.body as Readable | null, request.headers['content-encoding']),
            bodyBytes,
          )) {
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
      },
    );
  });
}

function bodyOf(body: Readable | null, encoding: string | undefined): AsyncIterable<Uint8Array> {
  if (body === null) return (async function* () {})();
  if (encoding === undefined || encoding === 'identity') return body;
  if (encoding !== 'gzip') {
    throw new ArmorlakeError('BAD_REQUEST', `Bodies encoded as ${encoding} are not understood.`, {
      hint: 'Send them plain, or as gzip.',
    });
  }
  // Errors reach whoever iterates over the last stream.
  return pipeline(body, createGunzip(), () => undefined);
}

/** The body in larger pieces; what is unpacked counts against the limit. */
async function* piecesOf(body: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array, void, undefined> {
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  let total = 0;
  try {
    for await (const chunk of body) {
      total += chunk.byteLength;
      if (total > limit) {
        throw new ArmorlakeError('LIMIT_EXCEEDED', `The body has more than ${limit} bytes.`, {
          hint: 'Send it in parts; what came before is stored.',
        });
      }
      pending.push(chunk);
      pendingBytes += chunk.byteLength;
      if (pendingBytes >= PIECE_BYTES) {
        yield Buffer.concat(pending);
        pending = [];
        pendingBytes = 0;
      }
    }
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('Z_')) {
      throw new ArmorlakeError('BAD_REQUEST', 'The body is no whole gzip file.', { cause: thrown });
    }
    throw thrown;
  }
  if (pendingBytes > 0) yield Buffer.concat(pending);
}
