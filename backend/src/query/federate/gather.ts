import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ErrorShape } from '../../core/index.js';
import { ArmorlakeError } from '../../core/index.js';
import type { NodeOutcome, Scatter, ScatterRequest, ScatterSink } from '../scatter.js';

/** What all nodes together may ship for one query. */
export interface GatherBudget {
  readonly rows: number;
  readonly bytes: number;
}

/** Nodes that are asked the same. */
export interface AskedGroup {
  readonly nodes: readonly string[];
  readonly request: ScatterRequest;
}

/** What came of one node. */
export interface NodeResult {
  readonly node: string;
  readonly outcome: NodeOutcome;
  /** Its files by fragment name; only of nodes that answered. */
  readonly files: ReadonlyMap<string, string>;
}

/**
 * Asks all groups at the same time and keeps what they ship in `folder`, one Parquet file a node and fragment; the
 * caller removes it. The budget is of all groups together.
 * @throws ArmorlakeError LIMIT_EXCEEDED over the budget, CANCELLED.
 */
export async function gather(
  scatter: Pick<Scatter, 'scatter'>,
  groups: readonly AskedGroup[],
  budget: GatherBudget,
  folder: string,
  signal: AbortSignal,
): Promise<readonly NodeResult[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const shipped = new Shipped(budget);
  const gatherings = groups.map((group, place) => ({
    ...group,
    sink: new Gathering(group.request, shipped, join(folder, String(place))),
  }));
  try {
    const whole = AbortSignal.any([signal, shipped.stopped]);
    await settled(
      gatherings.map(async ({ nodes, request, sink }) => {
        await sink.begin();
        await scatter.scatter(nodes, request, sink, whole);
      }),
    );
    signal.throwIfAborted();
    if (shipped.fault !== null) throw shipped.fault;
    return (await settled(gatherings.map(({ sink }) => sink.finish()))).flat();
  } catch (thrown) {
    await Promise.all(gatherings.map(({ sink }) => sink.close()));
    await rm(folder, { recursive: true, force: true });
    throw shipped.fault ?? ArmorlakeError.from(thrown);
  }
}

/** All values once every one has ended, so that none works on behind a failure; or the first failure. */
async function settled<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}

/** What has been shipped of a query, and the end of it all when that is too much. */
class Shipped {
  readonly #budget: GatherBudget;
  readonly #stop = new AbortController();
  #bytes = 0;
  #rows = 0;
  fault: ArmorlakeError | null = null;

  constructor(budget: GatherBudget) {
    this.#budget = budget;
  }

  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  /** @throws ArmorlakeError LIMIT_EXCEEDED once there was too much. */
  addBytes(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#budget.bytes) this.#refuse(overBudget(`${this.#budget.bytes} bytes`));
    if (this.fault !== null) throw this.fault;
  }

  addRows(rows: number): void {
    this.#rows += rows;
    if (this.#rows > this.#budget.rows) this.#refuse(overBudget(`${this.#budget.rows} rows`));
  }

  #refuse(fault: ArmorlakeError): void {
    this.fault ??= fault;
    this.#stop.abort(fault);
  }
}

class Gathering implements ScatterSink {
  readonly #request: ScatterRequest;
  readonly #shipped: Shipped;
  readonly #folder: string;
  readonly #places = new Map<string, number>();
  readonly #files = new Map<string, Map<string, { path: string; handle: FileHandle }>>();
  readonly #outcomes = new Map<string, NodeOutcome>();

  constructor(request: ScatterRequest, shipped: Shipped, folder: string) {
    this.#request = request;
    this.#shipped = shipped;
    this.#folder = folder;
  }

  async begin(): Promise<void> {
    await mkdir(this.#folder, { mode: 0o700 });
  }

  async chunk(node: string, fragment: string, bytes: Uint8Array): Promise<void> {
    this.#shipped.addBytes(bytes.byteLength);
    const file = await this.#fileOf(node, fragment);
    await file.handle.write(bytes);
  }

  ended(node: string, outcome: NodeOutcome): void {
    this.#outcomes.set(node, outcome);
    if (outcome.status === 'answered') this.#shipped.addRows(outcome.facts.rows);
  }

  /** Names of nodes and fragments never become paths: files are numbered. */
  async #fileOf(node: string, fragment: string): Promise<{ path: string; handle: FileHandle }> {
    const place = this.#places.get(node) ?? this.#places.size;
    this.#places.set(node, place);
    const files = this.#files.get(node) ?? new Map<string, { path: string; handle: FileHandle }>();
    this.#files.set(node, files);
    const known = files.get(fragment);
    if (known !== undefined) return known;
    const index = this.#request.fragments.findIndex((each) => each.name === fragment);
    const path = join(this.#folder, `${place}-${index}.parquet`);
    const file = { path, handle: await open(path, 'wx', 0o600) };
    files.set(fragment, file);
    return file;
  }

  async finish(): Promise<readonly NodeResult[]> {
    await this.close();
    return [...this.#outcomes].map(([node, outcome]) => this.#resultOf(node, outcome));
  }

  /** A node that left out a fragment has not answered. */
  #resultOf(node: string, outcome: NodeOutcome): NodeResult {
    const files = new Map([...(this.#files.get(node) ?? [])].map(([name, file]) => [name, file.path]));
    const missing = this.#request.fragments.find((fragment) => !files.has(fragment.name));
    if (outcome.status === 'answered' && missing !== undefined) {
      const error: ErrorShape = { code: 'INTERNAL', message: 'Its answer was not complete.', node };
      return { node, outcome: { status: 'failed', error }, files: new Map() };
    }
    return { node, outcome, files: outcome.status === 'answered' ? files : new Map() };
  }

  async close(): Promise<void> {
    for (const files of this.#files.values()) for (const file of files.values()) await file.handle.close();
  }
}

/** The refusal of a query that would ship too much. */
export function overBudget(what: string): ArmorlakeError {
  return new ArmorlakeError('LIMIT_EXCEEDED', `The query would ship more than ${what} between nodes.`, {
    hint: 'Add a time filter, or aggregate.',
  });
}
