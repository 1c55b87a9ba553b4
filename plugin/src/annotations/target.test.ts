import { describe, expect, it } from 'vitest';
import { annotationTarget } from './target.js';

describe('the query of an annotation', () => {
  it('that was never edited shows what was blocked', () => {
    expect(annotationTarget(undefined)).toMatchObject({
      queryType: 'annotations',
      annotation: 'blocks',
      builder: { table: 'kubearmor.alerts', filters: [] },
    });
  });

  it('keeps what is saved', () => {
    const saved = { refId: 'Anno', annotation: 'gaps', sql: 'SELECT 1' } as const;
    expect(annotationTarget(saved)).toEqual({ ...saved, queryType: 'annotations' });
  });

  it('that only has SQL is SQL', () => {
    expect(annotationTarget({ refId: 'Anno', sql: 'SELECT 1' })).toMatchObject({
      annotation: 'sql',
      queryType: 'annotations',
    });
  });
});
