import { expect, it } from 'vitest';
import { csvLine } from '../../backend/src/cli/csv.js';
import { Random } from '../support/random.js';

/** What ends a line for some: also the vertical tab, the form feed, and those of Unicode. */
const allBreaks = '\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029';

/** The cells that a spreadsheet of some locale makes of CSV: a field that begins with a quote goes on to the next one. */
function cellsOf(csv: string, separator: string, quotes: boolean, lineBreaks: string): string[] {
  const cells: string[] = [];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < csv.length; at += 1) {
    const character = csv.charAt(at);
    if (quoted) {
      if (character !== '"') cell += character;
      else if (csv.charAt(at + 1) === '"') cell += csv.charAt(at++);
      else quoted = false;
    } else if (quotes && character === '"' && cell === '') quoted = true;
    else if (character === separator || lineBreaks.includes(character)) {
      cells.push(cell);
      cell = '';
    } else cell += character;
  }
  return [...cells, cell];
}

const formula = /^[\s"\uff02\p{Cc}\p{Cf}]*[=+\-@|\ufe62\ufe63\ufe66\ufe6b\uff1d\uff0b\uff0d\uff20\uff5c\u207c\u2212]/u;

function expectHarmless(values: readonly string[]): void {
  const csv = csvLine(values);
  for (const separator of [',', ';', '\t', '|']) {
    // Only a reader that splits at commas and knows quotes is meant; the others are what is opened by mistake.
    for (const quotes of separator === ',' ? [true] : [true, false]) {
      for (const cell of cellsOf(csv, separator, quotes, allBreaks))
        expect(cell, JSON.stringify({ csv, separator })).not.toMatch(formula);
    }
  }
  expect(
    cellsOf(csv, ',', true, '\r\n')
      .slice(0, values.length)
      .map((cell) => cell.replaceAll("'", '')),
  ).toEqual(values.map((value) => value.replaceAll("'", '')));
}

it.each([
  '=1+1',
  '\n=1+1',
  '\r=1+1',
  '\t=1+1',
  ' =1+1',
  '\u00a0=1',
  '\ufeff=1',
  '\u200b=1',
  '\u202e=1',
  '"=1',
  '+1',
  '-1',
  '@SUM(A1)',
  '|calc',
  '＝1',
  '＋1',
  '－1',
  '＠1',
  'a;=1',
  'a; =1',
  'a;"=1',
  'a\t=1',
  'a|=1',
  'a\n=1',
  'a\r\n+1',
  'a;-1;@b',
  '\0=1',
  '\x1b=1',
  '\x7f=1',
  'a\v=1',
  'a\f=1',
  'a\x85=1',
  'a\u2028=1',
  'a\u2029=1',
  'a\x1e=1',
  '﹦1',
  '﹢1',
  '﹣1',
  '﹫1',
  '⁼1',
  '−1',
  '＂=1',
  '\u{e0001}=1',
  'a;\0＂﹦1',
  "=cmd|' /C calc'!A0",
])('a spreadsheet of any locale runs nothing of %j', (text) => {
  expectHarmless([text]);
  expectHarmless(['x', text, 'y']);
});

it('nor of any mixture of them', () => {
  const random = new Random(20);
  const pieces = [
    '=',
    '+',
    '-',
    '@',
    '＝',
    '|',
    ';',
    '\t',
    '\n',
    '\r',
    '"',
    "'",
    ' ',
    '\ufeff',
    '\0',
    '\x85',
    '﹦',
    '＂',
    'a',
    ',',
    '1',
  ];
  for (let round = 0; round < 3000; round += 1) {
    const text = (): string => Array.from({ length: random.integer(7) }, () => random.pick(pieces)).join('');
    // A line break at the start or end of a cell is no difference to the reader above.
    expectHarmless([text(), text()].map((each) => `${each}x`));
  }
});

it('leaves what is no formula as it is, and takes time that grows with the text alone', () => {
  for (const text of ['/usr/bin/curl --data a=b', 'a-b', 'x=1', "it's", '2026-01-01T00:00:00Z']) {
    expect(csvLine([text])).toBe(`${text}\r\n`);
  }
  expect(csvLine([`${'\n'.repeat(1 << 20)}x=`])).toHaveLength((1 << 20) + 7);
});
