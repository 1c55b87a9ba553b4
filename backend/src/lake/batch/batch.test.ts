import { describe, expect, it } from 'vitest';
import { readPackedRows, spanBytes } from '../../../../test/support/packed-rows.js';
import type { Column, Table } from '../schema.js';
import { tableName } from '../schema.js';
import { kubearmorAlerts, kubearmorLogs, kubearmorMessages } from '../tables.js';
import type { TableRows } from './builder.js';
import { BatchBuilder } from './builder.js';
import { readBatch } from './layout.js';

type Value = string | number | bigint | readonly string[] | null;

/** A reproducible sequence of numbers in [0, 1). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const texts = [
  '',
  'a',
  'twelve bytes',
  'thirteen byte',
  'zwölf bytess',
  'ümläutümläut',
  '日本語のテキスト',
  '🚀'.repeat(3),
  '🚀'.repeat(40),
  'nul\0inside',
  '\u202eright to left',
  '\u001b[31mansi',
  'x'.repeat(32),
  'x'.repeat(33),
  'é'.repeat(32),
  'quotes \' " ` \\',
];

function randomValue(column: Column, random: () => number, row: number): Value {
  const roll = random();
  if (roll < 0.2) return null;
  const text = (): string => {
    const each = texts[Math.floor(random() * texts.length)] ?? '';
    return random() < 0.3 ? `${each}${row}` : each;
  };
  switch (column.type) {
    case 'VARCHAR':
    case 'BLOB':
      return text();
    case 'VARCHAR[]':
      return Array.from({ length: Math.floor(random() * 4) }, text);
    case 'MAP(VARCHAR, VARCHAR)':
      return Array.from({ length: Math.floor(random() * 4) }, (_, index) => [`k${index}${text()}`, text()]).flat();
    case 'BOOLEAN':
      return random() < 0.5 ? 1 : 0;
    case 'UTINYINT':
      return Math.floor(random() * 256);
    case 'INTEGER':
      return Math.floor((random() - 0.5) * 2 ** 32);
    case 'DOUBLE':
      return random();
    case 'BIGINT':
    case 'TIMESTAMP':
      return roll < 0.3 ? BigInt(Math.floor(random() * 2 ** 53)) * 1023n - 5n : Math.floor((random() - 0.5) * 2 ** 53);
  }
}

function put(rows: TableRows, column: Column, value: Value): void {
  const at = rows.row;
  switch (column.type) {
    case 'VARCHAR':
    case 'BLOB':
      rows.text(column.name).put(at, value as string | null);
      return;
    case 'VARCHAR[]':
      rows.list(column.name).put(at, value as readonly string[] | null);
      return;
    case 'MAP(VARCHAR, VARCHAR)':
      rows.map(column.name).put(at, value as readonly string[] | null);
      return;
    case 'BOOLEAN':
    case 'UTINYINT':
    case 'INTEGER':
    case 'BIGINT':
    case 'DOUBLE':
    case 'TIMESTAMP':
      rows.fixed(column.name).put(at, value as number | bigint | null);
  }
}

/** The value as the reader gives it. */
function readForm(column: Column, value: Value): unknown {
  if (value === null) return null;
  if (column.type === 'MAP(VARCHAR, VARCHAR)') {
    const flat = value as readonly string[];
    return Array.from({ length: flat.length / 2 }, (_, index) => [flat[index * 2], flat[index * 2 + 1]]);
  }
  return column.type === 'BIGINT' || column.type === 'TIMESTAMP' ? BigInt(value as number | bigint) : value;
}

function fill(builder: BatchBuilder, table: Table, count: number, random: () => number): object[] {
  const rows = builder.rowsOf(table);
  const own = table.columns.filter(({ name }) => name !== 'node' && name !== 'seq');
  return Array.from({ length: count }, (_, row) => {
    const expected: Record<string, unknown> = { node: null, seq: null };
    for (const column of own) {
      const value = randomValue(column, random, row);
      put(rows, column, value);
      expected[column.name] = readForm(column, value);
    }
    rows.endRow();
    return expected;
  });
}

