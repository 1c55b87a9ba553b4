import { z } from 'zod';
import type { Gap } from './batch/layout.js';
import type { HeldTotals, TableTotals, TotalsDelta } from './totals.js';
import { missingRows, seqsBetween } from './totals.js';

const count = z.number().int().nonnegative();
const digits = z.string().regex(/^-?\d+$/);

/** Totals as lake.json keeps them: what is in the lake file itself may have been changed with the rows. */
export const totalsRecordSchema = z.record(
  z.string(),
  z.object({
    appended: count,
    expired: count,
    lost: count,
    seqSum: digits,
    seqXor: digits,
    minTimeMicros: z.number().int().nullable(),
  }),
);

/** `schema.name` → its totals. */
export type TotalsRecord = Readonly<z.infer<typeof totalsRecordSchema>>;

/** What was known of the totals before they were read. */
export interface KnownTotals {
  /** Null: nothing. */
  readonly record: TotalsRecord | null;
  /** True when nothing was written since: the totals have to be these. Else they are these or more. */
  readonly exact: boolean;
}

/** Something about a table that neither this node's own writes nor known damage explain. */
export interface Difference {
  readonly table: string;
  /** exchanged: other rows, as many; totals: the totals themselves were changed. */
  readonly cause: 'missing' | 'surplus' | 'exchanged' | 'totals';
  /** Of how many rows, as far as that is known. */
  readonly rows: number | null;
  readonly gap: Gap;
  /** For the log and those who ask for warnings. */
  readonly sentence: string;
}

/** What a comparison says, and what makes the totals agree with what is held. */
export interface Settlement {
  readonly differences: readonly Difference[];
  readonly deltas: readonly TotalsDelta[];
}

export function recordOf(totals: readonly TableTotals[]): TotalsRecord {
  return Object.fromEntries(
    totals.map(({ table, appended, expired, lost, seqs, minTimeMicros }) => [
      table,
      { appended, expired, lost, seqSum: String(seqs.sum), seqXor: String(seqs.xor), minTimeMicros },
    ]),
  );
}

/** Compares the totals with what is held, and with what is known of them. `copies` counts a table's repeated rows. */
export async function compare(
  held: readonly HeldTotals[],
  known: KnownTotals,
  nowMicros: number,
  copies: (table: string) => Promise<number>,
): Promise<Settlement> {
  const differences: Difference[] = [];
  const deltas: TotalsDelta[] = [];
  for (const totals of held) {
    const forged = isForged(totals, known);
    const believed = forged ? restored(totals, known) : totals;
    const missing = missingRows(believed);
    const moved = seqsBetween(totals.seqs, totals.heldSeqs);
    // Totals that were changed say nothing of which rows there were.
    const exchanged = !forged && missing === 0 && (moved.sum !== 0n || moved.xor !== 0n);
    const swapped = exchanged ? Math.max(1, await copies(totals.table)) : 0;
    const found = (cause: Difference['cause'], rows: number | null): void => {
      differences.push(differenceOf(believed, cause, rows, nowMicros));
    };
    if (forged) found('totals', null);
    if (missing > 0) found('missing', missing);
    if (missing < 0 && !forged) found('surplus', -missing);
    if (exchanged) found('exchanged', swapped);
    if (!forged && missing === 0 && !exchanged) continue;
    deltas.push({
      table: totals.table,
      appended: believed.appended - totals.appended + Math.max(0, -missing) + swapped,
      expired: believed.expired - totals.expired,
      lost: believed.lost - totals.lost + Math.max(0, missing) + swapped,
      seqs: moved,
      minTimeMicros: believed.minTimeMicros,
    });
  }
  return { differences, deltas };
}

function isForged(totals: HeldTotals, { record, exact }: KnownTotals): boolean {
  if (!totals.known) return true;
  const before = record?.[totals.table];
  if (before === undefined) return false;
  const { appended, expired, lost, seqs } = totals;
  if (appended < before.appended || expired < before.expired || lost < before.lost) return true;
  const same = appended === before.appended && expired === before.expired && lost === before.lost;
  return exact && !(same && String(seqs.sum) === before.seqSum && String(seqs.xor) === before.seqXor);
}

/** As they were known; of a table of which nothing is known, as what is held. */
function restored(totals: HeldTotals, { record, exact }: KnownTotals): HeldTotals {
  const before = record?.[totals.table];
  if (before === undefined) return { ...totals, appended: totals.held, expired: 0, lost: 0 };
  const { appended, expired, lost, minTimeMicros } = before;
  if (exact) return { ...totals, appended, expired, lost, minTimeMicros };
  return {
    ...totals,
    appended: Math.max(appended, totals.appended),
    expired: Math.max(expired, totals.expired),
    lost: Math.max(lost, totals.lost),
    minTimeMicros: earlier(minTimeMicros, totals.minTimeMicros),
  };
}

function earlier(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.min(one, other);
}

/** Which rows are meant nobody knows: they may be of any time since the first one. */
function differenceOf(
  totals: HeldTotals,
  cause: Difference['cause'],
  rows: number | null,
  nowMicros: number,
): Difference {
  const { table, minTimeMicros, appended, expired, lost, held } = totals;
  const what = {
    missing: `${rows} rows of ${table} are missing, and neither retention nor known damage took them`,
    surplus: `${table} has ${rows} rows that this node never appended`,
    exchanged: `Rows of ${table} were exchanged for others, about ${rows}: as many as were appended are held, but not the same`,
    totals: `The totals of ${table} were changed by another hand`,
  }[cause];
  return {
    table,
    cause,
    rows,
    gap: {
      connector: '*',
      stream: table,
      fromMicros: Math.min(minTimeMicros ?? nowMicros, nowMicros),
      toMicros: nowMicros,
      cause,
      estimated: rows,
    },
    sentence: `${what}: ${appended} appended, ${expired} expired, ${lost} lost before, ${held} held.`,
  };
}
