import { expect, test } from 'vitest';
import { answerOf, wholeCoverage } from '../../../test/support/plugin-answers.js';
import { wholeBuckets } from './cut-answer.js';
import { floatVector, microsVector, timeMsAt, timeVector } from './vector.js';

const MS = 1000;

function times(micros: readonly number[], truncated = true): readonly [(number | null)[], boolean[]] {
  const stats = { rows: micros.length, truncated, elapsedMs: 1, queryId: 'q', bytes: 1 };
  const columns = { n: floatVector(micros), time: microsVector(micros) };
  const { answer, isWhole } = wholeBuckets(answerOf(columns, { stats, coverage: wholeCoverage }));
  const vector = answer.columns[1]?.vector;
  return [micros.map((_, row) => vector && timeMsAt(vector, row)).map((ms) => ms ?? null), [1, 2, 3, 4].map(isWhole)];
}

test.each([
  ['the newest', [MS, MS, 2 * MS, 3 * MS, 3 * MS], [1, 1, 2, null, null], [true, true, false, false]],
  ['the oldest', [3 * MS, 3 * MS, 2 * MS, 2 * MS], [3, 3, null, null], [false, false, true, true]],
] as const)('%s bucket is where a cut answer ends', (_, micros, left, whole) => {
  expect(times(micros)).toEqual([left, whole]);
});

test.each([
  ['in no order of time', [2 * MS, MS, 3 * MS, 2 * MS], [2, 1, 3, 2]],
  ['of one bucket', [MS, MS], [1, 1]],
] as const)('a cut answer %s keeps its rows, and no bucket is known to be empty', (_, micros, left) => {
  expect(times(micros)).toEqual([left, [false, false, false, false]]);
});

test('an answer that was not cut, or has no time, is as it is', () => {
  expect(times([MS, 2 * MS], false)).toEqual([
    [1, 2],
    [true, true, true, true],
  ]);
  const stats = { rows: 1, truncated: true, elapsedMs: 1, queryId: 'q', bytes: 1 };
  const none = answerOf({ n: floatVector([1]) }, { stats });
  expect(wholeBuckets(none).answer).toBe(none);
  const empty = answerOf({ time: timeVector([null]) }, { stats });
  expect(wholeBuckets(empty).isWhole(1)).toBe(false);
});
