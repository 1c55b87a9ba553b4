import type { DuckDBConnection } from '@duckdb/node-api';
import type { Clock, Logger } from '../core/index.js';
import { deadlineOf, messageOf, untilAborted } from '../core/index.js';
import type { Archive, ArchiveEntry } from './archive.js';
import { ArchiveCheck } from './archive-check.js';
import type { ArchivePresence } from './archive-presence.js';
import type { Lane } from './lane.js';
import type { Sequence } from './sequence.js';
import { adopt, readUnlisted } from './unlisted.js';
import type { WriteGate } from './write-gate.js';
import type { BatchWriter } from './writer.js';

export interface ArchiveKeeperParts {
  readonly archive: Archive;
  readonly presence: ArchivePresence;
  /** False when the folder was away at the start: what it holds besides the manifest's files is not known yet. */
  readonly unlistedRead: boolean;
  readonly lane: Lane;
  readonly gate: WriteGate;
  readonly sequence: Sequence;
  readonly writer: BatchWriter;
  /** The connection of whoever has the lane. */
  readonly maintainer: DuckDBConnection;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly openReader: () => Promise<DuckDBConnection>;
  readonly closeReader: (connection: DuckDBConnection) => void;
  /** Tells whoever runs the node. */
  readonly warn: (sentence: string) => void;
  /** Called when the folder is there again. */
  readonly returned: () => void;
}

/** How often the folder is looked at when nobody asks. */
const WATCH_MS = 5000;

/** The archive of a lake in use: whether it is there, which files are damaged, and what it holds beyond the manifest. */
export class ArchiveKeeper {
  readonly archive: Archive;
  readonly #parts: ArchiveKeeperParts;
  readonly #check: ArchiveCheck;
  readonly #timer: NodeJS.Timeout;
  #unlistedRead: boolean;
  #closed = false;

  constructor(parts: ArchiveKeeperParts) {
    const { archive, presence, clock, openReader, closeReader } = parts;
    this.archive = archive;
    this.#parts = parts;
    this.#unlistedRead = parts.unlistedRead;
    const quarantine = (entry: ArchiveEntry, reason: string): Promise<boolean> => this.#quarantine(entry, reason);
    this.#check = new ArchiveCheck({ archive, clock, openReader, closeReader, quarantine });
    presence.onChange((here, sentence) => {
      if (this.#closed) return;
      parts.warn(sentence);
      if (here) parts.returned();
    });
    this.#timer = setInterval(() => void presence.look(), WATCH_MS);
    this.#timer.unref();
  }

  /** As the folder was seen last. */
  get here(): boolean {
    return this.#parts.presence.here;
  }

  /** True once all files of the folder are in the manifest. */
  get unlistedRead(): boolean {
    return this.#unlistedRead;
  }

  /** Looks at the folder now. */
  look(): Promise<boolean> {
    return this.#parts.presence.look();
  }

  /** Whether the folder is there, as of a second ago at most. */
  recently(): Promise<boolean> {
    return this.#parts.presence.recently();
  }

  /** To be called before a file is written: lake.json knows from now on that this folder is the archive. */
  use(): void {
    const { presence, sequence } = this.#parts;
    presence.use();
    const { archiveId } = presence;
    if (sequence.identity.archiveId !== archiveId) sequence.update({ archiveId });
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#parts.presence.close();
  }

  /** Looks at files that a query failed on; true when asking again helps: a damaged file, or the whole folder, is left out. */
  async suspected(paths: readonly string[], likely: boolean): Promise<boolean> {
    if (!(await this.look())) return true;
    return (await this.#check.suspected(paths, likely)) || !this.here;
  }

  /** Checks all files quickly and one from end to end; returns those put aside. */
  inTurn(): Promise<readonly string[]> {
    return this.#check.inTurn();
  }

  /** Compares the files with the manifest as a start can, within so many ms; what is left is maintenance's. */
  async atStart(withinMs: number): Promise<void> {
    const deadline = deadlineOf(new AbortController().signal, withinMs);
    try {
      if (this.here) await untilAborted(this.#check.bySize(), deadline.signal);
    } catch (thrown) {
      this.#parts.logger.warn({ error: messageOf(thrown) }, 'Archive files were not all looked at by the start.');
    } finally {
      deadline.clear();
    }
  }

  /** Takes in what a start could not look at. To be called by the only one who writes files and takes rows from the lake. */
  async takeIn(reader: DuckDBConnection): Promise<void> {
    if (this.#unlistedRead) return;
    const { archive, lane, gate, writer, maintainer, clock, logger, warn } = this.#parts;
    const { entries, gaps, warnings } = await readUnlisted(archive, reader, logger, clock);
    // What could not be read because the folder went away again is looked at when it is back.
    if (!(await this.look())) return;
    await lane.run(() =>
      gate.guard(async () => {
        await adopt(entries, maintainer);
        await writer.writeGaps(gaps);
      }),
    );
    warnings.forEach(warn);
    this.#unlistedRead = true;
  }

  /** The rows of the file are missing from now on, and the account says so; false when only the folder went away. */
  async #quarantine(entry: ArchiveEntry, reason: string): Promise<boolean> {
    const { archive, lane, gate, writer, logger, warn } = this.#parts;
    if (!(await this.look())) return false;
    const path = archive.path(entry.file);
    let aside: string | null = null;
    try {
      // Before the manifest: what a crash leaves in between is a missing file, never a damaged one that is taken in again.
      aside = await archive.putAside(entry.file);
    } catch (thrown) {
      logger.error({ file: path, error: messageOf(thrown) }, 'An archive file could not be renamed.');
    }
    const lost = await lane.run(async () => {
      if (aside === null && !(await this.look())) return false;
      await gate.begin();
      await gate.guard(() => writer.loseFile(entry));
      return true;
    });
    if (!lost) return false;
    warn(aside === null ? `${path} is left out: ${reason}` : `${aside} was put aside: ${reason}`);
    logger.error({ file: path, aside, rows: entry.rows, reason }, 'A damaged archive file was put aside.');
    return true;
  }
}
