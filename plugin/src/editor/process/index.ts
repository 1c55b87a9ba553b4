export { ProcessEditor } from './ProcessEditor.js';
