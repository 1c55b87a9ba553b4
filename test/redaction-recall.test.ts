import { describe, expect, it } from 'vitest';
import { measureRedaction } from './support/redaction-corpus.js';

describe('redaction of realistic command lines', () => {
  it('finds 95 % of the secrets of lines that its author never saw, and keeps what stands beside them', () => {
    const { lines, found, keeps, kept } = measureRedaction('heldout-secrets');
    expect(lines).toBe(250);
    expect(found / lines).toBeGreaterThanOrEqual(0.95);
    expect(kept / keeps).toBeGreaterThanOrEqual(0.99);
  });

  it('finds 90 % of those that were measured last', () => {
    const { lines, found, keeps, kept } = measureRedaction('heldout-secrets-2');
    expect(found / lines).toBeGreaterThanOrEqual(0.9);
    expect(kept / keeps).toBeGreaterThanOrEqual(0.99);
  });

  it('changes at most 2 % of harmless lines that its author never saw', () => {
    const { lines, changed } = measureRedaction('heldout-harmless');
    expect(lines).toBe(1000);
    expect(changed / lines).toBeLessThanOrEqual(0.02);
  });

  it('holds for the lines of a second author as well', () => {
    const { lines, found, keeps, kept } = measureRedaction('second-secrets');
    expect(lines).toBe(120);
    expect(found / lines).toBeGreaterThanOrEqual(0.95);
    expect(kept).toBe(keeps);
    const harmless = measureRedaction('second-harmless');
    expect(harmless.lines).toBe(300);
    expect(harmless.changed / harmless.lines).toBeLessThanOrEqual(0.02);
  });

  it('finds all and keeps all of the lines it was developed against', () => {
    const { lines, found, keeps, kept } = measureRedaction('known-secrets');
    expect([found, kept]).toEqual([lines, keeps]);
    expect(measureRedaction('known-harmless').changed).toBe(0);
  });
});
