import { printable } from '../../shared/index.js';

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const few = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

/** `1,940`. */
export function countText(value: number): string {
  return grouped.format(value);
}

/** `38 M`, `4.2 k`, `12`: few digits, for estimates. */
export function shortCountText(value: number): string {
  return scaled(value, ['', ' k', ' M', ' G', ' T']);
}

/** `4 MB`, `1.2 kB`, `812 B`; powers of ten. */
export function bytesText(bytes: number): string {
  return scaled(bytes, [' B', ' kB', ' MB', ' GB', ' TB']);
}

/** `412 ms`, `2.1 s`, `3 min`. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${grouped.format(ms)} ms`;
  if (ms < 120_000) return `${few.format(ms / 1_000)} s`;
  return `${few.format(ms / 60_000)} min`;
}

/** `1 node`, `1,940 nodes`. */
export function pluralText(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** SQL for the screen: what could act on it or hide in it (a value of an event) becomes visible; lines stay lines. */
export function printableSql(sql: string): string {
  return sql.split('\n').map(printable).join('\n');
}

/** One digit after the point below ten, none above: an estimate claims no more. */
function scaled(value: number, units: readonly string[]): string {
  let rest = Math.max(0, value);
  let unit = 0;
  while (rest >= 999.5 && unit < units.length - 1) {
    rest /= 1_000;
    unit++;
  }
  const digits = rest < 9.95 && unit > 0 ? few.format(rest) : grouped.format(rest);
  return `${digits}${units[unit] ?? ''}`;
}
