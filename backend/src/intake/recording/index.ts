export { MAX_RECORD_BYTES } from './json-scanner.js';
export { decompressed } from './packing.js';
export type { PackingOptions } from './packing.js';
export { RecordingReader } from './reader.js';
export type { SplitterOptions } from './splitter.js';
export type { Recorded } from './wrappers.js';
