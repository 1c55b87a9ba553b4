/** What of query/ runs in an engine's process. */
export * from './federate/plan-handler.js';
