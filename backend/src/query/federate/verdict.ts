import { ArmorlakeError } from '../../core/index.js';
import type { ErrorCode } from '../../core/index.js';
import type { NodeResult } from './gather.js';

/** What a query can be at fault for, besides its nodes, with what to do about it. */
const queryFaults: Partial<Record<ErrorCode, string | undefined>> = {
  BAD_QUERY: undefined,
  LIMIT_EXCEEDED: 'Add a time filter, aggregate earlier, or select fewer columns.',
};

/**
 * Whether what nodes refuse is the query's own fault, as it would fail over all rows in one place: this node's lake is
 * believed, and all that were asked together. Anything else is the fault of those that say it: no member decides for
 * the others, and no text of one stands for the query.
 * @param asked how many nodes have rows of it, those that are away included
 * @param own this node's name
 */
export function queryFault(results: readonly NodeResult[], asked: number, own: string): ArmorlakeError | null {
  const refusals = results.flatMap(({ node, outcome }) =>
    outcome.status === 'failed' && Object.hasOwn(queryFaults, outcome.error.code)
      ? [{ node, error: outcome.error }]
      : [],
  );
  const [first] = refusals;
  if (first === undefined) return null;
  const ours = refusals.find(({ node }) => node === own);
  if (ours !== undefined) return ArmorlakeError.fromShape({ ...ours.error, node: own });
  const { code, message } = first.error;
  if (refusals.length < asked || refusals.some(({ error }) => error.code !== code)) return null;
  const who = asked === 1 ? `Node ${first.node}, the only one asked, refuses` : `All ${asked} nodes asked refuse`;
  const said = asked === 1 ? message : `${first.node}: ${message}`;
  return new ArmorlakeError(code, `${who} the query: ${said}`, {
    hint: queryFaults[code],
    ...(asked === 1 ? { node: first.node } : {}),
  });
}
