import { expect, it } from 'vitest';
import { Strikes } from './strikes.js';

function strikesAt(): { strikes: Strikes; wait(ms: number): void } {
  let now = 0;
  const clock = { wallMs: () => now, monotonicMs: () => now };
  return { strikes: new Strikes(clock), wait: (ms) => (now += ms) };
}

it('refuses a statement and its token after two times, for 10 minutes', () => {
  const { strikes, wait } = strikesAt();
  strikes.strike('SELECT 1', 'ann');
  expect(() => strikes.check('SELECT 1', 'ann')).not.toThrow();
  strikes.strike('SELECT 1', 'ann');
  expect(() => strikes.check('SELECT 1', null)).toThrow(/statement stopped the database engine twice/);
  expect(() => strikes.check('SELECT 2', 'ann')).toThrow(/token ann/);
  expect(() => strikes.check('SELECT 2', 'bob')).not.toThrow();
  wait(10 * 60_000 - 1);
  expect(() => strikes.check('SELECT 1', null)).toThrow();
  wait(1);
  expect(() => strikes.check('SELECT 1', 'ann')).not.toThrow();
});

it('forgets a statement that ran well in between, and strikes that lie far apart', () => {
  const { strikes, wait } = strikesAt();
  strikes.strike('SELECT 1', null);
  strikes.clear('SELECT 1');
  strikes.strike('SELECT 1', null);
  expect(() => strikes.check('SELECT 1', null)).not.toThrow();
  wait(11 * 60_000);
  strikes.strike('SELECT 1', null);
  expect(() => strikes.check('SELECT 1', null)).not.toThrow();
});
