import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { processIo, runCli } from './cli/index.js';
import { systemClock } from './core/index.js';

/** The version in the package's own description. */
function packageVersion(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const { version } = JSON.parse(text) as { readonly version: string };
  return version;
}

const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // The first one ends gracefully; who sends another wants it now.
    if (interrupted.signal.aborted) process.exit(130);
    interrupted.abort();
  });
}
// A reader that closed its end, as `head` does, wants no more.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await runCli(process.argv.slice(2), {
  io: processIo(interrupted.signal),
  clock: systemClock,
  startNode: async (config, logger, signal) => {
    // Only the node itself needs fastify, gRPC and the rest.
    const { startNode } = await import('./node.js');
    return startNode({ config, logger, signal, version: packageVersion() });
  },
  launcher: fileURLToPath(new URL('../bin/armorlake.js', import.meta.url)),
  version: packageVersion(),
});
