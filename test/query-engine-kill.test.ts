import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stuck } from './support/stuck.js';

const launcher = fileURLToPath(new URL('../backend/bin/armorlake.js', import.meta.url));

let folder: string;
let node: ChildProcess;
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'armorlake-kill-'));
  const args = ['node', '--name', 'n1', '--data', join(folder, 'data'), '--http', '127.0.0.1:0'];
  node = spawn(process.execPath, [launcher, ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  const output = node.stdout;
  if (output === null) throw new Error('no output');
  for await (const piece of output) {
    const found = /(http:\/\/127\.0\.0\.1:\d+)/.exec(String(piece))?.[1];
    if (found !== undefined) {
      url = found;
      break;
    }
  }
});

afterAll(async () => {
  node.kill('SIGTERM');
  if (node.exitCode === null) await once(node, 'exit');
  rmSync(folder, { recursive: true, force: true });
});

async function query(sql: string, timeoutMs: number, signal?: AbortSignal) {
  const response = await fetch(`${url}/api/v1/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sql, limits: { timeoutMs } }),
    ...(signal === undefined ? {} : { signal }),
  });
  return {
    status: response.status,
    body: (await response.json()) as { error?: { code: string; message: string }; rows?: unknown },
  };
}

const restarts = async (): Promise<number> => {
  const status = (await (await fetch(`${url}/api/v1/status`)).json()) as {
    engine: { restarts: number; state: string };
  };
  return status.engine.state === 'ready' ? status.engine.restarts : -1;
};

it('a query that ignores its interrupt costs the engine, and twice is refused', async () => {
  const started = performance.now();
  // Long enough for a slow machine to have begun with it.
  const first = await query(stuck, 2000);
  expect(first).toMatchObject({ status: 504, body: { error: { code: 'DEADLINE' } } });
  expect(first.body.error?.message).toContain('did not stop');
  expect(performance.now() - started).toBeLessThan(20_000);
  await expect.poll(restarts).toBe(1);
  expect((await query('SELECT 1', 5000)).body.rows).toEqual([[1]]);
  // The second time its client goes away at once: that doesn't leave the engine stuck.
  const leaving = AbortSignal.timeout(2000);
  await expect(query(stuck, 60_000, leaving)).rejects.toThrow();
  await expect.poll(restarts).toBe(2);
  expect(await query(stuck, 200)).toMatchObject({ status: 400, body: { error: { code: 'NOT_ALLOWED' } } });
  expect((await query('SELECT 2', 5000)).body.rows).toEqual([[2]]);
});
