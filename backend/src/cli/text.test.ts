import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArmorlakeError } from '../core/index.js';
import { coverageNotices } from './coverage-notices.js';
import { csvLine } from './csv.js';
import { conditionOf, rowFilters, tableOf } from './event-filters.js';
import { eventLine } from './event-line.js';
import { ImportReader, chunksOf, surveyFile } from './import-records.js';
import type { ImportSource } from './import-source.js';
import { openSource } from './import-source.js';
import { readEvents } from './sse.js';
import { fittedTable, renderTable, renderVertical } from './table.js';
import { errorText, jsonLine } from './text.js';

const hostile = 'a\u001b[31mred\u202eevil\u0000\r\n\u009b';

describe('a table', () => {
  it('aligns text left and numbers right', () => {
    const columns = [
      { name: 'policy', type: 'VARCHAR' },
      { name: 'n', type: 'BIGINT' },
    ];
    expect(
      renderTable(columns, [
        ['block-shells', 5],
        [null, 12345],
      ]),
    ).toBe('policy            n\n────────────  ─────\nblock-shells      5\n              12345\n');
  });

  it('is as wide as the terminal, its widest columns cut first; or turned, when that cannot be', () => {
    const columns = Array.from({ length: 4 }, (_, index) => ({ name: `c${index}` }));
    const row = ['short', 'x'.repeat(200), 'y'.repeat(30), hostile];
    const fitted = fittedTable(columns, [row, row], 70) ?? '';
    expect(fitted.split('\n')[1]).toHaveLength(70);
    expect(fitted).toContain('short');
    expect(fitted).toContain('y'.repeat(19));
    expect(fittedTable(columns, [row], 40)).toBeNull();
    const turned = renderVertical(
      [{ name: 'time' }, { name: 'resource' }],
      [
        [null, 'x'.repeat(200)],
        [1, hostile],
      ],
    );
    expect(turned.split('\n').slice(0, 3)).toEqual(['── row 1 ────', 'time', `resource  ${'x'.repeat(200)}`]);
    expect(turned).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(turned.split('\n')).toHaveLength(7);
  });

  it('cuts long cells and shows what would move the terminal', () => {
    expect(renderTable([{ name: 'x' }], [['abcdefgh']], 5)).toContain('abcd…');
    const text = renderTable([{ name: hostile }], [[hostile], [{ key: hostile }]]);
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(text.split('\n')).toHaveLength(5);
  });
});

describe('CSV', () => {
  it('quotes as RFC 4180 says', () => {
    expect(csvLine(['a', 'b,c', 'd"e', 'f\ng', null, '', 5, true, { k: 'v' }])).toBe(
      'a,"b,c","d""e","f\ng",,"",5,true,"{""k"":""v""}"\r\n',
    );
  });

  it.each(['=1+1', '+1', '-1', '@x', '\tx', '\rx'])('defuses %j, unless raw', (text) => {
    expect(csvLine([text])).toContain(`'${text}`);
    expect(csvLine([text], true)).not.toContain(`'`);
  });

  it('leaves numbers alone', () => {
    expect(csvLine([-5, 1.5])).toBe('-5,1.5\r\n');
  });
});

it('writes JSON that is the same value and harmless', () => {
  const line = jsonLine({ hostile });
  expect(JSON.parse(line)).toEqual({ hostile });
  expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
});

it('points at the place in the SQL', () => {
  const error = new ArmorlakeError('BAD_QUERY', 'No such column: x.', { position: 15, hint: 'Look at the catalog.' });
  expect(errorText(error, 'SELECT a,\n     x FROM t')).toBe(
    'armorlake: No such column: x.\n       x FROM t\n       ^\n  → Look at the catalog.\n',
  );
});

describe('filters of karmor logs', () => {
  it('bind every value', () => {
    const filters = {
      logFilter: 'all' as const,
      namespace: "x'; DROP TABLE t; --",
      operation: 'process',
      source: '^/bin/',
      labels: ['app=shop,tier=web'],
    };
    expect(tableOf(filters)).toBe('kubearmor.events');
    expect(conditionOf(rowFilters(filters))).toEqual({
      sql: 'regexp_matches(namespace, ?) AND regexp_matches(operation, ?) AND regexp_matches(source, ?) AND (labels[?] = ? OR labels[?] = ?)',
      params: ["(?i)x'; DROP TABLE t; --", '(?i)process', '^/bin/', 'app', 'shop', 'tier', 'web'],
    });
  });

  it('refuse a label without value', () => {
    expect(() => rowFilters({ labels: ['app'] })).toThrow(/--labels app is no key=value/);
  });
});

