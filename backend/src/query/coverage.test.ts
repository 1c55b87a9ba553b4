import { expect, it } from 'vitest';
import { coverageOf, strangersOf } from './coverage.js';
import type { NodeAnswer } from './coverage.js';
import { parseTime } from './request.js';

const node = (
  name: string,
  facts: Partial<NodeAnswer['facts']> = {},
  status: 'answered' | 'failed' | 'pruned' = 'answered',
) =>
  ({
    coverage: { name, status, code: null, message: null, rows: 1, bytes: 1, ms: 1 },
    facts: { gaps: { minutes: 0, worst: [] }, shortFrom: null, ...facts },
  }) satisfies NodeAnswer;

const gap = (minutes: number) => ({
  connector: 'k',
  stream: 'logs',
  from: '2026-01-01T00:00:00.000000Z',
  to: null,
  cause: 'crash',
  minutes,
  estimated: null,
});

it('counts nodes by what they did', () => {
  const coverage = coverageOf([node('a'), node('b', {}, 'failed'), node('c', {}, 'pruned')]);
  expect(coverage).toMatchObject({ complete: false, expected: 3, asked: 2, answered: 1, failed: 1, pruned: 1 });
  expect(coverageOf([node('a'), node('c', {}, 'pruned')]).complete).toBe(true);
  expect(coverageOf([])).toMatchObject({ complete: false, expected: 0, asked: 0 });
});

it('a name that is nobody’s has failed', () => {
  const strangers = strangersOf({ names: ['a', 'nope', 'nope'], labels: { site: ['x'] } }, (name) => name === 'a');
  expect(coverageOf([node('a'), ...strangers])).toMatchObject({
    complete: false,
    expected: 2,
    failed: 1,
    nodes: [{ name: 'a' }, { name: 'nope', status: 'failed', code: 'NOT_FOUND' }],
  });
});

it('an answer of a node with gaps or too short a memory is not complete', () => {
  const coverage = coverageOf([
    node('a', { gaps: { minutes: 3, worst: [gap(2), gap(1)] } }),
    node('b', { gaps: { minutes: 9, worst: [gap(9)] } }),
    node('c', { shortFrom: '2026-01-02T00:00:00.000000Z' }),
    node('d', { shortFrom: '2026-01-03T00:00:00.000000Z' }),
  ]);
  expect(coverage).toMatchObject({
    complete: false,
    gaps: { nodes: 2, minutes: 12, worst: [{ node: 'b', minutes: 9 }, { node: 'a' }, { node: 'a' }] },
    retention: { nodesShort: 2, from: '2026-01-03T00:00:00.000000Z' },
  });
});

it.each([
  ['1970-01-01T00:00:00Z', 0n],
  ['1970-01-01', 0n],
  ['1970-01-01 00:00:00.000001', 1n],
  ['1969-12-31T23:59:59.999999Z', -1n],
  ['2026-01-31T12:00:00.123456789+02:00', 1769853600123456n],
  ['2300-01-01T00:00Z', 10413792000000000n],
  ['yesterday', undefined],
  ['2026-13-01', undefined],
  ['2026-01-31T12:00:00Z; DROP', undefined],
])('parseTime(%j) is %s', (text, micros) => {
  expect(parseTime(text)).toBe(micros);
});
