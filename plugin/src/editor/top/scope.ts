import { printable } from '../../../shared/index.js';
import type { NodeInfo, Scope } from '../../../shared/index.js';
import { pluralText } from '../format.js';
import type { Suggestion } from '../ValueSelect.js';

/** More options than anyone reads; the rest is found by typing. */
export const MOST_SUGGESTIONS = 200;

export const EVERY_NODE: Scope = { clusters: [], nodes: [], labels: {} };

export function isEveryNode({ clusters, nodes, labels }: Scope): boolean {
  return clusters.length === 0 && nodes.length === 0 && Object.values(labels).every((values) => values.length === 0);
}

/** `prod · 3 nodes · site=north`; null: every node. */
export function scopeText(scope: Scope): string | null {
  if (isEveryNode(scope)) return null;
  const some = (names: readonly string[], many: string): readonly string[] =>
    names.length === 0 ? [] : [names.length <= 2 ? names.map(printable).join(', ') : pluralText(names.length, many)];
  return [
    ...some(scope.clusters, 'cluster'),
    ...some(scope.nodes, 'node'),
    ...Object.entries(scope.labels)
      .filter(([, values]) => values.length > 0)
      .map(([key, values]) => `${printable(key)}=${values.map(printable).join('|')}`),
  ].join(' · ');
}

/** Nodes of the list that the scope means; null: it holds variables, whose values aren't known here. */
export function nodesInScope(nodes: readonly NodeInfo[], scope: Scope): number | null {
  const named = [...scope.clusters, ...scope.nodes, ...Object.values(scope.labels).flat()];
  if (named.some((name) => name.includes('$'))) return null;
  const among = (names: readonly string[], name: string | undefined): boolean =>
    names.length === 0 || (name !== undefined && names.includes(name));
  return nodes.filter(
    (node) =>
      among(scope.clusters, node.cluster) &&
      among(scope.nodes, node.name) &&
      Object.entries(scope.labels).every(([key, values]) => among(values, node.labels[key])),
  ).length;
}

/** Values with how often each occurs, those that contain `search`, most frequent first. */
export function suggestionsOf(values: readonly string[], search: string): readonly Suggestion[] {
  const wanted = search.toLowerCase();
  const counts = new Map<string, number>();
  for (const value of values) {
    if (value !== '' && value.toLowerCase().includes(wanted)) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return [...counts]
    .sort(([left, leftCount], [right, rightCount]) => rightCount - leftCount || left.localeCompare(right))
    .slice(0, MOST_SUGGESTIONS)
    .map(([value, count]) => ({ value, count }));
}
