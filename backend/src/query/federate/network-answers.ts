import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, ErrorShape } from '../../core/index.js';
import { ArmorlakeError } from '../../core/index.js';
import type { CallStream, QueryHead, QueryTail } from '../../engine/index.js';
import type { Answers, Ask, Explanation, OpenAnswer } from '../answers.js';
import type { Coverage } from '../coverage.js';
import { coverageOf, selects, strangersOf } from '../coverage.js';
import type { GuardedEngine, Statement } from '../guarded-engine.js';
import type { Member, Scatter, ScatterRequest } from '../scatter.js';
import type { FaultCall, PlanAnswer, PlanCall, PlannedFragment, ResolvedSubquery } from './calls.js';
import { constraintOf } from './calls.js';
import type { NodeResult } from './gather.js';
import { gather } from './gather.js';
import type { SentPart } from './merging.js';
import { Merging } from './merging.js';
import type { NetworkCatalog } from './network-catalog.js';
import type { NodeFault, PrunedMember } from './node-answers.js';
import { answersOf, hasNone, partialResult } from './node-answers.js';
import { prunedBecause } from './prune.js';
import { queryFault, refusals } from './verdict.js';
import { asked } from '../strikes.js';

/** What a query may ship over the network. */
export interface ShippingBudget {
  readonly rows: number;
  readonly bytes: number;
}

export interface NetworkAnswersOptions {
  /** This node's own lake, also when it is no member: its account of queries, and armorlake.nodes, are there. */
  readonly own: { readonly name: string; readonly answers: Answers; readonly scatter: Pick<Scatter, 'scatter'> };
  readonly scatter: Scatter;
  readonly merge: GuardedEngine;
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
  readonly pruned: readonly PrunedMember[];
  /** Nodes that failed in a subquery that came first: what they hold is in no part of the answer. */
  readonly failed: ReadonlyMap<string, NodeFault>;
  /** Tables that members of older versions don't have: of these they are asked nothing. */
  readonly lacking: ReadonlyMap<string, readonly string[]>;
}

/** Subqueries within subqueries; more is no query that anybody writes. */
const MAX_SUBQUERIES = 50;
/** A rough size, for estimates. */
const BYTES_A_CELL = 16;
/** Kept of a query's time for the merge, where a member lets its own pass: 2 s at most. */
const MERGE_SHARE = 0.2;
const MERGE_MS = 2_000;

/** Answers queries for the whole network: plan, scatter, gather, merge. */
export class NetworkAnswers implements Answers {
  readonly #options: NetworkAnswersOptions;

  constructor(options: NetworkAnswersOptions) {
    this.#options = options;
  }

  async open(ask: Ask, signal: AbortSignal): Promise<OpenAnswer> {
    const { own, clock } = this.#options;
    const expected = this.#expected(ask);
    if (expected.length === 1 && expected[0]?.name === own.name) return await own.answers.open(ask, signal);
    const deadlineMs = clock.monotonicMs() + ask.limits.timeoutMs;
    const planned = await this.#plan(ask, expected, deadlineMs, signal);
    return await this.#run(ask, planned, deadlineMs, signal);
  }

  async explain(ask: Ask, signal: AbortSignal): Promise<Explanation> {
    const { own, clock } = this.#options;
    const expected = this.#expected(ask);
    if (expected.length === 1 && expected[0]?.name === own.name) return await own.answers.explain(ask, signal);
    const planned = await this.#plan(ask, expected, clock.monotonicMs() + ask.limits.timeoutMs, signal);
    return explanationOf(planned);
  }

