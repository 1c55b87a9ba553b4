export * from './planner.js';
export * from './prune.js';
export * from './shipping.js';
export { emptyFrom, selectNode } from './tree.js';
export type { Expression, QueryNode } from './tree.js';
export * from './types.js';
