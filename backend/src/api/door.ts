import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ArmorlakeError } from '../core/index.js';
import type { Access, Audience, Identity } from './access.js';
import { Refusal } from './access.js';
import type { RefusalLog } from './refusal-log.js';

/** Who asks, as long as that isn't known. */
export const NOBODY: Identity = { token: null, role: null };

/** More header lines than any client of ours sends; Node.js drops those after the 2,000th silently. */
const MAX_HEADERS = 200;

/** What a browser may do with an answer that a page or an address bar got: nothing but show it as what it is. */
const ANSWER_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
};

/** Lets requests in, by their route's audience; a route that names none is for admins. */
export function guardDoor(app: FastifyInstance, access: Access, log: RefusalLog): void {
  app.decorateRequest('identity');
  app.decorateRequest('revoked');
  const open = new Map<FastifyRequest, { readonly audience: Audience; readonly revoked: AbortController }>();
  access.onChange(() => {
    for (const [{ headers }, { audience, revoked }] of open) {
      try {
        access.admit(headers, audience);
      } catch (thrown) {
        revoked.abort(thrown);
      }
    }
  });
  app.addHook('onRequest', async (request, reply) => {
    request.identity = NOBODY;
    const revoked = new AbortController();
    request.revoked = revoked.signal;
    void reply.headers(ANSWER_HEADERS);
    if (request.raw.rawHeaders.length > 2 * MAX_HEADERS) {
      throw new ArmorlakeError('LIMIT_EXCEEDED', `The request has more than ${MAX_HEADERS} headers.`);
    }
    if (request.raw.rawHeaders.filter(isHostHeader).length > 1 || request.raw.url?.startsWith('/') !== true) {
      throw new ArmorlakeError('BAD_REQUEST', 'The request names its host twice, or in its path.');
    }
    const { url: route = 'unknown', config } = request.routeOptions;
    // What there is not is told to every role.
    const audience = request.is404 ? ['read' as const, 'intake' as const] : (config.audience ?? []);
    try {
      request.identity = access.admit(request.headers, audience);
      open.set(request, { audience, revoked });
      reply.raw.once('close', () => open.delete(request));
    } catch (thrown) {
      if (thrown instanceof Refusal) {
        log.add({ address: request.ip, reason: thrown.reason, route, audience });
      }
      throw thrown;
    }
  });
}

/** Of a list of names and values by turns. */
function isHostHeader(text: string, index: number): boolean {
  return index % 2 === 0 && text.toLowerCase() === 'host';
}

declare module 'fastify' {
  interface FastifyRequest {
    identity: Identity;
    /** Aborts when what let it in is no longer so: its token was revoked, or the first one made. */
    revoked: AbortSignal;
  }
  interface FastifyContextConfig {
    audience?: Audience;
  }
}
