const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Widths that a bucket of the panel's own interval is rounded up to. */
const niceMs: readonly number[] = [
  100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5,
  6048e5,
];

/** A Grafana interval (`30s`, `5m`, `1h`, `1d`, `1w`) in ms, or null when it is none. */
export function intervalMs(text: string): number | null {
  const [, count = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)$/.exec(text.trim()) ?? [];
  const factor = unitMs[unit];
  const ms = factor === undefined ? NaN : Number(count) * factor;
  return Number.isInteger(ms) && ms > 0 ? ms : null;
}

/**
 * The width of a bucket when the panel decides, ms: its interval, and no more buckets than its points; rounded up to
 * what people read easily.
 */
export function autoBucketMs(context: {
  readonly fromMs: number;
  readonly toMs: number;
  readonly intervalMs: number;
  readonly maxDataPoints: number;
}): number {
  const points = context.maxDataPoints > 0 ? context.maxDataPoints : 1_000;
  const least = Math.max(context.intervalMs, (context.toMs - context.fromMs) / points, 1);
  return niceMs.find((ms) => ms >= least) ?? Math.ceil(least / 864e5) * 864e5;
}

/** Milliseconds as SQL. */
export function intervalLiteral(ms: number): string {
  const units = [
    ['days', 864e5],
    ['hours', 36e5],
    ['minutes', 6e4],
    ['seconds', 1e3],
  ] as const;
  // Weeks and days stay days, so that time_bucket counts them from a Monday's midnight.
  const [unit, factor] = units.find(([, each]) => ms !== 0 && ms % each === 0) ?? ['milliseconds', 1];
  return `INTERVAL '${ms / factor} ${unit}'`;
}
