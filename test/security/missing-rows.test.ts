import { copyFileSync, cpSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LakeStore } from '../../backend/src/lake/host.js';
import { BatchBuilder, eventTables, kubearmorAlerts, kubearmorLogs } from '../../backend/src/lake/index.js';
import { DAY_MS, DataFolder, packRows, plainRows } from '../support/lake-fixture.js';
import { ErrorLog, HandClock, changeStopped, openStore, rawRows } from '../support/lake-store.js';

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
      'rows are deleted with the batches and the gaps',
      'DELETE FROM lake.kubearmor.alerts; DELETE FROM lake.armorlake.gaps; DELETE FROM lake.internal.batches',
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
      ['kubearmor.alerts', 'totals', null],
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

describe('what is done to a lake that is stopped', () => {
  const made = new DataFolder();
  const clock = new HandClock();
  beforeAll(async () => {
    const store = await filled(made, clock, new ErrorLog());
    const builder = new BatchBuilder(eventTables);
    const told = { connector: 'c1', stream: 'logs' };
    builder.addDeadLetter({
      ...told,
      timeMicros: clock.wall * 1000,
      error: 'cut off',
      bytes: new Uint8Array(3),
      event: null,
    });
    const gap = {
      ...told,
      fromMicros: clock.wall * 1000,
      toMicros: clock.wall * 1000 + 5,
      cause: 'break',
      estimated: 7,
    };
    await store.append(4, builder.finish().buffer, { ledger: [], gaps: [gap, gap] });
    await store.appendQueries([{ time: clock.wall * 1000, sql: 'SELECT 1' }]);
    await store.appendMetrics([{ time: clock.wall * 1000, version: '1.2.3' }]);
    await store.close();
  });
  afterAll(() => made[Symbol.dispose]());

  const copies = 'INSERT INTO lake.kubearmor.alerts FROM lake.kubearmor.alerts';
  it.each<[string, string, (readonly unknown[])[]]>([
    [
      'one row is exchanged for a copy of another',
      'DELETE FROM lake.kubearmor.logs WHERE seq = 120; INSERT INTO lake.kubearmor.logs FROM lake.kubearmor.logs WHERE seq = 121',
      [['kubearmor.logs', 'exchanged', 1]],
    ],
    [
      'half of the alerts are exchanged for copies of the others',
      `DELETE FROM lake.kubearmor.alerts WHERE seq % 2 = 0; ${copies}`,
      [['kubearmor.alerts', 'exchanged', 19]],
    ],
    [
      'rows get other numbers',
      'UPDATE lake.kubearmor.alerts SET seq = seq + 1000 WHERE seq % 2 = 0',
      [['kubearmor.alerts', 'exchanged', 19]],
    ],
    ['the gaps are deleted', 'DELETE FROM lake.armorlake.gaps', [['armorlake.gaps', 'missing', 2]]],
    [
      'the rest of the account is deleted',
      ['queries', 'dead_letters', 'ledger', 'node_metrics']
        .map((name) => `DELETE FROM lake.armorlake.${name}`)
        .join('; '),
      [
        ['armorlake.dead_letters', 'missing', 1],
        ['armorlake.ledger', 'missing', 3],
        ['armorlake.node_metrics', 'missing', 1],
        ['armorlake.queries', 'missing', 1],
      ],
    ],
    [
      'alerts are deleted and booked as expired',
      "DELETE FROM lake.kubearmor.alerts; UPDATE lake.internal.totals SET expired = expired + 40, seq_sum = 0 WHERE table_name = 'kubearmor.alerts'",
      [
        ['kubearmor.alerts', 'missing', 40],
        ['kubearmor.alerts', 'totals', null],
      ],
    ],
    [
      'an exchange is hidden in the totals',
      `DELETE FROM lake.kubearmor.alerts WHERE seq % 2 = 0; ${copies}; INSERT INTO lake.internal.totals SELECT 'kubearmor.alerts', 0, 0, 0, NULL, ` +
        "sum(seq) - (SELECT sum(seq_sum) FROM lake.internal.totals WHERE table_name = 'kubearmor.alerts'), 0 FROM lake.kubearmor.alerts",
      [['kubearmor.alerts', 'totals', null]],
    ],
    [
      'the totals are emptied with the alerts',
      'DELETE FROM lake.internal.totals; DELETE FROM lake.kubearmor.alerts',
      [
        ['armorlake.dead_letters', 'totals', null],
        ['armorlake.gaps', 'totals', null],
        ['armorlake.ledger', 'totals', null],
        ['armorlake.node_metrics', 'totals', null],
        ['armorlake.queries', 'totals', null],
        ['kubearmor.alerts', 'missing', 40],
        ['kubearmor.alerts', 'totals', null],
        ['kubearmor.logs', 'totals', null],
        ['kubearmor.messages', 'totals', null],
      ],
    ],
  ])('is noticed by the start, once, when %s', async (_what, attack, found) => {
    using folder = new DataFolder();
    cpSync(made.path, folder.path, { recursive: true });
    await changeStopped(folder, attack);
    const changes = { archive: { folder: folder.file('archive'), ageMs: null, bytes: null } };
    const log = new ErrorLog();
    const own = "SELECT stream, cause, estimated::INT FROM armorlake.gaps WHERE cause <> 'break' ORDER BY ALL";
    const store = await openStore(folder, changes, { clock, logger: log.logger });
    expect(await rawRows(store, own)).toEqual(found);
    expect(log.errors).toHaveLength(found.length);
    for (const [table] of found) expect(log.text).toContain(table);
    await store.maintain();
    await store.close();
    const again = await openStore(folder, changes, { clock, logger: log.logger });
    await again.maintain();
    expect(await rawRows(again, own)).toEqual(found);
    expect(log.errors).toHaveLength(found.length);
    await again.close();
  });

  it.each<[string, string[], (readonly unknown[])[]]>([
    ['events', ['TABLE lake.kubearmor.alerts', 'VIEW lake.kubearmor.events'], [['kubearmor.alerts', 'missing', 40]]],
    [
      'the account',
      ['TABLE lake.armorlake.gaps', 'TABLE lake.armorlake.queries'],
      [
        ['armorlake.gaps', 'missing', 2],
        ['armorlake.queries', 'missing', 1],
      ],
    ],
    [
      "the engine's own",
      ['batches', 'expired', 'identity', 'totals', 'unlinks', 'versions'].map((name) => `TABLE lake.internal.${name}`),
      [],
    ],
  ])('is told by name when tables of %s are dropped, and they are made anew', async (_what, dropped, found) => {
    using folder = new DataFolder();
    cpSync(made.path, folder.path, { recursive: true });
    await changeStopped(folder, dropped.map((each) => `DROP ${each};`).join(' '));
    const changes = { archive: { folder: folder.file('archive'), ageMs: null, bytes: null } };
    const log = new ErrorLog();
    const store = await openStore(folder, changes, { clock, logger: log.logger });
    const own = "SELECT stream, cause, estimated::INT FROM armorlake.gaps WHERE cause <> 'break' ORDER BY ALL";
    expect(await rawRows(store, own)).toEqual(found);
    for (const each of dropped) expect(log.text).toContain(`${each.slice(each.indexOf(' lake.') + 6)} was missing`);
    await store.append(9, packRows(kubearmorAlerts, 5, plainRows(clock.wall * 1000)).buffer, noExtras);
    expect(store.lastSeq).toBe(205);
    expect(await rawRows(store, 'SELECT count(*)::INT FROM kubearmor.events WHERE seq > 200')).toEqual([[5]]);
    await store.maintain();
    expect(await rawRows(store, own)).toEqual(found);
    await store.close();
  });

  it('is nothing when nobody did anything', async () => {
    using folder = new DataFolder();
    cpSync(made.path, folder.path, { recursive: true });
    await changeStopped(folder, 'SELECT 1');
    const changes = { archive: { folder: folder.file('archive'), ageMs: null, bytes: null } };
    const log = new ErrorLog();
    const store = await openStore(folder, changes, { clock, logger: log.logger });
    await store.maintain();
    expect(await rawRows(store, GAPS)).toHaveLength(2);
    expect(log.errors).toEqual([]);
    await store.close();
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
