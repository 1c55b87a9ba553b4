import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Clock } from '../core/index.js';
import { ArmorlakeError } from '../core/index.js';
import type { QueryService } from '../query/index.js';
import { clientGone } from './client-gone.js';
import type { Metrics } from './metrics.js';
import type { HostPaths } from './host-paths.js';
import type { NodeFigures, NodeView } from './ports.js';
import { JSON_TYPE, answers } from './openapi.js';
import { jsonSchemaOf, parseBody } from './schemas.js';
import type { TokenStore } from './tokens.js';
import { roles } from './tokens.js';

const health = z.object({ status: z.literal('ok') });
const readiness = z.object({ status: z.literal('ready') });
const status = z.looseObject({ node: z.string(), version: z.string(), ready: z.boolean() });
const catalogColumn = z.object({
  name: z.string(),
  type: z.string(),
  description: z.string(),
  source: z.string().optional().describe("The sender's own name of the field"),
});
const catalogTable = z.object({
  name: z.string(),
  kind: z.string().describe('event, history, state or view'),
  description: z.string(),
  columns: z.array(catalogColumn),
});
const catalog = z.object({ databases: z.array(z.object({ name: z.string(), tables: z.array(catalogTable) })) });

/** GET /healthz, /readyz, /metrics, /api/v1/status, /api/v1/catalog, /api/v1/openapi.json, DELETE /api/v1/nodes/:name */
export function nodeRoutes(
  app: FastifyInstance,
  node: NodeView,
  queries: QueryService,
  metrics: Metrics,
  paths: HostPaths,
): void {
  app.get(
    '/healthz',
    {
      config: { audience: 'anybody' },
      schema: { summary: 'The process answers', response: { 200: answers('It does', { [JSON_TYPE]: health }) } },
    },
    () => ({ status: 'ok' }),
  );
  app.get(
    '/readyz',
    {
      config: { audience: 'anybody' },
      schema: {
        summary: 'Lake open, migrated, listeners bound',
        response: { 200: answers('All is ready', { [JSON_TYPE]: readiness }) },
      },
    },
    ({ identity }) => {
      const reason = node.unready();
      if (reason === null) return { status: 'ready' };
      // Whoever sends no token learns that it isn't ready, and nothing else.
      throw identity.role === null
        ? new ArmorlakeError('NOT_READY', 'The node is not ready.')
        : new ArmorlakeError('NOT_READY', reason, { hint: 'Wait, or see the log of the node.' });
    },
  );
  app.get(
    '/metrics',
    {
      config: { audience: ['read'] },
      schema: {
        summary: 'Figures in Prometheus’ form',
        response: { 200: answers('Them', { 'text/plain': z.string() }) },
      },
    },
    async (_request, reply) => {
      const figures = await node.figures(clientGone(reply));
      return reply.type(metrics.contentType).send(await metrics.text(figures, queries));
    },
  );
  app.get(
    '/api/v1/status',
    {
      config: { audience: ['read'] },
      schema: { summary: 'How the node is', response: { 200: answers('Its parts', { [JSON_TYPE]: status }) } },
    },
    async ({ identity }, reply) => {
      const figures = await node.figures(clientGone(reply));
      const shown = paths.value(figures, identity) as NodeFigures;
      return { node: node.name, version: node.version, ready: node.unready() === null, ...shown };
    },
  );
  app.get(
    '/api/v1/catalog',
    {
      config: { audience: ['read'] },
      schema: {
        summary: 'Databases, their tables and columns',
        response: { 200: answers('Them', { [JSON_TYPE]: catalog }) },
      },
    },
    async (_request, reply) => {
      return queries.catalog(clientGone(reply));
    },
  );
  app.delete<{ Params: { name: string } }>(
    '/api/v1/nodes/:name',
    {
      config: { audience: [] },
      schema: {
        summary: 'No longer expect a node; one that is up is sent away',
        response: { 204: { description: 'It is forgotten' } },
      },
    },
    async (request, reply) => {
      await node.forget(request.params.name, clientGone(reply));
      return reply.code(204).send();
    },
  );
  app.get(
    '/api/v1/openapi.json',
    { config: { audience: ['read', 'intake'] }, schema: { summary: 'This document' } },
    () => app.swagger(),
  );
}

const newToken = z.strictObject({ name: z.string(), role: z.enum(roles) });
const tokenInfo = newToken.extend({ created: z.string() });

/** GET and POST /api/v1/tokens, DELETE /api/v1/tokens/:name: for admins. */
export function tokenRoutes(app: FastifyInstance, tokens: TokenStore, clock: Clock): void {
  app.get(
    '/api/v1/tokens',
    {
      config: { audience: [] },
      schema: {
        summary: 'The tokens there are',
        response: { 200: answers('Them', { [JSON_TYPE]: z.object({ tokens: z.array(tokenInfo) }) }) },
      },
    },
    () => ({ tokens: tokens.list() }),
  );
  app.post(
    '/api/v1/tokens',
    {
      config: { audience: [] },
      schema: {
        summary: 'Make a token; it is shown only now',
        body: jsonSchemaOf(newToken),
        response: { 201: answers('It', { [JSON_TYPE]: newToken.extend({ token: z.string() }) }) },
      },
    },
    (request, reply) => {
      const { name, role } = parseBody(newToken, request.body);
      void reply.code(201);
      return { name, role, token: tokens.create(name, role, new Date(clock.wallMs())) };
    },
  );
  app.delete<{ Params: { name: string } }>(
    '/api/v1/tokens/:name',
    {
      config: { audience: [] },
      schema: { summary: 'Take a token away', response: { 204: { description: 'It is gone' } } },
    },
    (request, reply) => {
      tokens.revoke(request.params.name);
      return reply.code(204).send();
    },
  );
}
