export { answerQueries } from './answer-queries.js';
export { Sharing } from './sharing.js';
