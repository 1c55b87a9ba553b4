import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { GrpcClient, feeder } from '@armorlake/proto';
import { credentials } from '@grpc/grpc-js';
import { DuckDBDataChunk, DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBType, DuckDBValue } from '@duckdb/node-api';
import { silentLogger } from '../backend/src/core/index.js';
import type { KubeArmorEvent } from '../backend/src/connectors/index.js';
import { Normaliser } from '../backend/src/connectors/index.js';
import { EngineSupervisor } from '../backend/src/engine/index.js';
import { BatchBuilder, eventTables } from '../backend/src/lake/index.js';
import { KubeArmorWriters } from '../backend/src/connectors/kubearmor/writers.js';
import type { SimulatedEvent } from '../backend/src/simulator/index.js';
import { generateEvents } from '../backend/src/simulator/index.js';
import type { Bench, BenchOptions, Figure } from './bench.js';
import { leastCpuMicros } from './bench.js';
import { SimulatorProcess, cpuMicros } from './processes.js';
import { Packer, decode, openLake, redactor, settingsOf } from './sample.js';

const EVENTS = 100_000;
const BATCH_ROWS = 8192;
const TIMES = 3;

/** What each stage of the way from the socket to the file costs by itself. */
async function run({ folder, say }: BenchOptions): Promise<readonly Figure[]> {
  say('each stage alone');
  const events = [...generateEvents({ count: EVENTS, rate: 1000, throttle: undefined })];
  const own = await socketOnly();
  const decoding = await leastCpuMicros(TIMES, () => {
    for (const event of events) decode(event);
  });
  const decoded = events.map(decode);
  const normalising = await leastCpuMicros(TIMES, () => normalise(decoded));
  const packing = await packingMicros(decoded);
  const batches = pack(events);
  const bytes = batches.reduce((sum, batch) => sum + batch.byteLength, 0);
  const moving = await movingMicros(batches, join(folder, 'move'));
  const lake = await appendAndCheckpoint(batches, join(folder, 'append'));
  const plain = await plainAppender(join(folder, 'append'));
  const steps: readonly (readonly [string, number])[] = [
    ['socket (gRPC frames to messages)', own],
    ['decode', decoding / EVENTS],
    ['normalise and redact', normalising / EVENTS],
    ['pack', packing / EVENTS],
    ['move between the processes', moving / EVENTS],
    ['append and commit', lake.append / EVENTS],
    ['checkpoint', lake.checkpoint / EVENTS],
  ];
  const stage = ([what, value]: readonly [string, number]): Figure => ({
    what: `stage: ${what}`,
    value,
    unit: 'µs/event',
    note: `ceiling ${Math.round(1e6 / value / 1000)}k/s a core`,
    ...(what === 'append and commit'
      ? { baseline: { what: "DuckDB's Appender, setColumns", value: plain / EVENTS } }
      : {}),
  });
  const sum = steps.reduce((total, [, value]) => total + value, 0);
  return [
    ...steps.map(stage),
    {
      what: 'stages: sum',
      value: sum,
      unit: 'µs/event',
      note: `packed batches of ${Math.round(bytes / EVENTS)} B a row`,
    },
  ];
}

const ignore = (): void => undefined;

/** µs of CPU for each message of a stream that nobody decodes. */
async function socketOnly(): Promise<number> {
  const count = String(EVENTS);
  const simulator = await SimulatorProcess.start(
    '--rate',
    '1000000',
    '--count',
    count,
    '--pre-encoded',
    '5000',
    '--lossless',
  );
  const options = { 'grpc-node.flow_control_window': 16 << 20, 'grpc.use_local_subchannel_pool': 1 };
  const client = (): GrpcClient => new GrpcClient(simulator.address, credentials.createInsecure(), options);
  const [logs, alerts] = [client(), client()];
  try {
    const before = process.cpuUsage();
    let messages = 0;
    const { watchAlerts, watchLogs } = feeder.LogService.method;
    await new Promise<void>((resolve) => {
      const count = (): void => void (++messages === EVENTS && resolve());
      logs.rawServerStream(watchLogs, { Filter: 'all' }).on('error', ignore).on('data', count);
      alerts.rawServerStream(watchAlerts, { Filter: 'all' }).on('error', ignore).on('data', count);
    });
    const { user, system } = process.cpuUsage(before);
    return (user + system) / EVENTS;
  } finally {
    logs.close();
    alerts.close();
    await simulator.end();
  }
}

const arrival = { connector: 'ka', cluster: null, receivedAt: Date.now() * 1000, size: 700 };

function normalise(decoded: readonly KubeArmorEvent[]): void {
  const normaliser = new Normaliser(redactor);
  for (const each of decoded) {
    if (each.kind === 'alerts') normaliser.alert(each.event, arrival);
    else if (each.kind === 'logs') normaliser.log(each.event, arrival);
  }
}

