export * from './frontend.js';
export * from './literals.js';
export * from './merge.js';
export * from './merge-database.js';
export * from './merge-databases.js';
export * from './own-fault.js';
