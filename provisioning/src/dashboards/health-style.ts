import { coloured, stateColours } from '../build/style.js';

/** Figures come once a minute: a finer bucket would have none. */
export const MINUTES = 60;

export const coloredText = { cellOptions: { type: 'color-text' } } as const;

/** Days until something is full or expires. */
export const daysLeft = [
  { value: null, color: 'text' },
  { value: -1_000_000, color: stateColours.bad },
  { value: 7, color: stateColours.warning },
  { value: 14, color: stateColours.good },
];

/** Of nodes and connectors. */
export const state = coloured({
  alive: stateColours.good,
  streaming: stateColours.good,
  connecting: stateColours.warning,
  degraded: stateColours.warning,
  stopped: stateColours.warning,
  suspect: stateColours.warning,
  misconfigured: stateColours.bad,
  failed: stateColours.bad,
  away: stateColours.bad,
});

export const moment = { unit: 'dateTimeFromNow', custom: { width: 140 } };
