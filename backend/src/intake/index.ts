export { LineSplitter, MAX_LINE_BYTES } from './lines.js';
export type { Line } from './lines.js';
export { IMPORT_CONNECTOR, IntakeRequest } from './request.js';
export type { IntakeOptions } from './request.js';
