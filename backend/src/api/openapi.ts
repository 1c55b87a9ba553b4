import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ERROR_STATUS } from '../core/index.js';
import { jsonSchemaOf } from './schemas.js';

export const JSON_TYPE = 'application/json';

/** What a route answers, by content type, in the form the OpenAPI document takes. */
export function answers(
  description: string,
  contents: Readonly<Record<string, z.ZodType>>,
): Readonly<Record<string, unknown>> {
  const content = Object.entries(contents).map(([type, schema]) => [type, { schema: jsonSchemaOf(schema) }] as const);
  return { description, content: Object.fromEntries(content) };
}

const codes = Object.entries(ERROR_STATUS).map(([code, status]) => `${status} ${code}`);

const failure = z.object({
  error: z.object({
    code: z.string().describe(`One of ${codes.join(', ')}`),
    message: z.string().describe('What happened and where'),
    hint: z.string().optional().describe('What to do'),
    position: z.number().int().optional().describe('Character of the SQL, counted from 0'),
    node: z.string().optional().describe('The node that failed'),
  }),
  coverage: z.looseObject({}).optional().describe('With PARTIAL_RESULT: who did not answer'),
});

/** Adds to every route that comes after this what it answers when it fails. */
export function describeFailures(app: FastifyInstance): void {
  const failed = answers('Any failure, with its own status', { [JSON_TYPE]: failure });
  app.addHook('onRoute', (route) => {
    const known = route.schema?.response;
    route.schema = { ...route.schema, response: { ...(known instanceof Object ? known : {}), default: failed } };
  });
}
