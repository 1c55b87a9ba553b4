import type { PlanAnswer, PlanCall } from './calls.js';

const KEPT = 256;
/** Longer ones aren't asked again and again. */
const MOST_KEY_LENGTH = 20_000;

/** Plans of queries that were asked before, as dashboards do. The end of the time range is no part of them. */
export class PlanCache {
  readonly #plans = new Map<string, PlanAnswer>();

  find(call: PlanCall): PlanAnswer | null {
    const key = keyOf(call);
    const plan = this.#plans.get(key);
    if (plan === undefined) return null;
    this.#plans.delete(key);
    this.#plans.set(key, plan);
    return within(plan, call);
  }

  /** @param plan made for the call without its `beforeMicros`. */
  keep(call: PlanCall, plan: PlanAnswer): PlanAnswer {
    const key = keyOf(call);
    if (key.length <= MOST_KEY_LENGTH) {
      this.#plans.set(key, plan);
      const [oldest] = this.#plans.keys();
      if (this.#plans.size > KEPT && oldest !== undefined) this.#plans.delete(oldest);
    }
    return within(plan, call);
  }
}

function keyOf({ sql, params, mode, resolved }: PlanCall): string {
  return JSON.stringify([sql, params, mode, resolved]);
}

/** The plan for rows earlier than the end of the time range. */
function within(plan: PlanAnswer, { beforeMicros, mode }: PlanCall): PlanAnswer {
  if (plan.kind !== 'plan' || beforeMicros === null || mode === 'whole') return plan;
  return {
    ...plan,
    fragments: plan.fragments.map((fragment) => {
      const own = fragment.constraint.beforeMicros;
      const earliest = own === null ? beforeMicros : Math.min(own, beforeMicros);
      return { ...fragment, constraint: { ...fragment.constraint, beforeMicros: earliest } };
    }),
  };
}
