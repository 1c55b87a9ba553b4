export { QueryEditor } from './QueryEditor.js';
