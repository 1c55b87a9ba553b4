import { ArmorlakeError, messageOf } from '../core/index.js';
import type { Logger } from '../core/index.js';
import type { DiskWatch } from './disk.js';
import { isDiskFull } from './disk.js';
import { isFileDamage } from './opening.js';
import type { Sequence } from './sequence.js';
import type { LakeSettings } from './settings.js';
import type { StartWrites } from './start-writes.js';

export interface WriteGateParts {
  readonly settings: LakeSettings;
  readonly disk: DiskWatch;
  readonly start: StartWrites;
  readonly sequence: Sequence;
  readonly logger: Logger;
  /** Called when DuckDB refuses all further work: only a new process helps. */
  readonly onFatal: (reason: string) => void;
}

/** What a checkpoint writes besides what the WAL holds. */
const CHECKPOINT_SLACK_BYTES = 8 << 20;

/** What every write of a lake passes: room on the disk, what the start still has to write, and what a failure means. */
export class WriteGate {
  readonly #parts: WriteGateParts;
  #diskFull = false;
  #closing = false;

  constructor(parts: WriteGateParts) {
    this.#parts = parts;
  }

  /** True while nothing is stored for want of room. */
  get diskFull(): boolean {
    return this.#diskFull;
  }

  /** What the account alone must find. */
  get accountBytes(): number {
    return this.#parts.settings.minFreeBytes / 10;
  }

  /** From now on DuckDB's giving up is told to the caller alone. */
  close(): void {
    this.#closing = true;
  }

  /** Throws DISK_FULL when the disk has less. */
  async requireRoom(bytes: number): Promise<void> {
    const { disk, settings } = this.#parts;
    const { freeBytes } = await disk.room();
    this.#diskFull = freeBytes < settings.minFreeBytes;
    if (freeBytes < bytes) throw diskFull(settings, freeBytes);
  }

  /** Throws DISK_FULL rather than begin without room: DuckDB refuses all work after a checkpoint that failed. */
  async requireCheckpointRoom(walBytes: number): Promise<void> {
    const { disk, settings } = this.#parts;
    const { freeBytes } = await disk.room();
    if (walBytes > 0 && freeBytes < walBytes + CHECKPOINT_SLACK_BYTES) throw diskFull(settings, freeBytes);
  }

  /** Writes what the start still has to write; throws DISK_FULL when there is no room, and the next call tries again. */
  async begin(run = (task: () => Promise<void>): Promise<void> => this.guard(task)): Promise<void> {
    const { start, logger } = this.#parts;
    if (start.done) return;
    const late = this.#diskFull;
    await this.requireRoom(this.accountBytes);
    await run(() => start.run());
    if (late) logger.warn({}, 'There is room for what the start of the lake had to write: it stores again.');
  }

  /** For what may be written later. */
  unlessFull(write: () => void): void {
    try {
      write();
    } catch (thrown) {
      if (!isDiskFull(thrown)) throw thrown;
      this.#diskFull = true;
    }
  }

  /** Damage that a reading task of the engine's own met: the next start copies what can be read. */
  damaged(thrown: unknown): void {
    if (this.#closing || !isFileDamage(thrown)) return;
    this.#parts.sequence.update({ damaged: messageOf(thrown) });
    this.#parts.onFatal(messageOf(thrown));
  }

  /** Runs a write; says DISK_FULL when that was why it failed, and ends the engine when DuckDB gives up. */
  async guard<Result>(task: () => Promise<Result>): Promise<Result> {
    const { settings, sequence, onFatal } = this.#parts;
    try {
      return await task();
    } catch (thrown) {
      const message = messageOf(thrown);
      if (/has been invalidated|FATAL/i.test(message)) {
        if (isFileDamage(thrown)) sequence.update({ damaged: message });
        // A lake that closes has nothing left to do in another process, and says itself what happened.
        if (!this.#closing) onFatal(message);
      }
      if (isDiskFull(thrown)) {
        this.#diskFull = true;
        throw diskFull(settings, 0);
      }
      throw thrown;
    }
  }
}

function diskFull(settings: LakeSettings, freeBytes: number): ArmorlakeError {
  const free = Math.floor(freeBytes / 1_000_000);
  const wanted = Math.floor(settings.minFreeBytes / 1_000_000);
  return new ArmorlakeError(
    'DISK_FULL',
    `Nothing is stored: the disk of ${settings.dataFolder} has ${free} MB free, and ${wanted} MB are to be left.`,
    { hint: 'Make room there; storing goes on by itself.' },
  );
}
