import { completeFacts } from '../../engine/index.js';
import type { Coverage, NodeAnswer } from '../coverage.js';
import { PartialResult } from '../coverage.js';
import type { Member } from '../scatter.js';
import type { NodeResult } from './gather.js';

/** A member that holds no row of the query, and why. */
export interface PrunedMember {
  readonly member: Member;
  readonly reason: string;
}

/** Why a node is in no part of an answer. */
export interface NodeFault {
  readonly code: string;
  readonly message: string;
}

/** What each expected node did. */
export function answersOf(
  asked: readonly Member[],
  pruned: readonly PrunedMember[],
  alive: readonly Member[],
  results: readonly NodeResult[],
  failed: ReadonlyMap<string, NodeFault>,
  lacking: ReadonlyMap<string, readonly string[]>,
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
      const fault = failed.get(name);
      if (fault !== undefined) return fail(fault.code, fault.message);
      if (!alive.includes(member)) return fail('NOT_READY', member.reason ?? 'It is not connected.');
      const outcome = byName.get(name)?.outcome;
      if (outcome === undefined) return fail('INTERNAL', 'It did not say how its part ended.');
      if (outcome.status === 'failed') return fail(outcome.error.code, outcome.error.message);
      const { rows, bytes, ms, facts, slowed, missingColumns } = outcome.facts;
      const message = remarks(slowed, missingColumns, lacking.get(name) ?? [], member.clockOffsetMs);
      return { coverage: { name, status: 'answered', code: null, message, rows, bytes, ms }, facts };
    }),
    ...pruned.map(({ member, reason }): NodeAnswer => ({
      coverage: { name: member.name, status: 'pruned', code: null, message: reason, ...nothing },
      facts: completeFacts,
    })),
  ];
}

/** What is said of a node that has no such tables. */
export function hasNone(tables: readonly string[]): string {
  return `has no ${tables.join(', ')}, being of an older version`;
}

/** Clocks this far apart are worth a notice. */
const CLOCK_NOTICE_MS = 5000;

function remarks(
  slowed: boolean,
  missingColumns: readonly string[],
  missingTables: readonly string[],
  offsetMs: number | null,
): string | null {
  const said = [
    ...(slowed ? ['slowed: its query load is capped'] : []),
    ...(missingColumns.length === 0 ? [] : [`reads NULL, being of an older version: ${missingColumns.join(', ')}`]),
    ...(missingTables.length === 0 ? [] : [hasNone(missingTables)]),
    ...(offsetMs === null || Math.abs(offsetMs) < CLOCK_NOTICE_MS
      ? []
      : [`its clock is ${Math.round(offsetMs / 1000)} s off`]),
  ];
  return said.length === 0 ? null : said.join('; ');
}

/** 502 for a query that may not be answered in part. */
export function partialResult(coverage: Coverage): PartialResult {
  const failed = coverage.nodes.filter((node) => node.status === 'failed');
  const named = failed.slice(0, 3).map(({ name, message }) => `${name} (${message ?? 'failed'})`);
  const more = failed.length > named.length ? ` and ${failed.length - named.length} more` : '';
  return new PartialResult(
    `${failed.length} of ${coverage.asked} nodes did not answer: ${named.join(', ')}${more}.`,
    coverage,
  );
}
