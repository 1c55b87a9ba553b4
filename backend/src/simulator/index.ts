export type { SimulatedEvent, StreamName } from './event.js';
export { generateEvents } from './generator.js';
export * from './options.js';
export { startSimulator } from './simulator.js';
export type { TruthLine } from './truth.js';
