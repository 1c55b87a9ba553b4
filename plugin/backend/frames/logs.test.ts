import { describe, expect, test } from 'vitest';
import { answerOf } from '../../../test/support/plugin-answers.js';
import type { Field } from './frame.js';
import { logFrames } from './logs.js';
import type { Vector } from './vector.js';
import { floatVector, int64Vector, microsVector, textVector, valueAt } from './vector.js';

const nowhere = { links: { process: '', workload: '', sightings: '' }, dataSource: 'lake' };

function rowsOf(columns: Readonly<Record<string, Vector>>): readonly Readonly<Record<string, unknown>>[] {
  const [frame] = logFrames(answerOf(columns), nowhere);
  const length = frame?.fields[0]?.vector.length ?? 0;
  return Array.from({ length }, (_, row) =>
    Object.fromEntries((frame?.fields ?? []).map(({ name, vector }) => [name, valueAt(vector, row)])),
  );
}

test('lines as the builder asks for them', () => {
  const rows = rowsOf({
    time: microsVector([1]),
    node: textVector(['edge-1']),
    seq: int64Vector([7n]),
    body: textVector(['Process · /bin/sh']),
    level: textVector(['error']),
    namespace: textVector(['shop']),
    pod: textVector([null]),
    tags: textVector(['[]']),
    labels: textVector(['{"app":"cart","a=b":"c"}']),
    uid: int64Vector([0n]),
  });
  expect(rows).toEqual([
    {
      timestamp: 1000n,
      body: 'Process · /bin/sh',
      severity: 'error',
      id: 'edge-1/7',
      labels: '{"node":"edge-1","namespace":"shop","uid":"0","labels[app]":"cart","labels[a=b]":"c"}',
    },
  ]);
  expect(logFrames(answerOf({ time: microsVector([1]) }), nowhere)[0]?.meta).toEqual({
    type: 'log-lines',
    typeVersion: [0, 0],
    preferredVisualisationType: 'logs',
  });
});

test('lines of SQL that has no body: what is known of the event, else all columns', () => {
  const [event] = rowsOf({
    time: microsVector([1]),
    operation: textVector(['File']),
    process: textVector(['/bin/cat']),
    resource: textVector(['/etc/shadow']),
    outcome: textVector(['blocked']),
    policy: textVector(['no-shadow']),
    message: textVector(['hands off']),
    severity: floatVector([9]),
  });
  expect(event).toMatchObject({
    body: 'File /bin/cat → /etc/shadow (blocked) [no-shadow] hands off',
    severity: 'critical',
    id: 'row 0',
  });
  const [other] = rowsOf({
    at: microsVector([1]),
    path: textVector(['a b']),
    count: floatVector([2]),
    gone: textVector([null]),
  });
  expect(other).toMatchObject({ body: 'path="a b" count=2', severity: 'info' });
});

test.each([
  [{ outcome: textVector(['blocked']) }, 'error'],
  [{ outcome: textVector(['failed']) }, 'warning'],
  [{ outcome: textVector(['happened']) }, 'info'],
  [{ severity: floatVector([5]) }, 'error'],
  [{ severity: floatVector([1]) }, 'warning'],
  [{ severity: floatVector([null]), outcome: textVector(['blocked']) }, 'error'],
  [{ level: textVector(['WARN\u001b']) }, 'warn\\u{1b}'],
])('the level of %o', (columns, level) => {
  expect(rowsOf({ time: microsVector([1]), ...columns })[0]?.['severity']).toBe(level);
});

test('an attacker neither colours, turns nor breaks a line', () => {
  const hostile = 'a\u001b[31mred\u001b[0m\nforged line\u202egpj.exe\u200b<b>';
  const [row] = rowsOf({
    time: microsVector([1]),
    body: textVector([hostile]),
    'pod\u202e': textVector([hostile]),
    labels: textVector([JSON.stringify({ [hostile]: hostile })]),
  });
  const shown = 'a\\u{1b}[31mred\\u{1b}[0m\\u{a}forged line\\u{202e}gpj.exe\\u{200b}<b>';
  expect(row?.['body']).toBe(shown);
  expect(JSON.parse(String(row?.['labels']))).toEqual({ 'pod\\u{202e}': shown, [`labels[${shown}]`]: shown });
});

test('a label called __proto__ is a label', () => {
  const [row] = rowsOf({ time: microsVector([1]), labels: textVector(['{"__proto__":"x","broken":null}']) });
  expect(row?.['labels']).toBe('{"labels[__proto__]":"x","labels[broken]":"null"}');
});

describe('the link from a line to its process', () => {
  const columns = {
    time: microsVector([1, 2, 3]),
    body: textVector(['a', 'b', 'c']),
    node: textVector(['edge-1', null, 'edge\u202e']),
    seq: int64Vector([9_007_199_254_740_993n, 8n, null]),
  };

  function fieldsOf(vectors: Readonly<Record<string, Vector>>, process: string): readonly Field[] {
    const [frame] = logFrames(answerOf(vectors), { links: { ...nowhere.links, process }, dataSource: 'a lake' });
    return frame?.fields.slice(5) ?? [];
  }

  test('is there where the row says its node and number', () => {
    const [node, seq] = fieldsOf(columns, 'processes');
    // Digits of a number over 2^53 stay as they are.
    expect([0, 1, 2].map((row) => seq && valueAt(seq.vector, row))).toEqual(['9007199254740993', null, null]);
    expect([0, 1, 2].map((row) => node && valueAt(node.vector, row))).toEqual(['edge-1', null, null]);
    expect(seq).toMatchObject({
      name: 'seq',
      config: {
        links: [
          {
            title: 'Process tree',
            url: '/d/processes?var-datasource=a%20lake&var-event_node=${__data.fields.node:percentencode}&var-seq=${__data.fields.seq:percentencode}&${__url_time_range}',
          },
        ],
      },
    });
    expect(node).toMatchObject({ name: 'node', config: { custom: { hidden: true } } });
  });

  test('is not there without a dashboard for it, or without node and number in the answer', () => {
    const { seq: _seq, ...withoutSeq } = columns;
    const { node: _node, ...withoutNode } = columns;
    expect(fieldsOf(columns, '')).toEqual([]);
    expect(fieldsOf(withoutSeq, 'processes')).toEqual([]);
    expect(fieldsOf(withoutNode, 'processes')).toEqual([]);
  });
});

test('logs without a time are refused', () => {
  expect(() => logFrames(answerOf({ body: textVector(['x']) }), nowhere)).toThrow(/Logs need a time/);
});
