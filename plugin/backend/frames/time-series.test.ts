import { describe, expect, test } from 'vitest';
import { answerOf } from '../../../test/support/plugin-answers.js';
import type { Frame } from './frame.js';
import type { TimeSeriesOptions } from './time-series.js';
import { timeSeriesFrames } from './time-series.js';
import { floatVector, int64Vector, microsVector, textVector, timeVector, valueAt } from './vector.js';

const plain: TimeSeriesOptions = { fill: { mode: 'none' }, bucketStarts: [], bucketEnd: null, alert: false };

/** Name and values of each field of each frame. */
function valuesOf(frames: readonly Frame[]): unknown {
  return frames.map(({ fields }) =>
    fields.map(({ name, labels, vector }) => [
      labels === undefined ? name : `${name} ${JSON.stringify(labels)}`,
      Array.from({ length: vector.length }, (_, row) => {
        const value = valueAt(vector, row);
        return typeof value === 'bigint' ? Number(value / 1000n) : value;
      }),
    ]),
  );
}

test('series of the same times are one wide frame, by name in order', () => {
  const answer = answerOf({
    time: microsVector([20, 10, 10, 20]),
    pod: textVector(['b', 'b', 'a', 'a']),
    events: int64Vector([4n, 3n, 1n, 2n]),
  });
  const frames = timeSeriesFrames(answer, plain);
  expect(frames[0]?.meta).toMatchObject({ type: 'timeseries-wide', typeVersion: [0, 1] });
  expect(valuesOf(frames)).toEqual([
    [
      ['time', [10, 20]],
      ['events {"pod":"a"}', [1, 2]],
      ['events {"pod":"b"}', [3, 4]],
    ],
  ]);
  expect(frames[0]?.fields[1]?.config?.displayNameFromDS).toBe('a');
});

test('series of other times are frames of their own: a wide one would invent nulls', () => {
  const answer = answerOf({
    time: microsVector([10, 20, 20]),
    pod: textVector(['a', 'a', 'b']),
    events: floatVector([1, null, 3]),
  });
  const frames = timeSeriesFrames(answer, plain);
  expect(frames.map(({ meta }) => meta.type)).toEqual(['timeseries-multi', 'timeseries-multi']);
  expect(valuesOf(frames)).toEqual([
    [
      ['time', [10, 20]],
      ['events {"pod":"a"}', [1, null]],
    ],
    [
      ['time', [20]],
      ['events {"pod":"b"}', [3]],
    ],
  ]);
});

test('each number is a series; several labels; NULL is no label; rows without a time belong to none', () => {
  const answer = answerOf({
    pod: textVector(['a', null, 'lost']),
    node: textVector(['n1', 'n2', 'n3']),
    low: floatVector([1, 2, 9]),
    time: timeVector([10_000n, 10_000n, null]),
    later: timeVector([1n, 1n, 1n]),
    high: floatVector([3, 4, 9]),
  });
  const frames = timeSeriesFrames(answer, plain);
  expect(valuesOf(frames)).toEqual([
    [
      ['time', [10]],
      ['high {"pod":"a","node":"n1"}', [3]],
      ['low {"pod":"a","node":"n1"}', [1]],
      ['high {"node":"n2"}', [4]],
      ['low {"node":"n2"}', [2]],
    ],
  ]);
  expect(frames[0]?.fields.map(({ config }) => config?.displayNameFromDS)).toEqual([
    undefined,
    'a, n1 high',
    'a, n1 low',
    '(none), n2 high',
    '(none), n2 low',
  ]);
});

test('severities are in the order of their numbers, and what has none has a name and comes last', () => {
  const severities = ['10', null, '3', '5', 'x'];
  const answer = answerOf({
    time: microsVector(severities.map(() => 10)),
    severity: textVector(severities),
    count: int64Vector(severities.map(() => 1n)),
  });
  const [frame] = timeSeriesFrames(answer, plain);
  expect(frame?.fields.slice(1).map(({ config }) => config?.displayNameFromDS)).toEqual([
    '3',
    '5',
    '10',
    'x',
    '(none)',
  ]);
});

