/** µs since 1970, UTC: a number while it is exact as one (up to the year 2255), else a bigint. */
export type Micros = number | bigint;

const DAY_SECONDS = 86_400;

/**
 * KubeArmor's UpdatedTime: `2006-01-02T15:04:05`, then up to 9 digits of a fraction (cut at µs), then nothing, `Z` or
 * an offset as `+05:30`. Null when it isn't one.
 */
export function parseUpdatedTime(text: string): Micros | null {
  const length = text.length;
  if (length < 19) return null;
  const separator = text.charCodeAt(10);
  if (
    text.charCodeAt(4) !== DASH ||
    text.charCodeAt(7) !== DASH ||
    (separator !== 0x54 && separator !== 0x20) ||
    text.charCodeAt(13) !== COLON ||
    text.charCodeAt(16) !== COLON
  ) {
    return null;
  }
  const year = twoDigits(text, 0) * 100 + twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  // NaN fails each of these comparisons.
  if (!(year >= 0 && month >= 1 && month <= 12 && day >= 1 && day <= daysOfMonth(year, month))) return null;
  if (!(hour < 24 && minute < 60 && second < 60)) return null;
  let at = 19;
  let micros = 0;
  if (text.charCodeAt(at) === DOT) {
    let scale = 100_000;
    const first = ++at;
    for (; at < length; at++) {
      const digit = text.charCodeAt(at) - ZERO;
      if (digit < 0 || digit > 9) break;
      micros += digit * scale;
      // Integer division: digits beyond the sixth count nothing.
      scale = (scale / 10) | 0;
    }
    if (at === first || at - first > 9) return null;
  }
  const offset = offsetSeconds(text, at);
  if (offset === null) return null;
  return toMicros(daysSince1970(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second - offset, micros);
}

/** A time, and the unit it was said in. */
export interface Stamp {
  readonly micros: Micros;
  readonly unit: 'seconds' | 'milliseconds' | 'microseconds' | 'nanoseconds';
}

/**
 * KubeArmor's Timestamp, which is in Unix seconds; others that pass its events on make smaller units of it, which a
 * time in seconds reaches in the year 5138 only. 0 is proto3's "not set". Null when it is none.
 */
export function timestampMicros(value: number): Stamp | null {
  if (value === 0 || !Number.isInteger(value)) return null;
  const size = Math.abs(value);
  if (size < 1e11) return { micros: toMicros(value, 0), unit: 'seconds' };
  if (size < 1e14) return { micros: value * 1000, unit: 'milliseconds' };
  if (size < 1e17) return { micros: Number.isSafeInteger(value) ? value : BigInt(value), unit: 'microseconds' };
  return size < 9.3e18 ? { micros: Math.floor(value / 1000), unit: 'nanoseconds' } : null;
}

/** No Linux takes a clock before 1970. */
const EARLIEST: Micros = 0;
/** Clocks of hosts are off by hours or days; by more than a year only who has none, or forges it. */
const AHEAD = 366 * DAY_SECONDS * 1_000_000;
/** A node whose own clock stands before this software was written has none that it could compare with. */
const WRITTEN = Date.UTC(2026, 0, 1) * 1000;
/** What DuckDB's TIMESTAMP_NS holds: beyond, queries of others fail by one row's time. */
const LATEST = 9_223_372_036n * 1_000_000n;

/** Whether an event that came at `receivedAt` can have happened then. */
export function isSensible(time: Micros, receivedAt: number): boolean {
  return time >= EARLIEST && time <= (receivedAt < WRITTEN ? LATEST : receivedAt + AHEAD);
}

function toMicros(seconds: number, micros: number): Micros {
  const sum = seconds * 1_000_000 + micros;
  return Number.isSafeInteger(sum) ? sum : BigInt(seconds) * 1_000_000n + BigInt(micros);
}

const ZERO = 0x30;
const DASH = 0x2d;
const COLON = 0x3a;
const DOT = 0x2e;

function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - ZERO;
  const ones = text.charCodeAt(at + 1) - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : NaN;
}

/** Seconds east of UTC of what stands at `at` to the end. */
function offsetSeconds(text: string, at: number): number | null {
  if (at === text.length) return 0;
  const sign = text.charCodeAt(at);
  if (sign === 0x5a) return at + 1 === text.length ? 0 : null;
  if ((sign !== 0x2b && sign !== DASH) || at + 6 !== text.length || text.charCodeAt(at + 3) !== COLON) return null;
  const hours = twoDigits(text, at + 1);
  const minutes = twoDigits(text, at + 4);
  if (!(hours < 24 && minutes < 60)) return null;
  return (sign === DASH ? -1 : 1) * (hours * 3600 + minutes * 60);
}

function daysOfMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days of the proleptic Gregorian calendar, counted in eras of 400 years that begin in March. */
function daysSince1970(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
