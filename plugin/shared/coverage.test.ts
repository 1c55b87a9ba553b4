import { describe, expect, test } from 'vitest';
import { coverageNotice, coverageShortfall, mostRows } from './coverage.js';
import { defaultQuery } from './defaults.js';
import type { QueryType } from './model.js';
import type { Coverage, NodeCoverage } from './node-api.js';

function node(name: string, more: Partial<NodeCoverage> = {}): NodeCoverage {
  return { name, status: 'answered', code: null, message: null, rows: 1, bytes: 1, ms: 1, ...more };
}

function failed(name: string, message: string | null = 'no heartbeat for 2 s'): NodeCoverage {
  return node(name, { status: 'failed', code: 'NOT_READY', message });
}

function coverageOf(nodes: readonly NodeCoverage[], more: Partial<Coverage> = {}): Coverage {
  const count = (status: NodeCoverage['status']): number => nodes.filter((each) => each.status === status).length;
  return {
    complete: count('failed') === 0,
    expected: nodes.length,
    asked: nodes.length - count('pruned'),
    answered: count('answered'),
    failed: count('failed'),
    pruned: count('pruned'),
    nodes,
    gaps: { nodes: 0, minutes: 0, worst: [] },
    retention: { nodesShort: 0, from: null },
    ...more,
  };
}

const whole = { rows: 3, truncated: false };
const gaps = { nodes: 1, minutes: 12.34, worst: [{ node: 'edge-7', cause: 'throttle', minutes: 8 }] };

describe('the notice', () => {
  test('says nothing of a whole answer', () => {
    expect(coverageNotice(coverageOf([node('a'), node('b', { status: 'pruned' })]), whole)).toBeNull();
  });

  test('names who is missing and why, five at most', () => {
    const nodes = [node('a'), ...Array.from({ length: 7 }, (_, index) => failed(`edge-${index}`))];
    expect(coverageNotice(coverageOf(nodes), whole)).toEqual({
      severity: 'warning',
      text:
        '7 of 8 nodes did not answer: edge-0 (no heartbeat for 2 s), edge-1 (no heartbeat for 2 s), ' +
        'edge-2 (no heartbeat for 2 s), edge-3 (no heartbeat for 2 s), edge-4 (no heartbeat for 2 s), and 2 more.',
    });
  });

  test('is one for gaps, memory, cuts and remarks', () => {
    const coverage = coverageOf([node('a', { message: 'its clock is 9 s ahead' })], {
      gaps,
      retention: { nodesShort: 2, from: '2026-01-01T00:00:00.000000Z' },
    });
    expect(coverageNotice(coverage, { rows: 1000, truncated: true })).toEqual({
      severity: 'warning',
      text:
        '1 node has gaps of 12.3 min in this range (the longest: edge-7, throttle, 8 min): events may be missing, see armorlake.gaps. ' +
        '2 nodes remember only what came after 2026-01-01T00:00:00.000000Z. ' +
        'There are more than these 1,000 rows: narrow the range or the filters, aggregate, or raise the limit. ' +
        'a: its clock is 9 s ahead.',
    });
  });

  type Gap = readonly [cause: string, minutes: number, estimated?: number];
  const five = (minutes: number): readonly Gap[] => Array.from({ length: 5 }, () => ['throttle', minutes]);
  test.each<readonly [string, readonly Gap[], number, boolean]>([
    ['one container throttled for 30 s in an hour', [['throttle', 0.5]], 60, false],
    ['the same in five minutes', [['throttle', 0.5]], 5, true],
    ['a break of 30 s in an hour', [['break:13', 0.5]], 60, false],
    ['a break of 36 s in an hour', [['break:13', 0.6]], 60, true],
    ['a short break that lost 5,000 events', [['drop', 0.02, 5_000]], 60, true],
    ['five throttlings that may hide a break as long', five(1), 60, true],
    ['five of which none could', five(0.5), 60, false],
  ])('stands for gaps that can change a panel: %s', (_, worst, rangeMinutes, told) => {
    const found = worst.map(([cause, minutes, estimated]) => ({ node: 'edge-7', cause, minutes, estimated }));
    const minutes = Math.ceil(found.reduce((sum, gap) => sum + gap.minutes, 0));
    const coverage = coverageOf([node('a')], { gaps: { nodes: 1, minutes, worst: found } });
    expect(coverageNotice(coverage, whole, { rangeMinutes })?.severity).toBe(told ? 'warning' : undefined);
  });

  test('stands for many gaps that are each small', () => {
    const worst = Array.from({ length: 5 }, () => ({ node: 'edge-7', cause: 'throttle', minutes: 0.5 }));
    const of = (minutes: number): unknown =>
      coverageNotice(coverageOf([node('a')], { gaps: { nodes: 1, minutes, worst } }), whole, { rangeMinutes: 60 });
    expect(of(6)).toBeNull();
    expect(of(7)).not.toBeNull();
  });

  test('of the largest limit does not ask for a larger one', () => {
    const of = (type: QueryType, rows: number): string | undefined =>
      coverageNotice(coverageOf([node('a')]), { rows, truncated: true }, { most: mostRows(defaultQuery(type)) })?.text;
    expect(of('table', 49_999)).toContain('or raise the limit');
    expect(of('table', 50_000)).toBe(
      'There are more than these 50,000 rows, which are the most that are shown: aggregate, or narrow the range or the filters.',
    );
    expect(of('logs', 5_000)).not.toContain('raise');
    expect(of('timeseries', 50_000)).toContain('raise');
    expect(of('tree', 10)).not.toContain('raise');
  });

  test('a remark alone is no warning', () => {
    expect(coverageNotice(coverageOf([node('a', { message: 'slowed' })]), whole)?.severity).toBe('info');
  });

  test('says that nobody was asked', () => {
    expect(coverageNotice(coverageOf([]), whole)?.text).toContain('No node was asked');
  });

  test('ignored, says only that rows were cut', () => {
    const coverage = coverageOf([failed('a')], { gaps });
    expect(coverageNotice(coverage, whole, { policy: 'ignore' })).toBeNull();
    expect(coverageNotice(coverage, { rows: 5, truncated: true }, { policy: 'ignore' })?.text).toMatch(
      /^There are more/,
    );
  });

  test('shows nothing of a hostile name as it is', () => {
    const text = coverageNotice(coverageOf([failed('a\u001b[31m\u202e')]), whole)?.text;
    expect(text).toContain('a\\u{1b}[31m\\u{202e}');
  });
});

