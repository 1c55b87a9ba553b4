import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withinFolder } from './growing-folder.js';

function folder(): string {
  return mkdtempSync(join(tmpdir(), 'armorlake-growing-'));
}

const refusal = (): Error => new Error('too much');

it('stops what writes more than it may, again and again until it ends', async () => {
  const path = folder();
  let stops = 0;
  const work = async (): Promise<void> => {
    writeFileSync(join(path, 'a'), 'x'.repeat(11));
    while (stops < 3) await new Promise((resolve) => setTimeout(resolve, 1));
  };
  await expect(withinFolder(path, 10, () => stops++, refusal, work)).rejects.toThrow('too much');
  rmSync(path, { recursive: true });
});

it('goes on when its folder is removed meanwhile, as by whoever no longer waits for the answer', async () => {
  const path = folder();
  let stops = 0;
  const work = async (): Promise<string> => {
    rmSync(path, { recursive: true });
    // Several looks.
    await new Promise((resolve) => setTimeout(resolve, 100));
    return 'done';
  };
  expect(await withinFolder(path, 10, () => stops++, refusal, work)).toBe('done');
  expect(stops).toBe(0);
});
