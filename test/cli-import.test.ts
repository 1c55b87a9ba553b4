import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Running } from './cli-support.js';
import { Workplace, run } from './cli-support.js';

const [template = ''] = readFileSync(
  fileURLToPath(new URL('data/kubearmor-published-events.ndjson', import.meta.url)),
  'utf8',
).split('\n');
const LINES = 20_000;

let place: Workplace;
beforeEach(() => {
  place = new Workplace();
  const event = JSON.parse(template) as Record<string, unknown>;
  const lines = Array.from({ length: LINES }, (_, index) => JSON.stringify({ ...event, Cwd: `/line/${index}` }));
  writeFileSync(place.path('events.ndjson'), `${lines.join('\n')}\n`);
});
afterEach(() => place.close());

async function startNode(): Promise<{ node: Running; url: string }> {
  const node = place.start(['node', '--data', 'lake', '--http', '127.0.0.1:0', '--log-level', 'silent']);
  const [, url = ''] = await node.says(/ready at (http:\S+) /);
  return { node, url };
}

async function ask(url: string, sql: string): Promise<unknown[][]> {
  const { code, out, err } = await run(['query', '--format', 'json', '--url', url, sql]);
  expect(code, err).toBe(0);
  return (JSON.parse(out) as { rows: unknown[][] }).rows;
}

const COUNTS = 'SELECT count(*), count(DISTINCT cwd), count(DISTINCT seq), max(seq) FROM kubearmor.events';

/** Resolves once some lines are committed, but not all. */
async function underWay(url: string): Promise<void> {
  for (;;) {
    const [[stored] = []] = await ask(url, 'SELECT coalesce(sum(stored), 0)::BIGINT FROM armorlake.ledger');
    if (Number(stored) > 0) return;
  }
}

describe('an import that is interrupted', () => {
  it('by the end of its own process goes on without loss or doubles', async () => {
    const { url } = await startNode();
    const first = place.start(['import', 'events.ndjson', '--url', url]);
    await underWay(url);
    first.kill('SIGKILL');
    await first.finished;
    const second = await run(['import', 'events.ndjson', '--url', url], { cwd: place.folder });
    expect(second).toMatchObject({
      code: 0,
      out: expect.stringContaining(`${LINES} records, ${LINES} stored, 0 rejected`),
    });
    expect(await ask(url, COUNTS)).toEqual([[LINES, LINES, LINES, LINES]]);
  });

  it('by the sudden end of the node goes on without loss or doubles', async () => {
    const { node, url } = await startNode();
    const first = place.start(['import', 'events.ndjson', '--url', url]);
    await underWay(url);
    node.kill('SIGKILL');
    first.kill('SIGTERM');
    await Promise.all([node.finished, first.finished]);
    const again = await startNode();
    const second = await run(['import', 'events.ndjson', '--url', again.url], { cwd: place.folder });
    expect(second).toMatchObject({
      code: 0,
      out: expect.stringContaining(`${LINES} records, ${LINES} stored, 0 rejected`),
    });
    expect(await ask(again.url, COUNTS)).toEqual([[LINES, LINES, LINES, LINES]]);
    expect(await ask(again.url, "SELECT count(*) FROM armorlake.gaps WHERE cause = 'crash'")).toEqual([[1]]);
  });
});
