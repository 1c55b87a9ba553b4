import { describe, expect, it } from 'vitest';
import { systemClock } from '../../core/index.js';
import { completeFacts } from '../../engine/index.js';
import type { Scatter } from '../scatter.js';
import { NetworkTails } from './network-tails.js';

/** A network of one node that answers any tail with this. */
function answering(answer: string): NetworkTails {
  const scatter: Scatter = {
    members: () => [],
    scatter: async ([node = ''], _request, sink) => {
      await sink.chunk(node, 'tail', Buffer.from(answer));
      const facts = { rows: 1, bytes: answer.length, ms: 1, slowed: false, facts: completeFacts, missingColumns: [] };
      sink.ended(node, { status: 'answered', facts });
    },
  };
  return new NetworkTails(scatter, systemClock);
}

async function next(answer: string): Promise<unknown> {
  const filters = { equal: {}, match: {}, labels: {}, severity: null, where: null, params: [] };
  const selection = { id: 't', table: 'kubearmor.alerts', filters, caller: { key: 'token ann', token: 'ann' } };
  return await answering(answer).next('e0', selection, 5, 0, new AbortController().signal);
}

const schema = '[{"name":"node","type":"VARCHAR"},{"name":"seq","type":"BIGINT"}]';

describe('a live tail of another node', () => {
  it('is taken when it is what it says, of itself', async () => {
    const answer = `{"schema":${schema},"rows":2,"lastSeq":7}\n["e0",6],["e0",7]`;
    expect(await next(answer)).toMatchObject({ rows: 2, lastSeq: 7 });
    expect(await next('{"schema":[],"rows":0,"lastSeq":5}\n')).toMatchObject({ rows: 0 });
  });

  it.each([
    ['rows of another node', `{"schema":${schema},"rows":1,"lastSeq":7}\n["e1",6]`],
    ['rows without a node', '{"schema":[{"name":"seq","type":"BIGINT"}],"rows":1,"lastSeq":7}\n[6]'],
    ['more cells than columns', `{"schema":${schema},"rows":1,"lastSeq":7}\n["e0",6,"x"]`],
    ['more rows than it says', `{"schema":${schema},"rows":1,"lastSeq":7}\n["e0",6],["e0",7]`],
    [
      'a column twice',
      '{"schema":[{"name":"node","type":"VARCHAR"},{"name":"node","type":"VARCHAR"}],"rows":0,"lastSeq":7}\n',
    ],
    ['a column of no name of ours', '{"schema":[{"name":"<b>","type":"VARCHAR"}],"rows":0,"lastSeq":7}\n'],
    ['a type that is text', '{"schema":[{"name":"node","type":"x\\u001b[2J"}],"rows":0,"lastSeq":7}\n'],
    ['an end before its beginning', '{"schema":[],"rows":0,"lastSeq":4}\n'],
  ])('is refused by name with %s', async (_what, answer) => {
    await expect(next(answer)).rejects.toMatchObject({ code: 'INTERNAL', node: 'e0' });
  });
});
