import { afterAll, beforeAll, expect, it } from 'vitest';
import { Workplace } from '../cli-support.js';
import { TestNode } from '../support/node-process.js';

const place = new Workplace();
let node: TestNode;

beforeAll(async () => {
  node = await TestNode.start(place);
});
afterAll(() => place.close());

async function ask(
  body: object,
  what = 'query',
): Promise<{ readonly status: number; readonly code: string | undefined }> {
  const response = await fetch(`${node.url}/api/v1/${what}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { error } = (await response.json()) as { error?: { code: string } };
  return { status: response.status, code: error?.code };
}

const list = (length: number): readonly string[] => Array.from({ length }, (_, index) => `h${index}`);

it('a list of values is bounded, and the engine goes on', async () => {
  const engine = await node.enginePid();
  const sql = 'SELECT count(*) FROM kubearmor.logs WHERE host IN $1';
  expect(await ask({ sql, params: [list(200_000)] })).toEqual({ status: 413, code: 'LIMIT_EXCEEDED' });
  expect(await ask({ sql, params: [list(200_000)] }, 'explain')).toEqual({ status: 413, code: 'LIMIT_EXCEEDED' });
  expect(await ask({ sql, params: [list(10_000)] })).toEqual({ status: 200, code: undefined });
  expect(await node.enginePid()).toBe(engine);
});

it('so are names of nodes and parameters, of which each is told in the answer', async () => {
  expect(await ask({ sql: 'SELECT 1', nodes: { names: list(100_000) } })).toMatchObject({ status: 400 });
  expect(await ask({ sql: 'SELECT 1', params: list(100_000) })).toMatchObject({ status: 400 });
  const named = Object.fromEntries(list(100_000).map((name) => [name, 1]));
  expect(await ask({ sql: 'SELECT 1', params: named })).toEqual({ status: 413, code: 'LIMIT_EXCEEDED' });
  const objects = list(100_000).map(() => ({}));
  expect(await ask({ sql: 'SELECT 1', params: [objects] })).toEqual({ status: 413, code: 'LIMIT_EXCEEDED' });
});
