import { copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { LakeStore } from '../../backend/src/lake/host.js';
import { kubearmorAlerts, kubearmorLogs } from '../../backend/src/lake/index.js';
import { DAY_MS, DataFolder, packRows, plainRows } from '../support/lake-fixture.js';
import { ErrorLog, HandClock, openStore, rawRows } from '../support/lake-store.js';

const noExtras = { ledger: [], gaps: [] };
const GAPS = 'SELECT stream, cause, estimated::INT FROM armorlake.gaps ORDER BY ALL';

/** An archive with one file of old logs; 60 hot logs and 40 hot alerts. */
async function filled(folder: DataFolder, clock: HandClock, log: ErrorLog): Promise<LakeStore> {
  const archive = { folder: folder.file('archive'), ageMs: null, bytes: null };
  const store = await openStore(folder, { archive }, { clock, logger: log.logger });
  const rows = () => plainRows(clock.wall * 1000);
  await store.append(1, packRows(kubearmorLogs, 100, rows()).buffer, noExtras);
  await store.maintain();
  clock.advance(8 * DAY_MS);
  await store.append(2, packRows(kubearmorLogs, 60, rows()).buffer, noExtras);
  await store.append(3, packRows(kubearmorAlerts, 40, rows()).buffer, noExtras);
  expect((await store.maintain()).archived).toHaveLength(1);
  return store;
}

describe('rows that go by another way than retention', () => {
  it.each([
    ['alerts are deleted', 'DELETE FROM lake.kubearmor.alerts', ['kubearmor.alerts', 'missing', 40]],
    ['one row is deleted', 'DELETE FROM lake.kubearmor.logs WHERE seq = 130', ['kubearmor.logs', 'missing', 1]],
    ['an archive file is forgotten', 'DELETE FROM lake.armorlake.archive', ['kubearmor.logs', 'missing', 100]],
    [
      'rows are deleted with the ledger, the batches and the gaps',
      'DELETE FROM lake.kubearmor.alerts; DELETE FROM lake.armorlake.ledger; DELETE FROM lake.internal.batches',
      ['kubearmor.alerts', 'missing', 40],
    ],
    [
      'rows are forged',
      'INSERT INTO lake.kubearmor.alerts FROM lake.kubearmor.alerts LIMIT 3',
      ['kubearmor.alerts', 'surplus', 3],
    ],
    [
      'the totals themselves are deleted',
      "DELETE FROM lake.internal.totals WHERE table_name = 'kubearmor.alerts'",
      ['kubearmor.alerts', 'surplus', 40],
    ],
  ])('are noticed once when %s', async (_what, attack, gap) => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const log = new ErrorLog();
    const store = await filled(folder, clock, log);
    expect(await rawRows(store, GAPS)).toEqual([]);
    await rawRows(store, attack);
    await store.maintain();
    await store.maintain();
    expect(await rawRows(store, GAPS)).toEqual([gap]);
    expect(log.errors).toHaveLength(1);
    expect(log.text).toContain(gap[0]);
    const [[from]] = (await rawRows(store, 'SELECT epoch_ms(from_time)::DOUBLE FROM armorlake.gaps')) as [[number]];
    // Nobody knows which rows: the gap begins with the first row there ever was.
    expect(from).toBe(gap[0] === 'kubearmor.logs' ? clock.wall - 8 * DAY_MS : clock.wall);
    const { lost, warnings } = await store.info();
    expect(lost[String(gap[0])] ?? 0).toBe(gap[1] === 'missing' ? gap[2] : 0);
    expect(warnings).toHaveLength(1);
    await store.close();
  });

  it('are noticed at the start, too', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const log = new ErrorLog();
    const store = await filled(folder, clock, log);
    await rawRows(store, 'DELETE FROM lake.kubearmor.alerts WHERE seq % 2 = 0');
    await store.close();
    const archive = { folder: folder.file('archive'), ageMs: null, bytes: null };
    const again = await openStore(folder, { archive }, { clock, logger: log.logger });
    expect(await rawRows(again, GAPS)).toEqual([['kubearmor.alerts', 'missing', 20]]);
    expect(log.text).toContain('20 rows of kubearmor.alerts are missing');
    expect((await again.info()).warnings).toHaveLength(1);
    await again.close();
  });
});

