import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { alertingFiles } from './alerting/files.js';
import { dashboards } from './dashboards.js';

const provisioning = fileURLToPath(new URL('..', import.meta.url));

/** Writes files into a folder that holds nothing else; what no source stands behind goes. */
function write(folder: string, files: ReadonlyMap<string, string>): void {
  const path = join(provisioning, folder);
  mkdirSync(path, { recursive: true });
  for (const entry of readdirSync(path, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && !files.has(file.slice(path.length + 1).replaceAll('\\', '/'))) rmSync(file);
  }
  for (const [name, text] of files) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  console.log(`${files.size} files in ${path}`);
}

const boards = [...dashboards].map(([name, json]) => [name, `${JSON.stringify(json, null, 2)}\n`] as const);
write('dashboards/json', new Map(boards));
write('alerting', alertingFiles);