it('shows an event on one harmless line', () => {
  const line = eventLine({ time: '2026-01-01T00:00:00Z', pod: hostile, source: hostile, resource: '/etc/shadow' });
  expect(line.endsWith('\n')).toBe(true);
  expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
});

describe('coverage', () => {
  const complete = { complete: true, expected: 3, asked: 3, answered: 2, nodes: [] };

  it('is silent when complete', () => {
    expect(coverageNotices(complete)).toEqual([]);
    expect(coverageNotices(null)).toEqual([]);
  });

  it('names the node that failed, the gaps and the short memory', () => {
    const notices = coverageNotices({
      ...complete,
      complete: false,
      nodes: [{ name: 'edge-7', status: 'failed', message: 'silent for 2 s' }],
      gaps: { nodes: 1, minutes: 3 },
      retention: { nodesShort: 2, from: '2026-01-01T00:00:00Z' },
    });
    expect(notices).toHaveLength(3);
    expect(notices[0]).toBe('2 of 3 nodes answered; edge-7 failed: silent for 2 s');
    expect(notices[1]).toContain('3 min');
    expect(notices[2]).toContain('2026-01-01T00:00:00Z');
  });
});

describe('server-sent events', () => {
  it('are read across any split of the bytes', async () => {
    const text = ': hi\nid: {"a":1}\nevent: rows\ndata: {"x":\r\ndata: "ü"}\r\n\r\nretry: 5\ndata: second\n\n';
    const bytes = new TextEncoder().encode(text);
    for (const size of [1, 2, 7, bytes.length]) {
      const parts = async function* (): AsyncGenerator<Uint8Array> {
        for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
      };
      const events = [];
      for await (const event of readEvents(parts())) events.push(event);
      expect(events).toEqual([
        { type: 'rows', data: '{"x":\n"ü"}', id: '{"a":1}' },
        { type: 'message', data: 'second', id: '{"a":1}' },
      ]);
    }
  });
});

describe('a file to import', () => {
  let folder = '';
  const { signal } = new AbortController();
  const source = (file: string): Promise<ImportSource> =>
    openSource(file, { signal, input: process.stdin, inputIsTerminal: true });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'armorlake-import-'));
  });

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  async function sent(file: string, skip: number): Promise<{ text: string; lines: number; chunks: number }> {
    let text = '';
    let lines = 0;
    let chunks = 0;
    for await (const chunk of chunksOf(new ImportReader(await source(file)), skip)) {
      text += Buffer.from(chunk.bytes).toString('utf8');
      lines += chunk.records;
      chunks++;
    }
    return { text, lines, chunks };
  }

  it('counts records, also without a newline at the end', async () => {
    const file = join(folder, 'a.ndjson');
    writeFileSync(file, '{"a":1}\r\n\n  \n{"Type":"HostLog"}\n{"c":3}');
    expect(await surveyFile(await source(file), new Map())).toEqual({
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      records: 3,
      form: 'JSON lines',
      known: new Set(),
    });
    expect(await sent(file, 0)).toEqual({ text: '{"a":1}\n{"Type":"HostLog"}\n{"c":3}\n', lines: 3, chunks: 1 });
    expect(await sent(file, 2)).toEqual({ text: '{"c":3}\n', lines: 1, chunks: 1 });
    expect(await sent(file, 3)).toEqual({ text: '', lines: 0, chunks: 0 });
  });

  it('sends a large file in parts of whole lines', async () => {
    const file = join(folder, 'b.ndjson');
    const lines = Array.from({ length: 9000 }, (_, index) => JSON.stringify({ index, text: 'x'.repeat(700) }));
    writeFileSync(file, lines.join('\n'));
    const all = await sent(file, 0);
    expect(all.chunks).toBeGreaterThan(1);
    expect(all.text).toBe(`${lines.join('\n')}\n`);
    expect((await sent(file, 8990)).text).toBe(`${lines.slice(8990).join('\n')}\n`);
  });

  it('says which file is not there', async () => {
    await expect(source(join(folder, 'none'))).rejects.toThrow(/There is no file .*none/);
  });
});
