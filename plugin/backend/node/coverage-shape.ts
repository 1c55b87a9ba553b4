import { z } from 'zod';

/** `coverage` as a node's door sends it with answers and errors; what an older node leaves out has its neutral value. */
export const coverageShape = z.object({
  complete: z.boolean(),
  expected: z.number(),
  asked: z.number(),
  answered: z.number(),
  failed: z.number(),
  pruned: z.number(),
  nodes: z.array(
    z.object({
      name: z.string(),
      status: z.enum(['answered', 'failed', 'pruned']),
      code: z.string().nullable().default(null),
      message: z.string().nullable().default(null),
      rows: z.number().nullable().default(null),
      bytes: z.number().nullable().default(null),
      ms: z.number().nullable().default(null),
    }),
  ),
  gaps: z
    .object({
      nodes: z.number(),
      minutes: z.number(),
      worst: z.array(
        z.object({
          node: z.string(),
          cause: z.string(),
          minutes: z.number(),
          estimated: z.number().nullable().optional(),
        }),
      ),
    })
    .default({ nodes: 0, minutes: 0, worst: [] }),
  retention: z.object({ nodesShort: z.number(), from: z.string().nullable() }).default({ nodesShort: 0, from: null }),
});
