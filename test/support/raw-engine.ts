import { silentLogger } from '../../backend/src/core/index.js';
import type { StartFacts } from '../../backend/src/engine/index.js';
import { runEngineProcess } from '../../backend/src/engine/index.js';
import { LakeStore, lakeHandlers } from '../../backend/src/lake/host.js';
import type { LakeSettings } from '../../backend/src/lake/index.js';

// A lake engine that also runs any SQL, without containment: what the process's own limits are tried with.
await runEngineProcess(async (parameters) => {
  const { settings, facts } = parameters as { readonly settings: LakeSettings; readonly facts: StartFacts };
  const store = await LakeStore.open({ settings, facts, logger: silentLogger });
  return {
    handlers: {
      ...lakeHandlers(store),
      raw: async (sql) => {
        const reader = await store.openReader();
        try {
          return (await reader.runAndReadAll(String(sql))).getRowsJson();
        } finally {
          store.closeReader(reader);
        }
      },
    },
    close: () => store.close(),
  };
});
