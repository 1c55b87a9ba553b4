import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../client.js';
import type { CliContext } from '../context.js';
import { StatusLine } from './status-line.js';

const TICK_MS = 500;
/** The rate shown is over so long: nodes commit every two seconds. */
const RATE_MS = 5000;

/** What the ledgers of all nodes count. */
export interface Counts {
  readonly nodes: number;
  readonly logs: number;
  readonly alerts: number;
}

/** How many events were stored at a time. */
interface Sample {
  readonly all: number;
  readonly atMs: number;
}

export interface Watching {
  /** Whether it has been watched long enough. */
  done(counts: Counts, nowMs: number): boolean | Promise<boolean>;
  /** What the status line says besides. */
  more?(nowMs: number): string;
  /** Ends it, too (default: the end of the demo). */
  readonly signal?: AbortSignal;
}

/** Shows the live status line until the counts are enough or the demo is interrupted. */
export async function watch({ io, clock }: CliContext, client: Client, watching: Watching): Promise<undefined> {
  const line = new StatusLine(io);
  const { signal = io.signal } = watching;
  const samples: Sample[] = [];
  try {
    while (!signal.aborted) {
      const counts = await countsOf(client, signal);
      const nowMs = clock.monotonicMs();
      const all = counts.logs + counts.alerts;
      const rate = rateSince(samples, all, nowMs);
      samples.push({ all, atMs: nowMs });
      while (samples[0] !== undefined && samples[0].atMs < nowMs - RATE_MS) samples.shift();
      const text = `  ${counts.nodes} nodes stored ${counts.logs} logs and ${counts.alerts} alerts, ${rate.toFixed(0)} a second`;
      await line.show(`${text}${watching.more?.(nowMs) ?? ''}`, nowMs);
      if (await watching.done(counts, nowMs)) break;
      await sleep(TICK_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    await line.end();
  }
  return undefined;
}

/** Events a second since the oldest sample. */
function rateSince([oldest]: readonly Sample[], all: number, nowMs: number): number {
  return oldest === undefined ? 0 : Math.max(0, ((all - oldest.all) / (nowMs - oldest.atMs)) * 1000);
}

async function countsOf(client: Client, signal: AbortSignal): Promise<Counts> {
  const { rows } = await client.query(
    "SELECT count(DISTINCT node), sum(stored) FILTER (stream = 'logs'), sum(stored) FILTER (stream = 'alerts') FROM armorlake.ledger",
    { signal },
  );
  const [nodes = 0, logs = 0, alerts = 0] = (rows[0] ?? []).map(Number);
  return { nodes, logs, alerts };
}
