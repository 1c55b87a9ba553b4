import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { QueryLake } from '../support/query-lake.js';

const MIB = 1 << 20;

let lake: QueryLake;
beforeAll(async () => {
  lake = await QueryLake.open();
});
afterAll(() => lake[Symbol.asyncDispose]());

it('what a fragment writes is bounded while it writes, and nothing of it stays', { timeout: 120_000 }, async () => {
  const folder = join(lake.folder, 'tmp', 'fragments');
  mkdirSync(folder, { recursive: true });
  // Half a gigabyte of hashes, which don't compress.
  const columns = Array.from({ length: 16 }, (_, index) => `md5('${index}-' || i) AS c${index}`);
  let most = 0;
  const look = setInterval(() => {
    if (!existsSync(folder)) return;
    const sizes = readdirSync(folder).map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0);
    most = Math.max(
      most,
      sizes.reduce((sum, size) => sum + size, 0),
    );
  }, 5);
  const call = lake.call('fragments', {
    queryId: 'test',
    fragments: [{ name: 'f', sql: `SELECT ${columns.join(', ')} FROM range(1000000) r(i)` }],
    budget: { rows: 2_000_000, bytes: 4 * MIB },
    timeoutMs: 100_000,
    folder,
  });
  await expect(call).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: `The query would ship more than ${4 * MIB} bytes from one node.`,
  });
  clearInterval(look);
  expect(most).toBeLessThan(256 * MIB);
  expect(existsSync(folder)).toBe(false);
});
