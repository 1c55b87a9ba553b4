import { describe, expect, it } from 'vitest';
import { regexpFault, repeatedSigns } from './regexps.js';

describe('what a regular expression adds when its counts are written out', () => {
  it.each([
    ['', 0],
    ['a*b+c?', 0],
    ['a{3}', 2],
    ['[0-9]{1,3}', 2],
    ['[]{9}]{2}', 1],
    ['[[:alpha:]]{4}', 3],
    [String.raw`\{9}`, 0],
    [String.raw`\d{2,}`, 1],
    ['a{,5}', 0],
    ['(ab){10}', 18],
    ['((ab){10}c){10}', 207],
    ['(a{2}|b{3}){4}', 21],
    ['{5}', 0],
    ['x)){3}', 2],
  ])('%s: %i', (pattern, signs) => {
    expect(repeatedSigns(pattern)).toBe(signs);
  });

  it('is looked for in time linear in the pattern', () => {
    expect(repeatedSigns('['.repeat(2_000_000))).toBe(0);
    expect(repeatedSigns('['.repeat(2_000_000) + '{1')).toBeGreaterThan(1_000_000);
  });

  it('a parameter may repeat what people write, and no more', () => {
    for (const written of ['[0-9a-f]{64}', String.raw`(\d{1,3}\.){3}\d{1,3}`, '[A-Za-z0-9+/]{500,}', '(a|b)*c']) {
      expect(regexpFault(written)).toBeNull();
    }
    expect(regexpFault('((a|b){30}c?){30}')).toMatchObject({ hint: 'Repeat less by number: + and * cost nothing.' });
  });
});
