import { expect, it } from 'vitest';
import { systemTime } from '../time.js';
import { Patience } from './patience.js';

it('gives a node that let three queries pass little time, all of it now and then, and after an answer', () => {
  let nowMs = 100_000;
  const patience = new Patience({ ...systemTime, monotonicMs: () => nowMs });
  for (let each = 0; each < 3; each++) {
    expect(patience.of(30_000)).toBe(30_000);
    patience.ended(true);
  }
  expect(patience.of(30_000)).toBe(2_000);
  expect(patience.of(300)).toBe(300);
  nowMs += 30_000;
  expect(patience.of(30_000)).toBe(30_000);
  patience.ended(true);
  expect(patience.of(30_000)).toBe(2_000);
  patience.ended(false);
  expect(patience.of(30_000)).toBe(30_000);
});
