import { createRequire } from 'node:module';
import { ArmorlakeError, createLogger, messageOf } from './core/index.js';
import type { EngineContent, StartFacts } from './engine/index.js';
import { runEngineProcess } from './engine/index.js';
import { tables } from './lake/index.js';
import type { LakeSettings } from './lake/index.js';

/** What the supervisor sends with `start`; both ends are of one build. */
interface StartParameters {
  readonly settings: LakeSettings;
  readonly facts: StartFacts;
}

/** Opens the lake, and with it all that the engine answers. */
async function openLakeEngine(parameters: unknown): Promise<EngineContent> {
  const { settings, facts } = parameters as StartParameters;
  const { LakeStore, lakeHandlers, queryHandlers } = await importNative();
  const logger = createLogger(settings.logLevel, { process: 'engine' });
  const store = await LakeStore.open({
    settings,
    facts,
    logger,
    onFatal: (reason) => {
      logger.error({ reason }, 'Only a new process can go on: the engine restarts.');
      process.kill(process.pid, 'SIGKILL');
    },
  });
  const queries = queryHandlers({
    lake: store,
    connections: settings.queries,
    tables,
    archiveFolder: settings.archive?.folder ?? null,
  });
  return {
    handlers: { ...queries.handlers, ...lakeHandlers(store) },
    close: async () => {
      queries.close();
      await store.close();
    },
  };
}

/** DuckDB has no build for some platforms, as 32-bit ARM: its import fails there. */
async function importNative() {
  try {
    // Asked for plainly first: an import that fails in the middle of a graph can end the process on Node 20.
    createRequire(import.meta.url)('@duckdb/node-bindings');
  } catch (thrown) {
    throw new ArmorlakeError(
      'BAD_CONFIG',
      `Armorlake needs a 64-bit system: there is no DuckDB for ${process.platform} on ${process.arch}.`,
      { hint: `Linux (x64, arm64), macOS and Windows are supported. ${messageOf(thrown)}`, cause: thrown },
    );
  }
  return { ...(await import('./lake/host.js')), ...(await import('./engine/host.js')) };
}

// The lake engine's process: started by the API process, never by hand.
// Events are nobody else's to read, wherever the data folder is.
process.umask(0o077);
try {
  await runEngineProcess(openLakeEngine);
} catch (thrown) {
  createLogger('error').error({ error: messageOf(thrown) }, 'The database engine could not start.');
  process.exit(1);
}
