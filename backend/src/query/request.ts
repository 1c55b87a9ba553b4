import { z } from 'zod';
import { ArmorlakeError } from '../core/index.js';

/** ISO 8601 to the µs, UTC when it names no zone; `bigint` µs since 1970. Undefined for anything else. */
export function parseTime(text: string): bigint | undefined {
  const parts = /^([+-]?\d{4,6}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d)?(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?$/.exec(
    text.trim(),
  );
  if (parts === null) return undefined;
  const [, date = '', minutes = '00:00', seconds = ':00', fraction = '', zone = 'Z'] = parts;
  const milliseconds = Date.parse(`${date}T${minutes}${seconds}${zone}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6));
}

/** As far as Date reaches on both sides of 1970, ms; timestamps reach further. */
const MOST_MS = 8.64e15;

function microsOf(ms: number): bigint | undefined {
  return Math.abs(ms) <= MOST_MS ? BigInt(Math.round(ms * 1000)) : undefined;
}

const time = z
  .union([z.string(), z.number()])
  .transform((given, context): bigint => {
    const micros = typeof given === 'number' ? microsOf(given) : parseTime(given);
    if (micros !== undefined) return micros;
    context.addIssue({ code: 'custom', message: 'must be ISO 8601, as 2026-01-31T12:00:00Z, or ms since 1970' });
    return z.NEVER;
  })
  .nullable();

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const parameter = z.union([scalar, z.array(scalar)]);

/** The body of POST /api/v1/query. */
export const queryRequest = z.strictObject({
  sql: z.string().describe('One SELECT, in DuckDB’s SQL'),
  params: z
    .union([z.array(parameter).max(10_000), z.record(z.string(), parameter)])
    .default([])
    .describe('Values of $1, $2, … (a list) or of $name (an object); large integers and times as text'),
  timeRange: z
    .strictObject({ from: time.default(null), to: time.default(null) })
    .default({ from: null, to: null })
    .describe('from <= time < to on every event table read'),
  limits: z
    .strictObject({
      rows: z.number().int().min(0).optional(),
      bytes: z.number().int().min(1).optional(),
      timeoutMs: z.number().min(1).optional(),
    })
    .default({}),
  partial: z.enum(['warn', 'fail', 'ignore']).default('warn').describe('What a failed node means'),
  nodes: z
    .strictObject({
      names: z.array(z.string()).max(10_000).optional(),
      clusters: z.array(z.string()).max(10_000).optional(),
      labels: z.record(z.string(), z.array(z.string()).max(10_000)).optional(),
    })
    .default({})
    .describe('Only these nodes are expected to answer'),
  perNode: z.boolean().default(false).describe('Run the whole query on each node and concatenate'),
  origin: z
    .strictObject({ user: z.string().optional(), dashboard: z.string().optional(), panel: z.string().optional() })
    .optional()
    .describe('Kept in armorlake.queries'),
});

export type QueryRequest = z.output<typeof queryRequest>;
export type NodeSelection = QueryRequest['nodes'];

/** Values of all lists among the parameters: a query node's planner died of 100,000. */
const MOST_VALUES = 50_000;

/** @throws ArmorlakeError LIMIT_EXCEEDED for more values than a query node can plan with. */
export function refuseLongLists(params: QueryRequest['params']): void {
  const values = Object.values(params).reduce<number>((sum, each) => sum + (Array.isArray(each) ? each.length : 1), 0);
  if (values <= MOST_VALUES) return;
  throw new ArmorlakeError('LIMIT_EXCEEDED', `The parameters hold ${values} values, where ${MOST_VALUES} may be.`, {
    hint: 'Ask in several queries.',
  });
}
