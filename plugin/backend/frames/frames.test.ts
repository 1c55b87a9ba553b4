import { describe, expect, test } from 'vitest';
import { answerOf } from '../../../test/support/plugin-answers.js';
import { linkDashboards } from '../../shared/index.js';
import { annotationFrames } from './annotations.js';
import { fieldConfig } from './field-config.js';
import { numericFrames } from './numeric.js';
import { screenText } from './screen-text.js';
import { tableFrames } from './table.js';
import type { Vector } from './vector.js';
import { boolVector, floatVector, int64Vector, microsVector, textVector, timeVector, valueAt } from './vector.js';

function textsOf(vector: Vector | undefined): readonly unknown[] {
  return vector === undefined ? [] : Array.from({ length: vector.length }, (_, row) => valueAt(vector, row));
}

describe('text on a screen', () => {
  test.each([
    ['\u001b[31mred', '\\u{1b}[31mred'],
    ['a\u202eb', 'a\\u{202e}b'],
    ['a\u2066b\u2069', 'a\\u{2066}b\\u{2069}'],
    ['zero\u200bwidth\ufeff', 'zero\\u{200b}width\\u{feff}'],
    ['\u061carabic', '\\u{61c}arabic'],
    ['bell\u0007\u007f\u0085\u00ad', 'bell\\u{7}\\u{7f}\\u{85}\\u{ad}'],
    ['tag\u{e0041}', 'tag\\u{e0041}'],
    ['carriage\rreturn', 'carriage\\u{d}return'],
  ])('%j', (text, shown) => {
    for (const lead of ['', 'x', 'xx', 'xxx', 'xxxx']) {
      expect(textsOf(screenText(textVector([lead + text, null, 'plain'])))).toEqual([lead + shown, null, 'plain']);
    }
  });

  test('what is harmless stays as it is, in the same memory', () => {
    const vector = textVector(['plain', null, 'line\nand\ttab', 'Grüße 🎉 日本語 – “x” ½ ﬁ €', '<b>=1+1</b>']);
    expect(screenText(vector)).toBe(vector);
    const view = { ...vector, bytes: Buffer.concat([Buffer.from('x'), vector.bytes]).subarray(1) };
    expect(screenText(view)).toBe(view);
  });
});

describe('a table', () => {
  const settings = { links: linkDashboards, dataSource: 'ds 1' };

  test('has all columns, with what is known of them', () => {
    const [frame] = tableFrames(
      answerOf({
        time: microsVector([1]),
        node: textVector(['n1']),
        seq: int64Vector([7n]),
        host_pid: floatVector([12]),
        namespace: textVector(['shop']),
        pod: textVector(['cart']),
        severity: floatVector([null]),
        outcome: textVector(['blocked']),
        process_hash: textVector(['ab']),
        ms: floatVector([1]),
      }),
      settings,
    );
    const configs = Object.fromEntries((frame?.fields ?? []).map(({ name, config }) => [name, config]));
    expect(frame?.meta.preferredVisualisationType).toBe('table');
    expect(configs['time']).toBeUndefined();
    expect(configs['host_pid']).toEqual({
      unit: 'none',
      decimals: 0,
      links: [
        {
          title: 'Process tree',
          url: '/d/armorlake-process-forensics?var-datasource=ds%201&var-event_node=${__data.fields.node:percentencode}&var-seq=${__data.fields.seq.numeric:percentencode}&${__url_time_range}',
        },
      ],
    });
    expect(configs['pod']?.links?.[0]?.url).toBe(
      '/d/armorlake-workload-behaviour?var-datasource=ds%201&var-namespace=${__data.fields.namespace:percentencode}&var-pod=${__data.fields.pod:percentencode}&${__url_time_range}',
    );
    expect(configs['pod']?.filterable).toBe(true);
    expect(configs['process_hash']?.links?.[0]?.url).toContain(
      'var-indicators=${__data.fields.process_hash:percentencode}',
    );
    expect(configs['severity']?.thresholds?.steps.map(({ value }) => value)).toEqual([null, 4, 7, 9]);
    expect(configs['outcome']?.mappings?.[0]).toMatchObject({ options: { blocked: { color: 'purple' } } });
    expect(configs['ms']).toEqual({ unit: 'ms' });
  });

  test('has no colour for what happened but in rows that a policy matched', () => {
    const happened = (policies: readonly (string | null)[], alerts = false): unknown => {
      const columns = { outcome: textVector(policies.map(() => 'happened')), policy: textVector(policies) };
      const [outcome] = tableFrames(answerOf(columns), { ...settings, alerts })[0]?.fields ?? [];
      return outcome?.config?.mappings?.[0];
    };
    const inColor = (color: string): unknown => expect.objectContaining({ options: expectOptions(color) });
    const expectOptions = (color: string): unknown =>
      expect.objectContaining({ happened: { text: 'happened', color, index: 0 } });
    expect(happened(['p', 'q'])).toEqual(inColor('orange'));
    expect(happened(['p', null])).toEqual(inColor('text'));
    expect(happened([null], true)).toEqual(inColor('orange'));
  });

  test('links only where the row has what they need, and where they lead somewhere', () => {
    const place = { ...settings, columns: new Set(['host_pid', 'pod']) };
    expect(fieldConfig({ ...place, name: 'host_pid' })).toEqual({ unit: 'none', decimals: 0 });
    expect(fieldConfig({ ...place, name: 'pod' })).toEqual({ filterable: true });
    const off = { ...settings, columns: new Set(['node', 'seq']), links: { process: '', workload: '', sightings: '' } };
    expect(fieldConfig({ ...off, name: 'seq' })).toEqual({ unit: 'none', decimals: 0 });
  });
});

