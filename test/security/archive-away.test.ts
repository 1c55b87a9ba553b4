import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { queryHandlers } from '../../backend/src/engine/host.js';
import type { CallHandlers, CoverageFacts } from '../../backend/src/engine/index.js';
import type { LakeOptions, LakeStore } from '../../backend/src/lake/host.js';
import type { LakeSettings } from '../../backend/src/lake/index.js';
import { kubearmorLogs, tables } from '../../backend/src/lake/index.js';
import { DAY_MS, DataFolder, packRows, plainRows } from '../support/lake-fixture.js';
import { ErrorLog, HandClock, openStore, rawRows } from '../support/lake-store.js';

const ARCHIVED = 300;
const HOT = 7;
const noExtras = { ledger: [], gaps: [] };
const limits = { rows: 1_000_000, bytes: 64 << 20, timeoutMs: 60_000 };
const COUNT = 'SELECT count(*) FROM kubearmor.logs';

interface Answer {
  readonly body: string;
  readonly facts: CoverageFacts | undefined;
  readonly end: unknown;
}

/** A node's lake whose archive is a disk that can be unplugged: `archive` is then an empty mount point. */
class Machine implements AsyncDisposable {
  readonly folder = new DataFolder();
  readonly clock = new HandClock();
  readonly log = new ErrorLog();
  store!: LakeStore;
  #handlers!: CallHandlers;
  #close: (() => Promise<void>) | null = null;

  async start(changes: Partial<LakeSettings> = {}, options: Partial<LakeOptions> = {}): Promise<void> {
    const archive = { folder: this.folder.file('archive'), ageMs: null, bytes: null };
    const { clock, log } = this;
    const store = await openStore(this.folder, { archive, ...changes }, { clock, logger: log.logger, ...options });
    const archiveFolder = changes.archive === null ? null : archive.folder;
    const queries = queryHandlers({ lake: store, connections: 2, tables, archiveFolder, clock });
    this.store = store;
    this.#handlers = queries.handlers;
    this.#close = async () => {
      queries.close();
      await store.close();
    };
  }

  async stop(): Promise<void> {
    await this.#close?.();
    this.#close = null;
  }

  /** A started lake with one archive file and HOT hot rows. */
  static async filled(options: Partial<LakeOptions> = {}): Promise<Machine> {
    const machine = new Machine();
    await machine.start({}, options);
    await machine.append(1, ARCHIVED);
    machine.clock.advance(8 * DAY_MS);
    expect((await machine.store.maintain()).archived).toHaveLength(1);
    await machine.append(2, HOT);
    return machine;
  }

  async append(batch: number, rows: number): Promise<void> {
    await this.store.append(batch, packRows(kubearmorLogs, rows, plainRows(this.clock.wall * 1000)).buffer, noExtras);
  }

  unplug(): void {
    renameSync(this.folder.file('archive'), this.folder.file('unplugged'));
    mkdirSync(this.folder.file('archive'));
    this.clock.advance(2000);
  }

  plug(): void {
    rmSync(this.folder.file('archive'), { recursive: true });
    renameSync(this.folder.file('unplugged'), this.folder.file('archive'));
    this.clock.advance(2000);
  }

  async call(method: string, parameters: object): Promise<Answer> {
    const chunks: Uint8Array[] = [];
    let head: unknown;
    const end = await this.#handlers[method]?.(parameters, {
      signal: new AbortController().signal,
      bulk: null,
      head: (value) => {
        head = value;
      },
      write: (chunk) => {
        chunks.push(Buffer.from(chunk));
        return Promise.resolve();
      },
    });
    const { facts } = (head ?? {}) as { readonly facts?: CoverageFacts };
    return { body: Buffer.concat(chunks).toString(), facts, end };
  }

  query(sql: string): Promise<Answer> {
    return this.call('query', { queryId: 'q', sql, limits });
  }

  async tailed(afterSeq: number): Promise<unknown> {
    return (await this.call('tail', { queryId: 't', table: 'kubearmor.logs', filters: {}, afterSeq, limits })).end;
  }

  async fragments(sql: string): Promise<unknown> {
    const folder = this.folder.file('tmp/f');
    const fragments = [{ name: 'armorlake_fragment_0', sql }];
    const budget = { rows: 1000, bytes: 1 << 20 };
    return (await this.call('fragments', { queryId: 'f', fragments, budget, timeoutMs: 60_000, folder })).end;
  }

  /** The answer has the hot rows only and says which are left out; nothing is booked as lost or put aside. */
  async expectAway(archived = ARCHIVED): Promise<void> {
    const { body, facts } = await this.query(COUNT);
    expect(body).toBe(`[${HOT}]`);
    expect(facts?.gaps.worst).toMatchObject([{ stream: 'kubearmor.logs', cause: 'archive', estimated: archived }]);
    expect(facts?.shortFrom).toBeNull();
    const { archiveAway, lost, warnings } = await this.store.info();
    expect([archiveAway, lost['kubearmor.logs']]).toEqual([true, 0]);
    expect(warnings.join()).toContain('is away');
    expect(await rawRows(this.store, "SELECT * FROM armorlake.gaps WHERE cause <> 'crash'")).toEqual([]);
    expect(await rawRows(this.store, 'SELECT sum(rows)::INT FROM armorlake.archive')).toEqual([[archived]]);
  }

  /** All rows are there, by a query and for the tail, and no gap is left. */
  async expectWhole(rows = ARCHIVED + HOT): Promise<void> {
    const { body, facts } = await this.query(COUNT);
    expect({ body, worst: facts?.gaps.worst }).toEqual({ body: `[${rows}]`, worst: [] });
    expect((await this.store.info()).archiveAway).toBe(false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.folder[Symbol.dispose]();
  }
}

