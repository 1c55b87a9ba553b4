import { runEngineProcess } from '../backend/src/engine/index.js';

/** An engine that takes batches and does nothing with them: what moving them costs by itself. */
await runEngineProcess(() =>
  Promise.resolve({ handlers: { append: () => Promise.resolve(null) }, close: () => Promise.resolve() }),
);
