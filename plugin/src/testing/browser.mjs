/**
 * What Grafana's components want of a browser and jsdom lacks. Imported before them, by tests in the environment jsdom.
 */
import { createElement } from 'react';

const Module = globalThis.process.getBuiltinModule('node:module');

// Their ES modules are for bundlers (they name exports that Node doesn't find); their CommonJS runs as it is.
Module.register(
  `data:text/javascript,${encodeURIComponent(`
    export const resolve = (name, context, next) =>
      next(name.replace(/(@grafana\\/\\w+\\/dist)\\/esm\\/index\\.mjs/, '$1/cjs/index.cjs'), context);
  `)}`,
);
// Components import their style sheets; Node knows no such modules.
Module.createRequire(import.meta.url).extensions['.css'] = () => undefined;

// Monaco wants a browser that lays out text; a plain field stands in for it.
const Editor = ({ value }) => createElement('textarea', { 'aria-label': 'SQL', value, readOnly: true });
const standIns = new Map([
  ['monaco-editor', { editor: { defineTheme: () => undefined } }],
  ['@monaco-editor/react', { default: Editor, Editor, loader: { config: () => undefined } }],
]);
const load = Module._load;
Module._load = (name, ...rest) => standIns.get(name) ?? load(name, ...rest);

globalThis.matchMedia = () => ({
  matches: false,
  addEventListener: () => undefined,
  removeEventListener: () => undefined,
  addListener: () => undefined,
  removeListener: () => undefined,
});

class Observer {
  observe() {}
  unobserve() {}
  disconnect() {}
}
globalThis.ResizeObserver = Observer;
globalThis.IntersectionObserver = Observer;
