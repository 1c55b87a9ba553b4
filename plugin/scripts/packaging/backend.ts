import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/** The backend as one CommonJS file, for bun and for Node. */
export async function bundleBackend(plugin: string, file: string): Promise<void> {
  await build({
    entryPoints: [join(plugin, 'backend', 'main.ts')],
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    // Names stay readable in the log's stack traces.
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    logLevel: 'warning',
    outfile: file,
  });
}

export const LAUNCHER_BUNDLE = 'gpx_armorlake.cjs';

const LAUNCHER = `#!/bin/sh
# Runs the plugin's backend on Node.js; ARMORLAKE_NODE names it where it is not in the PATH.
folder=$(CDPATH= cd -- "\${0%/*}" && pwd) || exit 1
for node in "\${ARMORLAKE_NODE:-node}" /usr/local/bin/node /usr/bin/node /opt/homebrew/bin/node; do
  if command -v "$node" >/dev/null 2>&1; then exec "$node" "$folder/${LAUNCHER_BUNDLE}"; fi
done
echo "The Armorlake plugin needs Node.js 20.19 or newer (this package starts it by Node), and there is none in the PATH." >&2
exit 1
`;

/** A script under the name of an executable. */
export async function writeLauncher(file: string): Promise<void> {
  await writeFile(file, LAUNCHER);
  await chmod(file, 0o755);
}
