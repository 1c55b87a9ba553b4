import { z } from 'zod';
import { ArmorlakeError, messageOf } from '../core/index.js';
import type { CallHandlers } from '../engine/index.js';
import type { LakeStore } from './store.js';

const ledgerDelta = z.object({
  connector: z.string(),
  stream: z.string(),
  received: z.number(),
  stored: z.number(),
  deadLettered: z.number(),
  dropped: z.number(),
  reason: z.string().nullable(),
});

const gap = z.object({
  connector: z.string(),
  stream: z.string(),
  fromMicros: z.number(),
  toMicros: z.number(),
  cause: z.string(),
  estimated: z.number().nullable(),
});

const appendParameters = z.object({
  batch: z.number().int().positive(),
  ledger: z.array(ledgerDelta).default([]),
  gaps: z.array(gap).default([]),
});

const jsonRows = z.array(z.record(z.string(), z.unknown()));

/** The lake's part of the engine's methods: info, metadata, append, state, queries, metrics, clock, maintain. */
export function lakeHandlers(store: LakeStore): CallHandlers {
  return {
    info: () => store.info(),
    metadata: () => store.metadata(),
    append: (parameters, { bulk }) => {
      const { batch, ledger, gaps } = parse(appendParameters, parameters);
      return store.append(batch, bulk, { ledger, gaps });
    },
    state: (parameters) => store.replaceState(parse(z.record(z.string(), jsonRows), parameters)),
    clock: (parameters) => {
      store.hubSays(parse(z.object({ hubMs: z.number() }), parameters).hubMs);
      return Promise.resolve(null);
    },
    maintain: () => store.maintain(),
    queries: (parameters) => store.appendQueries(parse(z.object({ rows: jsonRows }), parameters).rows),
    metrics: (parameters) => store.appendMetrics(parse(z.object({ rows: jsonRows }), parameters).rows),
  };
}

function parse<Type>(schema: z.ZodType<Type>, value: unknown): Type {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ArmorlakeError('BAD_REQUEST', `A call to the lake engine is malformed: ${messageOf(parsed.error)}`);
}
