import { z } from 'zod';
import type { Clock } from '../../core/index.js';
import { ArmorlakeError, messageOf, systemClock } from '../../core/index.js';
import type { CallHandlers } from '../types.js';
import { catalogOf } from './catalog.js';
import { ConnectionPool } from './connection-pool.js';
import { runFragments } from './fragments.js';
import type { LakeReader } from './lake-reader.js';
import { QueryRunner } from './query.js';
import type { QueryTable } from './sources.js';
import { committed, tail } from './tail.js';

export interface QueryHandlersOptions {
  readonly lake: LakeReader;
  /** Queries, tails and analyses at the same time; each takes one of libuv's threads while it runs. */
  readonly connections: number;
  readonly tables: readonly QueryTable[];
  /** Where the files of armorlake.archive are; null when there are none. */
  readonly archiveFolder: string | null;
  readonly clock?: Clock;
}

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const parameter = z.union([scalar, z.array(scalar)]);
const parameters = z.union([z.array(parameter), z.record(z.string(), parameter)]);
const micros = z
  .string()
  .regex(/^-?\d+$/)
  .transform((text) => BigInt(text))
  .nullable();

const limits = z.object({
  rows: z.number().int().nonnegative(),
  bytes: z.number().int().nonnegative(),
  timeoutMs: z.number().positive(),
});

const queryCall = z.object({
  queryId: z.string(),
  sql: z.string(),
  params: parameters.default([]),
  /** µs since 1970, as text: they don't fit JavaScript's numbers. */
  timeRange: z.object({ from: micros, to: micros }).default({ from: null, to: null }),
  limits,
  format: z.enum(['json', 'arrow']).default('json'),
});

const fragmentsCall = z.object({
  queryId: z.string(),
  fragments: z
    .array(z.object({ name: z.string(), sql: z.string() }))
    .min(1)
    .max(64),
  timeRange: z.object({ from: micros, to: micros }).default({ from: null, to: null }),
  expects: z
    .array(z.object({ table: z.string(), columns: z.array(z.object({ name: z.string(), type: z.string() })) }))
    .default([]),
  budget: z.object({ rows: z.number().int().nonnegative(), bytes: z.number().int().nonnegative() }),
  timeoutMs: z.number().positive(),
  folder: z.string(),
});

const analyseCall = z.object({ queryId: z.string(), sql: z.string(), timeoutMs: z.number().positive() });

const committedCall = z.object({ afterSeq: z.number().int(), waitMs: z.number().nonnegative() });

const tailCall = z.object({
  queryId: z.string(),
  table: z.string(),
  filters: z.object({
    equal: z.record(z.string(), z.array(z.string())).default({}),
    match: z.record(z.string(), z.string()).default({}),
    labels: z.record(z.string(), z.string()).default({}),
    severity: z.number().nullable().default(null),
    where: z.string().nullable().default(null),
    params: parameters.default([]),
  }),
  afterSeq: z.number().int().nullable(),
  limits,
});

/** The engine's methods that read for other people: query, fragments, analyse, running, catalog, committed, tail. `close` before the database. */
export function queryHandlers(options: QueryHandlersOptions): {
  readonly handlers: CallHandlers;
  readonly close: () => void;
} {
  const { lake, tables, archiveFolder } = options;
  const pool = new ConnectionPool(lake, options.connections);
  const runner = new QueryRunner({ pool, tables, lake, archiveFolder, clock: options.clock ?? systemClock });
  const catalog = catalogOf(tables);
  return {
    handlers: {
      query: (given, context) => runner.run(parse(queryCall, given), context),
      analyse: (given, { signal }) => {
        const { queryId, sql, timeoutMs } = parse(analyseCall, given);
        return runner.describe(queryId, sql, timeoutMs, signal);
      },
      fragments: (given, { signal }) => runFragments(runner, parse(fragmentsCall, given), signal),
      running: () => Promise.resolve({ queryIds: runner.runs.running }),
      catalog: () => Promise.resolve(catalog),
      committed: (given, { signal }) => committed(lake, parse(committedCall, given), signal),
      tail: (given, context) => tail(runner, lake, parse(tailCall, given), context),
    },
    close: () => pool.close(),
  };
}

function parse<Type>(schema: z.ZodType<Type>, value: unknown): Type {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ArmorlakeError('BAD_REQUEST', `A query to the engine is malformed: ${messageOf(parsed.error)}`);
}
