export { queryHandlers } from './handlers.js';
export type { QueryHandlersOptions } from './handlers.js';
export type { LakeReader } from './lake-reader.js';
export type { ArchiveFile, QueryTable } from './sources.js';
export { coverageFacts } from './coverage-facts.js';
export { checkPatterns } from './parameters.js';
export { frozen } from './plan.js';
export { reading } from './prepare.js';
export { Statements } from './statements.js';
