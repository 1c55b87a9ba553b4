import {
  copyFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { LakeStore } from '../../backend/src/lake/host.js';
import { kubearmorLogs } from '../../backend/src/lake/index.js';
import { DataFolder, packRows, plainRows } from '../support/lake-fixture.js';
import { ErrorLog, openStore, rawRows } from '../support/lake-store.js';

const noExtras = { ledger: [], gaps: [] };
const GAPS = "SELECT cause, estimated::INT FROM armorlake.gaps WHERE cause <> 'crash' ORDER BY ALL";

/** Ten batches of ten rows, all in the WAL; as a crash leaves it, or closed. */
async function leave(folder: DataFolder, how: 'crashed' | 'closed'): Promise<string> {
  using own = new DataFolder();
  const store = await openStore(own);
  for (let batch = 1; batch <= 10; batch++) {
    await store.append(batch, packRows(kubearmorLogs, 10, plainRows(1)).buffer, noExtras);
  }
  const { lakeId } = await store.info();
  const copy = (name: string): void => copyFileSync(own.file(name), folder.file(name));
  const names = ['lake.duckdb', 'lake.json', 'lake.mark'];
  if (how === 'crashed') [...names, 'lake.duckdb.wal'].forEach(copy);
  await store.close();
  if (how === 'closed') names.forEach(copy);
  return lakeId;
}

function named(folder: DataFolder, beginning: string): readonly string[] {
  return readdirSync(folder.path).filter((name) => name.startsWith(beginning));
}

function change(path: string, how: (bytes: Buffer) => void): Buffer {
  const bytes = readFileSync(path);
  how(bytes);
  writeFileSync(path, bytes);
  return bytes;
}

const flipped =
  (at: number) =>
  (bytes: Buffer): void => {
    for (let index = at; index < at + 8; index++) bytes[index] = (bytes[index] ?? 0) ^ 0xff;
  };

describe('a damaged write-ahead log', () => {
  it.each([
    ['its first bytes are flipped', flipped(0)],
    ['its version is flipped', flipped(3)],
    ['the length of an entry is flipped', flipped(29)],
    ['its beginning is zero', (bytes: Buffer) => bytes.fill(0, 0, 64)],
    ['it is zero', (bytes: Buffer) => bytes.fill(0)],
  ])('is put aside as it was when %s, and the log and a gap say so', async (_what, damage) => {
    using folder = new DataFolder();
    await leave(folder, 'crashed');
    const damaged = change(folder.file('lake.duckdb.wal'), damage);
    const log = new ErrorLog();
    const store = await openStore(folder, {}, { logger: log.logger });
    const [aside = ''] = named(folder, 'lake.duckdb.wal.damaged');
    expect(readFileSync(folder.file(aside)).equals(damaged)).toBe(true);
    expect(log.text).toContain(folder.file(aside));
    expect((await store.info()).warnings.join()).toContain(aside);
    const [[kept]] = (await rawRows(store, 'SELECT count(*)::INT FROM kubearmor.logs')) as [[number]];
    expect(await rawRows(store, GAPS)).toEqual([['wal', 100 - kept]]);
    const next = await store.append(11, packRows(kubearmorLogs, 5, plainRows(1)).buffer, noExtras);
    expect(next.firstSeq).toBeGreaterThan(100);
    await store.close();
    const again = await openStore(folder, {}, { logger: log.logger });
    expect(await rawRows(again, 'SELECT count(*)::INT FROM kubearmor.logs')).toEqual([[kept + 5]]);
    expect(await rawRows(again, GAPS)).toHaveLength(1);
    expect(named(folder, 'lake.duckdb.wal.damaged')).toHaveLength(1);
    await again.close();
  });

  it('is put aside for its first bytes alone, also when no event was in it', async () => {
    using folder = new DataFolder();
    using copy = new DataFolder();
    const store = await openStore(folder);
    await store.checkpoint();
    await store.appendQueries([{ id: 'q1', time: 0, sql: 'SELECT 1' }]);
    for (const name of ['lake.duckdb', 'lake.json', 'lake.mark', 'lake.duckdb.wal']) {
      copyFileSync(folder.file(name), copy.file(name));
    }
    await store.close();
    change(copy.file('lake.duckdb.wal'), flipped(0));
    const log = new ErrorLog();
    const reopened = await openStore(copy, {}, { logger: log.logger });
    expect(named(copy, 'lake.duckdb.wal.damaged')).toHaveLength(1);
    expect(log.text).toContain('its first bytes are damaged');
    expect(await rawRows(reopened, GAPS)).toEqual([['wal', null]]);
    await reopened.close();
  });
});

/** Where the block lies that the query names. */
async function placeOf(store: LakeStore, block: string): Promise<number> {
  const [[number]] = (await rawRows(store, block)) as [[number]];
  return 3 * 4096 + number * 65_536;
}

const TOTALS = "SELECT max(block_id)::INT FROM pragma_storage_info('lake.internal.totals') WHERE persistent";
/** Read by no start, but by a checkpoint. */
const LEDGER = "SELECT max(block_id)::INT FROM pragma_storage_info('lake.armorlake.ledger') WHERE persistent";

/** 3,000 rows in the file and ten in the WAL, as a crash leaves them; returns where the block lies. */
async function leaveFile(folder: DataFolder, block: string): Promise<number> {
  using own = new DataFolder();
  const store = await openStore(own);
  for (let batch = 1; batch <= 3; batch++) {
    await store.append(batch, packRows(kubearmorLogs, 1000, plainRows(1)).buffer, noExtras);
  }
  await store.checkpoint();
  await store.append(4, packRows(kubearmorLogs, 10, plainRows(1)).buffer, noExtras);
  for (const name of ['lake.duckdb', 'lake.json', 'lake.mark', 'lake.duckdb.wal']) {
    copyFileSync(own.file(name), folder.file(name));
  }
  const place = await placeOf(store, block);
  await store.close();
  return place;
}

/** A block of the first row group alone that holds values of the column, and no seq or time. */
function blockOf(column: string): string {
  const info = "pragma_storage_info('lake.kubearmor.logs')";
  return (
    `SELECT min(block_id)::INT FROM ${info} WHERE persistent AND row_group_id = 0 AND column_name = '${column}' AND block_id NOT IN ` +
    `(SELECT block_id FROM ${info} WHERE column_name IN ('seq', 'time') OR row_group_id > 0)`
  );
}

describe('lake.duckdb', () => {
  it.each([
    [
      'in the totals',
      (_size: number, totals: number) => totals + 32,
      [['*', 'internal.totals', 'file', null]],
      'internal.totals',
    ],
    ['in its last bytes', (size: number) => size - 8, [['*', '*', 'file', 3010]], 'Corrupt database file'],
  ])(
    'whose damage %s only the statements of a start meet is put aside, told, and what can be read is kept',
    async (_what, where, gaps, said) => {
      using folder = new DataFolder();
      const totals = await leaveFile(folder, TOTALS);
      change(folder.file('lake.duckdb'), (bytes) => flipped(where(bytes.length, totals))(bytes));
      const log = new ErrorLog();
      const store = await openStore(folder, {}, { logger: log.logger });
      const [aside = 'none'] = named(folder, 'lake.duckdb.damaged');
      expect(log.text).toContain(folder.file(aside));
      expect(log.text).toContain(said);
      const told = "SELECT connector, stream, cause, estimated::INT FROM armorlake.gaps WHERE cause <> 'crash'";
      expect(await rawRows(store, told)).toEqual(gaps);
      const kept = gaps[0]?.[3] === null ? 3010 : 0;
      expect(await rawRows(store, 'SELECT count(DISTINCT seq)::INT FROM kubearmor.logs')).toEqual([[kept]]);
      const next = await store.append(5, packRows(kubearmorLogs, 1, plainRows(1)).buffer, noExtras);
      expect(next.firstSeq).toBeGreaterThan(3010);
      await store.close();
      const again = await openStore(folder);
      expect(await rawRows(again, told)).toHaveLength(1);
      expect(await rawRows(again, 'SELECT count(*)::INT FROM kubearmor.logs')).toEqual([[kept + 1]]);
      await again.close();
    },
  );

  it('whose damage the last checkpoint meets makes the stop fail, and the next start keeps what can be read', async () => {
    using folder = new DataFolder();
    const place = await leaveFile(folder, LEDGER);
    change(folder.file('lake.duckdb'), flipped(place + 32));
    const log = new ErrorLog();
    const fatal: string[] = [];
    const store = await openStore(folder, {}, { logger: log.logger, onFatal: (reason) => fatal.push(reason) });
    await store.append(5, packRows(kubearmorLogs, 10, plainRows(1)).buffer, noExtras);
    await expect(store.close()).rejects.toMatchObject({
      code: 'INTERNAL',
      hint: expect.stringContaining('the next start copies') as string,
    });
    expect(log.text).toContain('The last checkpoint failed.');
    expect(log.text).toContain('Corrupt database file');
    expect(fatal).toEqual([]);
    const next = await openStore(folder, {}, { logger: log.logger });
    expect(await rawRows(next, 'SELECT count(DISTINCT seq)::INT FROM kubearmor.logs')).toEqual([[3020]]);
    expect(await rawRows(next, "SELECT stream, estimated::INT FROM armorlake.gaps WHERE cause = 'file'")).toEqual([
      ['armorlake.ledger', 5],
    ]);
    expect((await next.info()).warnings.join()).toContain('5 rows of armorlake.ledger');
    await next.close();
  });

  it('is copied but for the rows that can not be read, which are booked by their seq and time', async () => {
    using folder = new DataFolder();
    using own = new DataFolder();
    // Row groups of 10,240 rows.
    const small = { memoryLimitBytes: 40 << 20 };
    const from = await openStore(own, small);
    for (let batch = 1; batch <= 6; batch++) {
      await from.append(batch, packRows(kubearmorLogs, 2000, plainRows(batch * 1_000_000)).buffer, noExtras);
    }
    await from.checkpoint();
    const place = await placeOf(from, blockOf('resource'));
    const rows = 'SELECT bit_xor(hash(logs)) FROM lake.kubearmor.logs WHERE seq > 10240';
    const before = await rawRows(from, rows);
    await from.close();
    for (const name of ['lake.duckdb', 'lake.json', 'lake.mark']) copyFileSync(own.file(name), folder.file(name));
    change(folder.file('lake.duckdb'), flipped(place + 32));

    // As a checkpoint that met the damage leaves it.
    const identity = JSON.parse(readFileSync(folder.file('lake.json'), 'utf8')) as object;
    writeFileSync(folder.file('lake.json'), JSON.stringify({ ...identity, damaged: 'Corrupt database file' }));
    const log = new ErrorLog();
    const store = await openStore(folder, small, { logger: log.logger });
    expect(await rawRows(store, rows)).toEqual(before);
    const held = 'SELECT count(DISTINCT seq)::INT, min(seq)::INT FROM lake.kubearmor.logs';
    expect(await rawRows(store, held)).toEqual([[12_000 - 2048, 2049]]);
    const told =
      'SELECT stream, cause, estimated::INT, epoch_us(from_time)::INT, epoch_us(to_time)::INT FROM armorlake.gaps';
    const gap = ['kubearmor.logs', 'file', 2048, 1_000_000, 2_000_047];
    expect(await rawRows(store, told)).toEqual([gap]);
    expect(log.text).toContain('2048 rows of kubearmor.logs (seq 1 to 2048)');
    expect(log.text).toContain(folder.file(named(folder, 'lake.duckdb.damaged')[0] ?? 'none'));
    const { lost, warnings } = await store.info();
    expect(lost).toMatchObject({ 'kubearmor.logs': 2048 });
    expect(warnings.join()).toContain('seq 1 to 2048');
    await store.append(7, packRows(kubearmorLogs, 5, plainRows(1)).buffer, noExtras);
    expect(store.lastSeq).toBe(12_005);
    await store.close();
    const again = await openStore(folder, small, { logger: log.logger });
    expect(await rawRows(again, told)).toEqual([gap]);
    expect(named(folder, 'lake.duckdb.cop')).toEqual([]);
    await again.close();
  });

  it('whose copy was whole when the node crashed takes its place', async () => {
    using folder = new DataFolder();
    await leave(folder, 'closed');
    renameSync(folder.file('lake.duckdb'), folder.file('lake.duckdb.copied'));
    const store = await openStore(folder);
    expect(await rawRows(store, 'SELECT count(*)::INT FROM kubearmor.logs')).toEqual([[100]]);
    expect(await rawRows(store, GAPS)).toEqual([]);
    await store.close();
  });
});

/** Changes a part of a file's text. */
function edited(part: RegExp, to: string): (path: string) => void {
  return (path) => writeFileSync(path, readFileSync(path, 'utf8').replace(part, to));
}

describe('lake.json', () => {
  it.each([
    ['missing', (path: string) => rmSync(path), 'lake.json was missing'],
    ['empty', (path: string) => truncateSync(path, 0), 'lake.json.damaged'],
    ['cut off', (path: string) => truncateSync(path, 20), 'lake.json.damaged'],
    ['of other content', (path: string) => writeFileSync(path, '{"format":1}'), 'lake.json.damaged'],
    ['of another lake', edited(/"lakeId": "[^"]*"/, '"lakeId": "another"'), 'lake.json.foreign'],
  ])(
    'that is %s leaves a gap and an error, and the lake goes on under its name above its numbers',
    async (...given) => {
      const [, damage, said] = given;
      using folder = new DataFolder();
      const lakeId = await leave(folder, 'closed');
      damage(folder.file('lake.json'));
      const log = new ErrorLog();
      const store = await openStore(folder, {}, { logger: log.logger });
      expect(await rawRows(store, GAPS)).toEqual([['identity', null]]);
      expect(log.text).toContain(said);
      expect((await store.info()).warnings.join()).toContain(said);
      expect((await store.info()).lakeId).toBe(lakeId);
      expect(await rawRows(store, 'SELECT count(*)::INT FROM kubearmor.logs')).toEqual([[100]]);
      const next = await store.append(11, packRows(kubearmorLogs, 1, plainRows(1)).buffer, noExtras);
      // What may have been given away above the last one is not known.
      expect(next.firstSeq).toBeGreaterThan(100_000);
      await store.close();
      const again = await openStore(folder);
      expect(again.lastSeq).toBe(next.lastSeq);
      expect(await rawRows(again, GAPS)).toHaveLength(1);
      expect((await again.info()).lakeId).toBe(lakeId);
      await again.close();
    },
  );

  it('that was put here long after it was written leaves a gap, and no number is used twice', async () => {
    using folder = new DataFolder();
    const lakeId = await leave(folder, 'closed');
    const dayAgo = Date.now() - 86_400_000;
    edited(/"writtenAtMs": \d+/, `"writtenAtMs": ${dayAgo}`)(folder.file('lake.json'));
    const log = new ErrorLog();
    const store = await openStore(folder, {}, { logger: log.logger });
    expect(await rawRows(store, GAPS)).toEqual([['restore', null]]);
    expect(log.text).toContain('restore');
    expect((await store.info()).lakeId).toBe(lakeId);
    expect(await rawRows(store, 'SELECT count(*)::INT FROM kubearmor.logs')).toEqual([[100]]);
    const next = await store.append(11, packRows(kubearmorLogs, 1, plainRows(1)).buffer, noExtras);
    // As many as a day has milliseconds, a hundred times.
    expect(next.firstSeq).toBeGreaterThan(8_640_000_000);
    await store.close();
    const again = await openStore(folder);
    expect(again.lastSeq).toBe(next.lastSeq);
    expect(await rawRows(again, GAPS)).toHaveLength(1);
    await again.close();
  });

  it('of a newer format is refused, and nothing is changed', async () => {
    using folder = new DataFolder();
    await leave(folder, 'closed');
    writeFileSync(folder.file('lake.json'), '{"format":2,"lake":{}}');
    await expect(openStore(folder)).rejects.toMatchObject({ code: 'BAD_CONFIG' });
    expect(readFileSync(folder.file('lake.json'), 'utf8')).toBe('{"format":2,"lake":{}}');
  });

  it('that was not written yet is no loss: a crash in the very first start', async () => {
    using folder = new DataFolder();
    using first = new DataFolder();
    const store = await openStore(first);
    await store.checkpoint();
    copyFileSync(first.file('lake.duckdb'), folder.file('lake.duckdb'));
    await store.close();
    const log = new ErrorLog();
    const again = await openStore(folder, {}, { logger: log.logger });
    expect(await rawRows(again, GAPS)).toEqual([]);
    expect(log.errors).toEqual([]);
    await again.close();
  });

  it('that is lost with the lake file leaves the mark: numbers go on above it', async () => {
    using folder = new DataFolder();
    await leave(folder, 'closed');
    rmSync(folder.file('lake.json'));
    rmSync(folder.file('lake.duckdb'));
    const store = await openStore(folder);
    expect(await rawRows(store, GAPS)).toEqual([['file', 100]]);
    expect(store.lastSeq).toBeGreaterThan(100_000);
    await store.close();
  });
});

describe('lake.mark', () => {
  it.each([
    ['missing', (path: string) => rmSync(path)],
    ['empty', (path: string) => truncateSync(path, 0)],
    ['flipped', (path: string) => change(path, flipped(2))],
  ])(
    'that is %s is no matter after a clean stop, and after a crash numbers go on above the reserve',
    async (...given) => {
      const [, damage] = given;
      using closed = new DataFolder();
      await leave(closed, 'closed');
      damage(closed.file('lake.mark'));
      const clean = await openStore(closed);
      expect(await rawRows(clean, GAPS)).toEqual([]);
      expect(clean.lastSeq).toBe(100);
      await clean.close();

      using crashed = new DataFolder();
      await leave(crashed, 'crashed');
      damage(crashed.file('lake.mark'));
      // Behind the beginning nobody could tell, without the mark, that this is no WAL that was cut off.
      change(crashed.file('lake.duckdb.wal'), flipped(0));
      const store = await openStore(crashed);
      expect(await rawRows(store, GAPS)).toEqual([['wal', null]]);
      expect(store.lastSeq).toBeGreaterThan(100);
      await store.close();
      expect(existsSync(crashed.file('lake.mark'))).toBe(true);
    },
  );
});
