import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteQualified } from '../core/index.js';
import type { Clock } from '../core/index.js';
import type { ArchiveEntry } from './archive.js';
import { addToManifest, readManifest, readUnlinks, unlinkLater, unlinked } from './archive.js';
import type { ArchiveKeeper } from './archive-keeper.js';
import type { ClockGuard, ClockRecord, ReadUptime, TrustedTime } from './clock-guard.js';
import { CLOCK_TOLERANCE_MS, standing } from './clock-guard.js';
import { LedgerCompaction } from './compaction.js';
import type { DiskWatch } from './disk.js';
import type { Lane } from './lane.js';
import { LAKE_CATALOG } from './migrations.js';
import { batchesTable } from './recovery.js';
import type { Expiry } from './retention.js';
import {
  byteCap,
  expiredByAge,
  expiredByShare,
  expiredHistory,
  expiredTable,
  historyOverShare,
  historyTimes,
  longestAgeMs,
  shareOverCap,
} from './retention.js';
import { tableName } from './schema.js';
import type { Table } from './schema.js';
import type { LakeSettings } from './settings.js';
import { addToTotals, compactTotals, deleteCounted } from './totals.js';
import { transaction } from './transaction.js';

/** What one run did. */
export interface MaintenanceReport {
  /** False when the clock says more than is believed: ages were counted by uptime. */
  readonly clockConfirmed: boolean;
  /** Rows deleted, by table; those that went to the archive included. */
  readonly deleted: Readonly<Record<string, number>>;
  /** Files written. */
  readonly archived: readonly string[];
  /** Files whose own time was up. */
  readonly unlinked: readonly string[];
  /** Files put aside. */
  readonly damaged: readonly string[];
  /** Ledger rows saved by summing them up. */
  readonly compacted: number;
}

export interface MaintenanceParts {
  readonly settings: LakeSettings;
  readonly lane: Lane;
  /** The connection of whoever has the lane. */
  readonly writer: DuckDBConnection;
  /** A connection for what takes long and only reads. */
  readonly reader: DuckDBConnection;
  readonly keeper: ArchiveKeeper | null;
  readonly clock: Clock;
  readonly uptime: ReadUptime;
  readonly guard: ClockGuard;
  readonly lastSeq: () => number;
  /** Keeps over a restart how far time has come. */
  readonly keepClock: (record: ClockRecord) => void;
  /** Tells whoever runs the node. */
  readonly warn: (sentence: string) => void;
  readonly disk: DiskWatch;
  /** Compares the running totals with what is held, and says so when they differ. */
  readonly settle: () => Promise<void>;
  /** Makes what was deleted free; called with the lane held. */
  readonly checkpoint: () => Promise<void>;
  /** Told at the end of a run, after its checkpoint, whether rows of the lake file went. */
  readonly retained: (deleted: boolean) => Promise<void>;
}

/** Rows of internal.batches that are kept to answer for repeated batches. */
const BATCHES_KEPT = 1000;
/** How far time has come is written so often. */
const KEEP_CLOCK_MS = 3_600_000;
const DAY_MS = 86_400_000;
/** History tables whose oldest rows go when there is no room. */
const goesEarly: ReadonlySet<string> = new Set(['dead_letters', 'queries', 'node_metrics']);
/** So many seq go into one archive file at most. */
const ARCHIVE_FILE_SEQS = 1_000_000;

