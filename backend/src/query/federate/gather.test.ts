import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { completeFacts } from '../../engine/index.js';
import type { Scatter, ScatterRequest } from '../scatter.js';
import { gather } from './gather.js';

const budget = { rows: 100, bytes: 100 };
const signal = new AbortController().signal;
const groups = [
  { nodes: ['new-1', 'new-2'], request: requestOf('logs', 'metrics') },
  { nodes: ['old-1'], request: requestOf('logs') },
];
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'armorlake-gather-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('gathering from groups of nodes', () => {
  it('asks all groups at the same time, so that each has the whole time', async () => {
    let asked = 0;
    let release = (): void => undefined;
    const all = new Promise<void>((resolve) => (release = resolve));
    const scatter = answering(async () => {
      asked += 1;
      if (asked === groups.length) release();
      await all;
    });
    const results = await gather(scatter, groups, budget, join(folder, 'all'), signal);
    expect(results.map(({ node }) => node).sort()).toEqual(['new-1', 'new-2', 'old-1']);
    const paths = results.flatMap(({ files }) => [...files.values()]);
    expect(new Set(paths).size).toBe(5);
    expect(await readFile(paths[0] ?? '', 'utf8')).toBe('0123456789');
  });

  it.each([
    ['bytes', { rows: 100, bytes: 49 }],
    ['rows', { rows: 2, bytes: 100 }],
  ])('counts the %s of all groups together, and stops them all', async (_name, least) => {
    const asked = gather(answering(), groups, least, join(folder, 'all'), signal);
    await expect(asked).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(await readdir(folder)).toEqual([]);
  });
});

/** Each node ships 10 bytes a fragment and says that it was one row. */
function answering(begun: () => Promise<void> = () => Promise.resolve()): Pick<Scatter, 'scatter'> {
  return {
    scatter: async (nodes, { fragments }, sink) => {
      await begun();
      for (const node of nodes) {
        try {
          for (const { name } of fragments) await sink.chunk(node, name, Buffer.from('0123456789'));
        } catch {
          // As the network does: whoever's chunk is refused is not heard further.
        }
        const facts = { rows: 1, bytes: 10, ms: 1, slowed: false, facts: completeFacts, missingColumns: [] };
        sink.ended(node, { status: 'answered', facts });
      }
    },
  };
}

function requestOf(...names: readonly string[]): ScatterRequest {
  return {
    queryId: 'q',
    fragments: names.map((name) => ({ name, sql: 'SELECT 1' })),
    tail: null,
    timeRange: { fromMicros: null, toMicros: null },
    expects: [],
    nowMicros: 0,
    budget,
    timeoutMs: 1000,
    who: '',
    origin: null,
  };
}
