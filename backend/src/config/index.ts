export type { ConfigKey } from './keys.js';
export { configKeys } from './keys.js';
export type { LoadOptions } from './load.js';
export { defaultNodeName, loadConfig } from './load.js';
export { nearest } from './nearest.js';
export { profileLimits } from './profiles.js';
export type { FlagValues } from './sources.js';
export type * from './types.js';
export type { Address } from './units.js';
export {
  formatAddress,
  formatBytes,
  formatDuration,
  isLoopback,
  parseAddress,
  parseBytes,
  parseDuration,
} from './units.js';
