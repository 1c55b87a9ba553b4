import { describe, expect, it } from 'vitest';
import { defaultQuery, interpolateModel } from '../../shared/index.js';
import type { ArmorlakeModel, ProcessTarget } from '../../shared/index.js';
import { answerOf } from '../../../test/support/plugin-answers.js';
import { graphFrames } from './graph.js';
import { rerootLinks } from './process-links.js';
import { traceFrames } from './trace.js';
import { treeFrames } from './tree.js';
import { int64Vector, timeVector } from './vector.js';

const links = { process: 'forensics', workload: '', sightings: '' };
const place = { links, dashboard: undefined, dataSource: 'lake 1' };

function around(target: ProcessTarget): ArmorlakeModel {
  const model = defaultQuery('tree');
  return { ...model, process: { ...model.process, target } };
}

const seven = around({ by: 'event', node: 'edge', seq: '7' });

/** What a node says of itself that has no such event. */
function lakeOf(first: bigint | null, last: bigint | null): ReturnType<typeof answerOf> {
  return answerOf({
    target_time: timeVector([null]),
    first_seq: int64Vector([first]),
    last_seq: int64Vector([last]),
    seq: int64Vector([null]),
  });
}

describe('an event that is not there', () => {
  it.each([
    [lakeOf(100n, 200n), 'Event 7 of node edge is no longer there: retention has removed it (it holds 100 to 200).'],
    [lakeOf(1n, 5n), 'Node edge has no event 7 yet (it holds 1 to 5).'],
    [
      lakeOf(1n, 9n),
      "Node edge has no event 7 (it holds 1 to 9): it was removed, or it is a message and not a process's.",
    ],
    [lakeOf(null, null), 'Node edge holds no events.'],
    [answerOf({ seq: int64Vector([]) }), 'Node edge, which holds the event, did not answer.'],
  ])('is told of in every form, without rows', (answer, text) => {
    for (const frames of [
      treeFrames(answer, seven, place),
      traceFrames(answer, seven),
      graphFrames(answer, { ...seven, queryType: 'graph' }, place),
    ]) {
      expect(frames[0]?.meta.notices).toEqual([{ severity: 'warning', text }]);
      expect(frames.map(({ fields }) => fields[0]?.vector.length)).toEqual(frames.map(() => 0));
    }
  });
});

describe('links to another tree', () => {
  const variables = {
    lookup: (name: string) => ({ values: [name === 'n' ? 'edge' : '7'], all: false }),
    formatted: String,
  };
  const link = { title: 'Tree', node: 'N', seq: 'S' };

  it('stay on a dashboard whose variables say the event', () => {
    const asked = interpolateModel(around({ by: 'event', node: '$n', seq: '${s}' }), variables);
    expect(asked.process.target).toEqual({ by: 'event', node: 'edge', seq: '7' });
    expect(rerootLinks(asked, { ...place, dashboard: 'mine' }, link)).toEqual([
      { title: 'Tree', url: '/d/mine?var-datasource=lake%201&var-n=N&var-s=S&${__url_time_range}' },
    ]);
  });

  it('lead to the dashboard for processes from elsewhere', () => {
    const asked = interpolateModel(around({ by: 'event', node: '$n', seq: '${s}' }), variables);
    const url = '/d/forensics?var-datasource=lake%201&var-event_node=N&var-seq=S&${__url_time_range}';
    // Explore; an event that is written; a header that is no uid.
    expect(rerootLinks(asked, place, link)[0]?.url).toBe(url);
    expect(rerootLinks(seven, { ...place, dashboard: 'mine' }, link)[0]?.url).toBe(url);
    expect(rerootLinks(asked, { ...place, dashboard: 'x/../../logout' }, link)[0]?.url).toBe(url);
    expect(rerootLinks(seven, { ...place, links: { ...links, process: '' } }, link)).toEqual([]);
  });
});
