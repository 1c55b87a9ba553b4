import { existsSync, mkdirSync } from 'node:fs';
import type { DuckDBConnection } from '@duckdb/node-api';
import { deadlineOf, systemClock, untilAborted } from '../core/index.js';
import type { Clock, Logger } from '../core/index.js';
import type { Database } from '../engine/host.js';
import type { StartFacts } from '../engine/index.js';
import { Archive, readManifest } from './archive.js';
import type { ArchiveLook } from './archive-presence.js';
import { ArchivePresence, archiveLook } from './archive-presence.js';
import type { CommitMark } from './commit-mark.js';
import { ClockGuard, systemUptime } from './clock-guard.js';
import type { ClockRecord, ReadUptime } from './clock-guard.js';
import { CommitMarkFile } from './commit-mark.js';
import type { ReadDisk } from './disk.js';
import type { LakeIdentity } from './identity.js';
import { IdentityFile, newIdentity } from './identity.js';
import { rememberLakeId, rememberedLakeId } from './lake-id.js';
import { latestVersion, migrate, migrations, refuseNewer } from './migrations.js';
import type { Migration } from './migrations.js';
import { lakePath, openDatabase } from './opening.js';
import { pathsOf } from './reachable.js';
import { readEnd, recover } from './recovery.js';
import type { LakeEnd } from './recovery.js';
import { longestAgeMs } from './retention.js';
import { Sequence } from './sequence.js';
import type { LakeSettings } from './settings.js';
import { StartWrites } from './start-writes.js';
import { StateTables } from './state-tables.js';
import { adopt, readUnlisted } from './unlisted.js';
import { BatchWriter } from './writer.js';

export interface LakeOptions {
  readonly settings: LakeSettings;
  readonly facts: StartFacts;
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly uptime?: ReadUptime;
  readonly readDisk?: ReadDisk;
  readonly migrations?: readonly Migration[];
  readonly lockWaitMs?: number;
  readonly archiveLook?: ArchiveLook;
  /** Called when DuckDB refuses all further work: only a new process helps. */
  readonly onFatal?: (reason: string) => void;
}

/** The archive, as a start found it. */
interface OpenArchive {
  readonly archive: Archive;
  readonly presence: ArchivePresence;
  /** False: the folder hung when the database was opened, which may not read it now. */
  readonly reachable: boolean;
  /** False: the folder was away, so that what the manifest doesn't list is still to be looked for. */
  readonly unlistedRead: boolean;
}

/** An open lake, in its parts. */
export interface LakeParts {
  readonly options: LakeOptions;
  readonly clock: Clock;
  readonly uptime: ReadUptime;
  readonly guard: ClockGuard;
  readonly database: Database;
  readonly sequence: Sequence;
  readonly mark: CommitMarkFile;
  readonly writer: BatchWriter;
  readonly state: StateTables;
  readonly archive: OpenArchive | null;
  readonly start: StartWrites;
  /** For checkpoints and deletions, by whoever has the lane. */
  readonly maintainer: DuckDBConnection;
  readonly lastBatch: number;
  /** When the run before this one ended, µs since 1970; null when that was not clean, or there was none. */
  readonly closedAtMicros: number | null;
  /** The start's writes add to them. */
  readonly warnings: string[];
}

const LOCK_WAIT_MS = 5000;

/**
 * Opens the file, migrates it, finds out what is missing, and goes on from there. `damaged` says why the file is to be put
 * aside first. What was opened is closed again when it throws.
 */
export async function openParts(options: LakeOptions, damaged: string | null): Promise<LakeParts> {
  const opened: (() => void)[] = [];
  try {
    return await openAll(options, damaged, opened);
  } catch (thrown) {
    for (const close of opened.reverse()) close();
    throw thrown;
  }
}

