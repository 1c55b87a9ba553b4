import type { ArmorlakeModel, Estimate, ExplainAnswer, QueryContext } from '../../../shared/index.js';
import type { ArmorlakeDataSource } from '../../datasource.js';
import type { Loaded } from './useLoaded.js';
import { useLoaded } from './useLoaded.js';

/** Pause after the last change before the node is asked, ms. */
const ASKED_AFTER_MS = 500;

export interface Explained {
  /** What tells this query from another. */
  readonly key: string;
  readonly answer: Loaded<ExplainAnswer>;
  /** undefined: on its way; null: there is none. */
  readonly estimate: Estimate | null | undefined;
}

/**
 * What the node says about a query before it runs: whether it is right, who is asked, what it costs.
 * @param model with its variables filled in; null: nothing to ask about yet
 * @param rangeKey tells one time range from another; one that moves with the clock stays the same
 */
export function useExplain(
  source: ArmorlakeDataSource,
  model: ArmorlakeModel | null,
  context: QueryContext,
  rangeKey: string,
): Explained {
  const key = JSON.stringify([source.uid, rangeKey, model]);
  const load = (signal: AbortSignal): Promise<ExplainAnswer> =>
    model === null
      ? Promise.reject(new Error('There is no query to explain.'))
      : source.resources.explain({ query: model, context }, signal);
  const answer = useLoaded(model === null ? null : key, load, ASKED_AFTER_MS);
  return { key, answer, estimate: estimateOf(model, answer) };
}

function estimateOf(model: ArmorlakeModel | null, answer: Loaded<ExplainAnswer>): Estimate | null | undefined {
  if (model === null || answer.error !== undefined) return null;
  if (answer.value === undefined) return undefined;
  return 'error' in answer.value ? null : answer.value.explanation.estimate;
}
