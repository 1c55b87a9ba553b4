export * from './bounds.js';
export * from './build.js';
export * from './contain.js';
export * from './functions.js';
export * from './nearest.js';
export * from './rewrite.js';
export * from './tree.js';
export * from './walk.js';
