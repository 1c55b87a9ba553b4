import { readFileSync } from 'node:fs';
import { uptime as systemUptimeSeconds } from 'node:os';
import { z } from 'zod';

/** Time since a start of the machine, sleep included, where the system tells it. */
export interface Uptime {
  /** Names the start; two readings of one start can be subtracted. */
  readonly boot: string;
  readonly ms: number;
}

export type ReadUptime = () => Uptime;

/** Uptime of the machine on Linux; elsewhere of this process, as nothing names the machine's start there. */
export function systemUptime(): Uptime {
  try {
    return { boot: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), ms: systemUptimeSeconds() * 1000 };
  } catch {
    return { boot: `process ${process.pid} of ${performance.timeOrigin}`, ms: performance.now() };
  }
}

/** A wall clock is this far off at most and still taken as right. */
export const CLOCK_TOLERANCE_MS = 600_000;
/** A wall clock that ran evenly for so long is believed, whatever it says. */
const BELIEVED_MS = 24 * 3_600_000;
/** Of the time between two readings so much counts as evenly run: a machine that slept set no clock right. */
const SEEN_MS = 3_600_000;
/** Ledger minutes are rounded down. */
const MINUTE_MS = 60_000;
/** More corrections than that are kept as fewer that protect more. */
const CORRECTIONS_KEPT = 32;

const correctionSchema = z.object({
  afterSeq: z.number(),
  notBeforeMs: z.number(),
  stampedFromMs: z.number(),
  stampedToMs: z.number(),
});

/**
 * A wrong clock was set right: rows with a higher seq arrived not before this, whatever they were stamped with. What has no
 * seq is known by its stamp, which lies in the time that the wrong clock showed.
 */
export type ClockCorrection = Readonly<z.infer<typeof correctionSchema>>;

export const clockRecordSchema = z.object({
  /** The last time that was believed, and the lake's last seq and the machine's uptime then. */
  wallMs: z.number(),
  seq: z.number(),
  boot: z.string(),
  uptimeMs: z.number(),
  /** How far time had come for certain when this was written; the next boot counts on from it. */
  reachedMs: z.number(),
  corrections: z.array(correctionSchema),
});

/** What `lake.json` keeps of it. */
export type ClockRecord = Readonly<z.infer<typeof clockRecordSchema>>;

/** Time as deletions may count it. */
export interface TrustedTime {
  /** Never later than a believed time and the uptime since. */
  readonly nowMs: number;
  /** By how much the wall clock is ahead of that; it is not believed yet. */
  readonly aheadMs: number;
  readonly corrections: readonly ClockCorrection[];
}

/**
 * Tells how far time has come for certain: a believed time and the machine's uptime since then, or the wall clock, whichever
 * is less. A wall clock that says something else is believed when a hub's clock says the same, or when it ran evenly for 24
 * hours. So a wrong clock, for however long before that, ages nothing by more than the uptime.
 */
export class ClockGuard {
  #wallMs: number;
  #seq: number;
  #boot: string;
  #uptimeMs: number;
  #reachedMs: number;
  #corrections: readonly ClockCorrection[];
  #hub: { readonly ms: number; readonly uptimeMs: number } | null = null;
  #even: { readonly offsetMs: number; seenMs: number } | null = null;
  #read: { readonly wallMs: number; readonly uptimeMs: number } | null = null;
  /** What a clock behind the believed time showed. */
  #low: { fromMs: number; toMs: number } | null = null;
  #agreed = false;

  /** `known` from `lake.json`, or what the lake's last run says of the time. */
  constructor(known: ClockRecord, uptime: Uptime) {
    const same = known.boot === uptime.boot && known.uptimeMs <= uptime.ms;
    this.#seq = known.seq;
    this.#boot = uptime.boot;
    // Whatever ended before this boot is at least as old as the boot.
    this.#wallMs = same ? known.wallMs : known.reachedMs;
    this.#uptimeMs = same ? known.uptimeMs : 0;
    this.#reachedMs = this.#wallMs;
    this.#corrections = known.corrections;
  }

  /** A hub's clock says so now. */
  hubSays(ms: number, { ms: uptimeMs }: Uptime): void {
    this.#hub = { ms, uptimeMs };
  }

