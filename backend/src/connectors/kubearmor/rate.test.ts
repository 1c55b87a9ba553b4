import { describe, expect, it } from 'vitest';
import { Backoff, defaultTimings } from './backoff.js';
import { RateMeter } from './rate.js';

describe('RateMeter', () => {
  it('counts over the last minute, and less when it is younger', () => {
    const meter = new RateMeter(1_000_000);
    for (let event = 0; event < 30; event++) meter.add(1_000_000);
    expect(meter.rate(1_000_500)).toBe(30);
    expect(meter.rate(1_002_000)).toBe(10);
    for (let second = 0; second < 120; second++) meter.add(1_003_000 + second * 1000);
    expect(meter.rate(1_122_000)).toBe(1);
    expect(meter.rate(1_152_000)).toBe(0.5);
  });

  it('survives jumps of the clock', () => {
    const meter = new RateMeter(1_000_000);
    meter.add(1_000_000);
    expect(meter.rate(9_000_000_000)).toBe(0);
    meter.add(2_000_000);
    expect(meter.rate(9_000_000_000)).toBeCloseTo(1 / 60);
  });
});

describe('Backoff', () => {
  it('grows from about a second to a few, and starts again', () => {
    const longest = new Backoff(defaultTimings, () => 0);
    expect(Array.from({ length: 6 }, () => longest.next())).toEqual([1000, 1500, 2250, 3375, 5000, 5000]);
    longest.reset();
    expect(longest.next()).toBe(1000);
    expect(new Backoff(defaultTimings, () => 0.999).next()).toBeCloseTo(500, -1);
  });
});
