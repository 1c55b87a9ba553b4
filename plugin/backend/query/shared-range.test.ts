import { describe, expect, test } from 'vitest';
import { keepMs, sharedRange } from './shared-range.js';

const HOUR = 3_600_000;

describe('a range that viewers share', () => {
  test.each([
    [1_000, 1],
    [HOUR, 3_600],
    [30 * 24 * HOUR, 5_000],
  ])('of %d ms is widened to multiples of %d ms', (length, grid) => {
    const begin = Math.floor(1_795_000_000_000 / grid) * grid;
    for (const offset of [0, 1, grid - 1]) {
      const fromMs = begin + (offset % grid);
      const shared = sharedRange({ fromMs, toMs: fromMs + length });
      expect(shared.fromMs).toBe(begin);
      expect(shared.toMs % grid).toBe(0);
      expect(shared.toMs).toBeGreaterThanOrEqual(fromMs + length);
      expect(shared.toMs - fromMs - length).toBeLessThan(grid);
    }
  });

  test('is whole numbers also where it is empty or backwards', () => {
    expect(sharedRange({ fromMs: 5, toMs: 5 })).toEqual({ fromMs: 5, toMs: 5 });
    expect(sharedRange({ fromMs: 9, toMs: 5 })).toEqual({ fromMs: 9, toMs: 5 });
  });
});

test('what ended over a minute ago is kept longer', () => {
  expect(keepMs({ fromMs: 0, toMs: 100_000 }, 160_000)).toBe(3_000);
  expect(keepMs({ fromMs: 0, toMs: 100_000 }, 160_001)).toBe(30_000);
  expect(keepMs({ fromMs: 0, toMs: 200_000 }, 160_000)).toBe(3_000);
});
