import { describe, expect, it } from 'vitest';
import { LineSplitter } from './lines.js';

/** The lines of a text that comes in pieces of this size. */
function split(text: string, size: number, limit?: number): string[] {
  const splitter = new LineSplitter(limit);
  const bytes = Buffer.from(text);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    for (const line of splitter.push(bytes.subarray(at, at + size))) lines.push(show(line));
  }
  const last = splitter.end();
  return last === null ? lines : [...lines, show(last)];
}

function show(line: { readonly bytes: Buffer; readonly truncated: boolean }): string {
  return line.bytes.toString() + (line.truncated ? '…' : '');
}

describe('LineSplitter', () => {
  it.each([
    ['', []],
    ['a', ['a']],
    ['a\n', ['a']],
    ['a\r\nb', ['a', 'b']],
    ['\n\r\n\nx\n', ['', '', '', 'x']],
    ['a\rb\n', ['a\rb']],
    ['ü\u2028ü\n日本\n', ['ü\u2028ü', '日本']],
    ['a\r', ['a']],
  ])('splits %j however it comes', (text, lines) => {
    for (const size of [1, 2, 3, 1000]) expect(split(text, size)).toEqual(lines);
  });

  it('keeps the beginning of a line that is too long, and goes on', () => {
    for (const size of [1, 3, 1000]) {
      expect(split(`short\n${'x'.repeat(20)}\nnext\n${'y'.repeat(9)}`, size, 8)).toEqual([
        'short',
        `${'x'.repeat(8)}…`,
        'next',
        `${'y'.repeat(8)}…`,
      ]);
    }
  });
});
