import { mkdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { queryHandlers } from '../../backend/src/engine/host.js';
import type { CallHandlers } from '../../backend/src/engine/index.js';
import type { LakeStore } from '../../backend/src/lake/host.js';
import { kubearmorLogs, tables } from '../../backend/src/lake/index.js';
import { DAY_MS, DataFolder, packRows, plainRows } from '../support/lake-fixture.js';
import { ErrorLog, HandClock, openStore, rawRows } from '../support/lake-store.js';

const ROWS = 3000;
const HOT = 7;

let folder: DataFolder;
let store: LakeStore;
let handlers: CallHandlers;
let closeQueries: () => void;
let batch = 0;
/** Rows of the one archive file. */
let archivedRows = 0;
const GAPS = 'SELECT stream, cause, estimated::INT FROM armorlake.gaps';
const clock = new HandClock();
const log = new ErrorLog();

beforeAll(async () => {
  folder = new DataFolder();
  store = await openStore(folder, archived(folder), { clock, logger: log.logger });
  const queries = queryHandlers({ lake: store, connections: 2, tables, archiveFolder: folder.file('archive') });
  handlers = queries.handlers;
  closeQueries = queries.close;
  await store.maintain();
});

afterAll(async () => {
  closeQueries();
  await store.close();
  folder[Symbol.dispose]();
});

function archived(of: DataFolder): { readonly archive: { folder: string; ageMs: null; bytes: null } } {
  return { archive: { folder: of.file('archive'), ageMs: null, bytes: null } };
}

/** Leaves one archive file and HOT hot rows; the path of the file. */
async function oneFile(): Promise<string> {
  for (const [old] of await rawRows(store, 'SELECT file FROM armorlake.archive')) {
    rmSync(folder.file(`archive/${String(old)}`), { force: true });
  }
  await store.maintain();
  const rows = (count: number): ArrayBuffer => packRows(kubearmorLogs, count, plainRows(clock.wall * 1000)).buffer;
  await store.append(++batch, rows(ROWS), { ledger: [], gaps: [] });
  clock.advance(8 * DAY_MS);
  const { archived: files } = await store.maintain();
  await store.append(++batch, rows(HOT), { ledger: [], gaps: [] });
  log.errors.length = 0;
  await rawRows(
    store,
    "INSERT INTO lake.internal.totals (table_name, expired) SELECT 'armorlake.gaps', count(*) FROM lake.armorlake.gaps; " +
      'DELETE FROM lake.armorlake.gaps',
  );
  const [path = ''] = files.map((file) => folder.file(`archive/${file}`)).slice(-1);
  const [[rowsOfFile]] = (await rawRows(store, 'SELECT sum(rows)::INT FROM armorlake.archive')) as [[number]];
  archivedRows = rowsOfFile;
  expect(statSync(path).size).toBeGreaterThan(1000);
  return path;
}

async function call(method: string, parameters: object): Promise<{ readonly tail: unknown; readonly body: string }> {
  const chunks: Uint8Array[] = [];
  const tail = await handlers[method]?.(parameters, {
    signal: new AbortController().signal,
    bulk: null,
    head: () => undefined,
    write: (chunk) => {
      chunks.push(Buffer.from(chunk));
      return Promise.resolve();
    },
  });
  return { tail, body: Buffer.concat(chunks).toString() };
}

const limits = { rows: 1_000_000, bytes: 64 << 20, timeoutMs: 60_000 };
const query = (sql: string, format = 'json'): ReturnType<typeof call> =>
  call('query', { queryId: 'q', sql, limits, format });

/** That the file is put aside, and that the log, a gap and the figures say so. */
async function expectPutAside(path: string): Promise<void> {
  expect(() => statSync(path)).toThrow('ENOENT');
  expect(log.text).toContain(path);
  expect(log.errors).toHaveLength(1);
  expect(await rawRows(store, GAPS)).toEqual([['kubearmor.logs', 'archive', archivedRows]]);
  expect(await rawRows(store, 'SELECT count(*)::INT FROM armorlake.archive')).toEqual([[0]]);
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  for (let index = at; index < at + 8; index++) bytes[index] = (bytes[index] ?? 0) ^ 0xff;
  writeFileSync(path, bytes);
}

/** Where the footer begins, and how long it is. */
function footerOf(path: string): { readonly at: number; readonly bytes: number } {
  const file = readFileSync(path);
  const bytes = file.readUInt32LE(file.length - 8);
  return { at: file.length - 8 - bytes, bytes };
}

const damages: readonly (readonly [string, (path: string) => void])[] = [
  ['the footer begins with other bytes', (path) => flip(path, footerOf(path).at)],
  ['8 bytes of the footer are flipped', (path) => flip(path, footerOf(path).at + 40)],
  ['the middle of the footer is flipped', (path) => flip(path, footerOf(path).at + (footerOf(path).bytes >> 1))],
  ['its last bytes are flipped', (path) => flip(path, statSync(path).size - 8)],
  ['it is cut off', (path) => truncateSync(path, statSync(path).size >> 1)],
  ['it is empty', (path) => truncateSync(path, 0)],
  ['it is gone', (path) => rmSync(path)],
];

describe('a damaged archive file', () => {
  it.each(damages)('does not stop a query: put aside and told, when %s', async (_what, damage) => {
    const path = await oneFile();
    damage(path);
    const { body } = await query('SELECT count(*), count(source) FROM kubearmor.logs');
    expect(body).toBe(`[${HOT},${HOT}]`);
    await expectPutAside(path);
    expect((await store.info()).warnings.at(-1)).toContain(path);
  });

  it('does not stop a fragment', async () => {
    const path = await oneFile();
    flip(path, footerOf(path).at + 40);
    const { tail } = await call('fragments', {
      queryId: 'f',
      fragments: [{ name: 'a', sql: 'SELECT source FROM kubearmor.logs' }],
      budget: { rows: 1_000_000, bytes: 1 << 28 },
      timeoutMs: 60_000,
      folder: `${folder.settings().temporaryFolder}/fragments-1`,
    });
    expect(tail).toMatchObject({ facts: { gaps: { worst: [{ cause: 'archive', estimated: archivedRows }] } } });
    await expectPutAside(path);
  });

  it('does not stop a tail, Arrow, or the analysis of a query', async () => {
    const filters = {};
    const asks: readonly (() => Promise<unknown>)[] = [
      () => call('tail', { queryId: 't', table: 'kubearmor.logs', filters, afterSeq: 0, waitMs: 0, limits }),
      () => query('SELECT * FROM kubearmor.logs', 'arrow'),
      () => call('analyse', { queryId: 'a', sql: 'SELECT source FROM kubearmor.logs', timeoutMs: 60_000 }),
    ];
    for (const ask of asks) {
      const path = await oneFile();
      flip(path, footerOf(path).at + 40);
      await ask();
      await expectPutAside(path);
    }
  });

  it('is told once when many ask at the same time', async () => {
    const path = await oneFile();
    flip(path, footerOf(path).at + 40);
    const answers = await Promise.all([1, 2, 3, 4].map(() => query('SELECT count(source) FROM kubearmor.logs')));
    expect(new Set(answers.map(({ body }) => body)).size).toBe(1);
    await expectPutAside(path);
  });

  it.each([
    ['bytes of its rows are flipped', (path: string) => flip(path, footerOf(path).at >> 1)],
    ['its first bytes are flipped', (path: string) => flip(path, 0)],
    [
      'it holds other rows',
      (path: string) =>
        rawRows(
          store,
          `COPY (SELECT * REPLACE ('forged' AS source) FROM lake.kubearmor.logs) TO '${path}' (FORMAT parquet)`,
        ),
    ],
    [
      'it holds other columns',
      (path: string) => rawRows(store, `COPY (SELECT 1 AS other) TO '${path}' (FORMAT parquet)`),
    ],
    [
      'it can not be read',
      (path: string) => {
        renameSync(path, `${path}.kept`);
        mkdirSync(path);
      },
    ],
  ])('is found by the next maintenance without any query, when %s', async (_what, damage) => {
    const path = await oneFile();
    // Once looked at from end to end, and then changed.
    await store.maintain();
    await Promise.resolve(damage(path));
    expect((await store.maintain()).damaged).toEqual([path.slice(folder.file('archive/').length)]);
    await expectPutAside(path);
    rmSync(`${path}.kept`, { force: true });
  });

  it('is found in turn when nothing says that it was changed', async () => {
    const path = await oneFile();
    flip(path, footerOf(path).at >> 1);
    expect((await store.maintain()).damaged).toHaveLength(1);
    await expectPutAside(path);
  });

  it('is not looked for when a query fails by its own fault', async () => {
    const path = await oneFile();
    await expect(query('SELECT source::INTEGER FROM kubearmor.logs')).rejects.toMatchObject({ code: 'BAD_QUERY' });
    await expect(query('SELECT nothing FROM kubearmor.logs')).rejects.toMatchObject({ code: 'BAD_QUERY' });
    expect(statSync(path).isFile()).toBe(true);
    expect(log.errors).toEqual([]);
  });
});

describe('files in the archive folder that the lake does not list', () => {
  it('are taken in when they are whole, and put aside and told when they are not, at the start', async () => {
    using own = new DataFolder();
    const first = await openStore(own, archived(own), { clock });
    for (const number of [1, 2]) {
      await first.append(number, packRows(kubearmorLogs, 50, plainRows(clock.wall * 1000)).buffer, {
        ledger: [],
        gaps: [],
      });
      await first.maintain();
      clock.advance(8 * DAY_MS);
      await first.maintain();
    }
    const files = await rawRows(first, 'SELECT file FROM armorlake.archive ORDER BY first_seq');
    const [damaged = ''] = files.map(([file]) => own.file(`archive/${String(file)}`));
    await rawRows(first, 'DELETE FROM lake.armorlake.archive');
    await first.close();
    flip(damaged, footerOf(damaged).at + 40);
    // As a crash leaves what it was writing.
    writeFileSync(`${damaged}.tmp`, 'PAR1');
    const ownLog = new ErrorLog();
    const again = await openStore(own, archived(own), { clock, logger: ownLog.logger });
    expect(await rawRows(again, 'SELECT file FROM armorlake.archive')).toEqual([files[1]]);
    expect(ownLog.text).toContain(`${damaged}.damaged`);
    expect(() => statSync(`${damaged}.tmp`)).toThrow('ENOENT');
    // The damaged one by its name, its rows by the totals.
    expect(await rawRows(again, 'SELECT stream, cause, estimated::INT FROM armorlake.gaps ORDER BY cause')).toEqual([
      ['kubearmor.logs', 'archive', null],
      ['kubearmor.logs', 'missing', 50],
    ]);
    await again.close();
  });
});

it('that was exchanged for another while the node was off is put aside by the next start', async () => {
  using own = new DataFolder();
  const at = new HandClock();
  const errors = new ErrorLog();
  const open = (): Promise<LakeStore> => openStore(own, archived(own), { clock: at, logger: errors.logger });
  const first = await open();
  for (const [number, rows] of [ROWS, 10].entries()) {
    await first.append(number + 1, packRows(kubearmorLogs, rows, plainRows(at.wall * 1000)).buffer, {
      ledger: [],
      gaps: [],
    });
    at.advance(8 * DAY_MS);
    await first.maintain();
  }
  const files = await rawRows(first, 'SELECT file FROM armorlake.archive ORDER BY first_seq');
  const [path = '', other = ''] = files.map(([file]) => own.file(`archive/${String(file)}`));
  await first.close();
  writeFileSync(path, readFileSync(other));
  const again = await open();
  expect(await rawRows(again, 'SELECT sum(rows)::INT FROM armorlake.archive')).toEqual([[10]]);
  expect(await rawRows(again, "SELECT estimated::INT FROM armorlake.gaps WHERE cause = 'archive'")).toEqual([[ROWS]]);
  expect(errors.text).toContain(path);
  await again.close();
});
