export * from './address.js';
export * from './clock.js';
export * from './deadline.js';
export * from './errors.js';
export * from './log.js';
export * from './quoting.js';
export * from './sparse-log.js';
