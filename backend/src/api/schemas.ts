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

/** Objects and lists of a body, with the fields of objects: checking each takes a schema some µs, in which nobody else is served. */
const MOST_FIELDS = 10_000;
/** Items of all lists. */
const MOST_ITEMS = 100_000;

/**
 * A body in its type.
 * @throws ArmorlakeError BAD_REQUEST that names the first field that is wrong, LIMIT_EXCEEDED for more fields than any
 * request has.
 */
export function parseBody<Type>(schema: z.ZodType<Type>, value: unknown): Type {
  refuseManyFields(value);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const path = issue === undefined || issue.path.length === 0 ? 'The request' : issue.path.join('.');
  throw new ArmorlakeError('BAD_REQUEST', `${path}: ${issue?.message ?? 'is malformed'}.`, {
    hint: 'GET /api/v1/openapi.json describes every field.',
  });
}

function refuseManyFields(body: unknown): void {
  let [fields, items] = [0, 0];
  const left = [body];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value !== 'object' || value === null) continue;
    const parts: readonly unknown[] = Object.values(value);
    fields += 1 + (Array.isArray(value) ? 0 : parts.length);
    items += Array.isArray(value) ? parts.length : 0;
    if (fields > MOST_FIELDS || items > MOST_ITEMS) {
      const most = `${MOST_FIELDS} fields, or ${MOST_ITEMS} items of lists`;
      throw new ArmorlakeError('LIMIT_EXCEEDED', `The request has more than ${most}.`, {
        hint: 'Pass many values as one list, or ask in several queries.',
      });
    }
    for (const part of parts) if (typeof part === 'object') left.push(part);
  }
}
