/** What runs only in an engine's process: these load the native DuckDB. */
export * from './database.js';
export * from './row-appender.js';
export * from './table-appender.js';
export * from './execute/index.js';
export * from './merge/index.js';
