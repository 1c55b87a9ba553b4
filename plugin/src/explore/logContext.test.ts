// @vitest-environment jsdom
import '../testing/browser.mjs';
import { FieldType, LogLevel, LogRowContextQueryDirection, createDataFrame } from '@grafana/data';
import type { LogRowModel } from '@grafana/data';
import { describe, expect, it } from 'vitest';
import { defaultQuery } from '../../shared/index.js';
import type { ArmorlakeQuery } from '../types.js';
import { contextFrames, contextQuery, contextRange, eventOf, surroundingsQuery } from './logContext.js';

const { Forward, Backward } = LogRowContextQueryDirection;
const query: ArmorlakeQuery = { refId: 'A', ...defaultQuery('logs', 'kubearmor.alerts') };

function row(changes: Partial<LogRowModel> = {}): LogRowModel {
  return {
    rowId: 'edge/1/9007199254740993',
    entryFieldIndex: 1,
    rowIndex: 0,
    dataFrame: { refId: 'A', fields: [], length: 0 },
    entry: '',
    raw: '',
    hasAnsi: false,
    hasUnescapedContent: false,
    labels: { namespace: 'shop', pod: 'web-1' },
    logLevel: LogLevel.info,
    timeEpochMs: 1_700_000_000_123,
    timeEpochNs: '1700000000123456000',
    timeFromNow: '',
    timeLocal: '',
    timeUtc: '',
    uid: 'x',
    uniqueLabels: undefined,
    ...changes,
  };
}

describe('the event of a log line', () => {
  it('is told by the row id, whatever the node is called, with its time to the ns', () => {
    expect(eventOf(row())).toEqual({
      node: 'edge/1',
      seq: '9007199254740993',
      timeNs: '1700000000123456000',
    });
  });

  it('is told by labels where there is no id', () => {
    const { rowId: _, ...plain } = row({ labels: { node: 'n', seq: '7' } });
    expect(eventOf(plain)).toEqual({ node: 'n', seq: '7', timeNs: '1700000000123456000' });
  });

  it.each([['no slash'], ['edge-1/'], ['/5'], ['edge-1/x']])('is none for the id %j', (rowId) => {
    expect(eventOf(row({ rowId }))).toBeNull();
    expect(contextQuery(query, row({ rowId }))).toBeNull();
  });
});

describe('the context of a log line', () => {
  it('asks for the rows before it, or after it, on its node alone', () => {
    const before = contextQuery(query, row(), { direction: Backward, limit: 100 });
    expect(before).toMatchObject({
      refId: 'A-before',
      queryType: 'logs',
      scope: { nodes: ['edge/1'], clusters: [], labels: {} },
      derived: {
        kind: 'context',
        direction: 'before',
        node: 'edge/1',
        seq: '9007199254740993',
        limit: 100,
      },
    });
    const after = contextQuery(query, row(), { direction: Forward });
    expect(after).toMatchObject({ refId: 'A-after', derived: { direction: 'after', limit: 50 } });
  });

  it('of SQL is looked for among all events', () => {
    const context = contextQuery({ ...query, editor: 'sql', sql: 'SELECT 1' }, row());
    expect(context).toMatchObject({ editor: 'builder', builder: { table: 'kubearmor.events' } });
  });

  it('has the event within its range, in both directions', () => {
    const before = contextRange(row(), { direction: Backward });
    expect(before.from.valueOf()).toBe(1_700_000_000_123 - 86_400_000);
    expect(before.to.valueOf()).toBe(1_700_000_000_124);
    const after = contextRange(row(), { direction: Forward });
    expect(after.from.valueOf()).toBe(1_700_000_000_123);
    expect(after.to.valueOf()).toBe(1_700_000_000_123 + 86_400_000);
  });

  it('comes newest first', () => {
    const frame = createDataFrame({
      fields: [
        { name: 'timestamp', type: FieldType.time, values: [1, 2, 3], nanos: [10, 20, 30] },
        { name: 'body', type: FieldType.string, values: ['a', 'b', 'c'] },
      ],
    });
    const [after] = contextFrames([frame], { direction: Forward });
    expect(after?.fields.map(({ values, nanos }) => [values, nanos])).toEqual([
      [
        [3, 2, 1],
        [30, 20, 10],
      ],
      [['c', 'b', 'a'], undefined],
    ]);
    expect(contextFrames([frame], { direction: Backward })).toEqual([frame]);
  });
});

describe('the surroundings of a log line', () => {
  it('are the rows of its node and pod, in a query that can be gone on with', () => {
    const around = surroundingsQuery({ ...query, scope: { clusters: ['west'], nodes: [], labels: {} } }, row());
    expect(around).toMatchObject({
      refId: 'A',
      queryType: 'logs',
      editor: 'builder',
      scope: { clusters: ['west'], nodes: ['edge/1'], labels: {} },
      builder: {
        table: 'kubearmor.events',
        filters: [
          { column: 'namespace', operator: 'is', values: ['shop'] },
          { column: 'pod', operator: 'is', values: ['web-1'] },
        ],
      },
    });
  });

  it('of an event on the host, or of a line that does not show its pod, are those of the node', () => {
    expect(surroundingsQuery(query, row({ labels: {} }))?.builder?.filters).toEqual([]);
  });

  it('are of the pod as the lake has it, not as the line shows it', () => {
    const around = surroundingsQuery(query, row({ labels: { pod: 'web\\u{202e}' } }));
    expect(around?.builder?.filters).toEqual([{ column: 'pod', operator: 'is', values: ['web\u202e'] }]);
  });
});
