import { describe, expect, it } from 'vitest';
import type { NodeInfo } from '../../../shared/index.js';
import { EVERY_NODE, isEveryNode, nodesInScope, scopeText, suggestionsOf } from './scope.js';

const node = (name: string, cluster: string, labels: Record<string, string> = {}): NodeInfo => ({
  name,
  role: 'edge',
  state: 'up',
  version: '1.0.0',
  cluster,
  labels,
  lastContact: null,
  clockOffsetMs: null,
});
const nodes = [
  node('edge-1', 'north', { site: 'a' }),
  node('edge-2', 'north', { site: 'b' }),
  node('edge-3', 'south', { site: 'b' }),
];

describe('scope', () => {
  it('is every node when nothing is named, also with a label that has no values yet', () => {
    expect(scopeText(EVERY_NODE)).toBeNull();
    expect(isEveryNode({ ...EVERY_NODE, labels: { site: [] } })).toBe(true);
  });

  it('names few, counts many, and makes hidden characters visible', () => {
    const scope = { clusters: ['north'], nodes: ['edge-1', 'edge-2', 'edge-3'], labels: { site: ['a', 'b\u202e'] } };
    expect(scopeText(scope)).toBe('north · 3 nodes · site=a|b\\u{202e}');
  });

  it('counts the nodes that match all of it', () => {
    expect(nodesInScope(nodes, EVERY_NODE)).toBe(3);
    expect(nodesInScope(nodes, { clusters: ['north'], nodes: [], labels: { site: ['b'] } })).toBe(1);
    expect(nodesInScope(nodes, { clusters: [], nodes: ['edge-3', 'gone'], labels: {} })).toBe(1);
    expect(nodesInScope(nodes, { clusters: [], nodes: [], labels: { other: ['x'] } })).toBe(0);
  });

  it('counts nothing while a variable is in it', () => {
    expect(nodesInScope(nodes, { clusters: ['$cluster'], nodes: [], labels: {} })).toBeNull();
  });

  it('suggests the most frequent values first', () => {
    const clusters = nodes.map(({ cluster }) => cluster);
    expect(suggestionsOf([...clusters, ''], '')).toEqual([
      { value: 'north', count: 2 },
      { value: 'south', count: 1 },
    ]);
    expect(suggestionsOf(clusters, 'SOU')).toEqual([{ value: 'south', count: 1 }]);
  });

  it('draws no more suggestions than a menu bears', () => {
    expect(
      suggestionsOf(
        Array.from({ length: 2_000 }, (_, index) => `edge-${String(index)}`),
        '',
      ),
    ).toHaveLength(200);
  });
});
