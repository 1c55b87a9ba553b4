import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { FeederDecoder } from '@armorlake/proto';
import type { KubeArmorEvent, WorkerBatch } from '../backend/src/connectors/index.js';
import { ConnectorHub, EventSink, Normaliser, Redactor } from '../backend/src/connectors/index.js';
import { ArrivalClock, silentLogger } from '../backend/src/core/index.js';
import { profileLimits } from '../backend/src/config/index.js';
import { LakeStore } from '../backend/src/lake/host.js';
import type { LakeSettings } from '../backend/src/lake/index.js';
import type { SimulatedEvent } from '../backend/src/simulator/index.js';
import { generateEvents } from '../backend/src/simulator/index.js';

const DAY_MS = 86_400_000;
const decoder = new FeederDecoder();

export function decode({ stream, bytes }: SimulatedEvent): KubeArmorEvent {
  switch (stream) {
    case 'logs':
      return { kind: stream, event: decoder.decodeLog(bytes) };
    case 'alerts':
      return { kind: stream, event: decoder.decodeAlert(bytes) };
    case 'messages':
      return { kind: stream, event: decoder.decodeMessage(bytes) };
  }
}

/** A lake as the server profile has it, in a folder of its own. */
export function settingsOf(dataFolder: string, changes: Partial<LakeSettings> = {}): LakeSettings {
  const { engine, query } = profileLimits('server');
  return {
    node: 'bench',
    dataFolder,
    temporaryFolder: join(dataFolder, 'tmp'),
    archive: null,
    logLevel: 'silent',
    threads: engine.threads,
    memoryLimitBytes: engine.memoryBytes,
    spillBytes: engine.spillBytes,
    checkpointWalBytes: engine.checkpointBytes,
    minFreeBytes: 0,
    retention: {
      logsMs: 7 * DAY_MS,
      alertsMs: 90 * DAY_MS,
      ledgerMs: 365 * DAY_MS,
      groupBytes: { logs: null, alerts: null, ledger: null },
      totalBytes: null,
    },
    maintainEveryMs: DAY_MS,
    queries: query.concurrency,
    ...changes,
  };
}

export function openLake(settings: LakeSettings): Promise<LakeStore> {
  mkdirSync(settings.dataFolder, { recursive: true });
  return LakeStore.open({ settings, facts: { resumed: false, openCrashes: 0 }, logger: silentLogger });
}

export const redactor = new Redactor(randomBytes(32));

/** Packs events as the connectors' worker does, in batches of so many rows. */
export class Packer {
  readonly batches: WorkerBatch[] = [];
  readonly #sinks: { readonly logs: EventSink; readonly alerts: EventSink; readonly messages: EventSink };
  readonly #hub: ConnectorHub;

  constructor(batchRows: number) {
    const limits = {
      logsCommitMs: DAY_MS,
      alertsCommitMs: DAY_MS,
      batchRows,
      batchBytes: 1 << 30,
      windowBytes: 2 ** 50,
    };
    this.#hub = new ConnectorHub({
      config: { kubearmor: [], redactionKey: randomBytes(32), limits, lost: null },
      clock: new ArrivalClock(),
      post: (batch) => this.batches.push(batch),
      status: () => undefined,
    });
    const normaliser = new Normaliser(redactor);
    const sink = (stream: 'logs' | 'alerts' | 'messages'): EventSink =>
      new EventSink(this.#hub.lane(stream), normaliser);
    this.#sinks = { logs: sink('logs'), alerts: sink('alerts'), messages: sink('messages') };
  }

  /** @param receivedAt µs since 1970 */
  add(event: SimulatedEvent, receivedAt: number): void {
    const { stream, bytes } = event;
    const arrival = { connector: 'ka', cluster: null, receivedAt, size: bytes.byteLength };
    this.#sinks[stream].take(bytes, stream, arrival, () => decode(event));
  }

  take(): readonly WorkerBatch[] {
    for (const stream of ['logs', 'alerts', 'messages'] as const) this.#hub.lane(stream).flush();
    return this.batches.splice(0);
  }
}

/** Events a second of the lake below where nothing else is said, in the events' own time. */
export const SAMPLE_RATE = 250;

/** Fills a lake with events as a cluster of three hosts would have sent them up to now, each another, so many a second. */
export async function fillLake(settings: LakeSettings, count: number, rate = SAMPLE_RATE): Promise<void> {
  const store = await openLake(settings);
  const startTimeMicros = Date.now() * 1000 - Math.ceil((count / rate) * 1e6);
  const packer = new Packer(4096);
  let batch = store.lastBatch;
  const append = async (batches: readonly WorkerBatch[]): Promise<void> => {
    for (const { buffer } of batches) await store.append(++batch, buffer, { ledger: [], gaps: [] });
  };
  for (const event of generateEvents({ count, rate, startTimeMicros })) {
    packer.add(event, startTimeMicros + event.dueMicros + 300);
    if (packer.batches.length > 0) await append(packer.batches.splice(0));
  }
  await append(packer.take());
  await store.close();
}
