import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '../../backend/src/core/index.js';
import type { NodeResult } from '../../backend/src/query/federate/gather.js';
import { queryFault } from '../../backend/src/query/federate/verdict.js';

function refused(node: string, code: ErrorCode, message = `${node} says no`): NodeResult {
  return { node, outcome: { status: 'failed', error: { code, message, node } }, files: new Map() };
}

function answered(node: string): NodeResult {
  const facts = { gaps: { minutes: 0, worst: [] }, shortFrom: null };
  const all = { rows: 1, bytes: 1, ms: 1, slowed: false, facts, missingColumns: [] };
  return { node, outcome: { status: 'answered', facts: all }, files: new Map() };
}

describe('the error code of a member', () => {
  it.each<ErrorCode>(['BAD_QUERY', 'LIMIT_EXCEEDED', 'FORBIDDEN', 'NOT_ALLOWED', 'INTERNAL', 'CANCELLED', 'DEADLINE'])(
    '%s is its own when another node answers, or is away',
    (code) => {
      expect(queryFault([refused('rogue', code), answered('edge')], 2, 'q')).toBeNull();
      expect(queryFault([refused('rogue', code)], 2, 'q')).toBeNull();
      expect(queryFault([refused('rogue', code), refused('edge', 'BUSY')], 2, 'q')).toBeNull();
    },
  );

  it('is the query’s when all that were asked say the same, in the words of who was asked', () => {
    const all = [refused('a', 'BAD_QUERY', 'Could not convert.'), refused('b', 'BAD_QUERY')];
    const fault = queryFault(all, 2, 'q');
    expect(fault?.code).toBe('BAD_QUERY');
    expect(fault?.message).toBe('All 2 nodes asked refuse the query: a: Could not convert.');
    expect(queryFault(all.slice(0, 1), 1, 'q')?.message).toBe(
      'Node a, the only one asked, refuses the query: Could not convert.',
    );
  });

  it('is never another than a query can be at fault for', () => {
    for (const code of ['FORBIDDEN', 'UNAUTHENTICATED', 'INTERNAL', 'NOT_READY'] as const) {
      expect(queryFault([refused('a', code), refused('b', code)], 2, 'q')).toBeNull();
    }
  });

  it('of the asked node’s own lake is believed', () => {
    const fault = queryFault([answered('edge'), refused('q', 'BAD_QUERY', 'Could not convert.')], 2, 'q');
    expect(fault?.message).toBe('Could not convert.');
  });
});
