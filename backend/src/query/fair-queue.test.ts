import { expect, it } from 'vitest';
import { FairQueue } from './fair-queue.js';

const never = new AbortController().signal;

it('callers take turns, whoever has more waiting', async () => {
  const queue = new FairQueue(1, 10);
  const first = await queue.acquire('a', never);
  const order: string[] = [];
  const run = async (caller: string, name: string): Promise<void> => {
    const release = await queue.acquire(caller, never);
    order.push(name);
    release();
  };
  const all = [run('a', 'a1'), run('a', 'a2'), run('a', 'a3'), run('b', 'b1'), run('c', 'c1')];
  expect(queue.waiting).toBe(5);
  first();
  await Promise.all(all);
  expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'a3']);
  expect([queue.running, queue.waiting]).toEqual([0, 0]);
});

it('runs no more than its slots at once', async () => {
  const queue = new FairQueue(2, 10);
  let running = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 10 }, async (_, index) => {
      const release = await queue.acquire(`caller ${index % 3}`, never);
      most = Math.max(most, (running += 1));
      await Promise.resolve();
      running -= 1;
      release();
      release();
    }),
  );
  expect(most).toBe(2);
  expect(queue.running).toBe(0);
});

it('refuses when too many wait, and forgets those who leave', async () => {
  const queue = new FairQueue(1, 1);
  const release = await queue.acquire('a', never);
  const leaving = new AbortController();
  const left = queue.acquire('b', leaving.signal);
  await expect(queue.acquire('c', never)).rejects.toMatchObject({ code: 'BUSY' });
  leaving.abort();
  await expect(left).rejects.toMatchObject({ code: 'CANCELLED' });
  const next = queue.acquire('c', never);
  release();
  (await next)();
  expect([queue.running, queue.waiting]).toEqual([0, 0]);
});
