import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../backend/src/core/index.js';
import { queryError } from '../../backend/src/engine/execute/duckdb-errors.js';
import { LakeStore } from '../../backend/src/lake/host.js';
import type { LakeSettings } from '../../backend/src/lake/index.js';
import { kubearmorLogs } from '../../backend/src/lake/tables.js';
import { noExtras } from '../../backend/src/lake/writer.js';
import { Workplace, run } from '../cli-support.js';
import { DAY_MS, packRows, plainRows, testSettings } from '../support/lake-fixture.js';
import { HandClock, rawRows } from '../support/lake-store.js';
import { TestNode, until } from '../support/node-process.js';
import { canMount, fillDisk, mountSmallDisk } from '../support/small-disk.js';

const MIB = 1 << 20;
const GAPS = 'SELECT cause FROM armorlake.gaps ORDER BY cause';
const COUNT = 'SELECT count(*)::INT FROM kubearmor.logs';

describe.skipIf(!canMount())('a lake on a full disk (needs root on Linux, to mount a small one)', () => {
  let folder: string;
  let disk: string;
  let unmount: (() => void) | null;
  const clock = new HandClock();
  const fatal: string[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'armorlake-test-'));
    disk = join(folder, 'disk');
    unmount = mountSmallDisk(disk, 32 * MIB);
    fatal.length = 0;
  });
  afterEach(() => {
    unmount?.();
    rmSync(folder, { recursive: true, force: true });
  });

  const file = (name: string): string => join(disk, 'lake', name);

  async function open(changes: Partial<LakeSettings> = {}): Promise<LakeStore> {
    // The disk is looked at once a second.
    clock.advance(2000);
    return LakeStore.open({
      settings: { ...testSettings(join(disk, 'lake')), minFreeBytes: MIB, ...changes },
      facts: { resumed: false, openCrashes: 0 },
      logger: silentLogger,
      lockWaitMs: 0,
      clock,
      uptime: clock.uptime,
      onFatal: (reason) => fatal.push(reason),
    });
  }

  async function append(store: LakeStore, rows = 100): Promise<void> {
    clock.advance(2000);
    await store.append(store.lastBatch + 1, packRows(kubearmorLogs, rows, plainRows(1)).buffer, noExtras);
  }

  /** What a crash leaves: its files as they were while the lake was open. */
  async function crashed(task: (store: LakeStore) => Promise<void>): Promise<void> {
    const copy = mkdtempSync(join(folder, 'copy-'));
    const store = await open();
    await task(store);
    const names = readdirSync(join(disk, 'lake')).filter((name) => name.startsWith('lake.'));
    for (const name of names) copyFileSync(file(name), join(copy, name));
    await store.close();
    rmSync(join(disk, 'lake'), { recursive: true });
    mkdirSync(join(disk, 'lake'));
    for (const name of names) copyFileSync(join(copy, name), file(name));
  }

  it('answers when it was stopped, refuses to store, and is whole as soon as there is room', async () => {
    const first = await open();
    await append(first);
    await first.close();
    const identity = readFileSync(file('lake.json'), 'utf8');
    const free = fillDisk(disk);
    const store = await open();
    expect(await rawRows(store, COUNT)).toEqual([[100]]);
    expect((await store.info()).diskFull).toBe(true);
    expect((await store.info()).warnings.join()).toContain('starts without writing');
    await expect(append(store)).rejects.toMatchObject({ code: 'DISK_FULL' });
    await expect(store.maintain()).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(readFileSync(file('lake.json'), 'utf8')).toBe(identity);
    free();
    await append(store);
    expect((await store.info()).diskFull).toBe(false);
    expect(JSON.parse(readFileSync(file('lake.json'), 'utf8'))).toMatchObject({ clean: false });
    await store.close();
    const again = await open();
    expect(await rawRows(again, COUNT)).toEqual([[200]]);
    expect(await rawRows(again, GAPS)).toEqual([]);
    await again.close();
    expect(fatal).toEqual([]);
  });

  it('that is stopped before there was room is what it was: no gap, and no number twice', async () => {
    const first = await open();
    await append(first);
    await first.close();
    const free = fillDisk(disk);
    await (await open()).close();
    free();
    const store = await open();
    expect(await rawRows(store, GAPS)).toEqual([]);
    await append(store);
    expect(store.lastSeq).toBe(200);
    await store.close();
  });

  it('answers after a crash, and writes the gap of it once, with the first room', async () => {
    await crashed((store) => append(store));
    const free = fillDisk(disk);
    const store = await open();
    expect(await rawRows(store, COUNT)).toEqual([[100]]);
    expect(await rawRows(store, GAPS)).toEqual([]);
    free();
    clock.advance(2000);
    await store.maintain();
    expect(await rawRows(store, GAPS)).toEqual([['crash']]);
    await store.close();
    const again = await open();
    expect(await rawRows(again, GAPS)).toEqual([['crash']]);
    await again.close();
  });

  it('keeps archive files that its manifest does not know yet', async () => {
    const archive = { folder: join(folder, 'archive'), ageMs: null, bytes: null };
    const first = await open({ archive });
    await append(first);
    clock.advance(8 * DAY_MS);
    expect((await first.maintain()).archived).toHaveLength(1);
    await first.close();
    for (const name of ['lake.duckdb', 'lake.duckdb.wal']) rmSync(file(name), { force: true });
    // A lake file without rows, as a restored one.
    const other = await open({ archive: null });
    await other.close();
    const free = fillDisk(disk);
    const store = await open({ archive });
    free();
    clock.advance(2000);
    await store.maintain();
    expect(await rawRows(store, 'SELECT rows::INT FROM armorlake.archive')).toEqual([[100]]);
    await store.close();
  });

  it('keeps all that was committed when a checkpoint finds no room', async () => {
    const store = await open();
    for (let batch = 0; batch < 30; batch++) await append(store, 500);
    const free = fillDisk(disk);
    clock.advance(2000);
    await expect(store.checkpoint()).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(await rawRows(store, COUNT)).toEqual([[15_000]]);
    await store.close();
    expect(fatal).toEqual([]);
    const again = await open();
    expect(await rawRows(again, COUNT)).toEqual([[15_000]]);
    free();
    await append(again);
    await again.close();
    const last = await open();
    expect(await rawRows(last, COUNT)).toEqual([[15_100]]);
    expect(await rawRows(last, "SELECT cause FROM armorlake.gaps WHERE cause <> 'crash'")).toEqual([]);
    await last.close();
    expect(fatal).toEqual([]);
  });

  it('gives no number away that is not reserved, and says DISK_FULL', async () => {
    const store = await open({ minFreeBytes: 0 });
    const free = fillDisk(disk);
    for (const _attempt of [1, 2]) {
      clock.advance(2000);
      const batch = store.append(1, packRows(kubearmorLogs, 1, plainRows(1)).buffer, noExtras);
      await expect(batch).rejects.toMatchObject({ code: 'DISK_FULL' });
    }
    free();
    await append(store, 1);
    expect(store.lastSeq).toBe(1);
    const { seqReserved } = JSON.parse(readFileSync(file('lake.json'), 'utf8')) as { seqReserved: number };
    expect(seqReserved).toBeGreaterThanOrEqual(1);
    await store.close();
  });

  it('refuses what would have to spill, as beyond a limit, and answers all else', async () => {
    const store = await open({ memoryLimitBytes: 64 * MIB, spillBytes: 1024 * MIB });
    await append(store);
    fillDisk(disk);
    const sort =
      'SELECT max(a), max(b) FROM (SELECT range AS a, lag(range) OVER (ORDER BY hash(range)) AS b FROM range(9000000))';
    const thrown = await rawRows(store, sort).catch((error: unknown) => error);
    expect(String(thrown)).toMatch(/no space left|failed to offload/i);
    expect(queryError(thrown)).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    expect(await rawRows(store, COUNT)).toEqual([[100]]);
    clock.advance(2000);
    await store.close();
    expect(fatal).toEqual([]);
  });

  it('refuses a start that has nothing to answer from, and says why', async () => {
    const free = fillDisk(disk);
    await expect(open()).rejects.toMatchObject({ code: 'DISK_FULL' });
    free();
    await (await open()).close();
  });

  it('makes a node that answers, says so, and stores by itself when there is room', async () => {
    const place = new Workplace();
    const data = join(disk, 'node');
    const environment = { ARMORLAKE_RETENTION_FREE: '9MiB', ARMORLAKE_LIMITS_ENGINE_CHECKPOINT: '1MiB' };
    const line = JSON.stringify({ Type: 'HostLog', Operation: 'File', Cwd: 'before' });
    const first = await TestNode.start(place, { data, environment });
    expect((await first.post(line)).status).toBe(200);
    first.running.kill('SIGTERM');
    await first.running.finished;
    const free = fillDisk(disk);
    const node = await TestNode.start(place, { data, environment });
    expect(await node.rows('SELECT cwd FROM kubearmor.logs')).toEqual([{ cwd: 'before' }]);
    expect((await node.status()).ingest.diskFull).toBe(true);
    expect(await run(['status', '--url', node.url], { cwd: place.folder })).toMatchObject({
      out: expect.stringContaining('the disk is full'),
    });
    free();
    await until(async () => (await node.post(line)).status === 200, 'it stores again');
    expect((await node.status()).ingest.diskFull).toBe(false);
    node.running.kill('SIGTERM');
    await node.running.finished;
    await place.close();
  }, 120_000);
});
