import { ArmorlakeError } from '../../core/index.js';
import type { ErrorCode, ErrorShape } from '../../core/index.js';
import type { NodeResult } from './gather.js';

/** What a query can be at fault for, besides its nodes, with what to do about it. */
const queryFaults: Partial<Record<ErrorCode, string | undefined>> = {
  BAD_QUERY: undefined,
  LIMIT_EXCEEDED: 'Add a time filter, aggregate earlier, or select fewer columns.',
};

/** The nodes that failed with this code, and what they said; with any code a query can be at fault for when there is none. */
export function refusals(
  results: readonly NodeResult[],
  code: ErrorCode | null = null,
): readonly { readonly node: string; readonly error: ErrorShape }[] {
  return results.flatMap(({ node, outcome }) =>
    outcome.status === 'failed' &&
    (code === null ? Object.hasOwn(queryFaults, outcome.error.code) : outcome.error.code === code)
      ? [{ node, error: outcome.error }]
      : [],
  );
}

/**
 * Whether what nodes refuse is the query's own fault, as it would fail over all rows in one place: this node's lake is
 * believed, and all that were asked together. Anything else is the fault of those that say it: no member decides for
 * the others, and no text of one stands for the query.
 * @param asked how many nodes have rows of it, those that are away included
 * @param own this node's name
 */
export function queryFault(results: readonly NodeResult[], asked: number, own: string): ArmorlakeError | null {
  const refusing = refusals(results);
  const [first] = refusing;
  if (first === undefined) return null;
  const ours = refusing.find(({ node }) => node === own);
  if (ours !== undefined) {
    // Its place is one in the text of a fragment, which the user has not written.
    const { code, message, hint } = ours.error;
    return new ArmorlakeError(code, message, { hint, node: own });
  }
  const { code, message } = first.error;
  if (refusing.length < asked || refusing.some(({ error }) => error.code !== code)) return null;
  const who = asked === 1 ? `Node ${first.node}, the only one asked, refuses` : `All ${asked} nodes asked refuse`;
  const said = asked === 1 ? message : `${first.node}: ${message}`;
  return new ArmorlakeError(code, `${who} the query: ${said}`, {
    hint: queryFaults[code],
    ...(asked === 1 ? { node: first.node } : {}),
  });
}