  #expected({ request }: Ask): readonly Member[] {
    return this.#options.scatter.members().filter((member) =>
      selects(request.nodes, {
        name: member.name,
        clusters: [...new Set([member.cluster, ...(member.values.cluster ?? [])])],
        labels: member.labels,
      }),
    );
  }

  async #plan(ask: Ask, expected: readonly Member[], deadlineMs: number, signal: AbortSignal): Promise<NetworkPlan> {
    const { request } = ask;
    const { merge, catalog } = this.#options;
    // One node can answer all by itself, unless rows of this node belong to it.
    let mode: PlanCall['mode'] = request.perNode || expected.length === 1 ? 'whole' : 'split';
    const before = request.timeRange.to;
    const resolved: ResolvedSubquery[] = [];
    const failed = new Map<string, NodeFault>();
    for (;;) {
      const call = (timeoutMs: number): PlanCall => ({
        queryId: ask.id,
        timeoutMs,
        sql: request.sql,
        params: request.params,
        nowMicros: ask.nowMicros,
        // The range ends before `to`, and a row at exactly that time is later.
        beforeMicros: before === null ? null : Number(before) - 1,
        mode,
        resolved,
      });
      const statement = { ...this.#statement(ask, deadlineMs), step: true };
      const plan = await (merge.call('plan', call, statement, signal) as Promise<PlanAnswer>).catch(
        (thrown: unknown) => {
          // A value that no file carries can still be made here, of the rows.
          if (mode === 'split' || request.perNode || ArmorlakeError.from(thrown).code !== 'NOT_FEDERABLE') throw thrown;
          mode = 'split';
          return null;
        },
      );
      if (plan === null) continue;
      if (plan.kind === 'plan') {
        const reads = [...new Set(plan.fragments.flatMap((fragment) => fragment.reads))];
        if (mode === 'whole' && !request.perNode && reads.some(isArmorlake)) {
          mode = 'split';
          continue;
        }
        for (const [name, fault] of catalog.conflicts(expected, reads)) failed.set(name, fault);
        const lacking = catalog.lacking(expected, reads);
        return { plan, ...prune(plan.fragments, expected, failed, lacking), failed, lacking };
      }
      if (resolved.length >= MAX_SUBQUERIES) {
        throw new ArmorlakeError('NOT_FEDERABLE', `The query has more than ${MAX_SUBQUERIES} subqueries.`, {
          hint: 'Join instead, or ask in parts.',
        });
      }
      const answer = await this.#answer(ask, plan.sql, plan.maxRows, deadlineMs, signal).catch(unplaced);
      resolved.push(answer.resolved);
      for (const { name, status, code, message } of answer.coverage.nodes) {
        if (status === 'failed') failed.set(name, { code: code ?? 'INTERNAL', message: message ?? 'It failed.' });
      }
    }
  }

  /** Runs a subquery that comes first, over the same nodes; its values come back as text. */
  async #answer(
    ask: Ask,
    sql: string,
    maxRows: number,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<{ readonly resolved: ResolvedSubquery; readonly coverage: Coverage }> {
    const timeoutMs = Math.max(1, deadlineMs - this.#options.clock.monotonicMs());
    const inner: Ask = {
      ...ask,
      format: 'json',
      // Parameters and now() are in place already.
      request: {
        ...ask.request,
        sql: `SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (${sql}) LIMIT ${maxRows}`,
        params: [],
      },
      limits: { rows: maxRows, bytes: ask.limits.bytes, timeoutMs },
    };
    const answer = await this.open(inner, signal);
    const pieces: Buffer[] = [];
    for await (const chunk of answer.chunks) pieces.push(Buffer.from(chunk));
    const { coverage } = await answer.end;
    const rows = JSON.parse(`[${Buffer.concat(pieces).toString('utf8')}]`) as (string | null)[][];
    return { resolved: { sql, rows }, coverage };
  }

  async #run(ask: Ask, planned: NetworkPlan, deadlineMs: number, signal: AbortSignal): Promise<OpenAnswer> {
    const { plan, asked, pruned } = planned;
    const alive = asked.filter((member) => member.alive && !planned.failed.has(member.name));
    const gathered = await this.#gather(ask, plan.fragments, alive, planned.lacking, deadlineMs, signal);
    try {
      await this.#judge(ask, plan.fragments, gathered.results, asked.length, deadlineMs, signal);
      const merging = new Merging(this.#options.merge, ask, plan, () => this.#statement(ask, deadlineMs), signal);
      const failed = new Map(planned.failed);
      const known = new Set(this.#options.scatter.members().map(({ name }) => name));
      const strangers = strangersOf(ask.request.nodes, (name) => known.has(name));
      for (;;) {
        const coverage = coverageOf([
          ...answersOf(asked, pruned, alive, gathered.results, failed, planned.lacking),
          ...strangers,
        ]);
        if (ask.request.partial === 'fail' && coverage.failed > 0) throw partialResult(coverage);
        const parts = partsOf(gathered, failed, this.#options.own.name);
        let stream: CallStream;
        try {
          stream = await merging.open(parts);
        } catch (thrown) {
          // What fails because of one node's part is that node's fault: the query goes on without it.
          const culprits = await merging.culprits(parts, ArmorlakeError.from(thrown));
          if (culprits.size === 0) throw thrown;
          for (const [node, reason] of culprits) failed.set(node, reason);
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

  /** @throws ArmorlakeError when what nodes refuse is the query's own fault. */
  async #judge(
    ask: Ask,
    fragments: readonly PlannedFragment[],
    results: readonly NodeResult[],
    asked: number,
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<void> {
    if (refusals(results, 'BAD_QUERY').length > 0) {
      const parts = fragments.map(({ sql }) => sql);
      const call = (timeoutMs: number): FaultCall => ({ queryId: ask.id, timeoutMs, sql: ask.request.sql, parts });
      const statement = { ...this.#statement(ask, deadlineMs), step: true };
      const own = await this.#options.merge.call('fault', call, statement, signal);
      // What this node meets itself, without a row of anybody's, it says in its own words.
      if (own !== null) throw ArmorlakeError.fromShape(own as ErrorShape);
    }
    const fault = queryFault(results, asked, this.#options.own.name);
    if (fault !== null) throw fault;
  }

  /** What the members answer, and what this node's own lake adds to it. */
  async #gather(
    ask: Ask,
    fragments: readonly PlannedFragment[],
    alive: readonly Member[],
    lacking: NetworkPlan['lacking'],
    deadlineMs: number,
    signal: AbortSignal,
  ): Promise<{ readonly results: readonly NodeResult[]; readonly own: readonly NodeResult[]; close(): Promise<void> }> {
    const { scatter, budget, arrivals, own } = this.#options;
    const isMember = scatter.members().some((member) => member.name === own.name);
    const scattered = fragments.filter((fragment) => !ofThisNode(fragment));
    const kept = fragments.filter((fragment) => ofThisNode(fragment) || (!isMember && ofArmorlake(fragment)));
    // No path is used twice: a subquery that comes first has the id of its query, and DuckDB may know a path's former file.
    const folder = join(arrivals, randomUUID());
    const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
    const gathering = async (
      from: Pick<Scatter, 'scatter'>,
      groups: readonly { readonly nodes: readonly string[]; readonly fragments: readonly PlannedFragment[] }[],
      place: string,
    ): Promise<readonly NodeResult[]> => {
      const asked = groups
        .filter(({ nodes, fragments: parts }) => nodes.length > 0 && parts.length > 0)
        .map(({ nodes, fragments: parts }) => ({ nodes, request: this.#request(ask, parts, deadlineMs) }));
      return asked.length === 0 ? [] : await gather(from, asked, budget, join(folder, place), signal);
    };
    try {
      const groups = byMissing(alive, lacking).map(({ missing, names }) => ({
        nodes: names,
        fragments: withoutTables(scattered, missing),
      }));
      const results = await gathering(scatter, groups, 'members');
      const ownResults = await gathering(own.scatter, [{ nodes: [own.name], fragments: kept }], 'own');
      for (const { outcome } of ownResults) {
        // Nobody else has these rows: without them the answer would be another one.
        if (outcome.status === 'failed') throw ArmorlakeError.fromShape(outcome.error);
      }
      return { results, own: ownResults, close };
    } catch (thrown) {
      await close();
      throw thrown;
    }
  }

  #request(ask: Ask, fragments: readonly PlannedFragment[], deadlineMs: number): ScatterRequest {
    const { catalog, budget, clock } = this.#options;
    const left = deadlineMs - clock.monotonicMs();
    const { from, to } = ask.request.timeRange;
    return {
      queryId: ask.id,
      fragments: fragments.map(({ name, sql }) => ({ name, sql })),
      tail: null,
      timeRange: { fromMicros: micros(from), toMicros: micros(to) },
      expects: catalog.expects(fragments.flatMap((fragment) => [fragment.table, ...fragment.reads])),
      nowMicros: ask.nowMicros,
      budget: { rows: Math.floor(budget.rows / 2), bytes: Math.floor(budget.bytes / 2) },
      timeoutMs: Math.max(1, left - Math.min(MERGE_MS, left * MERGE_SHARE)),
      who: ask.caller.token ?? '',
      origin: ask.request.origin === undefined ? null : JSON.stringify(ask.request.origin),
    };
  }

  #statement({ id, request, caller }: Ask, deadlineMs: number): Statement {
    const timeoutMs = Math.max(1, deadlineMs - this.#options.clock.monotonicMs());
    return { id, asked: asked(request.sql, request.params), caller, timeoutMs };
  }
}

/** An error of a subquery, whose text the user has not written: a place in it would mislead. */
function unplaced(thrown: unknown): never {
  const { code, message, hint, node, position, cause } = ArmorlakeError.from(thrown);
  throw position === undefined ? thrown : new ArmorlakeError(code, message, { hint, node, cause });
}

function micros(time: bigint | null): number | null {
  return time === null ? null : Number(time);
}

/** armorlake.nodes is the asked node's own membership: no other node is asked for it. */
function ofThisNode(fragment: PlannedFragment): boolean {
  return fragment.reads.length > 0 && fragment.reads.every((table) => table === 'armorlake.nodes');
}

/** Armorlake's own accounts: a query node that stores no events has them all the same. */
function ofArmorlake(fragment: PlannedFragment): boolean {
  return fragment.reads.length > 0 && fragment.reads.every(isArmorlake);
}

function isArmorlake(table: string): boolean {
  return table.startsWith('armorlake.');
}

/** What is merged: this node's own part, and those of members that are not failed. */
function partsOf(
  { own, results }: { readonly own: readonly NodeResult[]; readonly results: readonly NodeResult[] },
  failed: ReadonlyMap<string, NodeFault>,
  self: string,
): readonly SentPart[] {
  return [
    ...own.map(({ node, files }) => ({ node, files, rows: null })),
    ...results.flatMap(({ node, files, outcome }) =>
      outcome.status === 'failed' || failed.has(node)
        ? []
        : [{ node, files, rows: node === self ? null : outcome.facts.rows }],
    ),
  ];
}

function prune(
  fragments: readonly PlannedFragment[],
  expected: readonly Member[],
  failed: ReadonlyMap<string, NodeFault>,
  lacking: NetworkPlan['lacking'],
): Pick<NetworkPlan, 'asked' | 'pruned'> {
  const scattered = fragments.filter((fragment) => !ofThisNode(fragment));
  const wanted = scattered.map((fragment) => ({ table: fragment.reads, constraint: constraintOf(fragment) }));
  const asked: Member[] = [];
  const pruned: NetworkPlan['pruned'][number][] = [];
  for (const member of expected) {
    const missing = lacking.get(member.name) ?? [];
    const own = missing.length === 0 ? wanted : wanted.filter(({ table }) => isHeld(table, missing));
    const reason = failed.has(member.name)
      ? null
      : scattered.length === 0
        ? 'the query reads nothing of it'
        : own.length === 0
          ? hasNone(missing)
          : prunedBecause(member, own);
    if (reason === null) asked.push(member);
    else pruned.push({ member, reason });
  }
  return { asked, pruned };
}

/** Members by the tables they don't have: mostly one group, and another while the network is being upgraded. */
function byMissing(
  members: readonly Member[],
  lacking: NetworkPlan['lacking'],
): readonly { readonly missing: readonly string[]; readonly names: readonly string[] }[] {
  const groups = new Map<string, { readonly missing: readonly string[]; readonly names: string[] }>();
  for (const { name } of members) {
    const missing = lacking.get(name) ?? [];
    const group = groups.get(missing.join()) ?? { missing, names: [] };
    group.names.push(name);
    groups.set(missing.join(), group);
  }
  return [...groups.values()];
}

/** The fragments that a node without these tables can run. */
function withoutTables(fragments: readonly PlannedFragment[], missing: readonly string[]): readonly PlannedFragment[] {
  return missing.length === 0 ? fragments : fragments.filter(({ reads }) => isHeld(reads, missing));
}

function isHeld(reads: readonly string[], missing: readonly string[]): boolean {
  return !reads.some((table) => missing.includes(table));
}

function explanationOf({ plan, asked, pruned, failed }: NetworkPlan): Explanation {
  const rowsOf = (member: Member, reads: readonly string[]): number =>
    member.tables.filter((table) => reads.includes(table.name)).reduce((sum, table) => sum + table.rows, 0);
  const reads = [...new Set(plan.fragments.flatMap((fragment) => fragment.reads))];
  const shipped = plan.fragments.map((fragment) => {
    const rows = asked.map((member) => Math.min(rowsOf(member, fragment.reads), fragment.mostRows ?? Infinity));
    return rows.reduce((sum, each) => sum + each, 0) * fragment.columns.length * BYTES_A_CELL;
  });
  return {
    columns: plan.columns,
    merge: plan.merge,
    subqueries: plan.subqueries,
    fragments: plan.fragments.map(({ name, kind, table, sql }) => ({ name, kind, table, sql })),
    nodes: [
      ...asked.map(({ name, alive, reason }) => {
        const fault = failed.get(name)?.message;
        return { name, status: alive && fault === undefined ? 'asked' : 'failed', reason: fault ?? reason } as const;
      }),
      ...pruned.map(({ member, reason }) => ({ name: member.name, status: 'pruned', reason }) as const),
    ],
    estimate: {
      nodes: asked.length,
      rows: asked.reduce((sum, member) => sum + rowsOf(member, reads), 0),
      bytes: shipped.reduce((sum, each) => sum + each, 0),
    },
  };
}
