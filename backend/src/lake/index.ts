export * from './batch/builder.js';
export * from './batch/columns.js';
export * from './batch/layout.js';
export * from './schema.js';
export * from './tables.js';
