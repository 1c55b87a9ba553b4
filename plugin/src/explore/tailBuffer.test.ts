// @vitest-environment jsdom
import '../testing/browser.mjs';
import { FieldType, createDataFrame } from '@grafana/data';
import type { DataFrameJSON } from '@grafana/data';
import { describe, expect, it } from 'vitest';
import { TailBuffer } from './tailBuffer.js';

const schema = {
  name: 'tail',
  fields: [
    { name: 'timestamp', type: FieldType.time },
    { name: 'body', type: FieldType.string },
    { name: 'id', type: FieldType.string },
  ],
};

function packet(...seqs: readonly number[]): DataFrameJSON {
  return {
    schema,
    data: { values: [[...seqs], seqs.map((seq) => `line ${String(seq)}`), seqs.map((seq) => `edge-1/${String(seq)}`)] },
  };
}

function bodies(buffer: TailBuffer): unknown[] {
  return buffer.frame?.fields.find(({ name }) => name === 'body')?.values ?? [];
}

describe('the buffer of a live tail', () => {
  it('puts packets behind each other', () => {
    const buffer = new TailBuffer('A', 10);
    expect(buffer.frame).toBeNull();
    buffer.push(packet());
    expect(buffer.frame).toMatchObject({ refId: 'A', name: 'tail', length: 0 });
    buffer.push(packet(1, 2));
    buffer.push({ data: packet(3).data });
    expect(bodies(buffer)).toEqual(['line 1', 'line 2', 'line 3']);
    expect(buffer.frame?.length).toBe(3);
  });

  it('never holds more than its limit: the oldest go', () => {
    const buffer = new TailBuffer('A', 3);
    buffer.push(packet(1, 2));
    buffer.push(packet(3, 4));
    expect(bodies(buffer)).toEqual(['line 2', 'line 3', 'line 4']);
    buffer.push(packet(5, 6, 7, 8, 9));
    expect(bodies(buffer)).toEqual(['line 7', 'line 8', 'line 9']);
    for (let seq = 10; seq < 3_000; seq++) buffer.push(packet(seq));
    expect(bodies(buffer)).toEqual(['line 2997', 'line 2998', 'line 2999']);
  });

  it('shows no row twice, also after the stream began again', () => {
    const buffer = new TailBuffer('A', 10);
    buffer.push(packet(1, 2, 2));
    buffer.push(packet(2, 3));
    expect(bodies(buffer)).toEqual(['line 1', 'line 2', 'line 3']);
  });

  it('gives a new frame for each packet, and leaves the last one as it was', () => {
    const buffer = new TailBuffer('A', 10);
    buffer.push(packet(1));
    const { frame } = buffer;
    buffer.push(packet(2));
    expect(buffer.frame).not.toBe(frame);
    expect(frame?.length).toBe(1);
    expect(frame?.fields[1]?.values).toEqual(['line 1']);
  });

  it('begins with the rows of an answer, ns and all', () => {
    const begun = createDataFrame({
      fields: [
        { name: 'timestamp', type: FieldType.time, values: [1, 2], nanos: [7, 8] },
        { name: 'body', type: FieldType.string, values: ['line 1', 'line 2'] },
        { name: 'id', type: FieldType.string, values: ['edge-1/1', 'edge-1/2'] },
      ],
    });
    const buffer = new TailBuffer('A', 2);
    buffer.begin(begun);
    buffer.push(packet(2, 3));
    expect(bodies(buffer)).toEqual(['line 2', 'line 3']);
    expect(buffer.frame?.fields[0]?.nanos).toEqual([8, 0]);
  });

  it('keeps what the answer said of its completeness, until the stream says something', () => {
    const gaps = { severity: 'warning', text: '1 of 3 nodes did not answer' } as const;
    const lost = { severity: 'warning', text: 'The stream broke off.' } as const;
    const buffer = new TailBuffer('A', 2);
    buffer.begin({ fields: [], length: 0, meta: { custom: { coverage: 1 }, notices: [gaps] } });
    buffer.push({ ...packet(1), schema: { ...schema, meta: { notices: [] } } });
    expect(buffer.frame?.meta).toEqual({ custom: { coverage: 1 }, notices: [gaps] });
    buffer.push({ ...packet(2), schema: { ...schema, meta: { notices: [lost] } } });
    expect(buffer.frame?.meta).toEqual({ custom: { coverage: 1 }, notices: [lost] });
  });

  it('begins anew with other fields', () => {
    const buffer = new TailBuffer('A', 10);
    buffer.push(packet(1));
    buffer.push({ schema: { fields: [{ name: 'body', type: FieldType.string }] }, data: { values: [['x']] } });
    expect(bodies(buffer)).toEqual(['x']);
    expect(buffer.frame?.fields).toHaveLength(1);
  });

  it('waits for a schema', () => {
    const buffer = new TailBuffer('A', 10);
    buffer.push({ data: packet(1).data });
    expect(buffer.frame).toBeNull();
  });
});
