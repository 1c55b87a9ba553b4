import { copyFileSync, existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ArmorlakeError, hasErrno, messageOf } from '../../core/index.js';
import { replaceFile, unusedPath } from '../../lake/index.js';
import type { Stop, Time } from '../time.js';
import { NODE_NAME, emptyMetadata } from '../types.js';
import { checkNames } from '../wire/names.js';
import type { NamedTable } from '../wire/names.js';
import type { NodeIdentity, NodeMetadata } from '../types.js';

const identitySchema = z.object({
  name: z.string().regex(NODE_NAME),
  lakeId: z.string().min(1),
  role: z.enum(['edge', 'query']),
  armorlakeVersion: z.string(),
  engineVersion: z.string(),
  schemaVersion: z.number().int().nonnegative(),
});

const memberSchema = z.object({
  identity: identitySchema,
  cluster: z.string(),
  labels: z.record(z.string(), z.string()),
  tables: z.array(z.object({ name: z.string(), columns: z.array(z.object({ name: z.string(), type: z.string() })) })),
  /** False: only other hubs have it. */
  direct: z.boolean(),
});

const forgottenSchema = z.object({ name: z.string(), instance: z.string() });

const fileSchema = z.object({
  format: z.literal(1),
  members: z.array(memberSchema),
  forgotten: z.array(forgottenSchema).default([]),
});

/** Processes of forgotten nodes that are remembered: the last ones. */
const MOST_FORGOTTEN = 1_000;
/** Changes are written so often at most: a member that says something new each time must not wear the disk. */
const CHANGES_MS = 10_000;

/** A member as it is remembered: who it is and what doesn't change with each event. */
export interface RememberedMember {
  readonly identity: NodeIdentity;
  readonly metadata: NodeMetadata;
  readonly direct: boolean;
}

/** What a file of members says; null: there is none; a sentence: why it can't be understood. */
type Kept = z.infer<typeof fileSchema> | string | null;

/**
 * The members that are expected to answer, kept in `members.json` so that they stay expected over a restart: until
 * somebody forgets them. What it holds of their data is old: nothing there is a promise. It is kept twice: nobody would
 * miss the nodes that are away when the file is lost.
 */
export class MemberBook {
  readonly #path: string | null;
  readonly #members = new Map<string, RememberedMember>();
  readonly #stored = new Map<string, string>();
  /** Processes that ran while their node was forgotten: they are not to come back by themselves. */
  #forgotten: readonly z.infer<typeof forgottenSchema>[] = [];

  readonly #time: Time;
  #later: Stop | null = null;
  #mayWriteMs = 0;

  /**
   * @param dataFolder where `members.json` is; null keeps nothing over a restart
   * @param warn told when the file was lost or damaged, and its copy taken
   * @throws ArmorlakeError BAD_CONFIG when neither the file nor its copy can be understood
   */
  constructor(dataFolder: string | null, time: Time, warn: (sentence: string) => void) {
    this.#time = time;
    this.#path = dataFolder === null ? null : join(dataFolder, 'members.json');
    const { members, forgotten } = this.#read(warn);
    this.#forgotten = forgotten;
    for (const member of members.map(fromFile)) {
      this.#members.set(member.identity.name, member);
      this.#stored.set(member.identity.name, JSON.stringify(toFile(member)));
    }
  }

  get(name: string): RememberedMember | undefined {
    return this.#members.get(name);
  }

