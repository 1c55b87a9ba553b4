export * from './planner.js';
export * from './shipping.js';
export type { QueryNode } from './tree.js';
export * from './types.js';
