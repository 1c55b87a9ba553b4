import { expect, test } from 'vitest';
import { Turns } from './turns.js';

/** Work that ends when the test says so. */
class Work {
  running = false;
  end: () => void = () => undefined;

  readonly run = (): Promise<string> => {
    this.running = true;
    return new Promise((resolve) => {
      this.end = () => {
        this.running = false;
        resolve('done');
      };
    });
  };
}

const never = new AbortController().signal;

test('so many at a time, in the order they came', async () => {
  const turns = new Turns(2);
  const works = Array.from({ length: 4 }, () => new Work());
  const all = works.map(({ run }) => turns.run(run, never));
  const running = (): string => works.map((work) => (work.running ? '1' : '0')).join('');
  expect(running()).toBe('1100');
  works[1]?.end();
  await all[1];
  expect(running()).toBe('1010');
  works[0]?.end();
  await all[0];
  expect(running()).toBe('0011');
  works[2]?.end();
  works[3]?.end();
  expect(await Promise.all(all)).toEqual(['done', 'done', 'done', 'done']);
});

test('who is aborted gives up the turn, and one that fails gives it back', async () => {
  const turns = new Turns(1);
  const [first, second, third] = [new Work(), new Work(), new Work()];
  const leaving = new AbortController();
  const one = turns.run(first.run, never);
  const two = turns.run(second.run, leaving.signal);
  const three = turns.run(() => Promise.reject(new Error('no')), never);
  const four = turns.run(third.run, never);
  leaving.abort();
  await expect(two).rejects.toThrow();
  first.end();
  await one;
  await expect(three).rejects.toThrow('no');
  await expect.poll(() => third.running).toBe(true);
  expect(second.running).toBe(false);
  third.end();
  expect(await four).toBe('done');
  await expect(turns.run(first.run, AbortSignal.abort())).rejects.toThrow();
});
