import { ArmorlakeError } from '../core/index.js';

/** The time of a query ended in a line. */
export function waitedInVain(timeoutMs: number): ArmorlakeError {
  return new ArmorlakeError('BUSY', `The query waited ${seconds(timeoutMs)}, all of its time, for its turn.`, {
    hint: 'Ask again in a moment, ask fewer things at once, or raise limits.timeoutMs.',
  });
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
