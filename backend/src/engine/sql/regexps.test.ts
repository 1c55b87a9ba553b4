import { describe, expect, it } from 'vitest';
import { regexpFault, openSigns } from './regexps.js';

describe('the open signs of a regular expression', () => {
  it.each([
    ['', 0],
    ['a*b+c?', 3],
    ['a{3}', 2],
    ['[0-9]{1,3}', 3],
    ['[]{9}]{2}', 2],
    ['[[:alpha:]]{4}', 4],
    [String.raw`\{9}`, 0],
    [String.raw`\d{2,}`, 2],
    ['a{,5}', 0],
    [String.raw`evil\.example\.com|10\.0\.0\.1`, 0],
    ['a?'.repeat(6000), 6000],
    ['aaaaaaaab', 7],
    ['(a)(?:a)aaaaaab|x', 7],
    ['a'.repeat(20_000), 19_999],
    ['(ab)'.repeat(10), 9],
    ['(ab){10}', 18],
    ['((ab){10}c){10}', 207],
    ['(a{2}|b{3}){4}', 21],
    ['{5}', 0],
    ['x)){3}', 2],
  ])('%s: %i', (pattern, signs) => {
    expect(openSigns(pattern)).toBe(signs);
  });

  it('is looked for in time linear in the pattern', () => {
    expect(openSigns('['.repeat(2_000_000))).toBe(2_000_000);
    expect(openSigns('['.repeat(2_000_000) + '{1')).toBeGreaterThan(1_000_000);
  });

  it('a parameter may repeat what people write, and no more', () => {
    for (const written of ['[0-9a-f]{64}', String.raw`(\d{1,3}\.){3}\d{1,3}`, '[A-Za-z0-9+/]{500,}', '(a|b)*c']) {
      expect(regexpFault(written)).toBeNull();
    }
    expect(regexpFault('((a|b){30}c?){30}')).not.toBeNull();
    const indicators = Array.from({ length: 500 }, (_, index) => `h${index}.evil.com`);
    expect(regexpFault(indicators.join('|'))).toBeNull();
    expect(regexpFault('a?'.repeat(1001))).not.toBeNull();
  });
});
