import { expect, it } from 'vitest';
import { Strikes, asked } from './strikes.js';

function strikesAt(): { strikes: Strikes; wait(ms: number): void } {
  let now = 0;
  const clock = { wallMs: () => now, monotonicMs: () => now };
  return { strikes: new Strikes(clock), wait: (ms) => (now += ms) };
}

const bad = { asked: asked('SELECT bad', []), who: 'mallory' };
const good = { asked: asked('SELECT good', []), who: 'ann' };

it('refuses a statement that was alone in two deaths to whom it was alone for, for 10 minutes', () => {
  const { strikes, wait } = strikesAt();
  strikes.died([bad]);
  expect(() => strikes.check(bad.asked, 'mallory')).not.toThrow();
  strikes.died([bad]);
  expect(() => strikes.check(bad.asked, 'mallory')).toThrow(/statement stopped the database engine twice/);
  expect(() => strikes.check(bad.asked, 'ann')).not.toThrow();
  expect(() => strikes.check(asked('SELECT bad', ['of other values']), 'mallory')).not.toThrow();
  expect(() => strikes.check(asked('SELECT 2', []), 'mallory')).not.toThrow();
  wait(10 * 60_000 - 1);
  expect(() => strikes.check(bad.asked, 'mallory')).toThrow();
  wait(1);
  expect(() => strikes.check(bad.asked, 'mallory')).not.toThrow();
});

it('refuses a statement to everybody once it was alone for two', () => {
  const { strikes } = strikesAt();
  strikes.died([bad]);
  strikes.died([{ ...bad, who: 'bob' }]);
  expect(() => strikes.check(bad.asked, 'ann')).toThrow(/statement stopped the database engine twice/);
});

it('refuses a statement to everybody where nobody has a token', () => {
  const { strikes } = strikesAt();
  strikes.died([{ ...bad, who: null }]);
  strikes.died([{ ...bad, who: null }]);
  expect(() => strikes.check(bad.asked, null)).toThrow(/statement stopped the database engine twice/);
});

it('refuses a token whose statements were alone in four deaths, whatever their texts, and nobody else', () => {
  const { strikes } = strikesAt();
  for (let death = 0; death < 4; death++) {
    expect(() => strikes.check(asked(`SELECT ${death}`, []), 'mallory')).not.toThrow();
    strikes.died([{ asked: asked(`SELECT ${death}`, []), who: 'mallory' }]);
  }
  expect(() => strikes.check(asked('SELECT 5', []), 'mallory')).toThrow(/token mallory/);
  expect(() => strikes.check(asked('SELECT 5', []), 'ann')).not.toThrow();
});

it('strikes nothing when several ran: they are suspects, for a minute, and success clears a statement', () => {
  const { strikes, wait } = strikesAt();
  for (let death = 0; death < 10; death++) strikes.died([bad, good]);
  expect(() => strikes.check(asked('SELECT bad', []), 'mallory')).not.toThrow();
  expect(() => strikes.check(asked('SELECT good', []), 'ann')).not.toThrow();
  const once = strikesAt();
  once.strikes.died([bad, good]);
  const company = (text: string, who: string | null): string | null => once.strikes.companyOf(asked(text, []), who);
  expect(company('SELECT good', 'ann')).toMatch(/^alone /);
  expect(company('SELECT good', 'ann')).not.toBe(company('SELECT good', 'ann'));
  expect(company('SELECT other', 'ann')).toBe('token ann');
  expect(company('SELECT other', 'bob')).toBeNull();
  once.strikes.clear(asked('SELECT good', []));
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
  strikes.died([bad, { asked: asked('SELECT other', []), who: 'bob' }]);
  wait(61_000);
  expect(strikes.companyOf(asked('SELECT x', []), 'mallory')).toBe('token mallory');
  expect(strikes.companyOf(asked('SELECT x', []), 'bob')).toBeNull();
});

it('strikes the token when all that ran was its own, and suspects the statements', () => {
  const { strikes } = strikesAt();
  for (let death = 0; death < 4; death++) {
    strikes.died([
      { asked: asked(`SELECT ${death}`, []), who: 'mallory' },
      { asked: asked('SELECT same', []), who: 'mallory' },
    ]);
  }
  expect(() => strikes.check(asked('SELECT x', []), 'mallory')).toThrow(/token mallory/);
  expect(() => strikes.check(asked('SELECT same', []), null)).not.toThrow();
  expect(strikes.companyOf(asked('SELECT same', []), null)).toMatch(/^alone /);
});

it('what is no user’s is struck by nothing, and takes the blame from nobody', () => {
  const { strikes } = strikesAt();
  for (let death = 0; death < 5; death++) strikes.died([{ asked: null, who: null }, bad]);
  expect(() => strikes.check(asked('SELECT bad', []), 'mallory')).not.toThrow();
  expect(() => strikes.check(null, null)).not.toThrow();
});

it('forgets strikes of a statement that ran well in between, and those that lie far apart', () => {
  const { strikes, wait } = strikesAt();
  strikes.died([{ asked: asked('SELECT 1', []), who: null }]);
  strikes.clear(asked('SELECT 1', []));
  strikes.died([{ asked: asked('SELECT 1', []), who: null }]);
  expect(() => strikes.check(asked('SELECT 1', []), null)).not.toThrow();
  wait(11 * 60_000);
  strikes.died([{ asked: asked('SELECT 1', []), who: null }]);
  expect(() => strikes.check(asked('SELECT 1', []), null)).not.toThrow();
});