async function packingMicros(decoded: readonly KubeArmorEvent[]): Promise<number> {
  const normaliser = new Normaliser(redactor);
  const logs = decoded.flatMap((each) => (each.kind === 'logs' ? [normaliser.log(each.event, arrival)] : []));
  const alerts = decoded.flatMap((each) => (each.kind === 'alerts' ? [normaliser.alert(each.event, arrival)] : []));
  const builder = new BatchBuilder(eventTables);
  const writers = new KubeArmorWriters(builder);
  return leastCpuMicros(TIMES, () => {
    logs.forEach((row, index) => {
      writers.logs.write(row);
      if (index % BATCH_ROWS === BATCH_ROWS - 1) builder.finish();
    });
    for (const row of alerts) writers.alerts.write(row);
    builder.finish();
  });
}

function pack(events: readonly SimulatedEvent[]): readonly ArrayBuffer[] {
  const packer = new Packer(BATCH_ROWS);
  for (const event of events) packer.add(event, arrival.receivedAt);
  return packer.take().map(({ buffer }) => buffer);
}

/** Both processes' CPU for sending the batches to an engine that does nothing. */
async function movingMicros(batches: readonly ArrayBuffer[], folder: string): Promise<number> {
  const engine = await EngineSupervisor.start({
    process: {
      entry: fileURLToPath(new URL('./null-engine.ts', import.meta.url)),
      nodeArguments: ['--import', 'tsx'],
      dataLimitBytes: null,
      poolThreads: 4,
      threads: 2,
    },
    settings: {},
    temporaryFolder: folder,
    logger: silentLogger,
  });
  try {
    const { pid } = engine;
    if (pid === undefined) throw new Error('The engine has no process.');
    let least = Number.POSITIVE_INFINITY;
    for (let time = 0; time < TIMES; time++) {
      const before = cpuMicros(pid);
      const own = await leastCpuMicros(1, async () => {
        for (const bulk of batches) await engine.call('append', {}, { bulk });
      });
      least = Math.min(least, own + cpuMicros(pid) - before);
    }
    return least;
  } finally {
    await engine.close();
  }
}

/** CPU for storing the batches in a lake of this process, and for writing its WAL into the file afterwards. */
async function appendAndCheckpoint(
  batches: readonly ArrayBuffer[],
  folder: string,
): Promise<{ append: number; checkpoint: number }> {
  const store = await openLake(settingsOf(folder, { checkpointWalBytes: 2 ** 40 }));
  try {
    let append = Number.POSITIVE_INFINITY;
    let checkpoint = Number.POSITIVE_INFINITY;
    let batch = store.lastBatch;
    for (let time = 0; time < TIMES; time++) {
      // The engine changes a batch in place.
      const copies = batches.map((each) => each.slice(0));
      append = Math.min(
        append,
        await leastCpuMicros(1, async () => {
          for (const each of copies) await store.append(++batch, each, { ledger: [], gaps: [] });
        }),
      );
      await delay(100);
      checkpoint = Math.min(checkpoint, await leastCpuMicros(1, () => store.checkpoint()));
    }
    return { append, checkpoint };
  } finally {
    await store.close();
  }
}

/** CPU for appending the same rows to a plain table with DuckDB's own Appender, values given as it wants them. */
async function plainAppender(folder: string): Promise<number> {
  const instance = await DuckDBInstance.create(join(folder, 'plain.duckdb'), { checkpoint_threshold: '1TB' });
  try {
    const connection = await instance.connect();
    await connection.run(`ATTACH '${join(folder, 'lake.duckdb')}' AS stored (READ_ONLY)`);
    await connection.run('CREATE TABLE plain AS SELECT * FROM stored.kubearmor.logs LIMIT 0');
    const reader = await connection.runAndReadAll(`SELECT * FROM stored.kubearmor.logs LIMIT ${EVENTS}`);
    const types: readonly DuckDBType[] = reader.columnTypes();
    const all: readonly (readonly DuckDBValue[])[] = reader.getColumns();
    const rows = reader.currentRowCount;
    const micros = await leastCpuMicros(TIMES, async () => {
      const appender = await connection.createAppender('plain');
      await connection.run('BEGIN');
      for (let row = 0; row < rows; row += 2048) {
        const chunk = DuckDBDataChunk.create(types);
        chunk.setColumns(all.map((values) => values.slice(row, row + 2048)));
        appender.appendDataChunk(chunk);
        appender.flushSync();
      }
      await connection.run('COMMIT');
      appender.closeSync();
    });
    connection.closeSync();
    return (micros / rows) * EVENTS;
  } finally {
    instance.closeSync();
  }
}

export const stagesBench: Bench = { name: 'stages', what: 'the ceiling of each stage on that way', run };
