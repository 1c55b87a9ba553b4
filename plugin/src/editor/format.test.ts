import { describe, expect, it } from 'vitest';
import { bytesText, countText, durationText, pluralText, printableSql, shortCountText } from './format.js';

describe('numbers for people', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [999.6, '1 k'],
    [1_240, '1.2 k'],
    [9_960, '10 k'],
    [38_412_000, '38 M'],
    [999_499_999, '999 M'],
    [999_600_000, '1 G'],
    [2.5e15, '2,500 T'],
  ])('%d rows are short', (value, wanted) => {
    expect(shortCountText(value)).toBe(wanted);
  });

  it('counts, bytes, durations and plurals', () => {
    expect(countText(1_940)).toBe('1,940');
    expect(bytesText(812)).toBe('812 B');
    expect(bytesText(1_200_000)).toBe('1.2 MB');
    expect(bytesText(-1)).toBe('0 B');
    expect(durationText(412.4)).toBe('412 ms');
    expect(durationText(2_100)).toBe('2.1 s');
    expect(durationText(180_000)).toBe('3 min');
    expect(pluralText(1, 'node')).toBe('1 node');
    expect(pluralText(2, 'subquery', 'subqueries')).toBe('2 subqueries');
  });

  it('shows SQL line by line, with nothing hidden in it', () => {
    expect(printableSql("SELECT\n  '\u202etxt'")).toBe("SELECT\n  '\\u{202e}txt'");
  });
});
