import { HOUR } from './strand.js';

/** Events a second at the busiest hour of a day that is not thinned. */
const BUSIEST = 6;
/** What a quiet night has of it. */
const QUIET = 0.55;
/** The last hour of the history is nearly whole, for who looks at an hour; before, it gets thin within two. */
const AN_HOUR_AGO = 0.35;
const LONG_AGO = 0.03;
const FADING_HOURS = 2;

/** Events a second of one simulator at a time: by the hour of the day (UTC), and by how long ago it is. */
export function rateAt(seconds: number, nowSec: number): number {
  return BUSIEST * business(seconds) * kept(nowSec - seconds);
}

/** From the quiet of the night to 1 at 13:00. */
function business(seconds: number): number {
  const hour = (seconds / HOUR) % 24;
  return QUIET + (1 - QUIET) * (0.5 + 0.5 * Math.cos(((hour - 13) / 24) * 2 * Math.PI));
}

/** The share of a day's events that the history tells. */
function kept(ageSec: number): number {
  const hours = Math.max(0, ageSec / HOUR);
  if (hours <= 1) return AN_HOUR_AGO ** hours;
  return Math.max(LONG_AGO, AN_HOUR_AGO * (LONG_AGO / AN_HOUR_AGO) ** ((hours - 1) / FADING_HOURS));
}