describe('filling', () => {
  const answer = answerOf({
    time: microsVector([10_000, 30_000]),
    pod: textVector(['a', 'b']),
    events: floatVector([1, 3]),
  });
  const starts = [0, 10, 20, 30];

  test.each([
    [{ mode: 'value', value: 0 } as const, [0, 1, 0, 0], [0, 0, 0, 3]],
    [{ mode: 'null' } as const, [null, 1, null, null], [null, null, null, 3]],
    [{ mode: 'previous' } as const, [null, 1, 1, 1], [null, null, null, 3]],
  ])('%o', (fill, a, b) => {
    expect(valuesOf(timeSeriesFrames(answer, { ...plain, fill, bucketStarts: starts }))).toEqual([
      [
        ['time', [0, 10_000, 20_000, 30_000]],
        ['events {"pod":"a"}', a],
        ['events {"pod":"b"}', b],
      ],
    ]);
  });
});

test('a bucket says where it ends, for links', () => {
  const answer = answerOf({ time: microsVector([60_000_000]), events: floatVector([1]) });
  const frames = timeSeriesFrames(answer, { ...plain, bucketEnd: (start) => start + 60_000 });
  expect(valuesOf(frames)).toEqual([
    [
      ['time', [60_000_000]],
      ['events', [1]],
      ['until', [120_000_000]],
    ],
  ]);
});

test('no rows, or none with a time, read as no data', () => {
  const empty = [{ name: '', meta: { type: 'timeseries-wide', typeVersion: [0, 1] }, fields: [] }];
  expect(timeSeriesFrames(answerOf({ time: timeVector([]), n: floatVector([]) }), plain)).toEqual(empty);
  expect(timeSeriesFrames(answerOf({ time: timeVector([null]), n: floatVector([1]) }), plain)).toEqual(empty);
});

test('what has no time or no number is refused with what is missing', () => {
  expect(() => timeSeriesFrames(answerOf({ n: floatVector([1]) }), plain)).toThrow(/no column of type TIMESTAMP/);
  expect(() => timeSeriesFrames(answerOf({ time: microsVector([1]) }), plain)).toThrow(/no column of numbers/);
});

describe('very many series', () => {
  const many = (count: number) =>
    answerOf({
      time: microsVector(Array.from({ length: count }, () => 10)),
      pod: textVector(Array.from({ length: count }, (_, index) => `pod-${String(index).padStart(5, '0')}`)),
      events: floatVector(Array.from({ length: count }, (_, index) => index)),
    });

  test('the largest 500 are shown, and a notice says so', () => {
    const [frame] = timeSeriesFrames(many(501), plain);
    expect(frame?.fields).toHaveLength(501);
    expect(frame?.fields[1]?.labels).toEqual({ pod: 'pod-00001' });
    expect(frame?.meta.notices?.[0]?.text).toBe(
      'The 500 largest of 501 series are shown: group by fewer columns, or filter.',
    );
  });

  test('are the largest also where some are no numbers, or without end', () => {
    const values = Array.from({ length: 1200 }, (_, index) =>
      index % 3 === 0 ? NaN : index % 100 === 1 ? Infinity : index,
    );
    const [frame] = timeSeriesFrames(
      answerOf({
        time: microsVector(values.map(() => 10)),
        pod: textVector(values.map((_, index) => `pod-${String(index).padStart(5, '0')}`)),
        events: floatVector(values),
      }),
      plain,
    );
    const shown = (frame?.fields ?? [])
      .slice(1)
      .map(({ labels }) => values[Number((labels?.['pod'] ?? '').slice(4))] ?? NaN);
    expect(shown).toHaveLength(500);
    const numbers = values.filter((value) => !Number.isNaN(value)).sort((a, b) => (a < b ? 1 : -1));
    expect([...shown].sort((a, b) => (a < b ? 1 : -1))).toEqual(numbers.slice(0, 500));
  });

  test('an alert sees all, or is refused', () => {
    expect(timeSeriesFrames(many(501), { ...plain, alert: true })[0]?.fields).toHaveLength(502);
    expect(() => timeSeriesFrames(many(10_001), { ...plain, alert: true })).toThrow(/10001 series; 10000 is the most/);
  });
});

test('labels are shown as text that does nothing, and outcomes have their colours', () => {
  const answer = answerOf({
    time: microsVector([10, 10]),
    outcome: textVector(['blocked', '\u001b[31m\u202ered']),
    events: floatVector([1, 2]),
  });
  const fields = timeSeriesFrames(answer, plain)[0]?.fields ?? [];
  expect(fields.map(({ labels }) => labels?.['outcome'])).toEqual([undefined, '\\u{1b}[31m\\u{202e}red', 'blocked']);
  expect(fields[2]?.config?.color).toEqual({ mode: 'fixed', fixedColor: 'purple' });
});