describe('the totals', () => {
  it('agree with what is held through appends, failures, retention, archive, its end, and restarts', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const log = new ErrorLog();
    const changes = { archive: { folder: folder.file('archive'), ageMs: 3 * DAY_MS, bytes: null } };
    let store = await openStore(folder, changes, { clock, logger: log.logger });
    const append = (batch: number, table = kubearmorLogs): Promise<unknown> =>
      store.append(batch, packRows(table, 10, plainRows(clock.wall * 1000)).buffer, noExtras);
    for (let day = 1; day <= 14; day++) {
      await append(2 * day);
      await append(2 * day + 1, kubearmorAlerts);
      await append(2 * day);
      clock.advance(DAY_MS);
      await store.maintain();
      if (day % 4 !== 0) continue;
      await store.close();
      store = await openStore(folder, changes, { clock, logger: log.logger });
    }
    await store.checkpoint();
    expect(log.errors).toEqual([]);
    expect(await rawRows(store, GAPS)).toEqual([]);
    const totals = await rawRows(
      store,
      'SELECT table_name, sum(appended)::INT, sum(lost)::INT FROM lake.internal.totals GROUP BY ALL ORDER BY ALL',
    );
    expect(totals).toContainEqual(['kubearmor.alerts', 140, 0]);
    // Files are kept by when they were written, by the real clock: none has left by age.
    expect(totals).toContainEqual(['kubearmor.logs', 140, 0]);
    await store.close();
    const unlinking = { archive: { ...changes.archive, bytes: 1 } };
    store = await openStore(folder, unlinking, { clock, logger: log.logger });
    expect((await store.maintain()).unlinked.length).toBeGreaterThan(0);
    await store.close();
    // Files that were still there came back at the start, and went again.
    store = await openStore(folder, unlinking, { clock, logger: log.logger });
    await store.maintain();
    await store.maintain();
    expect(log.errors).toEqual([]);
    expect(await rawRows(store, GAPS)).toEqual([]);
    await store.close();
  });

  it('take back what only the archive holds when the lake file is lost', async () => {
    using folder = new DataFolder();
    const clock = new HandClock();
    const log = new ErrorLog();
    await (await filled(folder, clock, log)).close();
    truncateSync(folder.file('lake.duckdb'), 0);
    const archive = { folder: folder.file('archive'), ageMs: null, bytes: null };
    const store = await openStore(folder, { archive }, { clock, logger: log.logger });
    await store.maintain();
    expect(await rawRows(store, GAPS)).toEqual([['*', 'file', 200]]);
    expect((await store.info()).lost).toMatchObject({ '*': 200, 'kubearmor.logs': 0 });
    await store.close();
  });

  it('book rows lost with a damaged WAL by seq, and those of a damaged archive file by table', async () => {
    using folder = new DataFolder();
    using copy = new DataFolder();
    const clock = new HandClock();
    const log = new ErrorLog();
    const store = await filled(folder, clock, log);
    await store.append(4, packRows(kubearmorAlerts, 7, plainRows(clock.wall * 1000)).buffer, noExtras);
    for (const name of ['lake.duckdb', 'lake.json', 'lake.mark']) copyFileSync(folder.file(name), copy.file(name));
    writeFileSync(copy.file('lake.duckdb.wal'), readFileSync(folder.file('lake.duckdb.wal')).fill(7));
    await store.close();
    const archive = { folder: folder.file('archive'), ageMs: null, bytes: null };
    const reopened = await openStore(
      copy,
      { archive },
      { clock, logger: log.logger, facts: { resumed: true, openCrashes: 0 } },
    );
    await reopened.maintain();
    expect(await rawRows(reopened, GAPS)).toEqual([['*', 'wal', 7]]);
    expect((await reopened.info()).lost['*']).toBe(7);
    const [[file]] = (await rawRows(reopened, 'SELECT file FROM armorlake.archive')) as [[string]];
    rmSync(folder.file(`archive/${file}`));
    await reopened.maintain();
    await reopened.maintain();
    expect(await rawRows(reopened, GAPS)).toEqual([
      ['*', 'wal', 7],
      ['kubearmor.logs', 'archive', 100],
    ]);
    expect((await reopened.info()).lost).toMatchObject({ '*': 7, 'kubearmor.logs': 100 });
    await reopened.close();
  });
});
