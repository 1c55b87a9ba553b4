import { describe, expect, it } from 'vitest';
import { estimateText, needsConfirmation, nextRunStep } from './estimate.js';

describe('the estimate', () => {
  it('says nodes, rows and bytes', () => {
    expect(estimateText({ nodes: 1_940, rows: 38_000_000, bytes: 4_000_000 })).toBe('1,940 nodes · 38 M rows · ≤ 4 MB');
    expect(estimateText({ nodes: 1, rows: 1, bytes: 90 })).toBe('1 node · 1 row · ≤ 90 B');
  });

  it('wants a second click above 500 nodes or 100 MB, not at them', () => {
    expect(needsConfirmation({ nodes: 500, rows: 1, bytes: 100_000_000 })).toBe(false);
    expect(needsConfirmation({ nodes: 501, rows: 1, bytes: 1 })).toBe(true);
    expect(needsConfirmation({ nodes: 1, rows: 1, bytes: 100_000_001 })).toBe(true);
  });
});

describe('the run button', () => {
  const small = { nodes: 3, rows: 1, bytes: 1 };
  const large = { nodes: 1_940, rows: 1, bytes: 1 };

  it('waits for the estimate, asks about a large one, and runs what is small, confirmed or without estimate', () => {
    expect(nextRunStep(undefined, false)).toBe('wait');
    expect(nextRunStep(large, false)).toBe('confirm');
    expect(nextRunStep(large, true)).toBe('run');
    expect(nextRunStep(small, false)).toBe('run');
    expect(nextRunStep(null, false)).toBe('run');
  });
});
