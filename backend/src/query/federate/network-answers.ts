import { join } from 'node:path';
import type { Clock } from '../../core/index.js';
import { ArmorlakeError } from '../../core/index.js';
import type { CallStream, EngineClient, QueryHead, QueryTail } from '../../engine/index.js';
import { completeFacts } from '../../engine/index.js';
import type { Answers, Ask, OpenAnswer } from '../answers.js';
import type { Coverage, NodeAnswer } from '../coverage.js';
import { PartialResult, coverageOf, selects } from '../coverage.js';
import type { Member, Scatter, ScatterRequest } from '../scatter.js';
import type { PlanAnswer, PlanCall, PlannedFragment, ResolvedSubquery } from './calls.js';
import { constraintOf } from './calls.js';
import type { Gathered, NodeResult } from './gather.js';
import { gather } from './gather.js';
import type { NetworkCatalog } from './network-catalog.js';
import { prunedBecause } from './prune.js';
import { incomingSql, travelsAsText } from './shipping.js';

/** What a query may ship over the network. */
export interface ShippingBudget {
  readonly rows: number;
  readonly bytes: number;
}

export interface NetworkAnswersOptions {
  /** Answers for this node's own lake; null when it has none. */
  readonly own: { readonly name: string; readonly answers: Answers } | null;
  readonly scatter: Scatter;
  readonly merge: EngineClient;
  readonly catalog: NetworkCatalog;
  /** Where answers arrive; the merge engine may read there. */
  readonly arrivals: string;
  readonly budget: ShippingBudget;
  readonly clock: Clock;
}

/** A plan with who is asked for it, and why others are not. */
export interface NetworkPlan {
  readonly plan: Extract<PlanAnswer, { kind: 'plan' }>;
  readonly asked: readonly Member[];
  readonly pruned: readonly { readonly member: Member; readonly reason: string }[];
}

/** Subqueries within subqueries; more is no query that anybody writes. */
const MAX_SUBQUERIES = 50;
/** Kept of a query's time for the merge. */
const MERGE_SHARE = 0.1;

/** Answers queries for the whole network: plan, scatter, gather, merge. */
export class NetworkAnswers implements Answers {
  readonly #options: NetworkAnswersOptions;

  constructor(options: NetworkAnswersOptions) {
    this.#options = options;
  }

  async open(ask: Ask, signal: AbortSignal): Promise<OpenAnswer> {
    const { own, clock } = this.#options;
    const expected = this.#expected(ask);
    const [only] = expected;
    if (own !== null && expected.length === 1 && only?.name === own.name) return await own.answers.open(ask, signal);
    const deadlineMs = clock.monotonicMs() + ask.limits.timeoutMs;
    const planned = await this.#plan(ask, expected, deadlineMs, signal);
    return await this.#run(ask, planned, deadlineMs, signal);
  }

  /** What `open` would do, without doing it; subqueries that come first are run, since the plan depends on them. */
  async explain(ask: Ask, signal: AbortSignal): Promise<NetworkPlan> {
    const deadlineMs = this.#options.clock.monotonicMs() + ask.limits.timeoutMs;
    return await this.#plan(ask, this.#expected(ask), deadlineMs, signal);
  }

