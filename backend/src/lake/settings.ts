import { join } from 'node:path';
import type { Limits, NodeConfig } from '../config/index.js';
import { SPARE_SLOTS } from '../config/index.js';
import type { LogLevel } from '../core/index.js';
import type { EngineProcessSettings } from '../engine/index.js';
import type { RetentionGroup } from './schema.js';

/** How long hot rows are kept, by their arrival, and how much room they take. */
export interface RetentionSettings {
  readonly logsMs: number;
  readonly alertsMs: number;
  readonly ledgerMs: number;
  /** Most bytes of each group; null: its share of the total, when that is exceeded. */
  readonly groupBytes: Readonly<Record<RetentionGroup, number | null>>;
  /** All groups together; null: the smaller of 2 GiB and 10 % of the disk. */
  readonly totalBytes: number | null;
}

export interface ArchiveSettings {
  readonly folder: string;
  /** Counted from when a file was written, that is from the end of its rows' time in the lake file; null: never by age. */
  readonly ageMs: number | null;
  /** All files together; null: never by size. */
  readonly bytes: number | null;
}

/** What the lake engine is told at its start; sizes in bytes. */
export interface LakeSettings {
  /** Name of this node, written into every row. */
  readonly node: string;
  readonly dataFolder: string;
  /** For the engine's temporary files. */
  readonly temporaryFolder: string;
  /** Expired rows go there as Parquet before they are deleted; null: they are just deleted. */
  readonly archive: ArchiveSettings | null;
  readonly logLevel: LogLevel;
  readonly threads: number;
  readonly memoryLimitBytes: number;
  /** What sorts and joins may spill to disk; 0: nothing. */
  readonly spillBytes: number;
  /** The WAL's size at which a checkpoint is made. */
  readonly checkpointWalBytes: number;
  /** Always left free on the disk. */
  readonly minFreeBytes: number;
  readonly retention: RetentionSettings;
  /** Retention, archive and compaction run so often. */
  readonly maintainEveryMs: number;
  /** Queries that run at once, at most. */
  readonly queries: number;
}

/** The lake of a configured node. */
export function lakeSettings(config: NodeConfig): LakeSettings {
  const { archive, retention, limits } = config;
  return {
    node: config.name,
    dataFolder: config.data,
    temporaryFolder: join(config.data, 'tmp'),
    archive: archive === null ? null : { folder: archive.dir, ageMs: archive.ageMs, bytes: archive.bytes },
    logLevel: config.logLevel,
    threads: limits.engine.threads,
    memoryLimitBytes: limits.engine.memoryBytes,
    spillBytes: limits.engine.spillBytes,
    checkpointWalBytes: limits.engine.checkpointBytes,
    minFreeBytes: retention.freeBytes,
    retention: {
      logsMs: retention.logsMs,
      alertsMs: retention.alertsMs,
      ledgerMs: retention.ledgerMs,
      groupBytes: retention.groupBytes,
      totalBytes: retention.totalBytes,
    },
    maintainEveryMs: limits.engine.maintainMs,
    queries: limits.query.concurrency + SPARE_SLOTS,
  };
}

/** Threads of libuv's pool that ingest, checkpoints and maintenance always find free. */
const OWN_THREADS = 4;
const EDGE_NICENESS = 5;

/** Of what an engine's process may take besides DuckDB's own limit, the part for its JavaScript: half, DuckDB needs the rest. */
const heapShare = 0.5;
/** With less it can't start, whatever the limits say. */
const LEAST_HEAP_BYTES = 64 * 2 ** 20;

/** Memory and threads of an engine's process; `ownThreads`: of libuv's pool, besides those of queries. */
export function engineRoom({ engine, query }: Limits, ownThreads: number): Omit<EngineProcessSettings, 'entry'> {
  return {
    dataLimitBytes: engine.dataBytes,
    heapBytes: Math.max(LEAST_HEAP_BYTES, (engine.dataBytes - engine.memoryBytes) * heapShare),
    poolThreads: query.concurrency + SPARE_SLOTS + ownThreads,
    threads: engine.threads,
  };
}

/** The lake engine's process for a configured node; `entry` is the built engine-main.js. */
export function lakeProcess(config: NodeConfig, entry: string): EngineProcessSettings {
  const own = { entry, ...engineRoom(config.limits, OWN_THREADS) };
  // On a small host its workloads go first.
  return config.profile === 'edge' ? { ...own, niceness: EDGE_NICENESS } : own;
}
