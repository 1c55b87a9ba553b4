import { describe, expect, it } from 'vitest';
import { addRows } from '../../../test/support/lake-fixture.js';
import type { RowOf } from '../../../test/support/lake-fixture.js';
import { Random } from '../../../test/support/random.js';
import { BatchBuilder } from './batch/builder.js';
import { packedNews } from './packed-news.js';
import { eventTables, kubearmorAlerts, kubearmorLogs, kubearmorMessages } from './tables.js';
import { noWidening, promisedColumns } from './widening.js';

const texts = [
  '',
  'a',
  'twelve bytes',
  'thirteen byte',
  'NUL \0 in the middle of it',
  'é'.repeat(20),
  '\0',
  '😀😀😀😀',
];

/** Rows with the four columns' values and times from functions, all else NULL. */
function rowsWith(text: (name: string, row: number) => string | null, time: (row: number) => number | null): RowOf {
  return (name, type, row) => {
    if (name === 'time') return time(row);
    return type === 'VARCHAR' && promisedColumns.some((column) => column === name) ? text(name, row) : null;
  };
}

describe('the widening of a batch', () => {
  it('has each value once, the earliest time a table, and the engine reads the same', () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = new Random(seed);
      const builder = new BatchBuilder(eventTables);
      const values: Record<string, Set<string>> = {
        cluster: new Set(),
        host: new Set(),
        namespace: new Set(),
        policy: new Set(),
      };
      const minTimes = new Map<string, number>();
      for (const table of [kubearmorLogs, kubearmorAlerts, kubearmorMessages]) {
        const own = rowsWith(
          (name) => {
            const value = random.chance(0.2) ? null : random.pick(texts);
            if (value !== null) values[name]?.add(value);
            return value;
          },
          () => {
            if (random.chance(0.1)) return null;
            const micros = (random.integer(2_000_000) - 1_000_000) * 5_000_000_000;
            const name = `${table.schema}.${table.name}`;
            minTimes.set(name, Math.min(micros, minTimes.get(name) ?? Infinity));
            return micros;
          },
        );
        addRows(builder, table, random.pick([0, 1, 100, 2048, 5000]), own);
      }
      const { buffer, widening } = builder.finish();
      const sorted = Object.fromEntries(promisedColumns.map((name) => [name, [...widening.values[name]].sort()]));
      expect(sorted).toEqual(
        Object.fromEntries(promisedColumns.map((name) => [name, [...(values[name] ?? [])].sort()])),
      );
      expect(widening.minTimes).toEqual(minTimes);
      const read = packedNews(buffer);
      expect(read.minTimes).toEqual(minTimes);
      for (const name of promisedColumns) expect([...read.values[name]].sort()).toEqual(sorted[name]);
    }
  });

  it('starts anew with each batch', () => {
    const builder = new BatchBuilder(eventTables);
    addRows(
      builder,
      kubearmorLogs,
      1,
      rowsWith(
        () => 'x',
        () => 1,
      ),
    );
    builder.finish();
    expect(builder.finish().widening).toEqual(noWidening);
    expect(packedNews(null)).toEqual(noWidening);
  });

  it('ends at one more value than is listed, and keeps of a long one what shows that it is long', () => {
    const builder = new BatchBuilder(eventTables);
    addRows(
      builder,
      kubearmorLogs,
      3000,
      rowsWith(
        (name, row) => (name === 'host' ? `host-${row}` : 'n'.repeat(5000)),
        () => 1,
      ),
    );
    const { buffer, widening } = builder.finish();
    for (const { values } of [widening, packedNews(buffer)]) {
      expect(values.host).toHaveLength(1001);
      expect(values.namespace).toEqual(['n'.repeat(257)]);
    }
  });

  it('says values as they are stored: without lone surrogates', () => {
    const builder = new BatchBuilder(eventTables);
    addRows(
      builder,
      kubearmorLogs,
      1,
      rowsWith(
        () => 'lone \ud800 half',
        () => 1,
      ),
    );
    const { buffer, widening } = builder.finish();
    expect(widening.values.host).toEqual(['lone \ufffd half']);
    expect(packedNews(buffer).values.host).toEqual(['lone \ufffd half']);
  });

  it('has a lower bound of times that no number tells exactly', () => {
    const builder = new BatchBuilder(eventTables);
    const rows = builder.rowsOf(kubearmorLogs);
    for (const { name, type } of kubearmorLogs.columns) {
      if (name === 'node' || name === 'seq') continue;
      if (type === 'VARCHAR[]') rows.list(name).put(0, null);
      else if (type === 'MAP(VARCHAR, VARCHAR)') rows.map(name).put(0, null);
      else if (type === 'VARCHAR' || type === 'BLOB') rows.text(name).put(0, null);
      else rows.fixed(name).put(0, name === 'time' ? 9_223_372_036_854_000_001n : null);
    }
    rows.endRow();
    const { buffer, widening } = builder.finish();
    for (const { minTimes } of [widening, packedNews(buffer)]) {
      const bound = BigInt(minTimes.get('kubearmor.logs') ?? Infinity);
      expect(bound).toBeLessThanOrEqual(9_223_372_036_854_000_001n);
      expect(bound).toBeGreaterThan(9_223_372_036_854_000_001n - 10_000n);
    }
  });
});
