import { printable } from '../../../shared/index.js';
import type { Coverage, FrameCustom, NodeCoverage } from '../../../shared/index.js';
import { text } from '../../text.js';
import { bytesText, countText, durationText, pluralText } from '../format.js';

const words = text.editor.footer.summary;

/** What the footer reads of a panel's data. */
export interface FooterFrame {
  readonly refId?: string | undefined;
  readonly meta?: { readonly custom?: unknown; readonly executedQueryString?: string | undefined } | undefined;
}

export interface Outcome {
  readonly custom: FrameCustom;
  readonly executedSql: string | null;
}

/** The account of the last run of one query; null: none of its frames carries one. */
export function outcomeOf(frames: readonly FooterFrame[], refId: string): Outcome | null {
  for (const frame of frames) {
    if (frame.refId !== undefined && frame.refId !== refId) continue;
    const custom = frame.meta?.custom;
    if (isFrameCustom(custom)) return { custom, executedSql: frame.meta?.executedQueryString ?? null };
  }
  return null;
}

/** `1,938/2,000 nodes · 2 failed · 3 with gaps · 412 ms (slowest edge-0417) · 1.2 MB`. */
export function footerText({ coverage, stats, shared }: FrameCustom): string {
  const slowest = slowestNode(coverage);
  return [
    words.answered(countText(coverage.answered), pluralText(coverage.expected, 'node')),
    ...(coverage.pruned > 0 ? [words.pruned(countText(coverage.pruned))] : []),
    ...(coverage.failed > 0 ? [words.failed(countText(coverage.failed))] : []),
    ...(coverage.gaps.nodes > 0 ? [words.gaps(countText(coverage.gaps.nodes))] : []),
    ...(coverage.retention.nodesShort > 0 ? [words.short(countText(coverage.retention.nodesShort))] : []),
    slowest === null
      ? durationText(stats.elapsedMs)
      : words.slowest(durationText(stats.elapsedMs), printable(slowest.name)),
    bytesText(stats.bytes),
    ...(stats.truncated ? [words.cut] : []),
    ...(shared ? [words.shared] : []),
  ].join(' · ');
}

/** Failed first, then by time taken, those that were not needed last. */
export function nodesByConcern(coverage: Coverage): readonly NodeCoverage[] {
  const rank = { failed: 0, answered: 1, pruned: 2 } as const;
  return [...coverage.nodes].sort(
    (left, right) =>
      rank[left.status] - rank[right.status] || (right.ms ?? 0) - (left.ms ?? 0) || left.name.localeCompare(right.name),
  );
}

export function failedNodes(coverage: Coverage): readonly string[] {
  return coverage.nodes.filter(({ status }) => status === 'failed').map(({ name }) => name);
}

/** Named only when there is more than one to compare. */
function slowestNode(coverage: Coverage): NodeCoverage | null {
  if (coverage.answered < 2) return null;
  let slowest: NodeCoverage | null = null;
  for (const node of coverage.nodes) {
    if (node.status === 'answered' && node.ms !== null && node.ms > (slowest?.ms ?? -1)) slowest = node;
  }
  return slowest;
}

function isFrameCustom(value: unknown): value is FrameCustom {
  if (!isObject(value) || !isObject(value['coverage']) || !isObject(value['stats'])) return false;
  const { coverage, stats } = value;
  return (
    typeof coverage['expected'] === 'number' &&
    Array.isArray(coverage['nodes']) &&
    isObject(coverage['gaps']) &&
    isObject(coverage['retention']) &&
    typeof stats['elapsedMs'] === 'number' &&
    typeof stats['bytes'] === 'number'
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
