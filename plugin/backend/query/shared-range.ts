import type { QueryContext } from '../../shared/index.js';

type Range = Pick<QueryContext, 'fromMs' | 'toMs'>;

/** Most that a range is widened by at each end. */
const MOST_WIDENED_MS = 5_000;
/** What ended so long ago gets only events that came late. */
const CLOSED_MS = 60_000;
/** How old an answer may be that is shown again. */
const KEEP_MS = { live: 3_000, closed: 30_000 } as const;

/**
 * The range widened to round times, by a thousandth of its length at most (less than a pixel): viewers of one dashboard,
 * each with a now of their own, ask the same question.
 */
export function sharedRange({ fromMs, toMs }: Range): Range {
  const grid = Math.max(1, Math.min(MOST_WIDENED_MS, Math.floor((toMs - fromMs) / 1000)));
  return { fromMs: Math.floor(fromMs / grid) * grid, toMs: Math.ceil(toMs / grid) * grid };
}

/** How long an answer may be given again to who asks exactly the same. */
export function keepMs({ toMs }: Range, nowMs: number): number {
  return toMs < nowMs - CLOSED_MS ? KEEP_MS.closed : KEEP_MS.live;
}
