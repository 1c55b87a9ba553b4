import type { FastifyReply } from 'fastify';
import { ArmorlakeError } from '../core/index.js';

/** Aborts when the client closes the connection before its answer is complete, or may not have it any more. */
export function clientGone(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) {
      controller.abort(new ArmorlakeError('CANCELLED', 'The client went away.'));
    }
  });
  const { revoked } = reply.request;
  if (revoked.aborted) controller.abort(revoked.reason);
  else revoked.addEventListener('abort', () => controller.abort(revoked.reason), { once: true });
  return controller.signal;
}
