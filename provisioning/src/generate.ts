import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dashboards } from './dashboards.js';

const folder = fileURLToPath(new URL('../dashboards/json', import.meta.url));

/** Writes every dashboard's JSON; what no dashboard stands behind goes. */
mkdirSync(folder, { recursive: true });
for (const file of readdirSync(folder)) if (!dashboards.has(file)) rmSync(join(folder, file));
for (const [file, json] of dashboards) writeFileSync(join(folder, file), `${JSON.stringify(json, null, 2)}\n`);
console.log(`${dashboards.size} dashboards in ${folder}`);