describe('an archive folder that is away', () => {
  it('at the start loses nothing, is told, and is whole again when it comes', async () => {
    await using machine = await Machine.filled();
    await machine.stop();
    machine.unplug();
    await machine.start();
    await machine.expectAway();
    expect(machine.log.errors).toHaveLength(1);
    expect(machine.log.text).toContain(machine.folder.file('archive'));
    // What is old stays in the lake, and nothing is made below the mount point.
    machine.clock.advance(8 * DAY_MS);
    expect(await machine.store.maintain()).toMatchObject({ archived: [], damaged: [], unlinked: [], deleted: {} });
    await machine.expectAway();
    expect(readdirSync(machine.folder.file('archive'))).toEqual([]);
    expect(machine.log.errors).toHaveLength(1);
    machine.plug();
    await machine.expectWhole();
    expect((await machine.store.maintain()).damaged).toEqual([]);
    expect(await rawRows(machine.store, 'SELECT sum(rows)::INT FROM armorlake.archive')).toEqual([[ARCHIVED + HOT]]);
    await machine.expectWhole();
  });

  it('while a query runs is no damage', async () => {
    await using machine = await Machine.filled();
    await machine.expectWhole();
    machine.unplug();
    // By the last look, which is not a second old, it is there.
    machine.clock.monotonic -= 2000;
    await machine.expectAway();
    expect(await machine.fragments(COUNT)).toMatchObject({ facts: { gaps: { worst: [{ cause: 'archive' }] } } });
    expect((await machine.store.maintain()).damaged).toEqual([]);
    machine.plug();
    await machine.expectWhole();
    expect(await machine.fragments(COUNT)).toMatchObject({ facts: { gaps: { worst: [] } } });
    expect(machine.log.errors).toHaveLength(1);
  });

  it('is not passed over by a tail', async () => {
    await using machine = await Machine.filled();
    machine.unplug();
    await expect(machine.tailed(10)).rejects.toMatchObject({ code: 'NOT_READY' });
    expect(await machine.tailed(ARCHIVED)).toMatchObject({ rows: HOT });
    machine.plug();
    expect(await machine.tailed(10)).toMatchObject({ rows: ARCHIVED - 10 + HOT });
  });

  it('when it hangs stops nobody', async () => {
    let answer = (): void => undefined;
    let hangs = false;
    const read = (path: string): Promise<string> =>
      new Promise((resolve) => {
        answer = () => resolve(readFileSync(path, 'utf8'));
        if (!hangs) answer();
      });
    await using machine = await Machine.filled({ archiveLook: { read, withinMs: 50 } });
    hangs = true;
    machine.clock.advance(2000);
    await machine.expectAway();
    await machine.append(3, 1);
    expect((await machine.store.maintain()).damaged).toEqual([]);
    expect(machine.log.text).toContain('does not answer');
    hangs = false;
    answer();
    await vi.waitFor(() => machine.expectWhole(ARCHIVED + HOT + 1), { timeout: 30_000, interval: 100 });
  });

  it('gives back what only it holds when the lake file was lost meanwhile', async () => {
    await using machine = await Machine.filled();
    await machine.stop();
    machine.unplug();
    for (const name of ['lake.duckdb', 'lake.duckdb.wal']) rmSync(machine.folder.file(name), { force: true });
    await machine.start();
    expect((await machine.query(COUNT)).body).toBe('[0]');
    const before = await machine.store.metadata();
    // A hub that prunes by them must not leave this node out.
    expect(before.complete).toBe(false);
    expect(before.tables.find(({ name }) => name === 'kubearmor.logs')?.minTimeMicros).toBeLessThan(0);
    machine.plug();
    await machine.store.maintain();
    expect((await machine.query(COUNT)).body).toBe(`[${ARCHIVED}]`);
    await vi.waitFor(async () => expect((await machine.store.metadata()).complete).toBe(true), { timeout: 30_000 });
    await machine.stop();
    await machine.start();
    expect((await machine.query(COUNT)).body).toBe(`[${ARCHIVED}]`);
    expect(machine.log.text).not.toContain('are missing');
  });

  it('is not taken for the folder below its mount point', async () => {
    await using machine = new Machine();
    // The first start of all came before the mount.
    await machine.start();
    renameSync(machine.folder.file('archive'), machine.folder.file('below'));
    mkdirSync(machine.folder.file('archive'));
    await machine.append(1, ARCHIVED);
    machine.clock.advance(8 * DAY_MS);
    expect((await machine.store.maintain()).archived).toHaveLength(1);
    await machine.append(2, HOT);
    machine.unplug();
    rmSync(machine.folder.file('archive'), { recursive: true });
    renameSync(machine.folder.file('below'), machine.folder.file('archive'));
    await machine.expectAway();
    machine.plug();
    await machine.expectWhole();
  });

  it('is known by its files when they are older than its marker', async () => {
    await using machine = await Machine.filled();
    const { lakeId } = await machine.store.info();
    await machine.stop();
    // As a version without markers left it.
    rmSync(machine.folder.file(`archive/${lakeId}/archive.json`));
    const identity = JSON.parse(readFileSync(machine.folder.file('lake.json'), 'utf8')) as Record<string, unknown>;
    delete identity['archiveId'];
    writeFileSync(machine.folder.file('lake.json'), JSON.stringify(identity));
    await machine.start();
    await machine.expectWhole();
    machine.unplug();
    await machine.expectAway();
  });

  it('is given up when whoever runs the node says so', async () => {
    await using machine = await Machine.filled();
    machine.unplug();
    await machine.expectAway();
    const { lakeId } = await machine.store.info();
    mkdirSync(machine.folder.file(`archive/${lakeId}`));
    writeFileSync(machine.folder.file(`archive/${lakeId}/archive.lost`), '');
    machine.clock.advance(8 * DAY_MS);
    const { damaged, archived } = await machine.store.maintain();
    expect([damaged.length, archived.length]).toEqual([1, 1]);
    expect((await machine.store.info()).lost['kubearmor.logs']).toBe(ARCHIVED);
    expect((await machine.query(COUNT)).body).toBe(`[${HOT}]`);
    expect(existsSync(machine.folder.file(`archive/${lakeId}/archive.lost`))).toBe(false);
  });

  it('is read by a link that led nowhere at the start', async () => {
    await using machine = await Machine.filled();
    await machine.stop();
    renameSync(machine.folder.file('archive'), machine.folder.file('disk'));
    symlinkSync(machine.folder.file('mounted/archive'), machine.folder.file('archive'));
    machine.clock.advance(2000);
    await machine.start();
    await machine.expectAway();
    mkdirSync(machine.folder.file('mounted'));
    renameSync(machine.folder.file('disk'), machine.folder.file('mounted/archive'));
    machine.clock.advance(2000);
    await machine.expectWhole();
  });

  it('is a gap, too, when none is configured any more', async () => {
    await using machine = await Machine.filled();
    await machine.stop();
    await machine.start({ archive: null });
    const { body, facts } = await machine.query(COUNT);
    expect(body).toBe(`[${HOT}]`);
    expect(facts?.gaps.worst).toMatchObject([{ cause: 'archive', estimated: ARCHIVED }]);
    expect((await machine.store.info()).warnings.join()).toContain('archive.dir');
  });
});

