import { availableParallelism, totalmem } from 'node:os';
import type { Limits, ProfileName } from './types.js';

const MiB = 2 ** 20;

/** What node and DuckDB need besides DuckDB's own memory limit: 135 MB at rest, stacks and buffers under load. */
const SERVER_PROCESS_BYTES = 512 * MiB;
const EDGE_PROCESS_BYTES = 384 * MiB;

/** The answers' limits are part of the doors' contract: the same in every profile. */
const answers = {
  rows: 10_000,
  maxRows: 1_000_000,
  bytes: 64 * MiB,
  maxBytes: 256 * MiB,
  timeoutMs: 30_000,
  maxTimeoutMs: 300_000,
} as const;

/** Every limit of a profile; `edge` is for a small host beside its workloads, `server` for a machine that has room. */
export function profileLimits(profile: ProfileName): Limits {
  return profile === 'edge' ? edgeLimits() : serverLimits();
}

function edgeLimits(): Limits {
  const memoryBytes = 112 * MiB;
  return {
    ingest: { logsCommitMs: 2000, alertsCommitMs: 500, queueBytes: 8 * MiB, bodyBytes: 4 * MiB },
    engine: {
      memoryBytes,
      dataBytes: memoryBytes + EDGE_PROCESS_BYTES,
      threads: 1,
      spillBytes: 0,
      checkpointBytes: 16 * MiB,
      maintainMs: 300_000,
    },
    query: { concurrency: 2, waiting: 16, ...answers },
  };
}

/** Of queries at once: one more than is configured, for another caller than the one who holds all of these. */
export const SPARE_SLOTS = 1;

function serverLimits(): Limits {
  const memoryBytes = Math.min(1024 * MiB, Math.floor(totalmem() / 4));
  return {
    ingest: { logsCommitMs: 250, alertsCommitMs: 250, queueBytes: 64 * MiB, bodyBytes: 16 * MiB },
    engine: {
      memoryBytes,
      dataBytes: memoryBytes + SERVER_PROCESS_BYTES,
      threads: availableParallelism(),
      spillBytes: 2048 * MiB,
      checkpointBytes: 48 * MiB,
      maintainMs: 60_000,
    },
    query: { concurrency: Math.max(4, availableParallelism()), waiting: 64, ...answers },
  };
}