async function openAll(options: LakeOptions, damaged: string | null, opened: (() => void)[]): Promise<LakeParts> {
  const { settings, facts, logger } = options;
  const clock = options.clock ?? systemClock;
  const steps = options.migrations ?? migrations;
  mkdirSync(settings.dataFolder, { recursive: true, mode: 0o700 });
  const identityFile = new IdentityFile(settings.dataFolder);
  const known = identityFile.read();
  refuseNewer(known?.schemaVersion ?? 0, steps);
  const existed = existsSync(lakePath(settings.dataFolder));
  const archiveFolders = await foldersOf(options);
  const { database, quarantined } = await openDatabase({
    settings,
    archiveFolders: archiveFolders ?? [],
    steps,
    acknowledged: acknowledged(settings.dataFolder, known),
    damaged: damaged ?? known?.damaged ?? null,
    openCrashes: facts.openCrashes,
    clock,
    logger,
    lockWaitMs: options.lockWaitMs ?? LOCK_WAIT_MS,
  });
  opened.push(() => database.close());
  const maintainer = await database.connect();
  opened.push(() => maintainer.closeSync());
  const { missing } = await migrate(maintainer, steps);
  // Read anew: whoever held the lock until now may have written it.
  const damagedIdentity = identityFile.putAsideDamaged();
  const remembered = await rememberedLakeId(maintainer);
  const warnings = quarantined.map((each) => `${each.path} was put aside: ${each.reason}`);
  let written = identityFile.read();
  const foreign = written !== null && remembered !== null && written.lakeId !== remembered;
  if (foreign) {
    const sentence = `${identityFile.putAsideForeign()} was put aside: it is the lake ${written?.lakeId}'s, and the lake file here is ${remembered}'s.`;
    warnings.push(sentence);
    logger.error({}, sentence);
    written = null;
  }
  const identity = written ?? newIdentity(remembered);
  const archive = await openArchive(options, database, identity, archiveFolders !== null);
  if (archive !== null) opened.push(() => void archive.presence.close());
  const unlisted =
    archive?.unlistedRead === true ? await readUnlisted(archive.archive, maintainer, logger, clock) : null;
  warnings.push(...(unlisted?.warnings ?? []));
  const manifest = await readManifest(maintainer);
  if (settings.archive === null && manifest.length > 0) {
    const sentence = `archive.dir is not set: ${manifest.length} archive files of this lake are left out.`;
    warnings.push(sentence);
    logger.error({}, sentence);
  }
  for (const table of missing) {
    const sentence = `${table} was missing from the lake file and was made anew, empty.`;
    warnings.push(sentence);
    logger.error({ table }, sentence);
  }
  const mark = new CommitMarkFile(settings.dataFolder);
  opened.push(() => mark.close());
  const nowMicros = Math.round(clock.wallMs() * 1000);
  const end = await readEnd(maintainer);
  const archived = [...manifest, ...(unlisted?.entries ?? [])];
  const found = recover({
    identity,
    identityLost: written === null,
    restored: written !== null && identityFile.isCopy(written),
    mark: mark.read(),
    end,
    quarantined,
    existed,
    resumed: facts.resumed,
    archivedSeq: archived.reduce((last, entry) => Math.max(last, entry.lastSeq), 0),
    nowMicros,
  });
  const recovery = { ...found, gaps: [...found.gaps, ...(unlisted?.gaps ?? [])] };
  const writer = await BatchWriter.create(database, settings.node, clock);
  opened.push(() => writer.close());
  for (const { cause, estimated } of recovery.gaps) {
    if (cause === 'crash') continue;
    logger.error({ cause, estimated, lastSeq: recovery.lastSeq }, 'Events may be missing: see armorlake.gaps.');
  }
  if (damagedIdentity !== null) {
    warnings.push(`${damagedIdentity.path} was put aside: ${damagedIdentity.reason}`);
    logger.error(damagedIdentity, 'A damaged lake.json was put aside.');
  } else if (!foreign && recovery.gaps.some(({ cause }) => cause === 'identity')) {
    const sentence = `lake.json was missing from ${settings.dataFolder}: numbers go on at ${recovery.lastSeq + 1}.`;
    warnings.push(sentence);
    logger.error({ lakeId: identity.lakeId, remembered: remembered !== null }, sentence);
  }
  const untouched = recovery.gaps.length === 0 && (unlisted?.entries.length ?? 0) === 0;
  const knownTotals = {
    // A lake that lost rows lost their part of the totals with them.
    record: quarantined.length === 0 && found.gaps.every(({ cause }) => cause === 'crash') ? identity.totals : null,
    exact: untouched && identity.clean && identity.lastSeq === end.lastSeq,
  };
  const sequence = new Sequence(identityFile, identity, recovery.lastSeq);
  const start = new StartWrites([
    () => rememberLakeId(maintainer, identity.lakeId),
    () => adopt(unlisted?.entries ?? [], maintainer),
    async () => {
      if (recovery.gaps.length > 0) await writer.writeRecovery(recovery);
    },
    async () => {
      for (const { sentence, gap } of await writer.settle(knownTotals)) {
        warnings.push(sentence);
        logger.error({ gap }, sentence);
      }
    },
    async () =>
      sequence.update({
        totals: await writer.totals(),
        schemaVersion: latestVersion(steps),
        clean: false,
        openedAtMicros: nowMicros,
        closedAtMicros: null,
        damaged: null,
        seqReserved: Math.max(identity.seqReserved, recovery.lastSeq),
        archiveId: archive?.presence.archiveId ?? identity.archiveId,
      }),
    () => mark.write({ lastSeq: recovery.lastSeq, lastBatch: recovery.lastBatch }),
  ]);
  const uptime = options.uptime ?? systemUptime;
  const guard = new ClockGuard(identity.clock ?? firstRecord(identity, end, clock.wallMs()), uptime());
  guard.read(clock.wallMs(), uptime(), recovery.lastSeq, longestAgeMs(settings));
  const state = await StateTables.create(database, settings.node);
  const { lastBatch } = recovery;
  const { closedAtMicros } = identity;
  return {
    options,
    clock,
    uptime,
    guard,
    database,
    sequence,
    mark,
    writer,
    state,
    archive,
    start,
    maintainer,
    lastBatch,
    closedAtMicros,
    warnings,
  };
}

