import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DAY_MS, DataFolder, addRows, packRows, plainRows } from '../../../test/support/lake-fixture.js';
import { Random } from '../../../test/support/random.js';
import { HandClock, openStore as open, rawRows as rowsOf } from '../../../test/support/lake-store.js';
import { BatchBuilder } from './batch/builder.js';
import type { LakeStore } from './host.js';
import { latestVersion, migrations } from './migrations.js';
import { eventTables, kubearmorAlerts, kubearmorLogs, kubearmorMessages } from './tables.js';
import { noExtras } from './writer.js';

describe('appending', () => {
  it('reads back every type, NULLs, NUL bytes and strings around the inline length, over a chunk border', async () => {
    using folder = new DataFolder();
    const store = await open(folder);
    const texts = [
      '',
      'twelve bytes',
      'thirteen byte',
      'NUL \0 inside a long string',
      'é'.repeat(40),
      '\0',
      '😀😀😀😀',
    ];
    const textOf = (row: number): string => texts[row % texts.length] ?? '';
    const { buffer } = packRows(kubearmorAlerts, 2049, (name, type, row) => {
      if (row % 5 === 4 && name !== 'time') return null;
      switch (type) {
        case 'VARCHAR':
        case 'BLOB':
          return textOf(row);
        case 'VARCHAR[]':
          return Array.from({ length: row % 4 }, (_, item) => textOf(row + item));
        case 'MAP(VARCHAR, VARCHAR)':
          return Array.from({ length: row % 3 }, (_, pair) => [`key ${pair}`, textOf(row + pair)]).flat();
        case 'TIMESTAMP':
          return 1_700_000_000_000_000 + row;
        case 'UTINYINT':
          return row % 11;
        case 'BOOLEAN':
          return row % 2;
        case 'INTEGER':
          return 1 - row;
        case 'BIGINT':
          return 4_294_967_295 + row;
        case 'DOUBLE':
          return row / 8;
      }
    });
    expect(await store.append(1, buffer, noExtras)).toEqual({
      firstSeq: 1,
      lastSeq: 2049,
      rows: 2049,
      repeated: false,
    });
    const connection = await store.openReader();
    const read = await connection.runAndReadAll(
      'SELECT seq, node, epoch_us(time), source, tags, map_entries(labels), severity, host_pid, uid FROM kubearmor.alerts ORDER BY seq',
    );
    const rows = read.getRowsJS();
    store.closeReader(connection);
    expect(rows).toHaveLength(2049);
    rows.forEach((cells, row) => {
      const given = row % 5 !== 4;
      expect(cells).toEqual([
        BigInt(row + 1),
        'node-1',
        1_700_000_000_000_000n + BigInt(row),
        given ? textOf(row) : null,
        given ? Array.from({ length: row % 4 }, (_, item) => textOf(row + item)) : null,
        given
          ? Array.from({ length: row % 3 }, (_, pair) => ({ key: `key ${pair}`, value: textOf(row + pair) }))
          : null,
        given ? row % 11 : null,
        given ? 1 - row : null,
        given ? BigInt(4_294_967_295 + row) : null,
      ]);
    });
    await store.close();
  });

  it('gives seq over all tables of a batch, and dead letters the seq of their row', async () => {
    using folder = new DataFolder();
    const store = await open(folder);
    const builder = new BatchBuilder(eventTables);
    addRows(builder, kubearmorMessages, 2, plainRows(1));
    addRows(builder, kubearmorLogs, 3, plainRows(1));
    builder.addDeadLetter({
      connector: 'c1',
      stream: 'messages',
      timeMicros: 7,
      error: 'utf8',
      event: { table: 'kubearmor.messages', row: 1 },
      bytes: Uint8Array.of(0, 255, 1),
    });
    builder.addDeadLetter({
      connector: 'c1',
      stream: 'logs',
      timeMicros: 8,
      error: 'bad',
      event: null,
      bytes: Buffer.of(9),
    });
    builder.addGap({ connector: 'c1', stream: 'logs', fromMicros: 1, toMicros: 2, cause: 'break:13', estimated: null });
    await store.append(1, packRows(kubearmorLogs, 4, plainRows(1)).buffer, noExtras);
    await store.append(2, builder.finish().buffer, {
      ledger: [
        { connector: 'c1', stream: 'logs', received: 9, stored: 0, deadLettered: 0, dropped: 9, reason: 'queue_full' },
      ],
      gaps: [],
    });
    expect(await rowsOf(store, 'SELECT seq::INT FROM kubearmor.logs ORDER BY seq')).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((seq) => [seq]),
    );
    expect(await rowsOf(store, 'SELECT seq::INT FROM kubearmor.messages ORDER BY seq')).toEqual([[8], [9]]);
    expect(
      await rowsOf(store, 'SELECT seq::INT, error, bytes::VARCHAR FROM armorlake.dead_letters ORDER BY time'),
    ).toEqual([
      [9, 'utf8', '\\x00\\xFF\\x01'],
      [null, 'bad', '\\x09'],
    ]);
    expect(await rowsOf(store, 'SELECT cause, epoch_us(from_time)::INT FROM armorlake.gaps')).toEqual([
      ['break:13', 1],
    ]);
    expect(await rowsOf(store, 'SELECT stored::INT, dropped::INT, reason FROM armorlake.ledger ORDER BY ALL')).toEqual([
      [0, 9, 'queue_full'],
      [4, 0, null],
    ]);
    await store.close();
  });

  it('stores a batch once, whatever its number was sent for again', async () => {
    using folder = new DataFolder();
    const batch = (): ArrayBuffer => packRows(kubearmorLogs, 10, plainRows(1)).buffer;
    const first = await open(folder);
    await first.append(1, batch(), noExtras);
    expect(await first.append(1, batch(), noExtras)).toEqual({ firstSeq: 1, lastSeq: 10, rows: 10, repeated: true });
    await first.close();
    const second = await open(folder);
    expect(second.lastBatch).toBe(1);
    expect(await second.append(1, batch(), noExtras)).toMatchObject({ firstSeq: 1, lastSeq: 10, repeated: true });
    expect(await second.append(2, batch(), noExtras)).toMatchObject({ firstSeq: 11, lastSeq: 20, repeated: false });
    expect(await rowsOf(second, 'SELECT count(*)::INT FROM kubearmor.logs')).toEqual([[20]]);
    await second.close();
  });

  it('stores nothing of a batch that fails, and goes on with the next', async () => {
    using folder = new DataFolder();
    const store = await open(folder);
    const builder = new BatchBuilder([...eventTables, { ...kubearmorLogs, name: 'unknown' }]);
    addRows(builder, kubearmorLogs, 5, plainRows(1));
    addRows(builder, { ...kubearmorLogs, name: 'unknown' }, 5, plainRows(1));
    await expect(store.append(1, builder.finish().buffer, noExtras)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    expect(await store.append(2, packRows(kubearmorLogs, 5, plainRows(1)).buffer, noExtras)).toMatchObject({
      firstSeq: 1,
      lastSeq: 5,
    });
    expect(await rowsOf(store, 'SELECT count(*)::INT FROM kubearmor.logs')).toEqual([[5]]);
    await store.close();
  });

  it('replaces state tables and refuses unknown columns', async () => {
    using folder = new DataFolder();
    const store = await open(folder);
    await store.replaceState({ connectors: [{ name: 'k1', kind: 'kubearmor', since: 5, rate: 1.5, breaks: 2 }] });
    await store.replaceState({
      connectors: [{ name: 'k2' }],
      nodes: [{ name: 'n', labels: { site: 'a' }, tables: ['t'] }],
    });
    expect(await rowsOf(store, 'SELECT node, name FROM armorlake.connectors')).toEqual([['node-1', 'k2']]);
    expect(await rowsOf(store, "SELECT name, labels['site'], tables FROM armorlake.nodes")).toEqual([
      ['n', 'a', ['t']],
    ]);
    await expect(store.replaceState({ connectors: [{ nmae: 'x' }] })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await store.close();
  });

  it('says DISK_FULL below the reserve, keeps the account, and recovers', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    let freeBytes = 1e12;
    const readDisk = () => Promise.resolve({ freeBytes, totalBytes: 1e12 });
    const store = await open(folder, { minFreeBytes: 500e6 }, { clock, readDisk });
    const batch = (): ArrayBuffer => packRows(kubearmorLogs, 5, plainRows(1)).buffer;
    await store.append(1, batch(), noExtras);
    freeBytes = 400e6;
    clock.advance(2000);
    await expect(store.append(2, batch(), noExtras)).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect((await store.info()).diskFull).toBe(true);
    const dropped = {
      connector: 'c1',
      stream: 'logs',
      received: 5,
      stored: 0,
      deadLettered: 0,
      dropped: 5,
      reason: 'disk_full',
    };
    await store.append(3, null, { ledger: [dropped], gaps: [] });
    freeBytes = 600e6;
    clock.advance(2000);
    expect(await store.append(4, batch(), noExtras)).toMatchObject({ firstSeq: 6, lastSeq: 10 });
    expect((await store.info()).diskFull).toBe(false);
    expect(
      await rowsOf(store, 'SELECT sum(received)::INT, sum(stored)::INT, sum(dropped)::INT FROM armorlake.ledger'),
    ).toEqual([[15, 10, 5]]);
    await store.close();
  });
});

