import { readFileSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Workplace } from '../cli-support.js';
import { ask, joinAddress, membersAlive, startEdge, startQueryNode } from '../support/federation-nodes.js';
import type { TestNode } from '../support/node-process.js';
import { until } from '../support/node-process.js';

const place = new Workplace();
let hub: TestNode;
let edge: TestNode;

beforeAll(async () => {
  hub = await startQueryNode(place);
  edge = await startEdge(place, 0, [await joinAddress(hub)]);
  await membersAlive(hub, 'edge-0');
});
afterAll(async () => {
  await place.close();
});

/** The process of the hub's merge engine. */
function mergePid(): number | null {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const parent = / (\d+) /.exec(readFileSync(`/proc/${entry}/stat`, 'utf8').replace(/^.*\) \S/, ''))?.[1];
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8');
      if (Number(parent) === hub.running.pid && command.includes('merge-main')) return Number(entry);
    } catch {
      // It has just ended.
    }
  }
  return null;
}

async function signal(name: NodeJS.Signals): Promise<void> {
  await until(() => mergePid() !== null, 'the merge engine');
  process.kill(mergePid() ?? 0, name);
}

const count = 'SELECT count(*) FROM kubearmor.logs';
const linux = process.platform === 'linux';

it.skipIf(!linux)('a query node whose merge engine hangs answers at the deadline', async () => {
  await signal('SIGSTOP');
  const answer = await ask(hub, { sql: count, limits: { timeoutMs: 1500 } });
  expect(answer).toMatchObject({ status: 504, error: { code: 'DEADLINE' } });
  await signal('SIGCONT');
  await until(async () => (await ask(hub, { sql: count })).status === 200, 'it answers again');
});

it.skipIf(!linux)('a statement in which the merge engine dies twice is refused', async () => {
  const sql = 'SELECT count(*) + 1 FROM kubearmor.logs';
  for (let time = 0; time < 2; time++) {
    // It knows its tables: the statement itself is what it dies with.
    await until(async () => (await ask(hub, { sql: count })).status === 200, 'it answers');
    await signal('SIGSTOP');
    const asked = ask(hub, { sql });
    // Its own account tells that it has been sent.
    await until(
      async () => (await (await fetch(`${hub.url}/metrics`)).text()).includes('armorlake_queries_running 1'),
      'it runs',
    );
    await signal('SIGKILL');
    expect(await asked).toMatchObject({ status: 503, error: { code: 'NOT_READY' } });
  }
  expect(await ask(hub, { sql })).toMatchObject({ status: 400, error: { code: 'NOT_ALLOWED' } });
});

it.skipIf(!linux)('an edge whose engine hangs fails by name, and the query goes on', async () => {
  await until(async () => (await ask(hub, { sql: count })).status === 200, 'it answers');
  const engine = await edge.enginePid();
  process.kill(engine, 'SIGSTOP');
  const answer = await ask(hub, { sql: count, limits: { timeoutMs: 3000 } });
  process.kill(engine, 'SIGCONT');
  expect(answer.status).toBe(200);
  expect(answer.coverage).toMatchObject({ failed: 1, nodes: [{ name: 'edge-0', status: 'failed' }] });
});
