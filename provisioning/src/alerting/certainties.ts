import type { Certainty } from './rule.js';

/** Something must never happen: one row is enough. */
export const sighting: Certainty = {
  coverage: { mode: 'atLeast', percent: 50 },
  noData: 'OK',
  error: 'Error',
  why: 'A sighting is true whoever is away, so an absent node must not hide it (it has a rule of its own); with half of them away "nothing seen" means nothing. No row: nothing happened.',
};

/** A count over the fleet. */
export const amount: Certainty = {
  coverage: { mode: 'atLeast', percent: 90 },
  noData: 'OK',
  error: 'Error',
  why: 'A sum over the fleet is too low without its nodes: nine of ten must have been counted. No row: nothing to count.',
};

/** What was never there before, as far as anybody remembers. */
export const novelty: Certainty = {
  coverage: { mode: 'atLeast', percent: 95 },
  noData: 'OK',
  error: 'Error',
  why: 'Who does not answer may remember what looks new: nearly all must be asked, but one that is away must not end the judgement; without them it is an error that somebody sees. No row: nothing is new.',
};

/** What nodes say of themselves. */
export const ownWord: Certainty = {
  coverage: { mode: 'ignore' },
  noData: 'OK',
  error: 'Error',
  why: 'Each node speaks for itself, and absence has a rule of its own: whoever answers is judged. No row: nobody complains.',
};

/** Whether nodes say anything. */
export const presence: Certainty = {
  coverage: { mode: 'ignore' },
  noData: 'NoData',
  error: 'Alerting',
  why: 'Absence is what it looks for, so it must not fail by it; every node has a row, so no row means that none is known, and an error that not even the query node answers.',
};

/** Figures that every node keeps all the time. */
export const figures: Certainty = {
  coverage: { mode: 'ignore' },
  noData: 'NoData',
  error: 'Error',
  why: 'Each node speaks for itself, and absence has a rule of its own; figures come every minute, so no row at all is a fault by itself.',
};
