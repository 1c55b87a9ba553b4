/** What runs only in the lake engine's process: these need the native DuckDB. */
export { lakeHandlers } from './handlers.js';
export { LakeStore } from './store.js';
export type { LakeInfo } from './info.js';
export type { Appended, Commit } from './store.js';
export type { Uptime } from './clock-guard.js';
export type { LakeOptions } from './open-lake.js';
export type { MaintenanceReport } from './maintenance.js';
