import { expect, it } from 'vitest';
import { SparseLog } from './sparse-log.js';

it('writes the first lines of a minute, and how many more came with the last of them', () => {
  let now = 0;
  const written: unknown[] = [];
  const clock = { wallMs: () => 0, monotonicMs: () => now };
  const log = new SparseLog<string>(clock, (line, times) => written.push([line, times]), 2);
  for (let at = 0; at < 1000; at++) log.add('a', `a${at}`);
  log.add('b', 'b0');
  expect(written.splice(0)).toEqual([
    ['a0', 1],
    ['a1', 1],
    ['b0', 1],
  ]);
  now = 59_999;
  log.add('a', 'late');
  expect(written).toEqual([]);
  now = 60_000;
  log.add('b', 'b1');
  expect(written.splice(0)).toEqual([
    ['late', 999],
    ['b1', 1],
  ]);
});

it('tells more keys than anybody has together', () => {
  const written: string[] = [];
  const log = new SparseLog<string>({ wallMs: () => 0, monotonicMs: () => 0 }, (line) => written.push(line));
  for (let at = 0; at < 1000; at++) log.add(`k${at}`, `k${at}`);
  expect(written).toEqual(Array.from({ length: 257 }, (_, at) => `k${at}`));
});
