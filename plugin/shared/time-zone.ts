import { QueryError } from './errors.js';
import { shown } from './quoting.js';

/** From this moment on (ms since 1970) the zone is so many ms ahead of UTC. */
export interface ZoneOffset {
  readonly fromMs: number;
  readonly offsetMs: number;
}

const DAY = 86_400_000;

function formatOf(zone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw new QueryError(`"${shown(zone)}" is no time zone.`, {
      hint: "Time zones are written as Europe/Berlin or UTC; set it in the dashboard's settings.",
    });
  }
}

function offsetAt(format: Intl.DateTimeFormat, ms: number): number {
  const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const of = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
  const local = Date.UTC(of('year'), of('month') - 1, of('day'), of('hour'), of('minute'), of('second'));
  return local - Math.floor(ms / 1000) * 1000;
}

/**
 * The offsets of a zone within a range, the first from its beginning on, to the second exact.
 * @throws QueryError for a name that is no IANA zone.
 */
export function zoneOffsets(zone: string, fromMs: number, toMs: number): readonly ZoneOffset[] {
  if (zone === '' || zone === 'UTC' || zone === 'utc') return [{ fromMs, offsetMs: 0 }];
  const format = formatOf(zone);
  const offsets: ZoneOffset[] = [{ fromMs, offsetMs: offsetAt(format, fromMs) }];
  // No zone changes twice within a week; a look costs some µs, so long ranges take longer steps.
  const step = Math.max(7 * DAY, (toMs - fromMs) / 1_000);
  let before = fromMs;
  let offsetMs = offsets[0]?.offsetMs ?? 0;
  while (before < toMs) {
    const after = Math.min(before + step, toMs);
    const next = offsetAt(format, after);
    if (next !== offsetMs) {
      let [low, high] = [before, after];
      while (high - low > 1_000) {
        const middle = Math.floor((low + high) / 2);
        if (offsetAt(format, middle) === offsetMs) low = middle;
        else high = middle;
      }
      offsets.push({ fromMs: Math.floor(high / 1_000) * 1_000, offsetMs: next });
      offsetMs = next;
    }
    before = after;
  }
  return offsets;
}
