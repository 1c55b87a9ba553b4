import { expect, it } from 'vitest';
import type { Turn } from './fair-queue.js';
import { FairQueue } from './fair-queue.js';

const never = new AbortController().signal;

/** Who got its turn so far, in order; each holds its slot until told. */
class Queue extends FairQueue {
  readonly order: string[] = [];
  readonly #releases = new Map<string, () => void>();

  ask(name: string, turn: Turn, signal = never): Promise<string> {
    return this.acquire(turn, signal).then(
      (release) => {
        this.order.push(name);
        this.#releases.set(name, release);
        return 'granted';
      },
      (thrown: { code: string }) => thrown.code,
    );
  }

  async done(...names: readonly string[]): Promise<void> {
    for (const name of names) this.#releases.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

it('callers take turns, whoever has more waiting', async () => {
  const queue = new FairQueue(1, 10);
  const first = await queue.acquire({ caller: 'a' }, never);
  const spare = await queue.acquire({ caller: 'x' }, never);
  const order: string[] = [];
  const run = async (caller: string, name: string): Promise<void> => {
    const release = await queue.acquire({ caller }, never);
    order.push(name);
    release();
  };
  const all = [run('a', 'a1'), run('a', 'a2'), run('a', 'a3'), run('b', 'b1'), run('c', 'c1')];
  expect(queue.waiting).toBe(5);
  first();
  spare();
  await Promise.all(all);
  expect(order).toEqual(['a1', 'b1', 'c1', 'a2', 'a3']);
  expect([queue.running, queue.waiting]).toEqual([0, 0]);
});

it('one caller never has more than the slots, and with another one there is one more', async () => {
  const queue = new Queue(2, 10);
  for (const name of ['a1', 'a2', 'a3']) void queue.ask(name, { caller: 'a' });
  await queue.done();
  expect(queue.order).toEqual(['a1', 'a2']);
  void queue.ask('b1', { caller: 'b' });
  void queue.ask('c1', { caller: 'c' });
  await queue.done();
  expect([queue.order, queue.running]).toEqual([['a1', 'a2', 'b1'], 3]);
  await queue.done('a1');
  expect(queue.running).toBe(2);
  await queue.done('a2', 'b1');
  expect(queue.order).toEqual(['a1', 'a2', 'b1', 'a3', 'c1']);
  await queue.done('a3', 'c1');
  expect([queue.running, queue.waiting]).toEqual([0, 0]);
});

it('what comes again and again by itself leaves half of the slots to queries', async () => {
  const queue = new Queue(4, 100);
  for (let tail = 0; tail < 5; tail++) void queue.ask(`tail ${tail}`, { caller: `t${tail}`, background: true });
  await queue.done();
  expect(queue.order).toEqual(['tail 0', 'tail 1']);
  void queue.ask('q1', { caller: 'a' });
  void queue.ask('q2', { caller: 'a' });
  await queue.done();
  expect(queue.order).toEqual(['tail 0', 'tail 1', 'q1', 'q2']);
});

it('when too many wait, whoever has most of them waits with less, and nobody else is refused', async () => {
  const queue = new Queue(1, 3);
  const outcomes = ['a0', 'a1', 'a2', 'a3', 'a4'].map((name) => queue.ask(name, { caller: 'a' }));
  expect(await outcomes[4]).toBe('BUSY');
  const spare = queue.ask('b0', { caller: 'b' });
  const other = queue.ask('b1', { caller: 'b' });
  expect(await spare).toBe('granted');
  expect(await outcomes[3]).toBe('BUSY');
  await queue.done('a0', 'b0');
  expect(await other).toBe('granted');
  expect(queue.order).toEqual(['a0', 'b0', 'a1', 'b1']);
});

it('forgets those who leave, and lets in who stood behind them', async () => {
  const queue = new Queue(1, 5);
  void queue.ask('a', { caller: 'a' });
  const leaving = new AbortController();
  const left = queue.ask('alone', { caller: 'b', company: 'alone' }, leaving.signal);
  leaving.abort();
  expect(await left).toBe('CANCELLED');
  void queue.ask('c', { caller: 'c' });
  await queue.done('a');
  await queue.done('c');
  expect([queue.order, queue.running, queue.waiting]).toEqual([['a', 'c'], 0, 0]);
});

it('what runs alone has nobody beside it, and others are not let in for ever before it', async () => {
  let now = 0;
  const queue = new Queue(4, 100, { wallMs: () => now, monotonicMs: () => now });
  void queue.ask('a1', { caller: 'a' });
  void queue.ask('suspect', { caller: 's', company: 'alone 1' });
  void queue.ask('a2', { caller: 'a' });
  await queue.done();
  expect([queue.order, queue.othersWait]).toEqual([['a1', 'a2'], true]);
  now += 2000;
  void queue.ask('a3', { caller: 'a' });
  void queue.ask('b1', { caller: 'b' });
  await queue.done('a1');
  expect(queue.order).toEqual(['a1', 'a2']);
  await queue.done('a2');
  expect([queue.order, queue.othersWait]).toEqual([['a1', 'a2', 'suspect'], true]);
  void queue.ask('b2', { caller: 'b' });
  void queue.ask('another', { caller: 's', company: 'alone 2' });
  await queue.done('suspect');
  // All who wait for the same company have their turn together, then the next suspect.
  expect(queue.order.slice(3).sort()).toEqual(['a3', 'b1', 'b2']);
  await queue.done('a3', 'b1', 'b2');
  expect(queue.order.at(-1)).toBe('another');
  await queue.done('another');
  expect([queue.running, queue.waiting]).toEqual([0, 0]);
});

it('those of one company run together, and companies alternate', async () => {
  let now = 0;
  const queue = new Queue(4, 100, { wallMs: () => now, monotonicMs: () => now });
  for (const name of ['a1', 'a2']) void queue.ask(name, { caller: 'a', company: 'token a' });
  for (const name of ['b1', 'b2']) void queue.ask(name, { caller: 'b', company: 'token b' });
  await queue.done();
  expect(queue.order).toEqual(['a1', 'a2']);
  now += 2000;
  void queue.ask('a3', { caller: 'a', company: 'token a' });
  await queue.done('a1', 'a2');
  expect(queue.order).toEqual(['a1', 'a2', 'b1', 'b2']);
  await queue.done('b1', 'b2');
  expect(queue.order.at(-1)).toBe('a3');
});
