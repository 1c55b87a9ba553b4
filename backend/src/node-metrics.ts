import type { Clock, Logger } from './core/index.js';
import { messageOf } from './core/index.js';
import type { EngineClient } from './engine/index.js';
import type { IngestFigures, LakeInfo } from './lake/index.js';
import type { ProcessUsage, ReadProcesses } from './node-processes.js';
import { readProcesses } from './node-processes.js';

/** What counts up from the node's start; a row has what came since the one before. */
interface Counters {
  readonly atMs: number;
  readonly usage: ProcessUsage | null;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly events: number;
  readonly engineRestarts: number;
}

export interface NodeMetricsOptions {
  readonly engine: EngineClient & { readonly pid: number | undefined; readonly restarts: number };
  readonly queue: { figures(): IngestFigures };
  /** Null: the node is alone. */
  readonly network: {
    readonly traffic: { readonly sentBytes: number; readonly receivedBytes: number };
    readonly mergePid: number | undefined;
    certificateExpiresMs(): number | null;
  } | null;
  readonly version: string;
  readonly profile: string;
  /** Always left free on the disk, bytes. */
  readonly keptFreeBytes: number;
  /** When the process began, by the clock's monotonic time: its processor time and bytes count from there. */
  readonly startedMs: number;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly readProcesses?: ReadProcesses;
  /** Milliseconds between two rows; 0: only `record` writes. */
  readonly everyMs?: number;
}

const EVERY_MS = 60_000;

/** Writes armorlake.node_metrics: a row at the start, one a minute, and one at the end. */
export class NodeMetrics {
  readonly #options: NodeMetricsOptions;
  readonly #read: ReadProcesses;
  readonly #timer: NodeJS.Timeout | undefined;
  /** As of the last row that was stored; what a row that could not be stored stood for is in the next one. */
  #before: Counters;
  #recording: Promise<void> = Promise.resolve();

  constructor(options: NodeMetricsOptions) {
    this.#options = options;
    this.#read = options.readProcesses ?? readProcesses;
    const usage = { cpuSeconds: 0, rssBytes: 0, writtenBytes: 0 };
    this.#before = { atMs: options.startedMs, usage, sentBytes: 0, receivedBytes: 0, events: 0, engineRestarts: 0 };
    const everyMs = options.everyMs ?? EVERY_MS;
    if (everyMs > 0) this.#timer = setInterval(() => void this.record(), everyMs);
  }

  /** Writes a row; resolves when it is committed or could not be written now. Never rejects. */
  record(): Promise<void> {
    this.#recording = this.#recording.then(() => this.#record());
    return this.#recording;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.record();
  }

  async #record(): Promise<void> {
    const { engine, logger } = this.#options;
    try {
      const info = (await engine.call('info', {})) as LakeInfo;
      const now = await this.#counters();
      await engine.call('metrics', { rows: [this.#row(info, now)] });
      this.#before = now;
    } catch (thrown) {
      // The engine restarts or the disk is full: the next minute tells of this one, too.
      logger.debug({ error: messageOf(thrown) }, 'How the node fares could not be written now.');
    }
  }

  async #counters(): Promise<Counters> {
    const { engine, queue, network, clock } = this.#options;
    const pids = [process.pid, engine.pid, network?.mergePid].filter((pid) => pid !== undefined);
    return {
      atMs: clock.monotonicMs(),
      usage: await this.#read(pids),
      sentBytes: network?.traffic.sentBytes ?? 0,
      receivedBytes: network?.traffic.receivedBytes ?? 0,
      events: queue.figures().committedRows,
      engineRestarts: engine.restarts,
    };
  }

  #row(info: LakeInfo, now: Counters): Readonly<Record<string, unknown>> {
    const { queue, network, clock, version, profile, keptFreeBytes } = this.#options;
    const before = this.#before;
    const expiresMs = network?.certificateExpiresMs() ?? null;
    return {
      time: Math.round(clock.wallMs() * 1000),
      version,
      profile,
      seconds: (now.atMs - before.atMs) / 1000,
      cpu_seconds: since(now, before, 'cpuSeconds'),
      rss_bytes: now.usage?.rssBytes ?? null,
      written_bytes: since(now, before, 'writtenBytes'),
      network_sent_bytes: now.sentBytes - before.sentBytes,
      network_received_bytes: now.receivedBytes - before.receivedBytes,
      ingest_lag_seconds: queue.figures().lagMs / 1000,
      events: now.events - before.events,
      engine_restarts: now.engineRestarts - before.engineRestarts,
      lake_bytes: info.hotBytes,
      wal_bytes: info.walBytes,
      archive_bytes: info.archiveBytes,
      disk_limit_bytes: info.limitBytes,
      disk_free_bytes: Math.max(0, info.diskFreeBytes - keptFreeBytes),
      certificate_expires: expiresMs === null ? null : expiresMs * 1000,
    };
  }
}

/** What was taken meanwhile; a process that ends between two readings of the sum may make it go back a little. */
function since(now: Counters, before: Counters, key: 'cpuSeconds' | 'writtenBytes'): number | null {
  if (now.usage === null || before.usage === null) return null;
  return Math.max(0, now.usage[key] - before.usage[key]);
}