/** Retention, archive and compaction; one run at a time. */
export class Maintenance {
  readonly #parts: MaintenanceParts;
  #keptClock: ClockRecord | null = null;
  #warnedAhead = false;
  readonly #compaction = new LedgerCompaction();
  #last: Promise<unknown> = Promise.resolve();
  /** True in a run that found the archive folder there; false: rows that are to go stay where they are. */
  #archiveHere = false;
  #deleted: Record<string, number> = {};
  #archived: string[] = [];
  #unlinked: string[] = [];
  #damaged: string[] = [];

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
  }

  /** Runs once, after the run before it. */
  run(): Promise<MaintenanceReport> {
    const run = this.#last.then(() => this.#runOnce());
    this.#last = run.catch(() => undefined);
    return run;
  }

  /** Resolves when no run is going on. */
  async idle(): Promise<void> {
    await this.#last;
  }

  async #runOnce(): Promise<MaintenanceReport> {
    const { lane, writer, settings, keeper, reader } = this.#parts;
    this.#deleted = {};
    this.#archived = [];
    this.#unlinked = [];
    this.#damaged = [];
    const time = this.#time();
    await this.#parts.settle();
    this.#archiveHere = keeper !== null && (await keeper.look());
    if (keeper !== null && this.#archiveHere) {
      await keeper.takeIn(reader);
      this.#damaged.push(...(await keeper.inTurn()));
    }
    await this.#expire(await expiredByAge(reader, settings.retention, time));
    for (const { table, condition } of expiredHistory(settings.retention, time)) {
      await this.#deleteHistory(table, condition);
    }
    await this.#keepToCap();
    await this.#expireArchive(time);
    const compacted = await lane.run(async () => {
      await writer.run(
        `DELETE FROM ${batchesTable} WHERE batch < (SELECT max(batch) - ${BATCHES_KEPT} FROM ${batchesTable})`,
      );
      const saved = await this.#compaction.run(writer, time.nowMs * 1000);
      const summed = await compactTotals(writer);
      // DELETE and INSERT don't stay in the WAL together for long.
      if (saved + summed > 0 || Object.keys(this.#deleted).length > 0) await this.#parts.checkpoint();
      return saved;
    });
    await this.#parts.retained(Object.keys(this.#deleted).length > 0);
    return {
      clockConfirmed: time.aheadMs <= CLOCK_TOLERANCE_MS,
      deleted: this.#deleted,
      archived: this.#archived,
      unlinked: this.#unlinked,
      damaged: this.#damaged,
      compacted,
    };
  }

  /** How far time has come for certain; kept for the next start when that is news. */
  #time(): TrustedTime {
    const { clock, uptime, guard, lastSeq, settings, keepClock, warn } = this.#parts;
    const time = guard.read(clock.wallMs(), uptime(), lastSeq(), longestAgeMs(settings));
    const { record } = guard;
    const kept = this.#keptClock;
    const news =
      kept === null ||
      record.reachedMs - kept.reachedMs >= KEEP_CLOCK_MS ||
      record.reachedMs < kept.reachedMs ||
      record.corrections.length !== kept.corrections.length;
    if (news) {
      keepClock(record);
      this.#keptClock = record;
    }
    const ahead = time.aheadMs > CLOCK_TOLERANCE_MS;
    if (ahead && !this.#warnedAhead) {
      const days = (time.aheadMs / DAY_MS).toFixed(1);
      warn(
        `The clock is ${days} days ahead of what is certain: until a hub's clock or 24 hours confirm it, rows age by the machine's uptime.`,
      );
    }
    this.#warnedAhead = ahead;
    return time;
  }

  /** Until when the rows that go were whole: a time in the future counts as its arrival, and that as now at most. */
  #lastTime(): string {
    return `max(least(time, received_at, make_timestamp(${this.#latestMicros()}::BIGINT)))`;
  }

  /** No row arrived later, unless a wrong clock said so. */
  #latestMicros(): bigint {
    const { clock, guard } = this.#parts;
    return BigInt(Math.floor(Math.max(clock.wallMs(), guard.record.reachedMs) * 1000));
  }

  async #keepToCap(): Promise<void> {
    const { reader, disk, settings, warn } = this.#parts;
    const cap = byteCap(settings.retention, (await disk.room()).totalBytes);
    const shares = await shareOverCap(reader, settings.retention.groupBytes, cap);
    for (const group of ['logs', 'alerts'] as const) {
      const share = shares[group];
      if (share !== undefined) await this.#expire(await expiredByShare(reader, group, share));
    }
    if (shares.ledger === undefined) return;
    // Of the history what is largest and least missed: the bytes of dead letters, the queries, and how the node fared.
    const early = historyTimes().filter(({ table }) => goesEarly.has(table.name));
    for (const { table, time, share } of await historyOverShare(reader, early, shares.ledger)) {
      const before = this.#deleted[tableName(table)] ?? 0;
      const oldest = `quantile_disc(${time}, ${share})`;
      await this.#deleteHistory(table, `${time} <= (SELECT ${oldest} FROM ${qualified(table)})`);
      const rows = (this.#deleted[tableName(table)] ?? 0) - before;
      if (rows > 0)
        warn(`The oldest ${rows} rows of ${tableName(table)} were removed before their time: there is no room.`);
    }
  }

  async #expire(expiries: readonly Expiry[]): Promise<void> {
    for (const expiry of expiries) {
      const { keeper } = this.#parts;
      if (keeper === null) await this.#deleteRows(expiry);
      else if (this.#archiveHere) await this.#archiveRows(keeper, expiry);
    }
  }

  async #archiveRows(keeper: ArchiveKeeper, { table, lastSeq }: Expiry): Promise<void> {
    const { lane, writer, reader, disk, settings } = this.#parts;
    for (;;) {
      if ((await disk.room()).freeBytes < settings.minFreeBytes) return;
      const [first] = await firstRow(
        reader,
        `SELECT min(seq)::DOUBLE FROM ${qualified(table)} WHERE seq <= ${lastSeq}`,
      );
      if (first == null) return;
      const upTo = Math.min(lastSeq, Number(first) + ARCHIVE_FILE_SEQS - 1);
      keeper.use();
      const entry = await keeper.archive.write(reader, table, upTo);
      if (entry === null) return;
      // If its disk has gone meanwhile, the file may lie below the mount point.
      this.#archiveHere = await keeper.look();
      if (!this.#archiveHere) return;
      await lane.run(() =>
        transaction(writer, async () => {
          await addToManifest(writer, entry);
          this.#count(table, await deleteCounted(writer, table, `seq <= ${entry.lastSeq}`, 'archived'));
        }),
      );
      this.#archived.push(entry.file);
    }
  }

  async #deleteRows({ table, lastSeq }: Expiry): Promise<void> {
    const { lane, writer } = this.#parts;
    const prefix = `FROM ${qualified(table)} WHERE seq <= ${lastSeq}`;
    await lane.run(() =>
      transaction(writer, async () => {
        await writer.run(
          `INSERT INTO ${expiredTable} SELECT '${tableName(table)}', max(seq), ${this.#lastTime()} ${prefix} HAVING count(*) > 0`,
        );
        this.#count(table, await deleteCounted(writer, table, `seq <= ${lastSeq}`, 'expired'));
      }),
    );
  }

  async #deleteHistory(table: Table, condition: string): Promise<void> {
    const { lane, writer } = this.#parts;
    const remove = (): Promise<number> => deleteCounted(writer, table, condition, 'expired');
    this.#count(table, await lane.run(() => transaction(writer, remove)));
  }

  #count(table: Table, rows: number): void {
    if (rows > 0) this.#deleted[tableName(table)] = (this.#deleted[tableName(table)] ?? 0) + rows;
  }

  /** Takes files out of the manifest by age and size, oldest first; they are unlinked one run later, when no query reads them. */
  async #expireArchive({ nowMs, corrections }: TrustedTime): Promise<void> {
    const { keeper, reader, writer, lane, settings } = this.#parts;
    if (keeper === null || settings.archive === null || !this.#archiveHere) return;
    const { archive } = keeper;
    const gone = await readUnlinks(reader);
    for (const file of gone) await archive.remove(file);
    if (gone.length > 0) await lane.run(() => transaction(writer, () => unlinked(writer, gone)));
    const { ageMs, bytes: maxBytes } = settings.archive;
    const entries = await readManifest(reader);
    const limitMs = ageMs === null ? -Infinity : nowMs - ageMs;
    const wrongStamps = standing(corrections, limitMs);
    // By when it was written, not by the events' own times: those may be forged.
    const isOld = async (entry: ArchiveEntry): Promise<boolean> => {
      const written = (await archive.writtenAtMs(entry.file)) ?? Infinity;
      const wrong = wrongStamps.some((each) => written >= each.stampedFromMs && written <= each.stampedToMs);
      return written < limitMs && !wrong;
    };
    let bytes = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    const expired: ArchiveEntry[] = [];
    for (const entry of entries) {
      const over = maxBytes !== null && bytes > maxBytes;
      if (!over && !(await isOld(entry))) continue;
      bytes -= entry.bytes;
      expired.push(entry);
    }
    const latest = this.#latestMicros();
    for (const entry of expired) {
      await lane.run(() =>
        transaction(writer, async () => {
          await unlinkLater(writer, entry.file);
          await addToTotals(writer, { table: entry.table, expired: entry.rows });
          await writer.run(`INSERT INTO ${expiredTable} VALUES (?, ?, make_timestamp(?::BIGINT))`, [
            entry.table,
            BigInt(entry.lastSeq),
            entry.maxTimeMicros < latest ? entry.maxTimeMicros : latest,
          ]);
        }),
      );
    }
    this.#unlinked = expired.map((entry) => entry.file);
  }
}

function qualified(table: Table): string {
  return quoteQualified(LAKE_CATALOG, table.schema, table.name);
}

async function firstRow(connection: DuckDBConnection, sql: string): Promise<readonly unknown[]> {
  return (await connection.runAndReadAll(sql)).getRowsJS()[0] ?? [];
}
