import { randomUUID } from 'node:crypto';
import { access, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock, Logger } from '../core/index.js';
import { deadlineOf, hasErrno, messageOf, untilAborted } from '../core/index.js';
import { syncEntries, syncFile } from './sync.js';

/** Says whose archive a folder is: the mount point of a disk that is not mounted has none. */
const MARKER = 'archive.json';
/** Made by whoever runs the node, to say that the files are gone for good. */
const LOST = 'archive.lost';
/** Of so many listed files one has to be there for a folder to be taken for the archive. */
const LISTED = 20;
const FRESH_MS = 1000;

const markerSchema = z.object({ format: z.literal(1), lakeId: z.string(), archiveId: z.string().min(1) });

/** How the folder is looked at; tests bring their own. */
export interface ArchiveLook {
  readonly read: (path: string) => Promise<string>;
  /** A folder that doesn't answer for so long hangs, as a network file system does whose server is gone. */
  readonly withinMs: number;
}

export const archiveLook: ArchiveLook = { read: (path) => readFile(path, 'utf8'), withinMs: 5000 };

export interface ArchivePresenceParts {
  /** The lake's own folder in the archive. */
  readonly folder: string;
  readonly lakeId: string;
  /** The archive that files were written to, by lake.json; null: none was, or that is not known. */
  readonly archiveId: string | null;
  /** The paths of the files that the manifest lists. */
  readonly listed: () => Promise<readonly string[]>;
  readonly look: ArchiveLook;
  readonly clock: Clock;
  readonly logger: Logger;
}

export type PresenceListener = (here: boolean, sentence: string) => void;

/**
 * Whether the archive folder is there: its disk may be mounted late, be pulled, or hang. It is away unless it has the marker
 * that files were written under, or one of the files. Nothing is made in a folder that is away: it would lie below the mount.
 */
export class ArchivePresence {
  readonly #parts: ArchivePresenceParts;
  readonly #listeners: PresenceListener[] = [];
  #usedId: string | null;
  #markedId: string | null = null;
  #here: boolean | null = null;
  /** What was said of it when it went away. */
  #away: string | null = null;
  #lookedMs = -Infinity;
  #last: Promise<unknown> = Promise.resolve();
  #shared: Promise<boolean> | null = null;
  #hangs = false;
  #closed = false;

  constructor(parts: ArchivePresenceParts) {
    this.#parts = parts;
    this.#usedId = parts.archiveId;
  }

  /** As it was seen last. */
  get here(): boolean {
    return this.#here === true;
  }

  /** The archive that files were written to, to be kept in lake.json. */
  get archiveId(): string | null {
    return this.#usedId;
  }

  /** Calls the listener, with a sentence, when the folder is away, and each time that it goes away or comes back. */
  onChange(listener: PresenceListener): void {
    if (this.#away !== null) listener(false, this.#away);
    this.#listeners.push(listener);
  }

  /** Resolves when nothing is looked at any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#last;
  }

  /** To be called before a file is written to a folder that is here: no other is the archive from now on. */
  use(): void {
    this.#usedId ??= this.#markedId;
  }

  /** Whether it is there, as of a second ago at most. Never rejects. */
  async recently(): Promise<boolean> {
    if (this.#parts.clock.monotonicMs() - this.#lookedMs < FRESH_MS) return this.here;
    this.#shared ??= this.look().finally(() => {
      this.#shared = null;
    });
    return this.#shared;
  }

  /** Looks now. Never rejects. */
  async look(): Promise<boolean> {
    const look = this.#last.then(async () => {
      // A look that hangs keeps one thread from other files, not all of them; when it ends there is a new one.
      if (this.#hangs || this.#closed) return;
      const why = await this.#whyAway().catch(messageOf);
      if (!this.#closed) this.#saw(why);
    });
    this.#last = look;
    await look;
    return this.here;
  }

  #saw(why: string | null): void {
    const before = this.#here;
    this.#here = why === null;
    this.#lookedMs = this.#parts.clock.monotonicMs();
    // That it is there from the beginning is no news.
    if (this.#here === (before ?? true)) return;
    const { folder, logger } = this.#parts;
    const sentence =
      why === null
        ? `The archive folder ${folder} is there again: its files are read, and rows are archived.`
        : `The archive folder ${folder} is away, ${why}: its files are left out, and nothing is archived.`;
    if (why === null) logger.warn({ folder }, sentence);
    else logger.error({ folder }, sentence);
    this.#away = this.#here ? null : sentence;
    for (const listener of this.#listeners) listener(this.#here, sentence);
  }

  /** Null: it is there. */
  async #whyAway(): Promise<string | null> {
    const found = await this.#inTime(this.#marked());
    if (found !== null && found === this.#usedId) return null;
    // Nothing is asked of a lake that is closed.
    if (this.#closed) return null;
    const paths = await this.#parts.listed();
    const unused = this.#usedId === null && paths.length === 0;
    if (!unused && !(await this.#inTime(this.#recognised(paths)))) return 'as it is not the one that was written to';
    this.#markedId = found ?? (await this.#inTime(this.#mark()));
    if (!unused) this.#usedId = this.#markedId;
    return null;
  }

  /** The archive that the marker names; null when there is none of this lake. */
  async #marked(): Promise<string | null> {
    const { folder, lakeId, look } = this.#parts;
    try {
      const marker = markerSchema.parse(JSON.parse(await look.read(join(folder, MARKER))));
      return marker.lakeId === lakeId ? marker.archiveId : null;
    } catch (thrown) {
      if (hasErrno(thrown, 'ENOENT') || thrown instanceof SyntaxError || thrown instanceof z.ZodError) return null;
      throw thrown;
    }
  }

  /** By one of the files, newest first, or by the word of whoever runs the node. */
  async #recognised(paths: readonly string[]): Promise<boolean> {
    const lost = join(this.#parts.folder, LOST);
    for (const path of [lost, ...paths.slice(-LISTED).reverse()]) {
      const there = await access(path).then(
        () => true,
        () => false,
      );
      if (!there) continue;
      if (path === lost) await rm(lost);
      return true;
    }
    return false;
  }

  async #mark(): Promise<string> {
    const { folder, lakeId } = this.#parts;
    const marker = { format: 1, lakeId, archiveId: randomUUID() };
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, MARKER);
    const file = await open(`${path}.new`, 'w', 0o600);
    await file.writeFile(JSON.stringify(marker, null, 2) + '\n').finally(() => file.close());
    await syncFile(`${path}.new`);
    await rename(`${path}.new`, path);
    await syncEntries(folder);
    return marker.archiveId;
  }

  async #inTime<T>(task: Promise<T>): Promise<T> {
    const { withinMs } = this.#parts.look;
    const deadline = deadlineOf(new AbortController().signal, withinMs, () => new Error('as it does not answer'));
    try {
      return await untilAborted(task, deadline.signal);
    } catch (thrown) {
      if (!deadline.signal.aborted) throw new Error(`for it can't be read (${messageOf(thrown)})`, { cause: thrown });
      this.#hangs = true;
      const ended = (): void => {
        this.#hangs = false;
        void this.look();
      };
      task.then(ended, ended);
      throw thrown;
    } finally {
      deadline.clear();
    }
  }
}
