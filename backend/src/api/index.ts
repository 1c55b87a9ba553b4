export { refuseExposed } from './access.js';
export { networkTokens } from './network-access.js';
export { Metrics } from './metrics.js';
export type * from './ports.js';
export { createApi, startApi } from './server.js';
export type { Api, ApiOptions, ListenOptions } from './server.js';
export { TokenStore } from './tokens.js';
export type { Role, TokenInfo } from './tokens.js';
