import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ArmorlakeError, hasErrno, messageOf } from '../../core/index.js';
import { replaceFile } from '../../lake/index.js';
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

/**
 * The members that are expected to answer, kept in `members.json` so that they stay expected over a restart: until
 * somebody forgets them. What it holds of their data is old: nothing there is a promise.
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
   * @throws ArmorlakeError BAD_CONFIG when the file can't be understood
   */
  constructor(dataFolder: string | null, time: Time) {
    this.#time = time;
    this.#path = dataFolder === null ? null : join(dataFolder, 'members.json');
    const { members, forgotten } = this.#read();
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

  /** On the disk before it returns, when somebody new is; what changes of others is within a few seconds. */
  remember(member: RememberedMember): void {
    const { name } = member.identity;
    this.#members.set(name, member);
    const text = JSON.stringify(toFile(member));
    const before = this.#stored.get(name);
    if (before === text) return;
    this.#stored.set(name, text);
    if (before === undefined || this.#time.monotonicMs() >= this.#mayWriteMs) this.#write();
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
    replaceFile(this.#path, `${JSON.stringify({ format: 1, members, forgotten: this.#forgotten }, null, 2)}\n`);
  }

  #read(): Pick<z.infer<typeof fileSchema>, 'members' | 'forgotten'> {
    if (this.#path === null) return { members: [], forgotten: [] };
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (thrown) {
      if (hasErrno(thrown, 'ENOENT')) return { members: [], forgotten: [] };
      throw thrown;
    }
    try {
      return fileSchema.parse(JSON.parse(text));
    } catch (thrown) {
      throw new ArmorlakeError('BAD_CONFIG', `${this.#path} can't be understood: ${messageOf(thrown)}`, {
        hint: 'Restore it from a backup, or remove it: nodes that are away are then no longer missed.',
        cause: thrown,
      });
    }
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
