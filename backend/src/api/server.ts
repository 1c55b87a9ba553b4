import swagger from '@fastify/swagger';
import { fastify } from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock, Logger } from '../core/index.js';
import { ArmorlakeError, hasErrno, messageOf, printable } from '../core/index.js';
import type { QueryService } from '../query/index.js';
import { Access, refuseExposed } from './access.js';
import { NOBODY, guardDoor } from './door.js';
import { sendError } from './errors.js';
import { HostPaths } from './host-paths.js';
import { HttpConnections } from './http-server.js';
import type { ServerTls } from './http-server.js';
import { intakeRoute } from './intake-route.js';
import type { Metrics } from './metrics.js';
import { nodeRoutes, tokenRoutes } from './node-routes.js';
import type { Intake, NodeView } from './ports.js';
import { describeFailures } from './openapi.js';
import { RefusalLog } from './refusal-log.js';
import { explainRoute, queryRoute } from './query-route.js';
import { tailRoute } from './tail-route.js';
import type { TailOptions } from './tail-route.js';
import type { TokenStore } from './tokens.js';

export interface ListenOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Listen beyond loopback without TLS or tokens. */
  readonly insecure: boolean;
  /** PEM files. */
  readonly tls: ServerTls | null;
}

export interface ApiOptions {
  readonly listen: ListenOptions;
  readonly node: NodeView;
  readonly queries: QueryService;
  readonly tails: Omit<TailOptions, 'logger' | 'patienceMs' | 'paths'>;
  readonly intake: Intake;
  readonly tokens: TokenStore;
  readonly metrics: Metrics;
  /** Bytes of one POST to an intake. */
  readonly intakeBodyBytes: number;
  /** So long a reader of a live tail, or a sender to an intake, that doesn't move is waited for; 30 s when undefined. */
  readonly patienceMs?: number;
  /** Folders of the node's own files: only admins are told of them. */
  readonly hostFolders: readonly string[];
  readonly logger: Logger;
  readonly clock: Clock;
}

/** JSON bodies, SQL and its parameters. */
const BODY_BYTES = 4 << 20;
const CLOSE_MS = 5000;
const PATIENCE_MS = 30_000;

/** The HTTP door, not yet listening: `inject()` works on it. */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const { listen, node, queries, intake, tokens, metrics, logger, clock, patienceMs = PATIENCE_MS } = options;
  const access = new Access({ tokens, host: listen.host, insecure: listen.insecure });
  const paths = new HostPaths(options.hostFolders);
  const failed = (thrown: unknown, request: FastifyRequest, reply: FastifyReply): void =>
    sendError(thrown, request, reply, { logger, paths });
  const refusals = new RefusalLog(metrics, logger, clock);
  const connections = new HttpConnections((address) =>
    refusals.add({ address, reason: 'connections', route: 'none', audience: 'anybody' }),
  );
  const app = fastify({
    // Requests are counted in /metrics; what goes wrong is logged by the error handler.
    logger: false,
    bodyLimit: BODY_BYTES,
    forceCloseConnections: true,
    serverFactory: (handler) => connections.createServer(listen.tls, handler),
    // What fails before a route is found, and before there is a request at all.
    frameworkErrors: (thrown, request, reply) => {
      request.identity = NOBODY;
      failed(thrown, request, reply);
    },
    clientErrorHandler: (thrown, socket) => connections.answerBroken(thrown, socket),
  });
  // Bodies are parsed by zod, which also makes the document's schemas.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  app.setErrorHandler(failed);
  app.setNotFoundHandler(({ method, url }) => {
    const [path = ''] = url.split('?');
    throw new ArmorlakeError('NOT_FOUND', `There is no ${method} ${printable(path.slice(0, 200))}.`, {
      hint: 'GET /api/v1/openapi.json lists what there is.',
    });
  });
  guardDoor(app, access, refusals);
  app.addHook('onResponse', async (request, reply) => {
    metrics.onRequest(request.routeOptions.url ?? 'unknown', reply.statusCode);
  });
  describeFailures(app);
  await app.register(swagger, {
    openapi: {
      info: { title: 'Armorlake', version: node.version, description: 'KubeArmor events of this node, by SQL.' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
      security: [{ token: [] }],
    },
  });
  await app.register(async (routes) => {
    nodeRoutes(routes, node, queries, metrics, paths);
    tokenRoutes(routes, tokens, clock);
    queryRoute(routes, queries, paths);
    explainRoute(routes, queries);
    tailRoute(routes, { ...options.tails, patienceMs, paths, logger });
    await intakeRoute(routes, intake, { mostBytes: options.intakeBodyBytes, patienceMs, clock });
  });
  await app.ready();
  return app;
}

/** The listening door of a node. */
export interface Api {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Creates the door and binds it.
 * @throws ArmorlakeError BAD_CONFIG when it would be open to anybody, CONFLICT when the port is taken.
 */
export async function startApi(options: ApiOptions): Promise<Api> {
  const { host, port, insecure, tls } = options.listen;
  refuseExposed(host, tls !== null, options.tokens.size, insecure);
  const app = await createApi(options);
  try {
    await app.listen({ host, port });
  } catch (thrown) {
    await app.close();
    throw listenError(thrown, host, port);
  }
  const address = app.server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  const name = host.includes(':') ? `[${host}]` : host;
  return {
    url: `${tls === null ? 'http' : 'https'}://${name}:${bound}`,
    close: async () => {
      const force = setTimeout(() => app.server.closeAllConnections(), CLOSE_MS);
      await app.close();
      clearTimeout(force);
    },
  };
}

function listenError(thrown: unknown, host: string, port: number): ArmorlakeError {
  if (hasErrno(thrown, 'EADDRINUSE')) {
    return new ArmorlakeError('CONFLICT', `${host}:${port} is in use.`, {
      hint: 'Choose another with --http HOST:PORT; port 0 takes a free one.',
      cause: thrown,
    });
  }
  return new ArmorlakeError('BAD_CONFIG', `Can't listen on ${host}:${port}: ${messageOf(thrown)}`, { cause: thrown });
}
