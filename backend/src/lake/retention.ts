import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteQualified, quoteString } from '../core/index.js';
import type { TrustedTime } from './clock-guard.js';
import { CLOCK_TOLERANCE_MS, standing } from './clock-guard.js';
import { INTERNAL_SCHEMA, LAKE_CATALOG } from './migrations.js';
import type { RetentionGroup, Table } from './schema.js';
import { tableName } from './schema.js';
import type { LakeSettings, RetentionSettings } from './settings.js';
import { eventTables, tables } from './tables.js';

const GIB = 1 << 30;

type ByGroup<Value> = Readonly<Record<RetentionGroup, Value>>;

const groups: readonly RetentionGroup[] = ['logs', 'alerts', 'ledger'];

/** What each group may keep of the byte cap whatever the others do: a flood of logs can't evict alerts. */
const groupShare: ByGroup<number> = { logs: 0.7, alerts: 0.25, ledger: 0.05 };

/** When the cap is exceeded, so much of it is kept: room for a while. */
const KEEP_OF_CAP = 0.95;

export const expiredTable = quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA, 'expired');

/** The oldest rows of a table that are to go: those with a seq up to `lastSeq`. */
export interface Expiry {
  readonly table: Table;
  readonly lastSeq: number;
}

/** In bytes, all hot rows together. */
export function byteCap(settings: RetentionSettings, diskBytes: number): number {
  return settings.totalBytes ?? Math.min(2 * GIB, Math.floor(diskBytes / 10));
}

/** Rows of the group that arrived before this are old; milliseconds since 1970. */
function ageLimitMs(settings: RetentionSettings, group: RetentionGroup, nowMs: number): number {
  return nowMs - { logs: settings.logsMs, alerts: settings.alertsMs, ledger: settings.ledgerMs }[group];
}

/** Beyond it nothing is kept for its age. */
export function longestAgeMs({ retention, archive }: Pick<LakeSettings, 'retention' | 'archive'>): number {
  return Math.max(retention.logsMs, retention.alertsMs, retention.ledgerMs, archive?.ageMs ?? 0);
}

function timestamp(ms: number): string {
  return `make_timestamp(${Math.floor(ms * 1000)}::BIGINT)`;
}

function qualified(table: Table): string {
  return quoteQualified(LAKE_CATALOG, table.schema, table.name);
}

async function numbers(connection: DuckDBConnection, sql: string): Promise<readonly (number | null)[]> {
  const row = (await connection.runAndReadAll(sql)).getRowsJS()[0] ?? [];
  return row.map((value) => (value === null ? null : Number(value)));
}

/**
 * Event rows beyond their age, by arrival: the longest prefix of seq in which every row arrived before the limit. A row
 * with a late `received_at` in between keeps what follows it, never the other way round; one that a clock ahead of its time
 * stamped says nothing and goes with those after it.
 */
export async function expiredByAge(
  connection: DuckDBConnection,
  settings: RetentionSettings,
  { nowMs, corrections }: TrustedTime,
): Promise<readonly Expiry[]> {
  const expiries: Expiry[] = [];
  for (const table of eventTables) {
    if (table.retention === undefined) continue;
    const limitMs = ageLimitMs(settings, table.retention, nowMs);
    const lastOld = Math.min(
      ...standing(corrections, limitMs).map(({ afterSeq }) => afterSeq),
      Number.MAX_SAFE_INTEGER,
    );
    const old = `received_at < ${timestamp(limitMs)}`;
    // Row groups that arrived later are skipped by their statistics.
    const [newest] = await numbers(
      connection,
      `SELECT max(seq)::DOUBLE FROM ${qualified(table)} WHERE ${old} AND seq <= ${lastOld}`,
    );
    if (newest == null) continue;
    const ahead = `received_at > ${timestamp(nowMs + CLOCK_TOLERANCE_MS)}`;
    const [kept] = await numbers(
      connection,
      `SELECT min(seq)::DOUBLE FROM ${qualified(table)} WHERE seq <= ${newest} AND NOT (${old} OR ${ahead})`,
    );
    const lastSeq = kept == null ? newest : kept - 1;
    expiries.push({ table, lastSeq });
  }
  return expiries;
}

/** Bytes of blocks in use by a table. */
async function tableBytes(connection: DuckDBConnection, table: Table): Promise<number> {
  const [bytes] = await numbers(
    connection,
    `SELECT count(DISTINCT block)::DOUBLE * (SELECT block_size FROM pragma_database_size() WHERE database_name = '${LAKE_CATALOG}') ` +
      'FROM (SELECT unnest([block_id] || additional_block_ids) AS block ' +
      `FROM pragma_storage_info(${quoteString(`${LAKE_CATALOG}.${tableName(table)}`)}) WHERE persistent AND block_id >= 0)`,
  );
  return bytes ?? 0;
}

/** Bytes of blocks in use by each group. */
async function groupBytes(connection: DuckDBConnection): Promise<ByGroup<number>> {
  const sizes = { logs: 0, alerts: 0, ledger: 0 };
  for (const table of tables) {
    if (table.retention !== undefined) sizes[table.retention] += await tableBytes(connection, table);
  }
  return sizes;
}

export async function usedBytes(connection: DuckDBConnection): Promise<number> {
  const [bytes] = await numbers(
    connection,
    `SELECT (used_blocks * block_size)::DOUBLE FROM pragma_database_size() WHERE database_name = '${LAKE_CATALOG}'`,
  );
  return bytes ?? 0;
}

