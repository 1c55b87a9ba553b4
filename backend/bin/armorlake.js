#!/usr/bin/env node
// Loads the build in this very process, so that signals reach the node.
import { existsSync } from 'node:fs';

const entry = new URL('../dist/main.js', import.meta.url);
if (!existsSync(entry)) {
  process.stderr.write('armorlake is not built yet: run `npm run build` in the repository.\n');
  process.exit(1);
}
await import(entry.href);