  /** `seq` is the last one of the lake; corrections that `longestAgeMs` has overtaken are let go. */
  read(wallMs: number, { ms: uptimeMs }: Uptime, seq: number, longestAgeMs: number): TrustedTime {
    this.#notice(wallMs, uptimeMs);
    if (this.#believed(wallMs, uptimeMs)) this.#believe(wallMs, uptimeMs, seq);
    const reach = this.#wallMs + uptimeMs - this.#uptimeMs;
    const behindMs = reach - wallMs;
    const near = Math.abs(behindMs) <= CLOCK_TOLERANCE_MS;
    // A step back is followed, so that steps forward don't add up; a clock that began behind may not have been set yet.
    if (behindMs > 0 && (near || this.#agreed)) [this.#wallMs, this.#uptimeMs] = [wallMs, uptimeMs];
    this.#agreed = near || (behindMs > 0 && this.#agreed);
    const nowMs = Math.min(wallMs, reach);
    this.#reachedMs = reach;
    this.#corrections = this.#corrections.filter(({ notBeforeMs }) => notBeforeMs >= nowMs - longestAgeMs);
    return { nowMs, aheadMs: Math.max(0, -behindMs), corrections: this.#corrections };
  }

  /** To be kept over a restart. */
  get record(): ClockRecord {
    return {
      wallMs: this.#wallMs,
      seq: this.#seq,
      boot: this.#boot,
      uptimeMs: this.#uptimeMs,
      reachedMs: this.#reachedMs,
      corrections: [...this.#corrections],
    };
  }

  #notice(wallMs: number, uptimeMs: number): void {
    const before = this.#read;
    const passedMs = before === null ? 0 : uptimeMs - before.uptimeMs;
    this.#read = { wallMs, uptimeMs };
    const offsetMs = wallMs - uptimeMs;
    if (this.#even === null || Math.abs(offsetMs - this.#even.offsetMs) > CLOCK_TOLERANCE_MS) {
      this.#even = { offsetMs, seenMs: 0 };
    } else {
      this.#even.seenMs += Math.min(passedMs, SEEN_MS);
    }
    for (const low of before === null ? [wallMs] : [before.wallMs, before.wallMs + passedMs, wallMs]) {
      if (low >= this.#wallMs - CLOCK_TOLERANCE_MS) continue;
      this.#low ??= { fromMs: low, toMs: low };
      this.#low = { fromMs: Math.min(low, this.#low.fromMs), toMs: Math.max(low, this.#low.toMs) };
    }
  }

  #believed(wallMs: number, uptimeMs: number): boolean {
    const hub = this.#hub;
    if (hub !== null && Math.abs(hub.ms + uptimeMs - hub.uptimeMs - wallMs) <= CLOCK_TOLERANCE_MS) return true;
    return (this.#even?.seenMs ?? 0) >= BELIEVED_MS;
  }

  #believe(wallMs: number, uptimeMs: number, seq: number): void {
    const passedMs = uptimeMs - this.#uptimeMs;
    const reach = this.#wallMs + passedMs;
    if (wallMs - reach > CLOCK_TOLERANCE_MS) this.#correct(wallMs - passedMs, this.#wallMs, reach);
    if (this.#low !== null) this.#correct(wallMs - passedMs, this.#low.fromMs, this.#low.toMs);
    this.#low = null;
    this.#wallMs = wallMs;
    this.#uptimeMs = uptimeMs;
    this.#seq = seq;
  }

  #correct(notBeforeMs: number, fromMs: number, toMs: number): void {
    const correction = { afterSeq: this.#seq, notBeforeMs, stampedFromMs: fromMs - MINUTE_MS, stampedToMs: toMs };
    const [first, second, ...others] = [...this.#corrections, correction];
    if (first === undefined || second === undefined || others.length < CORRECTIONS_KEPT - 1) {
      this.#corrections = [...this.#corrections, correction];
      return;
    }
    const both = {
      afterSeq: Math.min(first.afterSeq, second.afterSeq),
      notBeforeMs: Math.max(first.notBeforeMs, second.notBeforeMs),
      stampedFromMs: Math.min(first.stampedFromMs, second.stampedFromMs),
      stampedToMs: Math.max(first.stampedToMs, second.stampedToMs),
    };
    this.#corrections = [both, ...others];
  }
}

/** Corrections that still speak against deleting what is older than this. */
export function standing(corrections: readonly ClockCorrection[], limitMs: number): readonly ClockCorrection[] {
  return corrections.filter(({ notBeforeMs }) => notBeforeMs >= limitMs);
}
