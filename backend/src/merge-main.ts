import { z } from 'zod';
import { createLogger, messageOf } from './core/index.js';
import type { CallHandlers, EngineContent } from './engine/index.js';
import { runEngineProcess } from './engine/index.js';
import type { MergeSettings } from './engine/host.js';
import {
  MergeDatabases,
  SchemaDatabase,
  SchemaFrontend,
  Statements,
  bindLiterals,
  checkPatterns,
  checkSender,
  frozen,
  merge,
  ownFault,
  reading,
} from './engine/host.js';
import type { CheckRequest, MergeRequest } from './engine/host.js';
import type { FaultCall, NetworkTable, PlanCall } from './query/index.js';
import { PlanCache, planQuery } from './query/host.js';

/** What the supervisor sends with `start`; both ends are of one build. */
const start = z.object({ settings: z.custom<MergeSettings>((value) => typeof value === 'object' && value !== null) });

/** Calls come from the API process of the same build: their shape is held by the types on both sides. */
function as<Type>(parameters: unknown): Type {
  return parameters as Type;
}

async function openMergeEngine(parameters: unknown): Promise<EngineContent> {
  const { settings } = start.parse(parameters);
  const schema = await SchemaDatabase.open(settings);
  const merging = await MergeDatabases.open(settings);
  let tables: readonly NetworkTable[] = [];
  let statements = new Statements(tables);
  let plans = new PlanCache();
  const handlers: CallHandlers = {
    tables: async (given) => {
      const next = as<{ tables: readonly NetworkTable[] }>(given).tables;
      await schema.setTables(next);
      tables = next;
      statements = new Statements(next);
      plans = new PlanCache();
      return null;
    },
    plan: async (given, { signal }) => {
      const call = as<PlanCall>(given);
      // Of the tables it was planned with, whatever comes meanwhile.
      const [known, analyser, cache] = [tables, statements, plans];
      return (
        cache.find(call) ??
        (await schema.runs.guarded(call.queryId, call.timeoutMs, signal, async (connection) => {
          const analysed = await reading(connection, () => analyser.analyse(connection, call.sql));
          checkPatterns(call.params, analysed.patterns);
          const moment = frozen(analysed, BigInt(call.nowMicros));
          const statement = bindLiterals(moment, call.params, analysed.parameters);
          const frontend = new SchemaFrontend(connection, analysed);
          const names = analysed.parameters.length === 0 ? [] : await frontend.namesOf(moment);
          const bound = { statement, tables: analysed.tables, names };
          if (analysed.moments) return await planQuery(call, bound, frontend, known);
          return cache.keep(call, await planQuery({ ...call, beforeMicros: null }, bound, frontend, known));
        }))
      );
    },
    fault: async (given, { signal }) => {
      const { queryId, timeoutMs, sql, parts } = as<FaultCall>(given);
      const [known, analyser] = [tables, statements];
      return await schema.runs.guarded(queryId, timeoutMs, signal, async (connection) => {
        const analysed = await reading(connection, () => analyser.analyse(connection, sql));
        return (await ownFault(connection, parts, analysed, known))?.toShape() ?? null;
      });
    },
    merge: (given, context) => {
      const request = as<MergeRequest>(given);
      const files = request.relations.reduce((sum, relation) => sum + relation.files.length, 0);
      return merging.use(files, (database) => merge(database, request, context));
    },
    check: (given, { signal }) => {
      const request = as<CheckRequest>(given);
      return merging.use(request.files.length, (database) => checkSender(database, request, signal));
    },
    running: () => Promise.resolve({ queryIds: [...merging.running, ...schema.runs.running] }),
  };
  return {
    handlers,
    close: () => {
      merging.close();
      schema.close();
      return Promise.resolve();
    },
  };
}

// The merge engine's process: started by the API process, never by hand.
// Events are nobody else's to read, wherever the data folder is.
process.umask(0o077);
try {
  await runEngineProcess(openMergeEngine);
} catch (thrown) {
  createLogger('error').error({ error: messageOf(thrown) }, 'The merge engine could not start.');
  process.exit(1);
}
