import { afterEach, beforeEach, expect, it } from 'vitest';
import { GuardedLake, codeOf } from '../support/guarded-lake.js';

// Each has an engine of its own: one that is stopped again with a former question in hand is killed for it.
let lake: GuardedLake;
beforeEach(async () => {
  lake = await GuardedLake.open();
  lake.signal('SIGSTOP');
});
afterEach(async () => {
  lake.signal('SIGCONT');
  await lake[Symbol.asyncDispose]();
});

const count = 'SELECT count(*) FROM kubearmor.logs';

it.each([
  ['query', () => lake.query(lake.ask(count, 'ann', 1500))],
  ['explain', () => lake.answers.explain(lake.ask(count, 'ann', 1500), new AbortController().signal)],
  ['fragment', () => lake.fragment(count, 'ann at q1', 1500)],
  // A look of a live tail has ten seconds of its own.
  ['look of a live tail', () => lake.tail(null, 'ann')],
])('its %s ends at the deadline also when the engine hangs', async (_way, enter) => {
  expect(await codeOf(enter())).toBe('DEADLINE');
  // It still hangs: nobody has killed it meanwhile.
  expect(lake.engine.restarts).toBe(0);
});
