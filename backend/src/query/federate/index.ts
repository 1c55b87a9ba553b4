export * from './planner.js';
export * from './prune.js';
export * from './shipping.js';
export * from './types.js';
