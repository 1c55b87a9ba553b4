import { z } from 'zod';
import { ArmorlakeError } from '../core/index.js';

/** A zod schema as JSON Schema, for the OpenAPI document: what callers send. */
export function jsonSchemaOf(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _version, ...rest } = z.toJSONSchema(schema, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
  });
  return rest;
}

/**
 * A body in its type.
 * @throws ArmorlakeError BAD_REQUEST that names the first field that is wrong.
 */
export function parseBody<Type>(schema: z.ZodType<Type>, value: unknown): Type {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue === undefined || issue.path.length === 0 ? 'The request' : issue.path.join('.');
  throw new ArmorlakeError('BAD_REQUEST', `${path}: ${issue?.message ?? 'is malformed'}.`, {
    hint: 'GET /api/v1/openapi.json describes every field.',
  });
}
