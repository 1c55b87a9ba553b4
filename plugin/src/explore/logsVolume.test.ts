// @vitest-environment jsdom
import '../testing/browser.mjs';
import { FieldType, createDataFrame } from '@grafana/data';
import type { DataFrame } from '@grafana/data';
import { describe, expect, it } from 'vitest';
import { defaultQuery } from '../../shared/index.js';
import type { ArmorlakeQuery } from '../types.js';
import { splitVolumes, volumeQuery } from './logsVolume.js';

const logs: ArmorlakeQuery = { refId: 'A', ...defaultQuery('logs') };

describe('the volume of a logs query', () => {
  it('is asked for the builder, under the name Grafana wants', () => {
    expect(volumeQuery({ ...logs, live: true })).toMatchObject({
      refId: 'log-volume-A',
      derived: { kind: 'volume' },
      builder: logs.builder,
    });
  });

  it.each([
    ['a hidden query', { ...logs, hide: true }],
    ['a table', { refId: 'A', ...defaultQuery('table') }],
    ['SQL', { ...logs, editor: 'sql', sql: 'SELECT 1' }],
    ['a query of a newer version', { ...logs, schemaVersion: 99 }],
  ] satisfies [string, ArmorlakeQuery][])('is not asked for %s', (_, query) => {
    expect(volumeQuery(query)).toBeUndefined();
  });

  it('comes as a frame a level', () => {
    const time = { name: 'time', type: FieldType.time, values: [1, 2] };
    const level = (name: string, values: number[]) => ({
      name: 'count',
      type: FieldType.number,
      labels: { level: name },
      values,
    });
    const volume = createDataFrame({
      refId: 'log-volume-A',
      fields: [time, level('error', [1, 2]), level('info', [3, 4])],
    });
    const other = createDataFrame({ refId: 'B', fields: [time, level('error', [1, 2]), level('info', [3, 4])] });
    const { data } = splitVolumes({ data: [volume, other] });
    const shown = data.map(({ refId, fields }: DataFrame) => [refId, fields.map(({ labels }) => labels?.['level'])]);
    expect(shown).toEqual([
      ['log-volume-A', [undefined, 'error']],
      ['log-volume-A', [undefined, 'info']],
      ['B', [undefined, 'error', 'info']],
    ]);
  });

  it('without rows stays as it is', () => {
    const empty = createDataFrame({ refId: 'log-volume-A', fields: [] });
    expect(splitVolumes({ data: [empty] }).data).toEqual([empty]);
  });
});
