export type { SimulatedEvent, StreamName } from './event.js';
export { generateEvents } from './generator.js';
export * from './options.js';
export { startSimulator } from './simulator.js';
export type { ChapterName, StoryOptions } from './story/index.js';
export { CHAPTER_NAMES, CHAPTERS, storyEvents } from './story/index.js';
export type { TruthLine } from './truth.js';
