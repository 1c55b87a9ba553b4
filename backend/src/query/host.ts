/** What of query/ runs in an engine's process. */
export * from './federate/plan-handler.js';
export { PlanCache } from './federate/plan-cache.js';
