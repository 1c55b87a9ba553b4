import { describe, expect, it } from 'vitest';
import { tokenize } from './lexer.js';

const kinds = (sql: string): readonly string[] =>
  tokenize(sql)
    .filter(({ kind }) => kind !== 'space')
    .map(({ kind, text }) => `${kind} ${text}`);

describe('tokens of SQL', () => {
  it.each([
    [
      "SELECT 'it''s', E'a\\'b', e'\\\\'",
      ['word SELECT', "string 'it''s'", 'symbol ,', "escapeString E'a\\'b'", 'symbol ,', "escapeString e'\\\\'"],
    ],
    ['"a""b" $$x\'$$ $t$ $$ $t$', ['quoted "a""b"', "dollarString $$x'$$", 'dollarString $t$ $$ $t$']],
    ["1 -- $x 'y\n+ 2", ['number 1', "comment -- $x 'y", 'symbol +', 'number 2']],
    ['1 /* a /* b */ $x */ 2', ['number 1', 'comment /* a /* b */ $x */', 'number 2']],
    ['$ns ${ns:csv} [[ns]] $1', ['variable $ns', 'variable ${ns:csv}', 'variable [[ns]]', 'variable $1']],
    ['$a$b', ['variable $a', 'variable $b']],
    ['a$b x${y} é', ['word a$b', 'word x', 'variable ${y}', 'word é']],
    ['$__timeFilter(t)', ['variable $__timeFilter', 'symbol (', 'word t', 'symbol )']],
    ['1_000.5e-3 .5', ['number 1_000.5e-3', 'number .5']],
    ["'open", ["string 'open"]],
    ['/* open', ['comment /* open']],
    ["E'open\\", ["escapeString E'open\\"]],
  ])('%s', (sql, expected) => {
    expect(kinds(sql)).toEqual(expected);
  });

  it('are together the text, whatever it is', () => {
    const alphabet = [...'\'"$\\-/*()[]{}:. \nEe1aé_'];
    for (let seed = 1; seed < 3_000; seed += 1) {
      let state = seed;
      const text = Array.from({ length: seed % 23 }, () => {
        state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
        return alphabet[state % alphabet.length];
      }).join('');
      const tokens = tokenize(text);
      expect(tokens.map((token) => token.text).join('')).toBe(text);
      expect(tokens.every(({ start, end, text: own }) => end > start && text.slice(start, end) === own)).toBe(true);
    }
  });
});
