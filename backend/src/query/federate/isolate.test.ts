import { describe, expect, it } from 'vitest';
import { isolate } from './isolate.js';

/** Values that are summed, and a sum over 100 fails. */
async function search(...values: readonly number[]): Promise<readonly number[]> {
  const items = values.map((value) => ({ value }));
  const found = await isolate(items, (some) => Promise.resolve(some.reduce((sum, { value }) => sum + value, 0) <= 100));
  return found.map(({ value }) => value);
}

describe('who makes a merge fail', () => {
  it('is who fails alone, one or several', async () => {
    expect(await search(1, 2, 300, 4)).toEqual([300]);
    expect(await search(300, 2, 3, 400, 5)).toEqual([300, 400]);
    expect(await search(300)).toEqual([300]);
  });

  it('is who fails with any of the others', async () => {
    expect(await search(100, 1, 2, 3)).toEqual([100]);
    expect(await search(1, 2, 3, 4, 5, 100)).toEqual([100]);
    expect(await search(1, 100, 2)).toEqual([100]);
  });

  it('is nobody where several could be', async () => {
    expect(await search(60, 60)).toEqual([]);
    expect(await search(40, 40, 40)).toEqual([]);
  });

  it('is found in few trials among many', async () => {
    let trials = 0;
    const items = Array.from({ length: 4_096 }, (_, index) => index);
    const found = await isolate(items, (some) => {
      trials++;
      return Promise.resolve(!some.includes(3_333));
    });
    expect(found).toEqual([3_333]);
    expect(trials).toBeLessThan(40);
  });
});