describe('numbers for an alert or expression', () => {
  test('texts are labels of each row; times and truths are left out', () => {
    const [frame] = numericFrames(
      answerOf({
        namespace: textVector(['a', 'b']),
        events: int64Vector([1n, 2n]),
        last: timeVector([1n, 2n]),
        on: boolVector([true, false]),
      }),
    );
    expect(frame?.meta).toEqual({ type: 'numeric-long', typeVersion: [0, 1] });
    expect(frame?.fields.map(({ name }) => name)).toEqual(['namespace', 'events']);
  });

  test('no rows read as no data; rows without a number are refused', () => {
    expect(numericFrames(answerOf({ n: floatVector([]) }))[0]?.fields).toEqual([]);
    expect(() => numericFrames(answerOf({ pod: textVector(['a']) }))).toThrow(/needs a number/);
  });

  test('two numbers, and rows that Grafana could not tell apart, are refused by name', () => {
    const host = textVector(['x', 'x']);
    const two = { host, c: int64Vector([1n, 2n]), p: floatVector([1, 2]) };
    expect(() => numericFrames(answerOf(two))).toThrow('takes one number, and this answer has c and p.');
    expect(() => numericFrames(answerOf({ host, c: int64Vector([1n, 2n]) }))).toThrow(
      'Two rows of this answer have the labels host=x.',
    );
    expect(() => numericFrames(answerOf({ c: int64Vector([1n, 2n]) }))).toThrow(
      'Two rows of this answer have no labels.',
    );
    // Nothing is another label than the word for it.
    const told = answerOf({ host: textVector(['null', null, '']), c: int64Vector([1n, 2n, 3n]) });
    expect(numericFrames(told)[0]?.fields).toHaveLength(2);
  });
});

describe('annotations', () => {
  test('by their names, whatever their case, with an identity', () => {
    const [frame] = annotationFrames(
      answerOf({
        TIME: microsVector([1, 2]),
        time_end: timeVector([null, 5n]),
        Title: textVector(['<img src=x onerror=alert(1)>', null]),
        text: textVector(['a & "b" \u202e', 'c']),
        tags: textVector(['["x", "y"]', 'z,w']),
        node: textVector(['n1', 'n1']),
        seq: int64Vector([1n, 2n]),
      }),
    );
    const fields = Object.fromEntries((frame?.fields ?? []).map(({ name, vector }) => [name, textsOf(vector)]));
    expect(fields).toEqual({
      time: [1000n, 2000n],
      timeEnd: [null, 5n],
      title: ['&lt;img src=x onerror=alert(1)&gt;', null],
      text: ['a &amp; &quot;b&quot; \\u{202e}', 'c'],
      tags: ['x,y', 'z,w'],
      id: ['n1/1', 'n1/2'],
    });
  });

  test('any time will do, and without one they are refused', () => {
    expect(annotationFrames(answerOf({ at: microsVector([1]) }))[0]?.fields[0]?.name).toBe('time');
    expect(() => annotationFrames(answerOf({ text: textVector(['x']) }))).toThrow(/needs a time/);
  });

  test('tags that only look like a list stay text', () => {
    const [frame] = annotationFrames(answerOf({ time: microsVector([1]), tags: textVector(['[not json']) }));
    expect(textsOf(frame?.fields[1]?.vector)).toEqual(['[not json']);
  });
});
