import { describe, expect, it } from 'vitest';
import { printable, unprintable } from './printable.js';

describe('text on a screen', () => {
  it.each([
    ['a control', '\u001b[31m', '\\u{1b}[31m'],
    ['a direction mark', 'a\u202eb', 'a\\u{202e}b'],
    ['a letter without a shape', '\u3164 \u115f \uffa0', '\\u{3164} \\u{115f} \\u{ffa0}'],
    ['annotation marks', '\ufff9x\ufffbx', '\\u{fff9}x\\u{fffb}x'],
    ['variation selectors and tags', 'x\u{e0100}\u{e01ef}\ufe0f\u{e0041}', 'x\\u{e0100}\\u{e01ef}\\u{fe0f}\\u{e0041}'],
    ['line ends', '\n\u0085\u2028\u2029', '\\u{a}\\u{85}\\u{2028}\\u{2029}'],
    ['what looks like an escape', '\\u{202e}', '\\u{5c}u{202e}'],
  ])('shows %s', (_, text, shown) => {
    expect(printable(text)).toBe(shown);
    expect(unprintable(shown)).toBe(text);
  });

  it('leaves ordinary text alone', () => {
    for (const text of ['C:\\users\\u1', 'naïve Ünïcode', '日本語 한국어 ไทย עברית العربية', '👾 🚀', 'a  b', '\\']) {
      expect(printable(text)).toBe(text);
    }
  });

  it('can be read back, whatever it was', () => {
    const pieces = ['\\', 'u', '{', '}', '5c', '\u202e', '\\u{5c}', '\\u{202e}', '\u0000', '\u{e0100}', 'x', '\\u{zz}'];
    for (let seed = 0; seed < 5_000; seed += 1) {
      const text = [1, 13, 169, 2_197].map((by) => pieces[Math.floor(seed / by) % pieces.length]).join('');
      expect(unprintable(printable(text))).toBe(text);
    }
  });

  it('that is no escape stays as it is', () => {
    expect(unprintable('\\u{110000} \\u{} \\u{1B} \\n')).toBe('\\u{110000} \\u{} \\u{1B} \\n');
  });
});
