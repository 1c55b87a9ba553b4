import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { ArmorlakeError, printable } from '../core/index.js';
import type { Logger } from '../core/index.js';
import { PartialResult } from '../query/index.js';
import type { HostPaths } from './host-paths.js';

/** Whatever a route threw, as an ArmorlakeError: fastify's own refusals keep their sense. */
export function asArmorlakeError(thrown: FastifyError | Error | unknown): ArmorlakeError {
  if (thrown instanceof ArmorlakeError) return thrown;
  const { statusCode, message } = thrown as Partial<FastifyError>;
  if (statusCode === 413) {
    return new ArmorlakeError('LIMIT_EXCEEDED', 'The body of the request is too large.', { cause: thrown });
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new ArmorlakeError('BAD_REQUEST', printable(message ?? 'The request is malformed.'), { cause: thrown });
  }
  return ArmorlakeError.from(thrown);
}

/** Sends an error in the contract's shape. */
export function sendError(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  { logger, paths }: { readonly logger: Logger; readonly paths: HostPaths },
): void {
  const error = asArmorlakeError(thrown);
  // Whoever goes away in the middle of a request is no fault of the node.
  if (error.code === 'INTERNAL' && !(request.raw.destroyed && !request.raw.complete)) {
    logger.error({ url: request.url, error: error.message, stack: error.stack }, 'A request failed.');
  }
  if (error.code === 'UNAUTHENTICATED') void reply.header('www-authenticate', 'Bearer');
  if (error.code === 'BUSY' || error.code === 'NOT_READY') void reply.header('retry-after', '1');
  // A body that wasn't read to its end can't be followed by another request.
  if (!request.raw.complete) void reply.header('connection', 'close');
  const shape = error.toShape();
  const message = paths.sentence(shape.message, shape.code, request.identity);
  const hint = shape.hint === undefined ? {} : { hint: paths.sentence(shape.hint, 'BAD_REQUEST', request.identity) };
  const coverage = error instanceof PartialResult ? paths.coverage(error.coverage, request.identity) : undefined;
  void reply
    .code(error.status)
    .type('application/json; charset=utf-8')
    .send(JSON.stringify({ error: { ...shape, message, ...hint }, coverage }));
}
