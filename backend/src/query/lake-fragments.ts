import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ArmorlakeError, untilAborted } from '../core/index.js';
import type { FragmentsAnswer } from '../engine/index.js';
import { completeFacts } from '../engine/index.js';
import { callerNamed } from './caller.js';
import { answerTail } from './federate/network-tails.js';
import type { GuardedEngine } from './guarded-engine.js';
import type { QueryLoad } from './query-load.js';
import type { LakeTails } from './tails.js';
import type { NodeFacts, Scatter, ScatterRequest } from './scatter.js';
import { asked } from './strikes.js';

/** Pieces in which a fragment's file is handed over. */
const CHUNK_BYTES = 256 * 1024;

/** Who has so much more time than a run that goes on takes its answer all the same: panels are asked one after another. */
const SOON_MS = 2000;

/** Ends of a run that come of who began it: its time, its turn, its strikes. */
const THEIRS: ReadonlySet<string> = new Set(['DEADLINE', 'BUSY', 'FORBIDDEN', 'NOT_ALLOWED']);

/** One run in the engine, shared by all who ask the same at the same time. */
interface SharedRun {
  readonly answer: Promise<FragmentsAnswer & { readonly slowed: boolean }>;
  readonly folder: string;
  readonly stop: AbortController;
  /** When its time is over, by the clock of `performance`. */
  readonly endMs: number;
  askers: number;
}

/** Runs fragments on this node's lake and hands their files over; identical ones asked at the same time run once. */
export class LakeFragments {
  readonly #engine: GuardedEngine;
  readonly #folder: string;
  readonly #load: QueryLoad;
  readonly #tails: LakeTails;
  readonly #running = new Map<string, SharedRun>();

  /** @param folder where the engine may write; each run has a folder of its own below it. */
  constructor(engine: GuardedEngine, folder: string, load: QueryLoad, tails: LakeTails) {
    this.#engine = engine;
    this.#folder = folder;
    this.#load = load;
    this.#tails = tails;
  }

  /**
   * Runs all fragments in one read transaction and gives each one's Parquet file, in their order, piece by piece.
   * @throws ArmorlakeError of containment and execution, LIMIT_EXCEEDED over the budget, CANCELLED, DEADLINE.
   */
  async run(
    request: ScatterRequest,
    emit: { chunk(fragment: string, bytes: Uint8Array): Promise<void> },
    signal: AbortSignal,
  ): Promise<NodeFacts> {
    if (request.tail !== null) {
      const started = performance.now();
      const sent = await answerTail(this.#tails, request, emit, signal);
      return { ...sent, ms: performance.now() - started, slowed: false, facts: completeFacts, missingColumns: [] };
    }
    const key = JSON.stringify([request.fragments, request.timeRange, request.expects, request.budget]);
    const running = this.#running.get(key);
    // Somebody's short time is not everybody's.
    const joins = running !== undefined && running.endMs + SOON_MS >= performance.now() + request.timeoutMs;
    try {
      return await this.#take(key, joins ? running : this.#start(key, request), emit, signal);
    } catch (thrown) {
      // Nor is what was held against whoever began it.
      if (!joins || signal.aborted || !THEIRS.has(ArmorlakeError.from(thrown).code)) throw thrown;
      return await this.#take(key, this.#start(key, request), emit, signal);
    }
  }

  async #take(
    key: string,
    shared: SharedRun,
    emit: { chunk(fragment: string, bytes: Uint8Array): Promise<void> },
    signal: AbortSignal,
  ): Promise<NodeFacts> {
    shared.askers++;
    try {
      const answer = await untilAborted(shared.answer, signal);
      for (const file of answer.files) await handOver(file, emit, signal);
      const { files, facts, elapsedMs, slowed, missingColumns } = answer;
      return { rows: sum(files, 'rows'), bytes: sum(files, 'bytes'), ms: elapsedMs, slowed, facts, missingColumns };
    } finally {
      shared.askers--;
      if (shared.askers === 0) await this.#end(key, shared);
    }
  }

  #start(key: string, request: ScatterRequest): SharedRun {
    const stop = new AbortController();
    const folder = join(this.#folder, `fragments-${randomUUID()}`);
    const answer = this.#ask(request, folder, stop.signal);
    // Those who wait see it; a run that everybody left has no reader.
    answer.catch(() => undefined);
    const endMs = performance.now() + request.timeoutMs;
    const shared: SharedRun = { answer, folder, stop, endMs, askers: 0 };
    this.#running.set(key, shared);
    return shared;
  }

  async #ask(
    request: ScatterRequest,
    folder: string,
    signal: AbortSignal,
  ): Promise<FragmentsAnswer & { readonly slowed: boolean }> {
    const slowed = await this.#load.admit(signal);
    const { queryId, fragments, timeRange, expects, budget, timeoutMs } = request;
    const id = `${queryId} on ${folder}`;
    const call = (leftMs: number): unknown => ({
      queryId: id,
      fragments,
      timeRange: { from: text(timeRange.fromMicros), to: text(timeRange.toMicros) },
      expects,
      budget,
      timeoutMs: leftMs,
      folder,
    });
    // Values are constants in it.
    const sql = fragments.map((fragment) => fragment.sql).join('; ');
    const statement = { id, asked: asked(sql, []), caller: callerNamed(request.who), timeoutMs };
    const answer = (await this.#engine.call('fragments', call, statement, signal)) as FragmentsAnswer;
    this.#load.spent(answer.elapsedMs);
    return { ...answer, slowed };
  }

  /** The last one is served, or gone. */
  async #end(key: string, shared: SharedRun): Promise<void> {
    if (this.#running.get(key) === shared) this.#running.delete(key);
    shared.stop.abort(new ArmorlakeError('CANCELLED', 'Nobody waits for the answer any more.'));
    await shared.answer.catch(() => undefined);
    await rm(shared.folder, { recursive: true, force: true });
  }
}

async function handOver(
  file: FragmentsAnswer['files'][number],
  emit: { chunk(fragment: string, bytes: Uint8Array): Promise<void> },
  signal: AbortSignal,
): Promise<void> {
  const handle = await open(file.path, 'r');
  try {
    for (let at = 0; at < file.bytes;) {
      signal.throwIfAborted();
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, file.bytes - at));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) throw new ArmorlakeError('INTERNAL', 'A fragment file ended early.');
      at += bytesRead;
      await emit.chunk(file.name, buffer.subarray(0, bytesRead));
    }
  } finally {
    await handle.close();
  }
}

function text(micros: number | null): string | null {
  return micros === null ? null : String(micros);
}

function sum(files: FragmentsAnswer['files'], key: 'rows' | 'bytes'): number {
  return files.reduce((total, file) => total + file[key], 0);
}

/** This node's own lake as the only node of a scatter. */
export function scatterToOwn(fragments: Pick<LakeFragments, 'run'>): Pick<Scatter, 'scatter'> {
  return {
    scatter: async (nodes, request, sink, signal) => {
      for (const name of nodes) {
        try {
          const chunk = (fragment: string, bytes: Uint8Array): Promise<void> => sink.chunk(name, fragment, bytes);
          sink.ended(name, { status: 'answered', facts: await fragments.run(request, { chunk }, signal) });
        } catch (thrown) {
          sink.ended(name, { status: 'failed', error: ArmorlakeError.from(thrown).toShape() });
        }
      }
    },
  };
}
