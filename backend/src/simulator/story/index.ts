export type { ChapterName } from './chapters.js';
export { CHAPTERS, CHAPTER_NAMES } from './chapters.js';
export type { StoryOptions } from './story.js';
export { storyEvents } from './story.js';
