import { describe, expect, test } from 'vitest';
import { decodeFrame } from '../../../test/support/frames.js';
import { encodeFrame } from './arrow-file.js';
import type { Frame } from './frame.js';
import type { Vector } from './vector.js';
import { boolVector, floatVector, int64Vector, microsVector, textVector, timeVector } from './vector.js';

function fieldOf(vector: Vector) {
  const [field] = decodeFrame(encodeFrame({ name: '', meta: {}, fields: [{ name: 'x', vector }] }, 'A')).fields;
  return { type: field?.type, values: field?.values };
}

describe('a frame as an Arrow file', () => {
  test('has name, refId and meta in the metadata of its schema, labels and config in those of its fields', () => {
    const frame: Frame = {
      name: 'näme',
      meta: { type: 'timeseries-wide', typeVersion: [0, 1], executedQueryString: 'SELECT "ä"' },
      fields: [
        { name: 'time', vector: microsVector([0]) },
        { name: 'value', vector: floatVector([1]), labels: { pod: 'é' }, config: { unit: 's' } },
        { name: 'value', vector: floatVector([2]), labels: { pod: 'f' } },
      ],
    };
    expect(decodeFrame(encodeFrame(frame, 'B'))).toEqual({
      name: 'näme',
      refId: 'B',
      meta: frame.meta,
      fields: [
        { name: 'time', type: 'Timestamp<NANOSECOND>', values: ['0'] },
        { name: 'value', type: 'Float64', labels: { pod: 'é' }, config: { unit: 's' }, values: [1] },
        { name: 'value', type: 'Float64', labels: { pod: 'f' }, values: [2] },
      ],
    });
  });

  test.each<[string, Vector, string, readonly unknown[]]>([
    ['text', textVector(['a', null, '', 'üß🎉', 'b']), 'Utf8', ['a', null, '', 'üß🎉', 'b']],
    ['ASCII text', textVector(['one', null, 'three']), 'Utf8', ['one', null, 'three']],
    ['float64', floatVector([1.5, null, -0, NaN, Infinity]), 'Float64', [1.5, null, -0, 'NaN', 'Infinity']],
    [
      'int64',
      int64Vector([2n ** 63n - 1n, null, -(2n ** 63n)]),
      'Int64',
      ['9223372036854775807', null, '-9223372036854775808'],
    ],
    [
      'bool',
      boolVector([true, null, false, true, true, true, true, true, true]),
      'Bool',
      [true, null, false, true, true, true, true, true, true],
    ],
    ['uint8', { kind: 'uint8', length: 2, validity: null, values: Uint8Array.of(7, 255) }, 'Uint8', [7, 255]],
    ['int8', { kind: 'int8', length: 2, validity: null, values: Int8Array.of(7, -1) }, 'Int8', [7, -1]],
    ['int16', { kind: 'int16', length: 1, validity: null, values: Int16Array.of(-300) }, 'Int16', [-300]],
    ['uint16', { kind: 'uint16', length: 1, validity: null, values: Uint16Array.of(65535) }, 'Uint16', [65535]],
    ['int32', { kind: 'int32', length: 1, validity: null, values: Int32Array.of(-70000) }, 'Int32', [-70000]],
    [
      'uint32',
      { kind: 'uint32', length: 1, validity: null, values: Uint32Array.of(2 ** 32 - 1) },
      'Uint32',
      [2 ** 32 - 1],
    ],
    [
      'uint64',
      { kind: 'uint64', length: 1, validity: null, values: BigUint64Array.of(2n ** 64n - 1n) },
      'Uint64',
      ['18446744073709551615'],
    ],
    ['float32', { kind: 'float32', length: 1, validity: null, values: Float32Array.of(0.5) }, 'Float32', [0.5]],
    ['times', timeVector([1n, null, -1n]), 'Timestamp<NANOSECOND>', ['1', null, '-1']],
    ['JSON', textVector(['{"a":1}', null], 'json'), 'Binary', ['{"a":1}', null]],
    ['text without rows', textVector([]), 'Utf8', []],
    ['numbers without rows', floatVector([]), 'Float64', []],
  ])('%s', (_, vector, type, values) => {
    const nullable = vector.validity === null ? '' : '?';
    expect(fieldOf(vector)).toEqual({ type: `${type}${nullable}`, values });
  });

  test('a frame without fields', () => {
    expect(decodeFrame(encodeFrame({ name: '', meta: {}, fields: [] }, 'A')).fields).toEqual([]);
  });

  test('thousands of fields and long texts', () => {
    const fields = Array.from({ length: 3000 }, (_, index) => ({
      name: `field ${index} ${'x'.repeat(index % 50)}`,
      vector: textVector(['y'.repeat(index)]),
    }));
    const decoded = decodeFrame(encodeFrame({ name: '', meta: {}, fields }, 'A')).fields;
    expect(decoded.map(({ name }) => name)).toEqual(fields.map(({ name }) => name));
    expect(decoded[2999]?.values).toEqual(['y'.repeat(2999)]);
  });
});

test('times in microseconds keep each of them, before 1970 too', () => {
  const micros = [0, 1, -1, 999_999, -1_000_001, 1_795_261_469_237_123, -62_135_596_800_000_00, 8_999_999_999_999_999];
  expect([...microsVector(micros).values]).toEqual(micros.map((value) => BigInt(value) * 1000n));
});