describe('opening', () => {
  it('refuses a newer schema before the file is touched', async () => {
    using folder = new DataFolder();
    const newer = [...migrations, { version: 99, statements: ['CREATE TABLE lake.internal.future (a INTEGER)'] }];
    await (await open(folder, {}, { migrations: newer })).close();
    const before = readFileSync(folder.file('lake.duckdb'));
    await expect(open(folder)).rejects.toMatchObject({
      code: 'BAD_CONFIG',
      message: expect.stringContaining('version 99') as string,
    });
    expect(readFileSync(folder.file('lake.duckdb')).equals(before)).toBe(true);
  });

  it('migrates forward and keeps the rows', async () => {
    using folder = new DataFolder();
    const old = await open(folder);
    await old.append(1, packRows(kubearmorLogs, 3, plainRows(1)).buffer, noExtras);
    await old.close();
    const steps = [
      ...migrations,
      {
        version: latestVersion() + 1,
        statements: [
          'ALTER TABLE lake.kubearmor.logs DROP COLUMN tags',
          "ALTER TABLE lake.kubearmor.logs ADD COLUMN IF NOT EXISTS tags VARCHAR[] DEFAULT ['migrated']",
        ],
      },
    ];
    const store = await open(folder, {}, { migrations: steps });
    await store.append(2, packRows(kubearmorLogs, 1, plainRows(1)).buffer, noExtras);
    expect(await rowsOf(store, 'SELECT seq::INT, tags, host FROM kubearmor.logs ORDER BY seq')).toEqual([
      [1, ['migrated'], 'host 0'],
      [2, ['migrated'], 'host 1'],
      [3, ['migrated'], 'host 2'],
      [4, ['tags 0'], 'host 0'],
    ]);
    expect((await store.info()).schemaVersion).toBe(latestVersion() + 1);
    await store.close();
  });

  it('gives a lake of version 1 the tables that came later, and totals that begin with what it holds', async () => {
    using folder = new DataFolder();
    const old = await open(folder);
    await old.append(1, packRows(kubearmorLogs, 3, plainRows(7)).buffer, noExtras);
    // As the Armorlake of version 1 left it: without what came since.
    const writer = await old.openReader();
    await writer.run('DROP TABLE lake.armorlake.node_metrics');
    await writer.run('DROP TABLE lake.internal.totals');
    await writer.run('DELETE FROM lake.internal.versions WHERE version > 1');
    old.closeReader(writer);
    await old.close();
    const store = await open(folder);
    await store.appendMetrics([{ time: 0, version: '1.2.3' }]);
    expect(await rowsOf(store, 'SELECT node, version FROM armorlake.node_metrics')).toEqual([['node-1', '1.2.3']]);
    expect((await store.info()).schemaVersion).toBe(latestVersion());
    expect(await rowsOf(store, 'SELECT cause FROM armorlake.gaps')).toEqual([]);
    expect(
      await rowsOf(
        store,
        'SELECT table_name, sum(appended)::INT, sum(expired)::INT, epoch_us(min(min_time))::INT, sum(seq_sum)::INT, bit_xor(seq_xor)::INT ' +
          "FROM lake.internal.totals WHERE table_name LIKE 'kubearmor%' GROUP BY ALL ORDER BY ALL",
      ),
    ).toEqual([
      ['kubearmor.alerts', 0, 0, null, 0, 0],
      ['kubearmor.logs', 3, 0, 7, 6, 0],
      ['kubearmor.messages', 0, 0, null, 0, 0],
    ]);
    await store.close();
  });

  it('writes no gap after a clean stop', async () => {
    using folder = new DataFolder();
    await (await open(folder)).close();
    const store = await open(folder);
    expect(await rowsOf(store, 'SELECT cause FROM armorlake.gaps')).toEqual([]);
    await store.close();
  });

  it.each([
    ['its start', (wal: Buffer) => wal.fill(0xff, 0, 16)],
    ['its middle', (wal: Buffer) => wal.fill(0xff, wal.length >> 1, (wal.length >> 1) + 8)],
    ['its end', (wal: Buffer) => wal.subarray(0, wal.length - 5000)],
    ['all of it', (wal: Buffer) => wal.fill(7)],
  ])('opens with a WAL damaged at %s: a gap row, and seq goes on above what was given away', async (_where, damage) => {
    using folder = new DataFolder();
    using copy = new DataFolder();
    const store = await open(folder);
    for (let batch = 1; batch <= 10; batch++) {
      await store.append(batch, packRows(kubearmorLogs, 100, plainRows(1)).buffer, noExtras);
    }
    // As a crash leaves it.
    for (const name of ['lake.duckdb', 'lake.json', 'lake.mark']) copyFileSync(folder.file(name), copy.file(name));
    writeFileSync(copy.file('lake.duckdb.wal'), damage(readFileSync(folder.file('lake.duckdb.wal'))));
    await store.close();
    const reopened = await open(copy, {}, { facts: { resumed: true, openCrashes: 0 } });
    const [[kept]] = (await rowsOf(reopened, 'SELECT count(*)::INT FROM kubearmor.logs')) as [[number]];
    expect(kept % 100).toBe(0);
    expect(kept).toBeLessThan(1000);
    expect(await rowsOf(reopened, 'SELECT cause, estimated::INT FROM armorlake.gaps')).toEqual([['wal', 1000 - kept]]);
    const next = await reopened.append(11, packRows(kubearmorLogs, 1, plainRows(1)).buffer, noExtras);
    expect(next.firstSeq).toBeGreaterThan(1000);
    await reopened.close();
    const again = await open(copy);
    expect(again.lastSeq).toBe(next.lastSeq);
    expect(await rowsOf(again, 'SELECT count(*)::INT FROM armorlake.gaps')).toEqual([[1]]);
    await again.close();
  });

  it.each([
    ['cut off', (path: string) => truncateSync(path, 300_000)],
    ['garbage', (path: string) => writeFileSync(path, Buffer.alloc(100_000, 7))],
    ['empty', (path: string) => truncateSync(path, 0)],
  ])('opens with a main file that is %s: put aside, and a new lake goes on above its seq', async (_how, damage) => {
    using folder = new DataFolder();
    const store = await open(folder);
    await store.append(1, packRows(kubearmorLogs, 5000, plainRows(1)).buffer, noExtras);
    await store.close();
    damage(folder.file('lake.duckdb'));
    const reopened = await open(folder);
    expect((await reopened.info()).warnings).toHaveLength(1);
    expect(readdirSync(folder.path).some((name) => name.startsWith('lake.duckdb.damaged-'))).toBe(true);
    expect(await rowsOf(reopened, 'SELECT cause, estimated::INT FROM armorlake.gaps')).toEqual([['file', 5000]]);
    expect(
      (await reopened.append(2, packRows(kubearmorLogs, 1, plainRows(1)).buffer, noExtras)).firstSeq,
    ).toBeGreaterThan(5000);
    await reopened.close();
  });

  it('notices an older file put back, and never gives its numbers again', async () => {
    using folder = new DataFolder();
    const first = await open(folder);
    await first.append(1, packRows(kubearmorLogs, 10, plainRows(1)).buffer, noExtras);
    await first.close();
    copyFileSync(folder.file('lake.duckdb'), folder.file('backup'));
    const second = await open(folder);
    await second.append(2, packRows(kubearmorLogs, 10, plainRows(1)).buffer, noExtras);
    await second.close();
    copyFileSync(folder.file('backup'), folder.file('lake.duckdb'));
    const restored = await open(folder);
    expect(await rowsOf(restored, 'SELECT cause, estimated::INT FROM armorlake.gaps')).toEqual([['restore', 10]]);
    expect(
      (await restored.append(3, packRows(kubearmorLogs, 1, plainRows(1)).buffer, noExtras)).firstSeq,
    ).toBeGreaterThan(20);
    await restored.close();
  });
});

