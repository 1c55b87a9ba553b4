import { z } from 'zod';
import { filterOperators } from '../shared/index.js';
import type { ExplainRequest, TailRequest, ValuesRequest } from '../shared/index.js';
import { parseModel } from '../shared/index.js';
import { PluginError } from './errors.js';
import type { Settings } from './settings.js';

const filter = z.object({
  column: z.string(),
  key: z.string().exactOptional(),
  operator: z.enum(filterOperators),
  values: z.array(z.string()),
});

const scope = z.object({
  clusters: z.array(z.string()),
  nodes: z.array(z.string()),
  labels: z.record(z.string(), z.array(z.string())),
});

const valuesRequest = z.object({
  table: z.string(),
  column: z.string(),
  key: z.string().exactOptional(),
  filters: z.array(filter),
  scope,
  search: z.string().exactOptional(),
  limit: z.number(),
  fromMs: z.number(),
  toMs: z.number(),
});

const explainRequest = z.object({
  query: z.unknown(),
  context: z.object({
    fromMs: z.number(),
    toMs: z.number(),
    intervalMs: z.number(),
    maxDataPoints: z.number(),
  }),
});

const tailRequest = z.object({
  table: z.string(),
  filters: z.array(filter),
  adHocFilters: z.array(z.object({ key: z.string(), operator: z.string(), values: z.array(z.string()) })),
});

/** @throws PluginError BAD_REQUEST */
export function parseValuesRequest(value: unknown): ValuesRequest {
  return parsed(valuesRequest, value, 'A look-up of values');
}

/** @throws PluginError BAD_REQUEST; QueryError for a query of a newer version. */
export function parseExplainRequest(
  value: unknown,
  { defaultTable, rowLimit }: Pick<Settings, 'defaultTable' | 'rowLimit'>,
): ExplainRequest {
  const { query, context } = parsed(explainRequest, value, 'A question how a query would be answered');
  return { query: parseModel(query, defaultTable, rowLimit), context };
}

/** @throws PluginError BAD_REQUEST */
export function parseTailRequest(value: unknown): TailRequest {
  return parsed(tailRequest, value, 'A live tail');
}

/** @throws PluginError BAD_REQUEST */
export function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString());
  } catch (thrown) {
    throw new PluginError('BAD_REQUEST', 'The body of the request is no JSON.', { cause: thrown });
  }
}

function parsed<Value>(schema: z.ZodType<Value>, value: unknown, what: string): Value {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new PluginError(
    'BAD_REQUEST',
    `${what} is not as this version knows it: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}.`,
    { hint: 'Reload the page: it may come from another version of the plugin.' },
  );
}