describe('an archive file', () => {
  it('whose time was up is not taken in again by a restart before it is removed', async () => {
    await using machine = await Machine.filled();
    await machine.stop();
    const tight = { archive: { folder: machine.folder.file('archive'), ageMs: null, bytes: 1 } };
    await machine.start(tight);
    const { unlinked } = await machine.store.maintain();
    expect(unlinked).toHaveLength(1);
    const path = machine.folder.file(`archive/${String(unlinked[0])}`);
    expect(existsSync(path)).toBe(true);
    await machine.stop();
    await machine.start(tight);
    expect((await machine.query(COUNT)).body).toBe(`[${HOT}]`);
    expect((await machine.store.maintain()).unlinked).toEqual([]);
    expect(existsSync(path)).toBe(false);
    await machine.stop();
    await machine.start(tight);
    expect((await machine.query(COUNT)).body).toBe(`[${HOT}]`);
  });

  it('that holds rows of another one is not counted twice', async () => {
    await using machine = await Machine.filled();
    const [[file]] = (await rawRows(machine.store, 'SELECT file FROM armorlake.archive')) as [[string]];
    await machine.stop();
    const copy = basename(file).replace(/\d+\.parquet$/, '000000000000299.parquet');
    copyFileSync(
      machine.folder.file(`archive/${file}`),
      machine.folder.file(`archive/${file.replace(basename(file), copy)}`),
    );
    await machine.start();
    await machine.expectWhole();
  });
});
