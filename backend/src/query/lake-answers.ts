import { ArmorlakeError } from '../core/index.js';
import type { CoverageFacts, QueryHead, QueryTail } from '../engine/index.js';
import type { Answers, Ask, Explanation, OpenAnswer } from './answers.js';
import type { Coverage, NodeAnswer, NodeIdentity } from './coverage.js';
import { coverageOf, selects, strangersOf } from './coverage.js';
import type { GuardedEngine, Statement } from './guarded-engine.js';
import { asked } from './strikes.js';

/** Answers queries from this node's own lake, whatever SQL they are. */
export class LakeAnswers implements Answers {
  readonly #engine: GuardedEngine;
  readonly #node: () => NodeIdentity;
  readonly #remark: string | null;

  /**
   * @param node this node, as selections see it; asked for each query: its clusters become known as events come.
   * @param remark what coverage says of this node's answers.
   */
  constructor(engine: GuardedEngine, node: () => NodeIdentity, remark: string | null = null) {
    this.#engine = engine;
    this.#node = node;
    this.#remark = remark;
  }

  async open(ask: Ask, signal: AbortSignal): Promise<OpenAnswer> {
    const { request, limits, format } = ask;
    if (!selects(request.nodes, this.#node())) return await this.#nobody(ask, signal);
    const { from, to } = request.timeRange;
    const parameters = (timeoutMs: number): unknown => ({
      queryId: ask.id,
      sql: request.sql,
      params: request.params,
      timeRange: { from: from?.toString() ?? null, to: to?.toString() ?? null },
      limits: { ...limits, timeoutMs },
      format,
    });
    const stream = await this.#engine.stream('query', parameters, statementOf(ask), signal);
    const head = stream.head as QueryHead;
    const { name } = this.#node();
    const end = stream.tail.then((value) => {
      const tail = value as QueryTail;
      return { ...tail, fragments: 1, coverage: this.#coverage(ask, [answered(name, head.facts, tail, this.#remark)]) };
    });
    end.catch(() => undefined);
    return {
      schema: head.schema,
      coverage: this.#coverage(ask, [answered(name, head.facts, null, this.#remark)]),
      chunks: stream.chunks,
      end,
    };
  }

  async explain(ask: Ask, signal: AbortSignal): Promise<Explanation> {
    const { request } = ask;
    const { schema, tables } = await this.#analyse(ask, signal);
    const { name } = this.#node();
    const asked = selects(request.nodes, this.#node());
    const node = { name, status: asked ? 'asked' : 'pruned', reason: asked ? null : 'not selected' } as const;
    return {
      columns: schema,
      merge: null,
      subqueries: 0,
      fragments: [{ name: 'whole', kind: 'whole', table: tables.join(', '), sql: request.sql }],
      nodes: [node],
      estimate: { nodes: asked ? 1 : 0, rows: asked ? await this.#rowsOf(tables, signal) : 0, bytes: 0 },
    };
  }

  #coverage({ request }: Ask, answers: readonly NodeAnswer[]): Coverage {
    const { name } = this.#node();
    return coverageOf([...answers, ...strangersOf(request.nodes, (each) => each === name)]);
  }

  async #rowsOf(tables: readonly string[], signal: AbortSignal): Promise<number> {
    const info = (await this.#engine.engine.call('info', {}, { signal })) as { rows: Readonly<Record<string, number>> };
    return tables.reduce((sum, table) => sum + (info.rows[table] ?? 0), 0);
  }

  async #analyse(ask: Ask, signal: AbortSignal): Promise<Pick<QueryHead, 'schema' | 'tables'>> {
    const parameters = (timeoutMs: number): unknown => ({ queryId: ask.id, sql: ask.request.sql, timeoutMs });
    const statement = { ...statementOf(ask), step: true };
    return (await this.#engine.call('analyse', parameters, statement, signal)) as Pick<QueryHead, 'schema' | 'tables'>;
  }

  /** The selection leaves no node: the query is checked, and its answer is empty. */
  async #nobody(ask: Ask, signal: AbortSignal): Promise<OpenAnswer> {
    if (ask.format === 'arrow') {
      throw new ArmorlakeError('NOT_FOUND', 'No node of that name, cluster or label is known here.', {
        hint: 'See armorlake.nodes.',
      });
    }
    const { schema } = await this.#analyse(ask, signal);
    const coverage = this.#coverage(ask, []);
    const end = { rows: 0, bytes: 0, truncated: false, fragments: 0, coverage };
    return { schema, coverage, chunks: (async function* () {})(), end: Promise.resolve(end) };
  }
}

function statementOf({ id, request, caller, limits }: Ask): Statement {
  return { id, asked: asked(request.sql, request.params), caller, timeoutMs: limits.timeoutMs };
}

function answered(name: string, facts: CoverageFacts, tail: QueryTail | null, message: string | null): NodeAnswer {
  return {
    coverage: {
      name,
      status: 'answered',
      code: null,
      message,
      rows: tail?.rows ?? null,
      bytes: tail?.bytes ?? null,
      ms: tail === null ? null : Math.round(tail.elapsedMs * 100) / 100,
    },
    facts,
  };
}
