import { describe, expect, it } from 'vitest';
import { editDistance, nearest } from './nearest.js';
import { characterOffset, offsetOfCodePoint, parseTree, printTree, readSerialized } from './tree.js';

describe('parseTree', () => {
  it.each([
    '{"query_location":18446744073709551615}',
    '{"value":9007199254740993}',
    '{"value":-9223372036854775808}',
    '{"upper":9223372036854775807,"lower":18446744073709551615}',
    '{"value":10.0}',
    '{"value":1e+300}',
    '{"value":-0.0}',
    '{"a":[1,2.50,"1234567890123456789","10.0",null,true]}',
    String.raw`{"value":"{\"#\":\"12\"} \\\" 18446744073709551615 \u0000"}`,
  ])('keeps every number and text of %s as it was written', (text) => {
    expect(printTree(parseTree(text))).toBe(text);
  });

  it('gives short whole numbers as numbers, and long or fractional ones as their text', () => {
    expect(parseTree('[7,12345678901234567,10.0]')).toEqual([7, { '#': '12345678901234567' }, { '#': '10.0' }]);
  });

  it('refuses the infinity that DuckDB writes without quotes', () => {
    expect(() => parseTree('{"value":Infinity}')).toThrow(SyntaxError);
  });
});

it('readSerialized tells a syntax error with its place', () => {
  const answer = readSerialized('{"error":true,"error_type":"parser","error_message":"syntax error","position":"7"}');
  expect(answer).toEqual({ ok: false, type: 'parser', message: 'syntax error', codePoint: 7 });
});

it('characterOffset counts characters where DuckDB counts bytes', () => {
  expect(characterOffset("SELECT 'é€𝄞', x", Buffer.byteLength("SELECT 'é€𝄞', "))).toBe("SELECT 'é€𝄞', ".length);
});

it('offsetOfCodePoint counts UTF-16 where DuckDB counts code points', () => {
  expect(offsetOfCodePoint("'é𝄞' x", 5)).toBe(6);
});

describe('nearest', () => {
  it.each([
    ['kitten', 'sitting', 3],
    ['', 'abc', 3],
    ['same', 'same', 0],
  ])('the distance of %j and %j is %i', (left, right, distance) => {
    expect(editDistance(left, right)).toBe(distance);
  });

  it.each([
    ['logs', 'kubearmor.logs'],
    ['kubearmor.alert', 'kubearmor.alerts'],
    ['KUBEARMOR.LOGS', 'kubearmor.logs'],
    ['zzzzzzzzzzzzzzzz', undefined],
  ])('offers for %j %j', (name, offered) => {
    expect(nearest(name, ['kubearmor.logs', 'kubearmor.alerts'])).toBe(offered);
  });
});
