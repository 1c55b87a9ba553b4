import { spawn } from 'node:child_process';
import type { ChildProcess, SpawnOptions } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { getPriority, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';

/** How an engine process is started. */
export interface EngineProcessSettings {
  /** The engine's entry, an absolute path to JavaScript. */
  readonly entry: string;
  /** Options of node itself, before the entry. */
  readonly nodeArguments?: readonly string[];
  /** Data segment (`ulimit -d`): what native code may allocate, in bytes; null for no limit. Held on Linux only. */
  readonly dataLimitBytes: number | null;
  /** How much other processes go before it: 0 as any, up to 19. */
  readonly niceness?: number;
  /** Threads of libuv's pool: queries at the same time, and some for ingest. */
  readonly poolThreads: number;
  /** DuckDB's own threads. */
  readonly threads: number;
  /** What the engine's JavaScript may have on its heap; null for what Node.js takes by itself. */
  readonly heapBytes?: number | null;
}

/**
 * Linux counts as data what an allocator keeps mapped, in use or not: what a query has freed has to be unmapped, or the
 * next one finds the limit used up. jemalloc is what DuckDB's buffers come from, the rest is glibc's.
 */
const allocators = {
  DUCKDB_JE_MALLOC_CONF: 'retain:false,muzzy_decay_ms:0',
  // Each thread would have an arena of its own, which only ever grows: 170 MiB after some large queries, 20 with two.
  MALLOC_ARENA_MAX: '2',
} as const;

/** Of V8, for garbage collection. */
const V8_THREADS = 4;
/** Of Node.js and V8 besides: signals, delayed tasks. */
const OTHER_THREADS = 2;

/** The longest path a Unix socket can have on Linux is 107 bytes, on macOS 103. */
const SOCKET_PATH_BYTES = 103;

/** A folder of our own (0700) for the engine's socket: below `parent`, or below the system's when the path is too long. */
export class SocketFolder {
  readonly path: string;

  constructor(parent: string) {
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    // mkdtemp adds six characters; then "/engine.sock".
    const fits = Buffer.byteLength(join(parent, 'engine-XXXXXX', 'engine.sock')) <= SOCKET_PATH_BYTES;
    this.path = mkdtempSync(join(fits ? parent : tmpdir(), fits ? 'engine-' : 'armorlake-'));
    chmodSync(this.path, 0o700);
  }

  get socketPath(): string {
    return join(this.path, 'engine.sock');
  }

  close(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** What an engine finds in its environment. */
export const SOCKET_VARIABLE = 'ARMORLAKE_ENGINE_SOCKET';
export const GENERATION_VARIABLE = 'ARMORLAKE_ENGINE_GENERATION';

/** Starts the process; it becomes node itself (`exec`), so that its pid is the engine's. */
export function launchEngine(settings: EngineProcessSettings, socketPath: string, generation: number): ChildProcess {
  const { heapBytes = null, nodeArguments = [] } = settings;
  const heap = heapBytes === null ? [] : [`--max-old-space-size=${Math.floor(heapBytes / 2 ** 20)}`];
  const workers = `--v8-pool-size=${v8Threads(settings)}`;
  const command: [string, ...string[]] = [process.execPath, workers, ...heap, ...nodeArguments, settings.entry];
  const environment = {
    ...allocators,
    ...process.env,
    UV_THREADPOOL_SIZE: String(settings.poolThreads),
    [SOCKET_VARIABLE]: socketPath,
    [GENERATION_VARIABLE]: String(generation),
  };
  // Standard error goes where ours goes: the engine logs in the same form.
  const options: SpawnOptions = { env: environment, stdio: ['ignore', 'ignore', 'inherit'] };
  const child = spawnLimited(settings, command, options);
  if (settings.niceness !== undefined && child.pid !== undefined) {
    // Only root may take niceness away from a process that was started with more of it.
    setPriority(child.pid, Math.max(settings.niceness, getPriority()));
  }
  return child;
}

/**
 * Bytes that this Node.js keeps for compiled code from its start: 512 MiB from version 24 on, which Linux counts as data
 * although nothing else can be put there (proc_pid_maps(5): `rwxp`). A worker thread has a range of its own.
 */
export function codeRangeBytes(): number {
  const maps = readFileSync('/proc/self/maps', 'latin1');
  const sizes = [...maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) rwxp/gm)].map(
    ([, from = '0', to = '0']) => parseInt(to, 16) - parseInt(from, 16),
  );
  return Math.max(0, ...sizes);
}

function v8Threads({ threads }: EngineProcessSettings): number {
  return Math.min(V8_THREADS, threads);
}

/**
 * What Linux counts as data of this engine although hardly any of it is ever touched: the range for compiled code, and
 * the stacks of its threads, which are mapped whole.
 */
export function untouchedBytes(settings: EngineProcessSettings): number {
  const soft = /^Max stack size\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
  const threads = settings.poolThreads + settings.threads + v8Threads(settings) + OTHER_THREADS;
  return codeRangeBytes() + threads * Number(soft ?? UNLIMITED_STACK_BYTES);
}

/** glibc's and libuv's, where there is no limit. */
const UNLIMITED_STACK_BYTES = 2 ** 21;

function spawnLimited(
  settings: EngineProcessSettings,
  command: readonly [string, ...string[]],
  options: SpawnOptions,
): ChildProcess {
  if (settings.dataLimitBytes === null || process.platform !== 'linux') {
    const [node, ...rest] = command;
    return spawn(node, rest, options);
  }
  const kibibytes = Math.ceil((settings.dataLimitBytes + untouchedBytes(settings)) / 1024);
  return spawn('/bin/sh', ['-c', 'ulimit -d "$0" && exec "$@"', String(kibibytes), ...command], options);
}
