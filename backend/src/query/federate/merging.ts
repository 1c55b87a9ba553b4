import { ArmorlakeError } from '../../core/index.js';
import type { CallStream } from '../../engine/index.js';
import type { Ask } from '../answers.js';
import type { GuardedEngine, Statement } from '../guarded-engine.js';
import type { PlanAnswer, PlannedFragment } from './calls.js';
import { isolate } from './isolate.js';
import type { NodeFault } from './node-answers.js';
import { brokenSql, incomingSql, travelsAsText } from './shipping.js';

/** What one node sent, by fragment. */
export interface SentPart {
  readonly node: string;
  readonly files: ReadonlyMap<string, string>;
  /** How many rows it says these are; null: they are of this node's own lake, and believed. */
  readonly rows: number | null;
}

/** Said by DuckDB of rows that are each right: no node is to blame. */
const TOGETHER = /more than one row/i;

/** The merge of one query, and the search for whose part it is that it fails for. */
export class Merging {
  readonly #merge: GuardedEngine;
  readonly #ask: Ask;
  readonly #plan: Extract<PlanAnswer, { kind: 'plan' }>;
  readonly #statement: () => Statement;
  readonly #signal: AbortSignal;

  /** @param statement what it runs as, with the time that is left */
  constructor(
    engine: GuardedEngine,
    ask: Ask,
    plan: Extract<PlanAnswer, { kind: 'plan' }>,
    statement: () => Statement,
    signal: AbortSignal,
  ) {
    this.#merge = engine;
    this.#ask = ask;
    this.#plan = plan;
    this.#statement = statement;
    this.#signal = signal;
  }

  /** Merges these parts; resolves when the first rows are near. @throws ArmorlakeError */
  async open(
    parts: readonly SentPart[],
    limits: Ask['limits'] = this.#ask.limits,
    statement: Statement = this.#statement(),
  ): Promise<CallStream> {
    const { id, format } = this.#ask;
    const relations = this.#plan.fragments.map((fragment) => {
      const sent = parts.flatMap(({ node, rows, files }) => {
        const path = files.get(fragment.name);
        return path === undefined ? [] : [{ path, node: rows === null ? null : node }];
      });
      const files = sent.map(({ path }) => path);
      return {
        name: fragment.name,
        sql: incomingSql(sent, fragment),
        plain: incomingSql(sent, { ...fragment, guards: [] }),
        broken: brokenSql(sent, fragment),
        files,
        columns: shippedColumns(fragment),
      };
    });
    const senders = parts.flatMap(({ rows, files }) => (rows === null ? [] : [{ rows, files: [...files.values()] }]));
    const call = (timeoutMs: number): unknown => {
      const { merge: sql, columns } = this.#plan;
      const names = columns.map(({ name }) => name);
      return { queryId: id, relations, senders, sql, names, limits: { ...limits, timeoutMs }, format };
    };
    return await this.#merge.stream('merge', call, statement, this.#signal);
  }

  /**
   * The members whose part a merge has failed for, and why: those whose files are not what they should be; else those
   * without whom it succeeds. Nobody when it would fail over all rows in one place, too.
   */
  async culprits(parts: readonly SentPart[], error: ArmorlakeError): Promise<ReadonlyMap<string, NodeFault>> {
    if (error.code === 'CANCELLED' || error.code === 'DEADLINE') return new Map();
    const broken = await this.#broken(parts);
    if (broken.size > 0 || error.code !== 'BAD_QUERY' || TOGETHER.test(error.message)) return broken;
    const own = parts.filter(({ rows }) => rows === null);
    const members = parts.filter(({ rows }) => rows !== null);
    let seen: ArmorlakeError | null = null;
    const passes = async (some: readonly SentPart[]): Promise<boolean> => {
      seen = await this.#failure([...own, ...some]);
      if (seen !== null && seen.code !== 'BAD_QUERY') throw seen;
      return seen === null;
    };
    try {
      // What fails without any member is the query's own fault.
      if (!(await passes([]))) return new Map();
      const found = await isolate(members, passes);
      // All of them: so it would over all rows in one place.
      if (own.length === 0 && found.length === members.length) return new Map();
      return new Map(found.map(({ node }) => [node, { code: error.code, message: blamed(error) }]));
    } catch (thrown) {
      this.#signal.throwIfAborted();
      // Out of time or memory: the search ends without a name, with the error it began with.
      if (thrown instanceof ArmorlakeError) return new Map();
      throw thrown;
    }
  }

  async #failure(parts: readonly SentPart[]): Promise<ArmorlakeError | null> {
    try {
      const stream = await this.open(parts, { ...this.#ask.limits, rows: 1 }, this.#nobodys());
      for await (const _ of stream.chunks);
      await stream.tail;
      return null;
    } catch (thrown) {
      return ArmorlakeError.from(thrown);
    }
  }

  async #broken(parts: readonly SentPart[]): Promise<ReadonlyMap<string, NodeFault>> {
    const broken = new Map<string, NodeFault>();
    for (const { node, rows, files: sent } of parts) {
      if (rows === null) continue;
      const files = this.#plan.fragments.flatMap((fragment) => {
        const path = sent.get(fragment.name);
        if (path === undefined) return [];
        return [{ path, columns: shippedColumns(fragment), sql: incomingSql([{ path, node }], fragment) }];
      });
      const call = (timeoutMs: number): unknown => ({ queryId: this.#ask.id, rows, files, timeoutMs });
      try {
        // What it may have died of was the merge: only a death from here on is this node's.
        await this.#merge.engine.untilReady(this.#statement().timeoutMs, this.#signal);
        const reason = await this.#merge.call('check', call, this.#nobodys(), this.#signal);
        if (typeof reason === 'string') broken.set(node, { code: 'INTERNAL', message: reason });
      } catch (thrown) {
        if (this.#signal.aborted || ArmorlakeError.from(thrown).code === 'DEADLINE') throw thrown;
        // The engine died reading these: nothing of this node is looked at again.
        broken.set(node, { code: 'INTERNAL', message: 'Its answer broke the engine that read it.' });
      }
    }
    return broken;
  }

  /** What a node sent is not the asker's: nothing is held against anybody here. */
  #nobodys(): Statement {
    return { ...this.#statement(), asked: null, caller: { ...this.#ask.caller, token: null } };
  }
}

function blamed({ message }: ArmorlakeError): string {
  return `With its part the query fails: ${message}`.slice(0, 300);
}

/** What a fragment's file holds: some types travel as text. */
function shippedColumns(fragment: PlannedFragment): PlannedFragment['columns'] {
  return fragment.columns.map(({ name, type }) => ({ name, type: travelsAsText(type) ? 'VARCHAR' : type }));
}
