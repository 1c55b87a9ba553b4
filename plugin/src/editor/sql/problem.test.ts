import { describe, expect, it } from 'vitest';
import { problemRange } from './problem.js';

describe('where a problem is marked', () => {
  it('is the word at the position, by lines and columns from 1', () => {
    expect(problemRange('SELECT 1\nFROM nowhere', 14)).toEqual({
      startLineNumber: 2,
      startColumn: 6,
      endLineNumber: 2,
      endColumn: 13,
    });
  });

  it('is one character where no word is, and the last one beyond the end', () => {
    expect(problemRange('a  b', 1)).toMatchObject({ startColumn: 2, endColumn: 3 });
    expect(problemRange('abc', 99)).toMatchObject({ startColumn: 3, endColumn: 4 });
    expect(problemRange('', 0)).toMatchObject({ startLineNumber: 1, startColumn: 1 });
  });

  it('is the name that the sentence speaks of when no position is known', () => {
    const sql = "SELECT time, 'polcy', polcy\nFROM kubearmor.alerts";
    const message = 'Referenced column "polcy" not found in FROM clause!';
    expect(problemRange(sql, undefined, message)).toMatchObject({ startColumn: 23, endColumn: 28, endLineNumber: 1 });
  });

  it('is all of the text when no position is known', () => {
    expect(problemRange('SELECT\n1', undefined)).toEqual({
      startLineNumber: 1,
      startColumn: 1,
      endLineNumber: 2,
      endColumn: 2,
    });
  });
});
