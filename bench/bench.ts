/** One measured figure. `value` is in `unit`; a bar says what it must not exceed (`atMost`) or reach (`atLeast`). */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly bar?: { readonly atMost: number } | { readonly atLeast: number };
  /** What the same machine does in the same run without Armorlake, in the same unit. */
  readonly baseline?: { readonly what: string; readonly value: number };
  readonly note?: string;
}

export interface BenchOptions {
  /** How long phases at a steady rate last. */
  readonly seconds: number;
  /** Events of the lake that queries and disk are measured on. */
  readonly events: number;
  /** A folder of the run's own; the harness removes it. */
  readonly folder: string;
  readonly say: (sentence: string) => void;
}

export interface Bench {
  readonly name: string;
  readonly what: string;
  run(options: BenchOptions): Promise<readonly Figure[]>;
}

/** True when there is no bar, or the figure keeps to it. */
export function keepsBar({ value, bar }: Figure): boolean {
  if (bar === undefined) return true;
  return 'atMost' in bar ? value <= bar.atMost : value >= bar.atLeast;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

/** Calls `task` so many times; the fewest µs of CPU one call took in this process, its other threads included. */
export async function leastCpuMicros(times: number, task: () => Promise<void> | void): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let time = 0; time < times; time++) {
    const before = process.cpuUsage();
    await task();
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, user + system);
  }
  return least;
}