/** Where the archive's files may lie; null when the folder hangs: DuckDB would hang on it, too. */
async function foldersOf({
  settings,
  archiveLook: look = archiveLook,
}: LakeOptions): Promise<readonly string[] | null> {
  if (settings.archive === null) return [];
  const deadline = deadlineOf(new AbortController().signal, look.withinMs);
  try {
    return await untilAborted(pathsOf(settings.archive.folder), deadline.signal);
  } catch {
    return null;
  } finally {
    deadline.clear();
  }
}

async function openArchive(
  { settings, clock = systemClock, logger, archiveLook: look = archiveLook }: LakeOptions,
  database: Database,
  { lakeId, archiveId }: LakeIdentity,
  reachable: boolean,
): Promise<OpenArchive | null> {
  if (settings.archive === null) return null;
  const archive = new Archive(settings.archive.folder, lakeId, settings.memoryLimitBytes);
  const listed = async (): Promise<readonly string[]> => {
    const connection = await database.connect();
    try {
      return (await readManifest(connection)).map(({ file }) => archive.path(file));
    } finally {
      connection.closeSync();
    }
  };
  const presence = new ArchivePresence({ folder: archive.folder, lakeId, archiveId, listed, look, clock, logger });
  return { archive, presence, reachable, unlistedRead: await presence.look() };
}

/** What was told to others as committed, by what is beside the lake file. */
function acknowledged(dataFolder: string, known: LakeIdentity | null): CommitMark {
  const file = new CommitMarkFile(dataFolder);
  const mark = file.read();
  file.close();
  return { lastSeq: Math.max(mark?.lastSeq ?? 0, known?.lastSeq ?? 0), lastBatch: mark?.lastBatch ?? 0 };
}

/** Of a lake that no run has kept the time of: its last run ended then at the earliest; a new lake has nothing that ages. */
function firstRecord(identity: LakeIdentity, end: LakeEnd, nowMs: number): ClockRecord {
  const { closedAtMicros, openedAtMicros } = identity;
  const known = closedAtMicros ?? (openedAtMicros > 0 ? openedAtMicros : end.heldSinceMicros);
  const reachedMs = known === null ? nowMs : known / 1000;
  return { wallMs: reachedMs, seq: end.lastSeq, boot: '', uptimeMs: 0, reachedMs, corrections: [] };
}