/** What each group may keep of the cap: the bytes it is given, and of what is left its share. */
function partsOfCap(cap: number, given: ByGroup<number | null>): ByGroup<number> {
  const sum = (value: (group: RetentionGroup) => number): number =>
    groups.reduce((before, group) => before + value(group), 0);
  const taken = sum((group) => given[group] ?? 0);
  const shares = sum((group) => (given[group] === null ? groupShare[group] : 0));
  const part = (group: RetentionGroup): number => {
    const bytes = given[group];
    // More than all of the cap can't be given.
    if (bytes !== null) return bytes * Math.min(1, cap / taken);
    return (Math.max(0, cap - taken) * groupShare[group]) / shares;
  };
  return { logs: part('logs'), alerts: part('alerts'), ledger: part('ledger') };
}

/**
 * Of each group the share of its rows, the oldest, that has to go: of a group above the bytes it is given, and while all
 * together are above the cap, of those above their part of it.
 */
export async function shareOverCap(
  connection: DuckDBConnection,
  given: ByGroup<number | null>,
  cap: number,
): Promise<Readonly<Partial<Record<RetentionGroup, number>>>> {
  const used = await usedBytes(connection);
  if (used <= cap && groups.every((group) => given[group] === null)) return {};
  const sizes = await groupBytes(connection);
  const freed = { logs: 0, alerts: 0, ledger: 0 };
  for (const group of groups) {
    const most = given[group] ?? Infinity;
    if (sizes[group] > most) freed[group] = sizes[group] - most * KEEP_OF_CAP;
  }
  const parts = partsOfCap(cap, given);
  const over = (group: RetentionGroup): number => sizes[group] - freed[group] - parts[group];
  const still = used - freed.logs - freed.alerts - freed.ledger;
  let excess = still > cap ? still - cap * KEEP_OF_CAP : 0;
  for (const group of groups.toSorted((one, other) => over(other) - over(one))) {
    const more = Math.max(0, Math.min(excess, over(group)));
    freed[group] += more;
    excess -= more;
  }
  return Object.fromEntries(
    groups.flatMap((group) => (freed[group] > 0 ? [[group, freed[group] / sizes[group]] as const] : [])),
  );
}

/** The oldest rows of a group's event tables that make up a share of its seq range. */
export async function expiredByShare(
  connection: DuckDBConnection,
  group: RetentionGroup,
  share: number,
): Promise<readonly Expiry[]> {
  const members = eventTables.filter((table) => table.retention === group);
  const union = members.map((table) => `SELECT min(seq) AS low, max(seq) AS high FROM ${qualified(table)}`);
  const [low, high] = await numbers(
    connection,
    `SELECT min(low)::DOUBLE, max(high)::DOUBLE FROM (${union.join(' UNION ALL ')})`,
  );
  if (low == null || high == null) return [];
  const lastSeq = low + Math.ceil((high - low + 1) * share) - 1;
  return members.map((table) => ({ table, lastSeq }));
}

/** SQL conditions of history rows beyond their age, by table; the archive's manifest goes with its files instead. */
export function expiredHistory(
  settings: RetentionSettings,
  { nowMs, corrections }: TrustedTime,
): readonly { readonly table: Table; readonly condition: string }[] {
  const limitMs = ageLimitMs(settings, 'ledger', nowMs);
  const kept = standing(corrections, limitMs);
  return historyTimes().map(({ table, time }) => {
    const stamped = kept.map(
      (each) => `${time} BETWEEN ${timestamp(each.stampedFromMs)} AND ${timestamp(each.stampedToMs)}`,
    );
    return {
      table,
      condition: [`${time} < ${timestamp(limitMs)}`, ...stamped.map((each) => `NOT (${each})`)].join(' AND '),
    };
  });
}

/**
 * Which of these tables give up rows, and what share of them, so that the ledger group gets smaller by `share`: those
 * above an even part of what is kept, for none is to be pushed out by another that somebody floods.
 */
export async function historyOverShare<Member extends { readonly table: Table }>(
  connection: DuckDBConnection,
  members: readonly Member[],
  share: number,
): Promise<readonly (Member & { readonly share: number })[]> {
  const { ledger } = await groupBytes(connection);
  const sized: (Member & { readonly bytes: number })[] = [];
  for (const member of members) sized.push({ ...member, bytes: await tableBytes(connection, member.table) });
  let kept = Math.max(0, sized.reduce((sum, { bytes }) => sum + bytes, 0) - ledger * share);
  return sized
    .toSorted((one, other) => one.bytes - other.bytes)
    .flatMap((member, index) => {
      const keeps = Math.min(member.bytes, kept / (sized.length - index));
      kept -= keeps;
      return keeps < member.bytes ? [{ ...member, share: 1 - keeps / member.bytes }] : [];
    });
}

/** History tables that age, with the column they age by. */
export function historyTimes(): readonly { readonly table: Table; readonly time: string }[] {
  const byName: Readonly<Record<string, string>> = {
    ledger: 'minute',
    gaps: 'to_time',
    dead_letters: 'time',
    queries: 'time',
    node_metrics: 'time',
  };
  return tables.flatMap((table) => {
    const time = table.kind === 'history' ? byName[table.name] : undefined;
    return time === undefined ? [] : [{ table, time }];
  });
}
