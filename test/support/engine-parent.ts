import { silentLogger } from '../../backend/src/core/index.js';
import { EngineSupervisor } from '../../backend/src/engine/index.js';
import { kubearmorLogs } from '../../backend/src/lake/index.js';
import { engineEntry, packRows, plainRows, testSettings } from './lake-fixture.js';

// Starts an engine on the folder given, stores 100 rows, prints the engine's pid, and waits to be killed.
const [, , path = ''] = process.argv;
const settings = testSettings(path);
const engine = await EngineSupervisor.start({
  process: { entry: engineEntry(), dataLimitBytes: null, poolThreads: 4, threads: 2 },
  settings: { ...settings },
  temporaryFolder: settings.temporaryFolder,
  logger: silentLogger,
});
await engine.call('append', { batch: 1 }, { bulk: packRows(kubearmorLogs, 100, plainRows(1)).buffer });
process.stdout.write(`${engine.pid}\n`);
await new Promise(() => undefined);