describe('retention', () => {
  const hour = 3_600_000;

  /** Batches whose rows arrived at the clock's time. */
  async function fill(
    store: LakeStore,
    clock: HandClock,
    batch: number,
    rows: number,
    table = kubearmorLogs,
  ): Promise<void> {
    await store.append(batch, packRows(table, rows, plainRows(clock.wall * 1000)).buffer, noExtras);
  }

  it('deletes what is too old by arrival, and alerts later than logs', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const store = await open(folder, {}, { clock });
    await fill(store, clock, 1, 10);
    await fill(store, clock, 2, 10, kubearmorAlerts);
    clock.advance(4 * DAY_MS);
    await fill(store, clock, 3, 10);
    await store.maintain();
    clock.advance(4 * DAY_MS);
    expect((await store.maintain()).deleted).toEqual({ 'kubearmor.logs': 10 });
    expect(await rowsOf(store, 'SELECT min(seq)::INT FROM kubearmor.logs')).toEqual([[21]]);
    expect(await rowsOf(store, 'SELECT count(*)::INT FROM kubearmor.alerts')).toEqual([[10]]);
    const connection = await store.openReader();
    expect(await store.retainedSince(connection, ['kubearmor.logs'])).toBe(BigInt(Date.UTC(2026, 0, 1)) * 1000n + 9n);
    expect(await store.retainedSince(connection, ['kubearmor.alerts'])).toBeNull();
    store.closeReader(connection);
    await store.close();
  });

  it('keeps to the byte cap by evicting the oldest logs, and leaves alerts their share', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const filling = await open(folder, {}, { clock });
    await fill(filling, clock, 1, 2000, kubearmorAlerts);
    for (let batch = 2; batch < 12; batch++) await fill(filling, clock, batch, 10_000);
    await filling.checkpoint();
    const cap = Math.floor((await filling.info()).hotBytes * 0.7);
    await filling.close();
    const retention = { ...folder.settings().retention, totalBytes: cap };
    const store = await open(folder, { retention }, { clock });
    for (let run = 0; run < 6; run++) await store.maintain();
    const after = await store.info();
    expect(after.hotBytes).toBeLessThanOrEqual(cap);
    expect(after.rows['kubearmor.alerts']).toBe(2000);
    expect(after.rows['kubearmor.logs']).toBeGreaterThan(0);
    const [[low, high, count]] = (await rowsOf(
      store,
      'SELECT min(seq)::INT, max(seq)::INT, count(*)::INT FROM kubearmor.logs',
    )) as [[number, number, number]];
    expect(high).toBe(2000 + 100_000);
    expect(count).toBe(high - low + 1);
    await store.close();
  });

  it('keeps a group to the bytes it is given, also while all together are below the cap', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const filling = await open(folder, {}, { clock });
    for (let batch = 1; batch < 6; batch++) await fill(filling, clock, batch, 10_000);
    await fill(filling, clock, 6, 2000, kubearmorAlerts);
    await filling.checkpoint();
    const before = (await filling.info()).hotBytes;
    await filling.close();
    const { retention } = folder.settings();
    const groupBytes = { ...retention.groupBytes, logs: Math.floor(before / 2) };
    const store = await open(folder, { retention: { ...retention, groupBytes } }, { clock });
    for (let run = 0; run < 6; run++) await store.maintain();
    const { rows, hotBytes } = await store.info();
    expect(hotBytes).toBeLessThan(before * 0.8);
    expect(rows['kubearmor.logs']).toBeGreaterThan(5000);
    expect(rows['kubearmor.logs']).toBeLessThan(40_000);
    expect(rows['kubearmor.alerts']).toBe(2000);
    expect(await rowsOf(store, 'SELECT max(seq)::INT FROM kubearmor.logs')).toEqual([[50_000]]);
    await store.close();
  });

  it('does not let a flooded account of queries push dead letters out, and says what goes before its time', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const retention = folder.settings().retention;
    const groupBytes = { ...retention.groupBytes, ledger: 3 << 20 };
    const store = await open(folder, { retention: { ...retention, groupBytes } }, { clock });
    const builder = new BatchBuilder(eventTables);
    const micros = clock.wallMs() * 1000;
    const bytes = Buffer.from('what could not be decoded');
    builder.addDeadLetter({ connector: 'c1', stream: 'logs', timeMicros: micros, error: 'bad', event: null, bytes });
    await store.append(1, builder.finish().buffer, noExtras);
    const random = new Random(1);
    for (let round = 0; round < 2; round++) {
      // Text that doesn't compress, as an attacker would take.
      const rows = Array.from({ length: 500 }, (_, at) => ({
        time: micros + 500 * round + at,
        sql: hexOf(random, 6000),
      }));
      await store.appendQueries(rows);
    }
    await store.checkpoint();
    await store.maintain();
    expect(await rowsOf(store, 'SELECT count(*)::INT FROM armorlake.dead_letters')).toEqual([[1]]);
    const [[left, oldest]] = (await rowsOf(
      store,
      `SELECT count(*)::INT, (epoch_us(min(time)) - ${micros})::INT FROM armorlake.queries`,
    )) as [[number, number]];
    expect(left).toBeGreaterThan(50);
    expect(left).toBeLessThan(1000);
    expect(oldest).toBe(1000 - left);
    const [warning] = (await store.info()).warnings;
    expect(warning).toBe(
      `The oldest ${1000 - left} rows of armorlake.queries were removed before their time: there is no room.`,
    );
    await store.close();
  });

  it('archives before it deletes, takes files back after the lake file is lost, and puts damaged ones aside', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const changes = { archive: { folder: folder.file('archive'), ageMs: null, bytes: null } };
    const store = await open(folder, changes, { clock });
    await fill(store, clock, 1, 3000);
    await store.maintain();
    clock.advance(8 * DAY_MS);
    await fill(store, clock, 2, 10);
    const report = await store.maintain();
    expect(report.archived).toHaveLength(1);
    expect(report.deleted).toEqual({ 'kubearmor.logs': 3000 });
    const manifest = await rowsOf(
      store,
      'SELECT table_name, first_seq::INT, last_seq::INT, rows::INT, file FROM armorlake.archive',
    );
    expect(manifest).toEqual([['kubearmor.logs', 1, 3000, 3000, report.archived[0]]]);
    const path = folder.file(`archive/${report.archived[0]}`);
    const archived = await rowsOf(
      store,
      `SELECT count(*)::INT, min(seq)::INT, max(host), max(labels['key']) FROM read_parquet('${path}')`,
    );
    expect(archived).toEqual([[3000, 1, 'host 999', 'labels 999']]);
    expect(await store.checkArchiveFiles([path], true)).toBe(false);
    await store.close();

    truncateSync(folder.file('lake.duckdb'), 0);
    const second = await open(folder, changes, { clock });
    expect(await rowsOf(second, 'SELECT rows::INT FROM armorlake.archive')).toEqual([[3000]]);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(1, 2000, 4000));
    expect(await second.checkArchiveFiles([path], true)).toBe(true);
    expect(existsSync(path)).toBe(false);
    expect(existsSync(`${path}.damaged`)).toBe(true);
    expect(await rowsOf(second, 'SELECT count(*)::INT FROM armorlake.archive')).toEqual([[0]]);
    expect(await rowsOf(second, "SELECT stream, estimated::INT FROM armorlake.gaps WHERE cause = 'archive'")).toEqual([
      ['kubearmor.logs', 3000],
    ]);
    await second.close();
  });

  it('removes archive files by size, oldest first, one run after they left the manifest', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const changes = { archive: { folder: folder.file('archive'), ageMs: null, bytes: 1 } };
    const store = await open(folder, changes, { clock });
    await fill(store, clock, 1, 100);
    await store.maintain();
    clock.advance(8 * DAY_MS);
    const report = await store.maintain();
    expect(report.unlinked).toEqual(report.archived);
    const path = folder.file(`archive/${report.archived[0]}`);
    expect(existsSync(path)).toBe(true);
    await store.maintain();
    expect(existsSync(path)).toBe(false);
    const connection = await store.openReader();
    expect(await store.retainedSince(connection, ['kubearmor.logs'])).not.toBeNull();
    store.closeReader(connection);
    await store.close();
  });

  it('sums the ledger of closed hours by minute', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const store = await open(folder, {}, { clock });
    for (let batch = 1; batch <= 8; batch++) {
      await fill(store, clock, batch, 5);
      clock.advance(30_000);
    }
    const before = await rowsOf(
      store,
      'SELECT sum(stored)::INT, count(DISTINCT minute)::INT, count(*)::INT FROM armorlake.ledger',
    );
    expect(before).toEqual([[40, 4, 8]]);
    expect((await store.maintain()).compacted).toBe(0);
    clock.advance(hour);
    expect((await store.maintain()).compacted).toBe(4);
    const after = await rowsOf(
      store,
      'SELECT sum(stored)::INT, count(DISTINCT minute)::INT, count(*)::INT FROM armorlake.ledger',
    );
    expect(after).toEqual([[40, 4, 4]]);
    await store.close();
  });
});

describe('the folder', () => {
  it('survives files of others in it', async () => {
    using folder = new DataFolder();
    appendFileSync(folder.file('notes.txt'), 'mine');
    const store = await open(folder);
    await store.close();
    expect(readFileSync(folder.file('notes.txt'), 'utf8')).toBe('mine');
  });
});

function hexOf(random: Random, length: number): string {
  let text = '';
  while (text.length < length) text += random.integer(2 ** 32).toString(16);
  return text;
}
