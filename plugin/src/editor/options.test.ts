import { describe, expect, it } from 'vitest';
import { defaultQuery } from '../../shared/index.js';
import { alertChoiceOf, alertCoverageFor, optionsText } from './options.js';

describe('options', () => {
  it('say nothing while all is usual', () => {
    expect(optionsText(defaultQuery())).toBe('');
  });

  it('say what differs', () => {
    const model = { ...defaultQuery(), perNode: true, partial: 'fail' } as const;
    expect(optionsText({ ...model, alertCoverage: { mode: 'atLeast', percent: 95 } })).toBe(
      'fails when partial · on each node · alerts: ≥ 95 % of nodes',
    );
  });

  it.each(['fail', 'failGaps', 'atLeast', 'ignore'] as const)('keep the choice %s', (choice) => {
    expect(alertChoiceOf(alertCoverageFor(choice))).toBe(choice);
  });

  it('begin with 95 % of the nodes', () => {
    expect(alertCoverageFor('atLeast')).toEqual({ mode: 'atLeast', percent: 95 });
  });
});
