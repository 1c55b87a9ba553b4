export { MAX_RECORD_BYTES, RecordingReader, decompressed } from './recording/index.js';
export type { PackingOptions, Recorded } from './recording/index.js';
export { IMPORT_CONNECTOR, IntakeRequest } from './request.js';
export type { IntakeOptions } from './request.js';
