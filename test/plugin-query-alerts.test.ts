import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Workplace } from './cli-support.js';
import {
  joinAddress,
  memberGone,
  membersAlive,
  seedEdge,
  startEdge,
  startQueryNode,
} from './support/federation-nodes.js';
import type { TestNode } from './support/node-process.js';
import { until } from './support/node-process.js';
import { PluginHost } from './support/plugin-host.js';
import type { Answered } from './support/plugin-lake.js';
import { alertHeaders, askAll, written } from './support/plugin-lake.js';

const count = 'SELECT node, count(*) AS events FROM kubearmor.logs GROUP BY ALL ORDER BY ALL';

let place: Workplace;
let q1: TestNode;
let edges: TestNode[];
let host: PluginHost;

beforeAll(async () => {
  place = new Workplace();
  q1 = await startQueryNode(place);
  const hub = await joinAddress(q1);
  edges = [];
  for (const index of [0, 1]) {
    await seedEdge(place, index);
    edges.push(await startEdge(place, index, [hub]));
  }
  await membersAlive(q1, 'edge-0', 'edge-1');
  host = await PluginHost.start({ dataSource: { jsonData: { urls: [q1.url] } } });
}, 300_000);

afterAll(async () => {
  edges[1]?.running.kill('SIGCONT');
  await host.close();
  await place.close();
});

async function ask(more: object, headers: Readonly<Record<string, string>> = alertHeaders): Promise<Answered> {
  const { A } = await askAll(host, [{ model: written('table', count, more) }], { headers });
  if (A === undefined) throw new Error('The query was not answered.');
  return A;
}

function nodesOf({ frames }: Answered): readonly unknown[] {
  return frames[0]?.fields[0]?.values ?? [];
}

describe('a rule that all nodes answer', () => {
  test.each([{ mode: 'fail', gaps: false }, { mode: 'atLeast', percent: 100 }, { mode: 'ignore' }])(
    'is judged with the condition %o',
    async (alertCoverage) => {
      const answer = await ask({ alertCoverage });
      expect(answer.error).toBe('');
      expect(nodesOf(answer)).toEqual(['edge-0', 'edge-1']);
      expect(answer.frames[0]?.meta['custom']).toMatchObject({ coverage: { expected: 2, answered: 2 }, shared: false });
    },
  );
});

describe('a rule while a node is frozen', () => {
  beforeAll(async () => {
    edges[1]?.running.kill('SIGSTOP');
    await memberGone(q1, 'edge-1');
  });

  test('fails by itself, and says who is missing', async () => {
    const answer = await ask({});
    expect(answer).toMatchObject({ status: 502, errorSource: 'downstream', frames: [] });
    expect(answer.error).toMatch(/^1 of 2 nodes did not answer: edge-1 \(.+\)\. /);
  });

  test('below the least share, says how many there are', async () => {
    const answer = await ask({ alertCoverage: { mode: 'atLeast', percent: 95 } });
    expect(answer.error).toMatch(/^Only 1 of 2 expected nodes \(50 %\) answered, at least 95 % are asked for: edge-1/);
  });

  test.each([{ mode: 'atLeast', percent: 50 }, { mode: 'ignore' }])('is judged with %o', async (alertCoverage) => {
    const answer = await ask({ alertCoverage });
    expect(answer.error).toBe('');
    expect(nodesOf(answer)).toEqual(['edge-0']);
    expect(answer.frames[0]?.meta['custom']).toMatchObject({ coverage: { expected: 2, answered: 1, failed: 1 } });
  });

  test('a person gets what there is, with one notice; or an error where that is asked for; or silence', async () => {
    const warned = await ask({}, {});
    expect(nodesOf(warned)).toEqual(['edge-0']);
    expect(warned.frames[0]?.meta['notices']).toEqual([
      { severity: 'warning', text: expect.stringMatching(/^1 of 2 nodes did not answer: edge-1 \(/) },
    ]);
    const refused = await ask({ partial: 'fail' }, {});
    expect(refused).toMatchObject({ status: 502, errorSource: 'downstream' });
    expect(refused.error).toMatch(/^1 of 2 nodes did not answer: edge-1 \(/);
    const silent = await ask({ partial: 'ignore' }, {});
    expect(silent.error).toBe('');
    expect(silent.frames[0]?.meta['notices']).toBeUndefined();
  });

  test('what was partial is asked anew: the node that is back is seen at once', async () => {
    edges[1]?.running.kill('SIGCONT');
    await membersAlive(q1, 'edge-0', 'edge-1');
    await until(async () => nodesOf(await ask({}, {})).length === 2, 'both nodes answer');
    expect((await ask({})).error).toBe('');
  });
});
