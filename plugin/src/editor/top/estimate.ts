import type { Estimate } from '../../../shared/index.js';
import { bytesText, pluralText, shortCountText } from '../format.js';

/** Above these a query runs on the second click only. */
export const CONFIRM_ABOVE = { nodes: 500, bytes: 100_000_000 } as const;

/** `1,940 nodes · 38 M rows · ≤ 4 MB`: who is asked, what they read at most, what travels at most. */
export function estimateText({ nodes, rows, bytes }: Estimate): string {
  return [
    pluralText(nodes, 'node'),
    `${shortCountText(rows)} ${rows === 1 ? 'row' : 'rows'}`,
    `≤ ${bytesText(bytes)}`,
  ].join(' · ');
}

export function needsConfirmation({ nodes, bytes }: Estimate): boolean {
  return nodes > CONFIRM_ABOVE.nodes || bytes > CONFIRM_ABOVE.bytes;
}

/** What the run button does next: runs, waits for the estimate of what is typed now, or asks for a second click. */
export type RunStep = 'run' | 'wait' | 'confirm';

/** `estimate`: of the query as it is now; null: it can't be had (the run says why); undefined: on its way. */
export function nextRunStep(estimate: Estimate | null | undefined, confirmed: boolean): RunStep {
  if (confirmed) return 'run';
  if (estimate === undefined) return 'wait';
  return estimate !== null && needsConfirmation(estimate) ? 'confirm' : 'run';
}