describe('BatchBuilder', () => {
  it.each([1, 63, 64, 65, 2047, 2048, 2049, 4100])('packs %i rows of every type so that they read back', (count) => {
    const random = randomNumbers(count);
    const builder = new BatchBuilder([kubearmorAlerts, kubearmorMessages]);
    const alerts = fill(builder, kubearmorAlerts, count, random);
    const messages = fill(builder, kubearmorMessages, 3, random);
    const { buffer } = builder.finish();
    expect(readPackedRows(buffer)).toEqual([
      { table: 'kubearmor.alerts', rows: alerts },
      { table: 'kubearmor.messages', rows: messages },
    ]);
  });

  it('carries nothing of one batch into the next', () => {
    const builder = new BatchBuilder([kubearmorLogs]);
    fill(builder, kubearmorLogs, 2100, randomNumbers(1));
    builder.count({
      connector: 'a',
      stream: 'logs',
      received: 1,
      stored: 1,
      deadLettered: 0,
      dropped: 0,
      reason: null,
    });
    builder.finish();
    expect(builder.empty).toBe(true);
    const second = fill(builder, kubearmorLogs, 70, randomNumbers(2));
    const { buffer, header } = builder.finish();
    expect(readPackedRows(buffer)).toEqual([{ table: 'kubearmor.logs', rows: second }]);
    expect(header.ledger).toEqual([]);
  });

  it('says of a column without values only that', () => {
    const builder = new BatchBuilder([kubearmorMessages]);
    const rows = builder.rowsOf(kubearmorMessages);
    for (const column of kubearmorMessages.columns) {
      if (column.name !== 'node' && column.name !== 'seq') put(rows, column, null);
    }
    rows.endRow();
    const { header } = builder.finish();
    const kinds = header.sections[0]?.chunks[0]?.columns.map(({ kind }) => kind);
    expect(new Set(kinds)).toEqual(new Set(['null', 'engine']));
  });

  it('stores a text of a chunk once', () => {
    const builder = new BatchBuilder([kubearmorMessages]);
    const rows = builder.rowsOf(kubearmorMessages);
    const long = 'the same long text in every row'.repeat(10);
    for (let row = 0; row < 1000; row++) {
      for (const column of kubearmorMessages.columns) {
        if (column.name === 'message') put(rows, column, row % 2 === 0 ? long : 'short');
        else if (column.name !== 'node' && column.name !== 'seq') put(rows, column, null);
      }
      rows.endRow();
    }
    const { buffer } = builder.finish();
    // 16 bytes an entry, and the text once.
    expect(buffer.byteLength).toBeLessThan(16 * 1000 + long.length + 1024);
  });

  it('keeps NULL rows of text free of addresses', () => {
    const builder = new BatchBuilder([kubearmorMessages]);
    const rows = builder.rowsOf(kubearmorMessages);
    const write = (message: string | null): void => {
      for (const column of kubearmorMessages.columns) {
        if (column.name === 'message') put(rows, column, message);
        else if (column.name !== 'node' && column.name !== 'seq') put(rows, column, null);
      }
      rows.endRow();
    };
    for (let row = 0; row < 2048; row++) write(`a text longer than twelve bytes ${row}`);
    write('another text longer than twelve bytes');
    write(null);
    const { buffer, header } = builder.finish();
    const { base } = readBatch(buffer);
    const layout = header.sections[0]?.chunks[1]?.columns.at(-1);
    if (layout?.kind !== 'text') throw new Error('message is no text');
    expect([...new Uint8Array(buffer, base + layout.entries[0] + 16, 16)]).toEqual(new Array(16).fill(0));
  });

  it('sums the account, and points dead letters at their rows over all tables', () => {
    const builder = new BatchBuilder([kubearmorLogs, kubearmorAlerts]);
    const delta = { connector: 'a', stream: 'logs', received: 1, stored: 1, deadLettered: 0, dropped: 0, reason: null };
    builder.count(delta);
    builder.count({ ...delta, received: 4, stored: 4 });
    builder.count({ ...delta, stored: 0, dropped: 1, reason: 'queue_full' });
    fill(builder, kubearmorAlerts, 2, randomNumbers(3));
    fill(builder, kubearmorLogs, 3, randomNumbers(4));
    const letter = { connector: 'a', stream: 'logs', timeMicros: 7, error: 'broken' };
    builder.addDeadLetter({
      ...letter,
      event: { table: tableName(kubearmorAlerts), row: 1 },
      bytes: Buffer.from('second alert'),
    });
    builder.addDeadLetter({ ...letter, event: null, bytes: Buffer.from([0xff, 0]) });
    const { buffer, header } = builder.finish();
    expect(header.ledger).toEqual([
      { ...delta, received: 5, stored: 5 },
      { ...delta, stored: 0, dropped: 1, reason: 'queue_full' },
    ]);
    // Sections stand in the order of the tables given: three logs, then the alerts.
    expect(header.deadLetters.map(({ eventIndex }) => eventIndex)).toEqual([4, null]);
    expect(header.deadLetters.map(({ bytes }) => spanBytes(buffer, bytes).toString('latin1'))).toEqual([
      'second alert',
      '\u00ff\0',
    ]);
  });
});
