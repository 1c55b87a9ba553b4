import { afterAll, beforeAll, expect, it } from 'vitest';
import { Workplace } from '../cli-support.js';
import { TestNode } from '../support/node-process.js';

const place = new Workplace();
let node: TestNode;
let hub: TestNode;

beforeAll(async () => {
  node = await TestNode.start(place);
  hub = await TestNode.start(place, { data: 'q', args: ['--network', '127.0.0.1:0'] });
});
afterAll(() => place.close());

async function ask(
  body: object,
  what = 'query',
  of: { readonly url: string } = node,
): Promise<{ readonly status: number; readonly code: string | undefined }> {
  const response = await fetch(`${of.url}/api/v1/${what}`, {
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

it('counts a list at each place where it stands, at a query node', async () => {
  const places = (count: number): string => Array.from({ length: count }, () => 'host IN $h').join(' OR ');
  const ofHub = async (sql: string, params: object): Promise<unknown> => ask({ sql, params }, 'query', hub);
  expect(await ofHub(`SELECT count(*) FROM kubearmor.logs WHERE ${places(1)}`, { h: list(40_000) })).toMatchObject({
    status: 200,
  });
  expect(await ofHub(`SELECT count(*) FROM kubearmor.logs WHERE ${places(2)}`, { h: list(40_000) })).toMatchObject({
    status: 413,
  });
  const long = `SELECT ${Array.from({ length: 60 }, () => 'count(*) FILTER (host = $t)').join(', ')} FROM kubearmor.logs`;
  expect(await ofHub(long, { t: 'x'.repeat(2_000_000) })).toMatchObject({ status: 413 });
  expect(await ofHub('SELECT 1', {})).toMatchObject({ status: 200 });
});

it('so are names of nodes and parameters, of which each is told in the answer', async () => {
  expect(await ask({ sql: 'SELECT 1', nodes: { names: list(100_000) } })).toMatchObject({ status: 400 });
  expect(await ask({ sql: 'SELECT 1', params: list(100_000) })).toMatchObject({ status: 400 });
  const named = Object.fromEntries(list(100_000).map((name) => [name, 1]));
  expect(await ask({ sql: 'SELECT 1', params: named })).toEqual({ status: 413, code: 'LIMIT_EXCEEDED' });
  const objects = list(100_000).map(() => ({}));
  const lists = list(100_000).map(() => []);
  for (const each of [objects, lists, [objects]]) {
    expect(await ask({ sql: 'SELECT 1', params: [each] })).toEqual({ status: 413, code: 'LIMIT_EXCEEDED' });
  }
  const wrong = list(200_000).map(() => 0);
  for (const nodes of [{ clusters: wrong }, { labels: { a: wrong } }, { names: wrong }]) {
    expect(await ask({ sql: 'SELECT 1', nodes })).toEqual({ status: 413, code: 'LIMIT_EXCEEDED' });
  }
  for (const nodes of [{ clusters: wrong.slice(0, 90_000) }, { labels: { a: wrong.slice(0, 90_000) } }]) {
    expect(await ask({ sql: 'SELECT 1', nodes })).toMatchObject({ status: 400 });
  }
});
