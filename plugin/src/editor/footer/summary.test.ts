import { describe, expect, it } from 'vitest';
import type { Coverage, FrameCustom, NodeCoverage } from '../../../shared/index.js';
import { failedNodes, footerText, nodesByConcern, outcomeOf } from './summary.js';

const node = (name: string, status: NodeCoverage['status'], ms: number | null): NodeCoverage => ({
  name,
  status,
  code: null,
  message: null,
  rows: null,
  bytes: null,
  ms,
});

const coverage = (changes: Partial<Coverage> = {}): Coverage => ({
  complete: false,
  expected: 2_000,
  asked: 1_940,
  answered: 1_938,
  failed: 2,
  pruned: 60,
  nodes: [node('edge-0001', 'answered', 20), node('edge-0417', 'answered', 398), node('edge-0003', 'failed', 2_000)],
  gaps: { nodes: 3, minutes: 12, worst: [] },
  retention: { nodesShort: 0, from: null },
  ...changes,
});

const custom = (changes: Partial<Coverage> = {}): FrameCustom => ({
  coverage: coverage(changes),
  stats: { rows: 10, truncated: false, elapsedMs: 412, queryId: 'q', bytes: 1_200_000 },
  shared: false,
});

describe('the footer', () => {
  it('says who answered, who failed, gaps, time with the slowest, and bytes', () => {
    expect(footerText(custom({ pruned: 0 }))).toBe(
      '1,938/2,000 nodes · 2 failed · 3 with gaps · 412 ms (slowest edge-0417) · 1.2 MB',
    );
  });

  it('leaves out what there is nothing of, and names no slowest of one', () => {
    const one = custom({
      expected: 1,
      answered: 1,
      failed: 0,
      pruned: 0,
      nodes: [node('here', 'answered', 3)],
      gaps: { nodes: 0, minutes: 0, worst: [] },
    });
    expect(footerText(one)).toBe('1/1 node · 412 ms · 1.2 MB');
  });

  it('says what else is to know: not needed, short memory, cut, shared', () => {
    const told = footerText({
      ...custom({ retention: { nodesShort: 4, from: null } }),
      stats: { ...custom().stats, truncated: true },
      shared: true,
    });
    expect(told).toContain('60 not needed');
    expect(told).toContain('4 with a short memory');
    expect(told).toContain('cut at the row limit');
    expect(told).toContain('shared answer');
  });

  it('shows a name as what it is', () => {
    const nodes = [node('a', 'answered', 1), node('evil\u202egnp', 'answered', 9)];
    expect(footerText(custom({ nodes }))).toContain('slowest evil\\u{202e}gnp');
  });
});

describe('the nodes', () => {
  it('come failed first, then slow before fast, not needed last', () => {
    const nodes = [
      node('pruned', 'pruned', null),
      node('fast', 'answered', 1),
      node('failed', 'failed', null),
      node('slow', 'answered', 9),
    ];
    expect(nodesByConcern(coverage({ nodes })).map(({ name }) => name)).toEqual(['failed', 'slow', 'fast', 'pruned']);
    expect(failedNodes(coverage({ nodes }))).toEqual(['failed']);
  });
});

describe('the outcome of a run', () => {
  it('is read from the first frame of the query that has one', () => {
    const frames = [
      { refId: 'B', meta: { custom: custom({ failed: 9 }) } },
      { refId: 'A' },
      { refId: 'A', meta: { custom: { resultType: 'vector' } } },
      { refId: 'A', meta: { custom: custom(), executedQueryString: 'SELECT 1' } },
    ];
    expect(outcomeOf(frames, 'A')).toEqual({ custom: custom(), executedSql: 'SELECT 1' });
    expect(outcomeOf(frames, 'C')).toBeNull();
  });

  it('is none when what stands there is something else', () => {
    for (const value of [null, 7, [], {}, { coverage: null, stats: {} }, { coverage: { expected: 1 }, stats: {} }]) {
      expect(outcomeOf([{ refId: 'A', meta: { custom: value } }], 'A')).toBeNull();
    }
  });
});