describe("an alert rule's condition", () => {
  const complete = coverageOf([node('a'), node('b')]);
  const oneMissing = coverageOf([...Array.from({ length: 19 }, (_, index) => node(`n${index}`)), failed('edge-9')]);

  test('fail: any node that is missing', () => {
    expect(coverageShortfall(complete, { mode: 'fail', gaps: false })).toBeNull();
    expect(coverageShortfall(oneMissing, { mode: 'fail', gaps: false })).toBe(
      '1 of 20 nodes did not answer: edge-9 (no heartbeat for 2 s).',
    );
  });

  test('fail: gaps only when that was asked for', () => {
    const holes = coverageOf([node('a')], { gaps, complete: false });
    expect(coverageShortfall(holes, { mode: 'fail', gaps: false })).toBeNull();
    expect(coverageShortfall(holes, { mode: 'fail', gaps: true })).toContain('gaps of 12.3 min');
  });

  test('at least so many percent of those expected', () => {
    expect(coverageShortfall(oneMissing, { mode: 'atLeast', percent: 95 })).toBeNull();
    expect(coverageShortfall(oneMissing, { mode: 'atLeast', percent: 96 })).toBe(
      'Only 19 of 20 expected nodes (95 %) answered, at least 96 % are asked for: edge-9 (no heartbeat for 2 s).',
    );
  });

  test('pruned nodes can hold nothing of the question and count as present', () => {
    const pruned = coverageOf([node('a'), node('b', { status: 'pruned' })]);
    expect(coverageShortfall(pruned, { mode: 'atLeast', percent: 100 })).toBeNull();
  });

  test('nobody expected is no coverage, unless that is ignored', () => {
    expect(coverageShortfall(coverageOf([]), { mode: 'atLeast', percent: 1 })).toContain('No node was asked');
    expect(coverageShortfall(coverageOf([]), { mode: 'fail', gaps: false })).toContain('No node was asked');
    expect(coverageShortfall(coverageOf([]), { mode: 'ignore' })).toBeNull();
    expect(coverageShortfall(oneMissing, { mode: 'ignore' })).toBeNull();
  });

  test('ignored, still wants one answer of those that were asked', () => {
    const nobody = coverageOf([failed('a'), node('b', { status: 'pruned' })]);
    expect(coverageShortfall(nobody, { mode: 'ignore' })).toBe(
      '1 of 2 nodes did not answer: a (no heartbeat for 2 s).',
    );
    const pruned = coverageOf([node('b', { status: 'pruned' })]);
    expect(coverageShortfall(pruned, { mode: 'ignore' })).toBeNull();
  });
});
