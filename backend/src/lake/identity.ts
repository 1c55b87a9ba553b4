import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { ArmorlakeError, hasErrno, messageOf } from '../core/index.js';
import { clockRecordSchema } from './clock-guard.js';
import { totalsRecordSchema } from './settlement.js';

const identitySchema = z.object({
  format: z.literal(1),
  lakeId: z.string().min(1),
  schemaVersion: z.number().int().nonnegative(),
  /** No seq above it has been given away. */
  seqReserved: z.number().int().nonnegative(),
  /** The last seq at the time of writing; a lake file that ends below it has lost rows. */
  lastSeq: z.number().int().nonnegative(),
  /** False while an engine has the lake open. */
  clean: z.boolean(),
  /** When it was opened last, µs since 1970. */
  openedAtMicros: z.number().int(),
  /** When it was closed, µs since 1970; null while it is open and after an unclean end. */
  closedAtMicros: z.number().int().nullable().default(null),
  /** Why the lake file must not be opened any more; null when nothing is known against it. */
  damaged: z.string().nullable(),
  /** How far time had come; null: no run has written it yet. */
  clock: clockRecordSchema.nullable().default(null),
  /** The running totals as they were read last, at the close when `clean`; null: not known. */
  totals: totalsRecordSchema.nullable().default(null),
  /** The archive that files were written to; null: none was. */
  archiveId: z.string().nullable().default(null),
  /** When this was written, ms since 1970 by the system's own clock; null: by an older version. */
  writtenAtMs: z.number().nullable().default(null),
});

/** What a file's birth may be later than its content: a rename that a busy disk holds up. */
const COPIED_MS = 60_000;

const formatSchema = z.object({ format: z.number().int() });

/** What `lake.json` says of a lake; it outlives a lake file that has to be replaced. */
export type LakeIdentity = Readonly<z.infer<typeof identitySchema>>;

/** Of a lake that has no lake.json; `lakeId` is what its file remembers, null in a new one. */
export function newIdentity(lakeId: string | null): LakeIdentity {
  return {
    format: 1,
    lakeId: lakeId ?? randomUUID(),
    schemaVersion: 0,
    seqReserved: 0,
    lastSeq: 0,
    clean: true,
    openedAtMicros: 0,
    closedAtMicros: null,
    damaged: null,
    clock: null,
    totals: null,
    archiveId: null,
    writtenAtMs: null,
  };
}

/** `lake.json`: replaced whole, by rename, and on the disk before `write` returns. */
export class IdentityFile {
  readonly #path: string;

  constructor(dataFolder: string) {
    this.#path = join(dataFolder, 'lake.json');
  }

  /** What it says; null when there is none, or it is damaged. Throws BAD_CONFIG for a newer format. */
  read(): LakeIdentity | null {
    const read = this.#read();
    return typeof read === 'string' ? null : read;
  }

  /** Puts a damaged one aside, with the lake's lock held; returns what was done, null when there was no damage. */
  putAsideDamaged(): { readonly path: string; readonly reason: string } | null {
    const reason = this.#read();
    if (typeof reason !== 'string') return null;
    const path = unusedPath(`${this.#path}.damaged`);
    renameSync(this.#path, path);
    syncFolder(dirname(path));
    return { path, reason };
  }

  /** The identity, null, or why it can't be understood. */
  #read(): LakeIdentity | string | null {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (thrown) {
      if (hasErrno(thrown, 'ENOENT')) return null;
      throw new ArmorlakeError('BAD_CONFIG', `${this.#path} can't be read: ${messageOf(thrown)}`, {
        hint: 'Move it away: the lake keeps its identity, which the lake file remembers.',
        cause: thrown,
      });
    }
    try {
      const value: unknown = JSON.parse(text);
      const { format } = formatSchema.parse(value);
      if (format > 1) throw newerFormat(this.#path, format);
      return identitySchema.parse(value);
    } catch (thrown) {
      if (thrown instanceof ArmorlakeError) throw thrown;
      return messageOf(thrown);
    }
  }

  /** Puts aside what is another lake's, as a file that was copied to the wrong place; returns where. */
  putAsideForeign(): string {
    const path = unusedPath(`${this.#path}.foreign`);
    renameSync(this.#path, path);
    syncFolder(dirname(path));
    return path;
  }

  /**
   * Whether the file was put here some time after it was written, as from a backup: what happened to the lake in between
   * is not known. A file's birth says so where the file system has it, and no change of owner or mode does.
   */
  isCopy({ writtenAtMs }: LakeIdentity): boolean {
    const bornMs = statSync(this.#path, { throwIfNoEntry: false })?.birthtimeMs ?? 0;
    return writtenAtMs !== null && bornMs - writtenAtMs > COPIED_MS;
  }

  write(identity: LakeIdentity): void {
    const written: LakeIdentity = { ...identity, writtenAtMs: Date.now() };
    replaceFile(this.#path, JSON.stringify(written, null, 2) + '\n');
  }
}

/** `path`, or the first of its numbered variants that is free. */
export function unusedPath(path: string): string {
  let candidate = path;
  for (let number = 2; existsSync(candidate); number++) candidate = `${path}-${number}`;
  return candidate;
}

function newerFormat(path: string, format: number): ArmorlakeError {
  return new ArmorlakeError('BAD_CONFIG', `${path} has format ${format}, which this Armorlake doesn't know.`, {
    hint: 'Start the newer Armorlake that wrote it. Nothing was changed.',
  });
}

/** Writes a file so that after a crash either the old or the new content is there. */
export function replaceFile(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.new`;
  const file = openSync(temporary, 'w', 0o600);
  try {
    writeFileSync(file, content);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(temporary, path);
  syncFolder(dirname(path));
}

/** Makes renames in a folder durable, where the system can. */
export function syncFolder(path: string): void {
  if (process.platform === 'win32' || !existsSync(path)) return;
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