  all(): readonly RememberedMember[] {
    return [...this.#members.values()];
  }

  /** On the disk before it returns, when somebody new has joined here; what else changes is within a few seconds. */
  remember(member: RememberedMember): void {
    const { name } = member.identity;
    this.#members.set(name, member);
    const text = JSON.stringify(toFile(member));
    const before = this.#stored.get(name);
    if (before === text) return;
    this.#stored.set(name, text);
    if ((before === undefined && member.direct) || this.#time.monotonicMs() >= this.#mayWriteMs) this.#write();
    else this.#later ??= this.#time.after(this.#mayWriteMs - this.#time.monotonicMs(), () => this.#write());
  }

  /**
   * @param instance the node's process, when it is attached; null: it is away
   * @returns false when it wasn't known
   */
  forget(name: string, instance: string | null): boolean {
    if (!this.#members.delete(name)) return false;
    this.#stored.delete(name);
    if (instance !== null) this.#forgotten = [...this.#forgotten, { name, instance }].slice(-MOST_FORGOTTEN);
    this.#write();
    return true;
  }

  /** Whether this process ran when its node was forgotten. */
  isForgotten(name: string, instance: string): boolean {
    return this.#forgotten.some((each) => each.name === name && each.instance === instance);
  }

  /** Writes what waits. */
  close(): void {
    if (this.#later !== null) this.#write();
  }

  #write(): void {
    this.#later?.();
    this.#later = null;
    this.#mayWriteMs = this.#time.monotonicMs() + CHANGES_MS;
    if (this.#path === null) return;
    const members = [...this.#members.values()].map(toFile);
    const text = `${JSON.stringify({ format: 1, members, forgotten: this.#forgotten }, null, 2)}\n`;
    for (const path of [this.#path, copyOf(this.#path)]) replaceFile(path, text);
  }

  #read(warn: (sentence: string) => void): Pick<z.infer<typeof fileSchema>, 'members' | 'forgotten'> {
    const path = this.#path;
    if (path === null) return { members: [], forgotten: [] };
    const own = readKept(path);
    if (own !== null && typeof own !== 'string') {
      // An older version had none.
      if (!existsSync(copyOf(path))) copyFileSync(path, copyOf(path));
      return own;
    }
    const copy = readKept(copyOf(path));
    if (own === null && copy === null) return { members: [], forgotten: [] };
    if (copy === null || typeof copy === 'string') {
      throw new ArmorlakeError(
        'BAD_CONFIG',
        `${path} can't be understood: ${own ?? 'it is gone, and its copy is damaged'}`,
        {
          hint: `Restore it from a backup, or remove it and ${copyOf(path)}: nodes that are away are then no longer missed.`,
        },
      );
    }
    let what = 'is gone';
    if (own !== null) {
      const aside = unusedPath(`${path}.damaged`);
      renameSync(path, aside);
      what = `was put aside as ${aside}, as it can't be understood: ${own}`;
    }
    warn(`${path} ${what}. Its copy was taken, with ${copy.members.length} members.`);
    replaceFile(path, `${JSON.stringify(copy, null, 2)}\n`);
    return copy;
  }
}

function copyOf(path: string): string {
  return `${path}.copy`;
}

function readKept(path: string): Kept {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (thrown) {
    return hasErrno(thrown, 'ENOENT') ? null : messageOf(thrown);
  }
}

function toFile({ identity, metadata, direct }: RememberedMember): z.infer<typeof memberSchema> {
  return {
    identity,
    cluster: metadata.cluster,
    labels: { ...metadata.labels },
    tables: metadata.tables.map(({ name, columns }) => ({ name, columns: columns.map((column) => ({ ...column })) })),
    direct,
  };
}

function fromFile(member: z.infer<typeof memberSchema>): RememberedMember {
  const { identity, cluster, labels, direct } = member;
  const tables = usable(member.tables);
  return {
    identity,
    metadata: {
      ...emptyMetadata,
      cluster,
      labels,
      tables: tables.map((table) => ({ ...table, rows: 0, bytes: 0, minTimeMicros: null, retentionMs: null })),
    },
    direct,
  };
}

/** An earlier version kept whatever a member said: names that no node has are left behind, the member is not. */
function usable<Named extends NamedTable>(tables: readonly Named[]): readonly Named[] {
  try {
    checkNames(tables);
    return tables;
  } catch {
    return [];
  }
}
