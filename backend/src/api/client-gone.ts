import type { FastifyReply } from 'fastify';
import { ArmorlakeError } from '../core/index.js';

/** Aborts when the client closes the connection before its answer is complete. */
export function clientGone(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) {
      controller.abort(new ArmorlakeError('CANCELLED', 'The client went away.'));
    }
  });
  return controller.signal;
}