  #expected({ request }: Ask): readonly Member[] {
    return this.#options.scatter.members().filter((member) =>
      selects(request.nodes, {
        name: member.name,
        clusters: [...new Set([member.cluster, ...(member.values.cluster ?? [])])],
        labels: Object.fromEntries(Object.entries(member.labels).map(([label, values]) => [label, values[0] ?? ''])),
      }),
    );
  }

  async #plan(ask: Ask, expected: readonly Member[], deadlineMs: number, signal: AbortSignal): Promise<NetworkPlan> {
    const { request } = ask;
    const { merge, catalog } = this.#options;
    await catalog.publish(signal);
    const mode = request.perNode || expected.length === 1 ? 'whole' : 'split';
    const before = request.timeRange.to;
    const resolved: ResolvedSubquery[] = [];
    for (;;) {
      const call: PlanCall & { queryId: string } = {
        queryId: ask.id,
        sql: request.sql,
        params: request.params,
        nowMicros: ask.nowMicros,
        // The range ends before `to`, and a row at exactly that time is later.
        beforeMicros: before === null ? null : Number(before) - 1,
        mode,
        resolved,
      };
      const plan = (await merge.call('plan', call, { signal })) as PlanAnswer;
      if (plan.kind === 'plan') return { plan, ...prune(plan.fragments, expected) };
      if (resolved.length >= MAX_SUBQUERIES) {
        throw new ArmorlakeError('NOT_FEDERABLE', `The query has more than ${MAX_SUBQUERIES} subqueries.`, {
          hint: 'Join instead, or ask in parts.',
        });
      }
      resolved.push(await this.#answer(ask, plan.sql, plan.maxRows, deadlineMs, signal));
    }
  }

  /** Runs a subquery that comes first, over the same nodes; its values come back as text. */
  async #answer(
    ask: Ask,
    sql: string,
    maxRows: number,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<ResolvedSubquery> {
    const timeoutMs = Math.max(1, deadlineMs - this.#options.clock.monotonicMs());
    const inner: Ask = {
      ...ask,
      format: 'json',
      // Parameters and now() are in place already.
      request: {
        ...ask.request,
        sql: `SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (${sql}) LIMIT ${maxRows}`,
        params: [],
        partial: 'fail',
      },
      limits: { rows: maxRows, bytes: ask.limits.bytes, timeoutMs },
    };
    const answer = await this.open(inner, signal);
    const pieces: Buffer[] = [];
    for await (const chunk of answer.chunks) pieces.push(Buffer.from(chunk));
    await answer.end;
    return { sql, rows: JSON.parse(`[${Buffer.concat(pieces).toString('utf8')}]`) as (string | null)[][] };
  }

  async #run(
    ask: Ask,
    { plan, asked, pruned }: NetworkPlan,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<OpenAnswer> {
    const alive = plan.fragments.length === 0 ? [] : asked.filter((member) => member.alive);
    const gathered = await this.#gather(ask, plan.fragments, alive, deadlineMs, signal);
    try {
      const failed = new Map<string, string>();
      for (;;) {
        const answers = answersOf(asked, pruned, alive, gathered.results, failed);
        const coverage = coverageOf(answers);
        if (ask.request.partial === 'fail' && coverage.failed > 0) throw partialResult(coverage);
        const files = (fragment: PlannedFragment): readonly string[] =>
          gathered.results.flatMap(({ node, files: own }) => (failed.has(node) ? [] : (own.get(fragment.name) ?? [])));
        let stream: CallStream;
        try {
          stream = await this.#merge(ask, plan, files, deadlineMs, signal);
        } catch (thrown) {
          // A file that can't be read is its node's fault: the query goes on without that node.
          const damaged = await this.#damaged(plan.fragments, gathered.results, failed, signal);
          if (damaged.size === 0) throw thrown;
          for (const [node, reason] of damaged) failed.set(node, reason);
          continue;
        }
        const end = stream.tail
          .then((value) => ({ ...(value as QueryTail), fragments: plan.fragments.length, coverage }))
          .finally(() => gathered.close());
        end.catch(() => undefined);
        return { schema: (stream.head as QueryHead).schema, coverage, chunks: stream.chunks, end };
      }
    } catch (thrown) {
      await gathered.close();
      throw thrown;
    }
  }

  async #gather(
    ask: Ask,
    fragments: readonly PlannedFragment[],
    alive: readonly Member[],
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<Gathered> {
    const { scatter, catalog, budget, arrivals, clock } = this.#options;
    const left = deadlineMs - clock.monotonicMs();
    const { from, to } = ask.request.timeRange;
    const request: ScatterRequest = {
      queryId: ask.id,
      fragments: fragments.map(({ name, sql }) => ({ name, sql })),
      timeRange: { fromMicros: micros(from), toMicros: micros(to) },
      expects: catalog.expects(fragments.flatMap((fragment) => [fragment.table, ...fragment.reads])),
      nowMicros: ask.nowMicros,
      budget: { rows: Math.floor(budget.rows / 2), bytes: Math.floor(budget.bytes / 2) },
      timeoutMs: Math.max(1, left - Math.min(1000, left * MERGE_SHARE)),
      who: ask.who ?? '',
      origin: ask.request.origin === undefined ? null : JSON.stringify(ask.request.origin),
    };
    const names = alive.map((member) => member.name);
    return await gather(scatter, names, request, budget, join(arrivals, ask.id), signal);
  }

  async #merge(
    ask: Ask,
    plan: NetworkPlan['plan'],
    files: (fragment: PlannedFragment) => readonly string[],
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<CallStream> {
    const relations = plan.fragments.map((fragment) => ({
      name: fragment.name,
      sql: incomingSql(files(fragment), fragment.columns),
    }));
    const timeoutMs = Math.max(1, deadlineMs - this.#options.clock.monotonicMs());
    const parameters = {
      queryId: ask.id,
      relations,
      sql: plan.merge,
      limits: { ...ask.limits, timeoutMs },
      format: ask.format,
    };
    return await this.#options.merge.stream('merge', parameters, { signal });
  }

  async #damaged(
    fragments: readonly PlannedFragment[],
    results: readonly NodeResult[],
    failed: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, string>> {
    const damaged = new Map<string, string>();
    for (const { node, files } of results) {
      if (failed.has(node)) continue;
      const list = fragments.flatMap((fragment) => {
        const path = files.get(fragment.name);
        return path === undefined ? [] : [{ path, columns: shippedColumns(fragment) }];
      });
      try {
        const wrong = (await this.#options.merge.call('check', { files: list, deep: true }, { signal })) as Record<
          string,
          string
        >;
        const [reason] = Object.values(wrong);
        if (reason !== undefined) damaged.set(node, reason);
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        // The engine died reading these: nothing of this node is looked at again.
        damaged.set(node, 'Its answer broke the engine that read it.');
      }
    }
    return damaged;
  }
}

function micros(time: bigint | null): number | null {
  return time === null ? null : Number(time);
}

function prune(
  fragments: readonly PlannedFragment[],
  expected: readonly Member[],
): Pick<NetworkPlan, 'asked' | 'pruned'> {
  const wanted = fragments.map((fragment) => ({ table: fragment.reads, constraint: constraintOf(fragment) }));
  const asked: Member[] = [];
  const pruned: NetworkPlan['pruned'][number][] = [];
  for (const member of expected) {
    const reason = fragments.length === 0 ? 'the query reads no table' : prunedBecause(member, wanted);
    if (reason === null) asked.push(member);
    else pruned.push({ member, reason });
  }
  return { asked, pruned };
}

/** What a fragment's file holds: some types travel as text. */
function shippedColumns(fragment: PlannedFragment): PlannedFragment['columns'] {
  return fragment.columns.map(({ name, type }) => ({ name, type: travelsAsText(type) ? 'VARCHAR' : type }));
}

/** What each expected node did. */
function answersOf(
  asked: readonly Member[],
  pruned: NetworkPlan['pruned'],
  alive: readonly Member[],
  results: readonly NodeResult[],
  failed: ReadonlyMap<string, string>,
): readonly NodeAnswer[] {
  const byName = new Map(results.map((result) => [result.node, result]));
  const nothing = { rows: null, bytes: null, ms: null };
  return [
    ...asked.map((member): NodeAnswer => {
      const { name } = member;
      const fail = (code: string, message: string): NodeAnswer => ({
        coverage: { name, status: 'failed', code, message, ...nothing },
        facts: completeFacts,
      });
      if (!alive.includes(member)) return fail('NOT_READY', member.reason ?? 'It is not connected.');
      const damage = failed.get(name);
      if (damage !== undefined) return fail('INTERNAL', damage);
      const outcome = byName.get(name)?.outcome;
      if (outcome === undefined) return fail('INTERNAL', 'It did not say how its part ended.');
      if (outcome.status === 'failed') return fail(outcome.error.code, outcome.error.message);
      const { rows, bytes, ms, facts, slowed, missingColumns } = outcome.facts;
      const message = remarks(slowed, missingColumns, member.clockOffsetMs);
      return { coverage: { name, status: 'answered', code: null, message, rows, bytes, ms }, facts };
    }),
    ...pruned.map(({ member, reason }): NodeAnswer => ({
      coverage: { name: member.name, status: 'pruned', code: null, message: reason, ...nothing },
      facts: completeFacts,
    })),
  ];
}

/** Clocks this far apart are worth a notice. */
const CLOCK_NOTICE_MS = 5000;

function remarks(slowed: boolean, missingColumns: readonly string[], offsetMs: number | null): string | null {
  const said = [
    ...(slowed ? ['slowed: its query load is capped'] : []),
    ...(missingColumns.length === 0 ? [] : [`reads NULL, being of an older version: ${missingColumns.join(', ')}`]),
    ...(offsetMs === null || Math.abs(offsetMs) < CLOCK_NOTICE_MS
      ? []
      : [`its clock is ${Math.round(offsetMs / 1000)} s off`]),
  ];
  return said.length === 0 ? null : said.join('; ');
}

/** 502 for a query that may not be answered in part. */
function partialResult(coverage: Coverage): ArmorlakeError {
  const failed = coverage.nodes.filter((node) => node.status === 'failed');
  const named = failed.slice(0, 3).map(({ name, message }) => `${name} (${message ?? 'failed'})`);
  const more = failed.length > named.length ? ` and ${failed.length - named.length} more` : '';
  return new PartialResult(
    `${failed.length} of ${coverage.asked} nodes did not answer: ${named.join(', ')}${more}.`,
    coverage,
  );
}
