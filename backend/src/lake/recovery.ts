import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteQualified } from '../core/index.js';
import type { Gap } from './batch/layout.js';
import type { CommitMark } from './commit-mark.js';
import type { LakeIdentity } from './identity.js';
import { INTERNAL_SCHEMA, LAKE_CATALOG } from './migrations.js';
import type { Quarantine } from './opening.js';
import { RESERVE } from './sequence.js';
import { eventTables } from './tables.js';

/** Where the lake file itself says it ends. */
export interface LakeEnd {
  readonly lastSeq: number;
  readonly lastBatch: number;
  /** Since when (µs since 1970) events may have been in memory only at the last commit; null before the first one. */
  readonly heldSinceMicros: number | null;
}

export const batchesTable = quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA, 'batches');

/** How long memory may hold an event of a quiet stream: more than any profile's time between commits. */
const HELD_MICROS = 5_000_000;
/** A stream without an event for so long is quiet. */
const QUIET_MICROS = 60_000_000;

export async function readEnd(connection: DuckDBConnection): Promise<LakeEnd> {
  const read = await connection.runAndReadAll(
    `SELECT coalesce(max(last_seq), 0)::DOUBLE, coalesce(max(batch), 0)::DOUBLE, epoch_us(max(committed_at))::DOUBLE FROM ${batchesTable}`,
  );
  const [seq, batch, committed] = read.getRowsJS()[0] ?? [];
  return {
    // Rows say it as well, should the batches be gone.
    lastSeq: Number(batch) === 0 ? await lastRow(connection) : Number(seq ?? 0),
    lastBatch: Number(batch ?? 0),
    heldSinceMicros: committed == null ? null : await heldSince(connection, Number(committed)),
  };
}

async function lastRow(connection: DuckDBConnection): Promise<number> {
  const last = eventTables.map(
    ({ schema, name }) => `SELECT max(seq) AS seq FROM ${quoteQualified(LAKE_CATALOG, schema, name)}`,
  );
  const read = await connection.runAndReadAll(
    `SELECT coalesce(max(seq), 0)::DOUBLE FROM (${last.join(' UNION ALL ')})`,
  );
  return Number(read.getRowsJS()[0]?.[0] ?? 0);
}

/** Each stream is stored in its order, but not all at one pace: the slowest says how far memory reached back. */
async function heldSince(connection: DuckDBConnection, committedMicros: number): Promise<number> {
  const latest = eventTables.map(
    ({ schema, name }) =>
      `SELECT max(received_at) AS latest FROM ${quoteQualified(LAKE_CATALOG, schema, name)} ` +
      `WHERE received_at >= make_timestamp(${committedMicros - QUIET_MICROS}::BIGINT) GROUP BY connector`,
  );
  const read = await connection.runAndReadAll(
    `SELECT epoch_us(min(latest))::DOUBLE FROM (${latest.join(' UNION ALL ')})`,
  );
  const slowest = read.getRowsJS()[0]?.[0];
  return Math.min(committedMicros - HELD_MICROS, slowest == null ? Infinity : Number(slowest));
}

/** Where the lake goes on, and what its account has to say about what is missing. */
export interface Recovery {
  readonly lastSeq: number;
  readonly lastBatch: number;
  /** Rows acknowledged and not there. */
  readonly lostRows: number;
  readonly gaps: readonly Gap[];
}

export interface RecoveryFacts {
  readonly identity: LakeIdentity;
  /** True when lake.json was missing or damaged: what was given away above all else is not known. */
  readonly identityLost: boolean;
  /** True when the folder was put here some time after it was written: another copy may have gone on. */
  readonly restored: boolean;
  readonly mark: CommitMark | null;
  readonly end: LakeEnd;
  readonly quarantined: readonly Quarantine[];
  /** True when there was a lake file. */
  readonly existed: boolean;
  /** True when the API process outlived the engine: its queue still holds what was not committed. */
  readonly resumed: boolean;
  /** Last seq known of the archive files. */
  readonly archivedSeq: number;
  readonly nowMicros: number;
}

/** No node takes in so many for long: a hundred thousand a second. */
const MOST_EVENTS_A_MS = 100;
/** Every connector and stream. */
export const ALL = '*';

/**
 * A lake that ends before what was already acknowledged has lost rows (a damaged WAL, a lost or restored file): seq goes on
 * above all that may have been given away, and a gap row says so. After an unclean stop of the whole node another one
 * stands for what its memory held.
 */
export function recover(facts: RecoveryFacts): Recovery {
  const { identity, mark, end, quarantined, nowMicros } = facts;
  const acknowledged = Math.max(mark?.lastSeq ?? 0, identity.lastSeq, facts.archivedSeq);
  const holds = acknowledged > 0 || end.lastBatch > 0 || identity.seqReserved > 0;
  const identityLost = facts.identityLost && holds;
  const restored = facts.restored && holds;
  // After an unclean stop only the mark tells whether the file ends where it should.
  const unmarked = mark === null && !identity.clean && holds;
  const lost =
    quarantined.some(({ what }) => what !== 'copied') ||
    acknowledged > end.lastSeq ||
    identityLost ||
    restored ||
    unmarked;
  const known = Math.max(acknowledged, end.lastSeq, identity.seqReserved);
  const reserved = identityLost || restored ? known + givenSince(facts) : identity.seqReserved;
  const fromMicros = end.heldSinceMicros ?? (identity.openedAtMicros > 0 ? identity.openedAtMicros : nowMicros);
  const gap = (cause: string, estimated: number | null): Gap => ({
    connector: ALL,
    stream: ALL,
    fromMicros: Math.min(fromMicros, nowMicros),
    toMicros: nowMicros,
    cause,
    estimated,
  });
  const gaps: Gap[] = [];
  if (lost) {
    const missing = acknowledged > end.lastSeq ? acknowledged - end.lastSeq : null;
    gaps.push(gap(lossCause(facts), missing));
  }
  if (!identity.clean && !facts.resumed) gaps.push(gap('crash', null));
  return {
    lastSeq: lost ? Math.max(acknowledged, end.lastSeq, reserved) : end.lastSeq,
    lastBatch: Math.max(end.lastBatch, mark?.lastBatch ?? 0),
    lostRows: Math.max(0, acknowledged - end.lastSeq),
    gaps,
  };
}

/** More numbers than a lake can have given away since the last that is known of it. */
function givenSince({ identity, end, nowMicros }: RecoveryFacts): number {
  const knownMs = identity.writtenAtMs ?? (end.heldSinceMicros ?? nowMicros) / 1000;
  return Math.max(RESERVE, Math.ceil(nowMicros / 1000 - knownMs) * MOST_EVENTS_A_MS);
}

function lossCause(facts: RecoveryFacts): string {
  if (facts.quarantined.some((each) => each.what === 'file') || !facts.existed) return 'file';
  if (facts.quarantined.some((each) => each.what === 'wal')) return 'wal';
  if (facts.restored) return 'restore';
  if (!facts.identity.clean) return 'wal';
  if (facts.identityLost) return 'identity';
  return 'restore';
}
