import { describe, expect, it } from 'vitest';
import { Throttle } from './throttle.js';

const SECOND = 1_000_000;

describe('Throttle', () => {
  it('lets ten a second through, marks the eleventh, is silent for 30 s and begins anew', () => {
    const throttle = new Throttle({ maxAlertsPerSec: 10, droppingIntervalSec: 30 });
    const first = Array.from({ length: 12 }, (_, index) => throttle.judge('a', index * 1_000));
    expect(first).toEqual([...new Array<string>(10).fill('send'), 'mark', 'hold']);
    expect(throttle.judge('b', 11_000)).toBe('send');
    expect(throttle.judge('a', 29 * SECOND)).toBe('hold');
    expect(throttle.judge('a', 30 * SECOND + 10_000)).toBe('send');
  });

  it('counts each second apart', () => {
    const throttle = new Throttle({ maxAlertsPerSec: 2, droppingIntervalSec: 30 });
    const verdicts = [0, 0.4, 1.1, 1.2, 2.3, 2.4].map((at) => throttle.judge('a', at * SECOND));
    expect(new Set(verdicts)).toEqual(new Set(['send']));
  });

  it('lets everything through without limits', () => {
    const throttle = new Throttle(undefined);
    expect(Array.from({ length: 100 }, () => throttle.judge('a', 0))).not.toContain('mark');
  });
});
