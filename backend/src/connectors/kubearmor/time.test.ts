import { describe, expect, it } from 'vitest';
import { parseUpdatedTime, timestampMicros } from './time.js';

describe('parseUpdatedTime', () => {
  it.each([
    ['2026-07-24T08:00:00.043000Z', Date.UTC(2026, 6, 24, 8) * 1000 + 43_000],
    ['2026-07-24T08:00:00.043001', Date.UTC(2026, 6, 24, 8) * 1000 + 43_001],
    ['2026-07-24 08:00:00Z', Date.UTC(2026, 6, 24, 8) * 1000],
    ['2026-07-24T08:00:00.5Z', Date.UTC(2026, 6, 24, 8) * 1000 + 500_000],
    ['2026-07-24T08:00:00.123456789Z', Date.UTC(2026, 6, 24, 8) * 1000 + 123_456],
    ['2026-07-24T08:00:00+05:30', Date.UTC(2026, 6, 24, 2, 30) * 1000],
    ['2026-07-24T08:00:00.000001-01:00', Date.UTC(2026, 6, 24, 9) * 1000 + 1],
    ['1970-01-01T00:00:00.000000Z', 0],
    ['1969-12-31T23:59:59.999999Z', -1],
    ['2000-02-29T23:59:59Z', Date.UTC(2000, 1, 29, 23, 59, 59) * 1000],
  ])('reads %s', (text, micros) => {
    expect(parseUpdatedTime(text)).toBe(micros);
  });

  it('is exact in the year 2300, beyond the safe integers', () => {
    expect(parseUpdatedTime('2300-01-01T00:00:00.000001Z')).toBe(BigInt(Date.UTC(2300, 0, 1)) * 1000n + 1n);
  });

  it.each([
    '',
    'yesterday',
    '2026-07-24',
    '2026-07-24T08:00',
    '2026-13-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2026-04-31T00:00:00Z',
    '2026-07-24T24:00:00Z',
    '2026-07-24T08:60:00Z',
    '2026-07-24T08:00:60Z',
    '2026-07-24T08:00:00.Z',
    '2026-07-24T08:00:00.1234567890Z',
    '2026-07-24T08:00:00ZZ',
    '2026-07-24T08:00:00+0530',
    '2026-0x-24T08:00:00Z',
    '+026-07-24T08:00:00Z',
    '2026-07-24T08:00:00.12a456Z',
  ])('refuses %j', (text) => {
    expect(parseUpdatedTime(text)).toBeNull();
  });

  it('agrees with Date on days of many years', () => {
    for (let day = -40_000; day < 104_000; day += 97) {
      const date = new Date(day * 86_400_000 + 3_723_004);
      expect(parseUpdatedTime(date.toISOString())).toBe(date.getTime() * 1000);
    }
  });
});

describe('timestampMicros', () => {
  it.each([
    [1_784_880_000, 1_784_880_000_000_000, 'seconds'],
    [1, 1_000_000, 'seconds'],
    [-5, -5_000_000, 'seconds'],
    [10_413_792_000, 10_413_792_000_000_000n, 'seconds'],
    [1_770_000_000_123, 1_770_000_000_123_000, 'milliseconds'],
    [1_770_000_000_123_456, 1_770_000_000_123_456, 'microseconds'],
    [1_770_000_000_123_456_768, 1_770_000_000_123_456, 'nanoseconds'],
  ])('takes %d', (value, micros, unit) => {
    expect(timestampMicros(value)).toEqual({ micros, unit });
  });

  it.each([0, 1.5, 2 ** 64])('does not take %d', (value) => {
    expect(timestampMicros(value)).toBeNull();
  });
});
