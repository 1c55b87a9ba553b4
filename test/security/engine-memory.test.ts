import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Workplace } from '../cli-support.js';
import { TestNode, until } from '../support/node-process.js';

// A whole node, on machines that do other things too.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });

const data = (name: string): string => readFileSync(new URL(`../data/${name}`, import.meta.url), 'utf8');

let place: Workplace;
let node: TestNode;
let engine: number;

beforeAll(async () => {
  place = new Workplace();
  node = await TestNode.start(place, { args: ['--profile', 'edge'] });
  await node.post(data('kubearmor-published-events.ndjson'));
  engine = await node.enginePid();
});
afterAll(() => place.close());

/** Bytes of data that Linux counts, and the most it lets the engine have. */
function memory(): { readonly used: number; readonly most: number } {
  const used = Number(/^VmData:\s+(\d+) kB/m.exec(readFileSync(`/proc/${engine}/status`, 'latin1'))?.[1]) * 1024;
  const most = Number(/^Max data size\s+(\d+)/m.exec(readFileSync(`/proc/${engine}/limits`, 'latin1'))?.[1]);
  return { used, most };
}

it.skipIf(process.platform !== 'linux')('the largest of our own queries fit beside each other in an edge', async () => {
  const tree = data('cases/telemetry/27-process-tree-on-edge.sql');
  const execs = await node.rows("SELECT seq FROM kubearmor.events WHERE operation = 'Process' ORDER BY seq");
  expect(execs.length).toBeGreaterThan(8);
  for (const { seq } of execs) {
    const sql = tree.replace("node = 'e1'", "node = 'lake'").replace('seq = 13', `seq = ${String(seq)}`);
    const { status, rows, error } = await node.query(sql, { timeoutMs: 60_000 });
    expect([status, error]).toEqual([200, undefined]);
    expect(rows.length).toBeGreaterThan(0);
  }
  expect(await node.enginePid()).toBe(engine);
});

it.skipIf(process.platform !== 'linux')('what large queries have freed is there for the next', async () => {
  for (const sql of [
    "SELECT string_agg(i || x, ',') IS NULL FROM range(1000000) r(i), (SELECT string_agg('a', '') AS x FROM range(1000))",
    'SELECT list_sort(list(hash(i)::VARCHAR)) IS NULL FROM range(1000000) r(i)',
    'SELECT json_group_object(i::VARCHAR, i) IS NULL FROM range(1000000) r(i)',
    'SELECT list(i) IS NULL FROM range(1000000) a(i), range(300) b(j)',
  ]) {
    expect([200, 413]).toContain((await node.query(sql, { timeoutMs: 60_000 })).status);
  }
  await until(
    async () => {
      await node.query('SELECT count(DISTINCT i) FROM range(10000) r(i)');
      const { used, most } = memory();
      return used < most * 0.8;
    },
    () => JSON.stringify(memory()),
  );
  expect(await node.enginePid()).toBe(engine);
});
