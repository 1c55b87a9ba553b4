import type { DuckDBConnection } from '@duckdb/node-api';
import type { Clock } from '../core/index.js';
import { hasErrno, messageOf } from '../core/index.js';
import type { Archive, ArchiveEntry } from './archive.js';
import { readManifest, sha256Of } from './archive.js';

/** A file that was found whole is not read again for so long, whatever queries that fail make of it. */
const TRUSTED_MS = 600_000;

export interface ArchiveCheckParts {
  readonly archive: Archive;
  readonly clock: Clock;
  readonly openReader: () => Promise<DuckDBConnection>;
  readonly closeReader: (connection: DuckDBConnection) => void;
  /** Puts a damaged file aside and says so; false when the file is not damaged, but the folder is away. */
  readonly quarantine: (entry: ArchiveEntry, reason: string) => Promise<boolean>;
}

/** Finds damaged archive files, by their size and their SHA-256; one check at a time. */
export class ArchiveCheck {
  readonly #parts: ArchiveCheckParts;
  /** File → when it was found whole, and what the file system said of it. */
  readonly #whole = new Map<string, { readonly atMs: number; readonly looks: string }>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: ArchiveCheckParts) {
    this.#parts = parts;
  }

  /**
   * Looks at files that a query failed on; true when any of them is gone from the manifest, so that asking again helps.
   * @param likely damage is the likely cause: all are read, else only those that have changed since.
   */
  suspected(paths: readonly string[], likely: boolean): Promise<boolean> {
    return this.#alone(async (reader) => {
      const { archive } = this.#parts;
      const entries = await readManifest(reader);
      const listed = new Map(entries.map((entry) => [archive.path(entry.file), entry]));
      let gone = false;
      const unsure: ArchiveEntry[] = [];
      for (const path of paths) {
        const entry = listed.get(path);
        const quick = entry === undefined ? null : await this.#quickly(entry);
        if (entry === undefined) gone = true;
        else if (quick !== null) gone = (await this.#putAside(entry, quick)) || gone;
        else if (likely ? !(await this.#trusted(entry)) : await this.#changed(entry)) unsure.push(entry);
      }
      if (gone) return true;
      // Most damage shows where DuckDB begins to read; only then whole files are read.
      const footless = likely ? await this.#withoutFooter(reader, unsure) : [];
      for (const entry of footless.length > 0 ? footless : unsure) {
        const reason = await this.#damage(reader, entry);
        if (reason === null) continue;
        gone = (await this.#putAside(entry, reason)) || gone;
        if (footless.length === 0) break;
      }
      return gone;
    });
  }

  /** All files by their size, those that have changed, and one more, in turn, from end to end; returns those put aside. */
  inTurn(): Promise<readonly string[]> {
    return this.#alone(async (reader) => {
      const damaged: string[] = [];
      const put = async (entry: ArchiveEntry, reason: string | null): Promise<void> => {
        if (reason !== null && (await this.#putAside(entry, reason))) damaged.push(entry.file);
      };
      const entries = await readManifest(reader);
      const names = new Set(entries.map(({ file }) => file));
      for (const file of this.#whole.keys()) if (!names.has(file)) this.#whole.delete(file);
      const checkedAt = ({ file }: ArchiveEntry): number => this.#whole.get(file)?.atMs ?? -Infinity;
      const [next] = entries.toSorted((one, other) => checkedAt(one) - checkedAt(other));
      for (const entry of entries) {
        const quick = await this.#quickly(entry);
        const whole = quick === null && (entry === next || (await this.#changed(entry)));
        await put(entry, whole ? await this.#damage(reader, entry) : quick);
      }
      return damaged;
    });
  }

  /** All files by their size: what was exchanged for another file while nobody looked has another one. */
  bySize(): Promise<void> {
    return this.#alone(async (reader) => {
      for (const entry of await readManifest(reader)) {
        const reason = await this.#quickly(entry);
        if (reason !== null) await this.#putAside(entry, reason);
      }
    });
  }

  async #alone<T>(task: (reader: DuckDBConnection) => Promise<T>): Promise<T> {
    const run = this.#last.then(async () => {
      const reader = await this.#parts.openReader();
      try {
        return await task(reader);
      } finally {
        this.#parts.closeReader(reader);
      }
    });
    this.#last = run.catch(() => undefined);
    return run;
  }

  #putAside(entry: ArchiveEntry, reason: string): Promise<boolean> {
    this.#whole.delete(entry.file);
    return this.#parts.quarantine(entry, reason);
  }

  /** Why a file can't be used, without reading it; null when nothing speaks against it. */
  async #quickly(entry: ArchiveEntry): Promise<string | null> {
    try {
      return await this.#parts.archive.damageOf(entry);
    } catch (thrown) {
      return unreadable(thrown);
    }
  }

  /** It was found whole, and something has been done to it since. */
  async #changed({ file }: ArchiveEntry): Promise<boolean> {
    const known = this.#whole.get(file);
    return known !== undefined && known.looks !== (await this.#parts.archive.looks(file));
  }

  async #trusted(entry: ArchiveEntry): Promise<boolean> {
    const known = this.#whole.get(entry.file);
    if (known === undefined || this.#parts.clock.monotonicMs() - known.atMs >= TRUSTED_MS) return false;
    return !(await this.#changed(entry));
  }

  /** Reads a file from end to end; why it is damaged, or null. */
  async #damage(reader: DuckDBConnection, entry: ArchiveEntry): Promise<string | null> {
    const { archive, clock } = this.#parts;
    let looks: string;
    try {
      looks = await archive.looks(entry.file);
      if (entry.sha256 === null) await archive.readWhole(reader, entry.file);
      else if ((await sha256Of(archive.path(entry.file))) !== entry.sha256) return 'its bytes are not those written';
    } catch (thrown) {
      return unreadable(thrown);
    }
    this.#whole.set(entry.file, { atMs: clock.monotonicMs(), looks });
    return null;
  }

  /** Of the files those that DuckDB can't begin to read. */
  async #withoutFooter(reader: DuckDBConnection, entries: readonly ArchiveEntry[]): Promise<readonly ArchiveEntry[]> {
    const found: ArchiveEntry[] = [];
    for (const entry of entries) {
      const reason = await this.#parts.archive.footerFault(reader, entry.file);
      if (reason !== null) found.push(entry);
    }
    return found;
  }
}

/** Why a file that can't be read is of no use; null when that may pass by itself. */
function unreadable(thrown: unknown): string | null {
  const passing = ['EMFILE', 'ENFILE', 'ENOMEM', 'EINTR'].some((code) => hasErrno(thrown, code));
  return passing || /^(INTERRUPT|Out of Memory) Error/i.test(messageOf(thrown)) ? null : messageOf(thrown);
}
