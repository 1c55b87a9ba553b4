import { expect, it } from 'vitest';
import { Strikes } from './strikes.js';

function strikesAt(): { strikes: Strikes; wait(ms: number): void } {
  let now = 0;
  const clock = { wallMs: () => now, monotonicMs: () => now };
  return { strikes: new Strikes(clock), wait: (ms) => (now += ms) };
}

const bad = { text: 'SELECT bad', who: 'mallory' };
const good = { text: 'SELECT good', who: 'ann' };

it('refuses a statement that was alone in two deaths, for 10 minutes', () => {
  const { strikes, wait } = strikesAt();
  strikes.died([bad]);
  expect(() => strikes.check('SELECT bad', null)).not.toThrow();
  strikes.died([bad]);
  expect(() => strikes.check('SELECT bad', null)).toThrow(/statement stopped the database engine twice/);
  expect(() => strikes.check('SELECT 2', 'mallory')).not.toThrow();
  wait(10 * 60_000 - 1);
  expect(() => strikes.check('SELECT bad', null)).toThrow();
  wait(1);
  expect(() => strikes.check('SELECT bad', null)).not.toThrow();
});

it('refuses a token whose statements were alone in four deaths, whatever their texts, and nobody else', () => {
  const { strikes } = strikesAt();
  for (let death = 0; death < 4; death++) {
    expect(() => strikes.check(`SELECT ${death}`, 'mallory')).not.toThrow();
    strikes.died([{ text: `SELECT ${death}`, who: 'mallory' }]);
  }
  expect(() => strikes.check('SELECT 5', 'mallory')).toThrow(/token mallory/);
  expect(() => strikes.check('SELECT 5', 'ann')).not.toThrow();
});

it('strikes nothing when several ran: they are suspects, for a minute, and success clears a statement', () => {
  const { strikes, wait } = strikesAt();
  for (let death = 0; death < 10; death++) strikes.died([bad, good]);
  expect(() => strikes.check('SELECT bad', 'mallory')).not.toThrow();
  expect(() => strikes.check('SELECT good', 'ann')).not.toThrow();
  const once = strikesAt();
  once.strikes.died([bad, good]);
  const company = (text: string, who: string | null): string | null => once.strikes.companyOf(text, who);
  expect(company('SELECT good', 'ann')).toMatch(/^alone /);
  expect(company('SELECT good', 'ann')).not.toBe(company('SELECT good', 'ann'));
  expect(company('SELECT other', 'ann')).toBe('token ann');
  expect(company('SELECT other', 'bob')).toBeNull();
  once.strikes.clear('SELECT good');
  // A statement that ran well says little of the token's others.
  expect(company('SELECT good', 'ann')).toBe('token ann');
  once.wait(60_000);
  expect(company('SELECT bad', 'mallory')).toBeNull();
  wait(0);
});

it('suspects for 10 minutes who comes under suspicion a second time within them', () => {
  const { strikes, wait } = strikesAt();
  strikes.died([bad, good]);
  wait(61_000);
  strikes.died([bad, { text: 'SELECT other', who: 'bob' }]);
  wait(61_000);
  expect(strikes.companyOf('SELECT x', 'mallory')).toBe('token mallory');
  expect(strikes.companyOf('SELECT x', 'bob')).toBeNull();
});

it('strikes the token when all that ran was its own, and suspects the statements', () => {
  const { strikes } = strikesAt();
  for (let death = 0; death < 4; death++) {
    strikes.died([
      { text: `SELECT ${death}`, who: 'mallory' },
      { text: 'SELECT same', who: 'mallory' },
    ]);
  }
  expect(() => strikes.check('SELECT x', 'mallory')).toThrow(/token mallory/);
  expect(() => strikes.check('SELECT same', null)).not.toThrow();
  expect(strikes.companyOf('SELECT same', null)).toMatch(/^alone /);
});

it('what is no user’s is struck by nothing, and takes the blame from nobody', () => {
  const { strikes } = strikesAt();
  for (let death = 0; death < 5; death++) strikes.died([{ text: null, who: null }, bad]);
  expect(() => strikes.check('SELECT bad', 'mallory')).not.toThrow();
  expect(() => strikes.check(null, null)).not.toThrow();
});

it('forgets strikes of a statement that ran well in between, and those that lie far apart', () => {
  const { strikes, wait } = strikesAt();
  strikes.died([{ text: 'SELECT 1', who: null }]);
  strikes.clear('SELECT 1');
  strikes.died([{ text: 'SELECT 1', who: null }]);
  expect(() => strikes.check('SELECT 1', null)).not.toThrow();
  wait(11 * 60_000);
  strikes.died([{ text: 'SELECT 1', who: null }]);
  expect(() => strikes.check('SELECT 1', null)).not.toThrow();
});
