import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ArmorlakeError, hasErrno, messageOf } from '../../core/index.js';
import { replaceFile } from '../../lake/index.js';
import { NODE_NAME, emptyMetadata } from '../types.js';
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

const fileSchema = z.object({ format: z.literal(1), members: z.array(memberSchema) });

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

  /**
   * @param dataFolder where `members.json` is; null keeps nothing over a restart
   * @throws ArmorlakeError BAD_CONFIG when the file can't be understood
   */
  constructor(dataFolder: string | null) {
    this.#path = dataFolder === null ? null : join(dataFolder, 'members.json');
    for (const member of this.#read()) {
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

  /** On the disk before it returns, when it is something new. */
  remember(member: RememberedMember): void {
    const { name } = member.identity;
    this.#members.set(name, member);
    const text = JSON.stringify(toFile(member));
    if (this.#stored.get(name) === text) return;
    this.#stored.set(name, text);
    this.#write();
  }

  /** False when it wasn't known. */
  forget(name: string): boolean {
    if (!this.#members.delete(name)) return false;
    this.#stored.delete(name);
    this.#write();
    return true;
  }

  #write(): void {
    if (this.#path === null) return;
    const members = [...this.#members.values()].map(toFile);
    replaceFile(this.#path, `${JSON.stringify({ format: 1, members }, null, 2)}\n`);
  }

  #read(): RememberedMember[] {
    if (this.#path === null) return [];
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8');
    } catch (thrown) {
      if (hasErrno(thrown, 'ENOENT')) return [];
      throw thrown;
    }
    try {
      return fileSchema.parse(JSON.parse(text)).members.map(fromFile);
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
  const { identity, cluster, labels, tables, direct } = member;
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
