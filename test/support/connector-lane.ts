import { ArrivalClock } from '../../backend/src/core/index.js';
import type { Clock } from '../../backend/src/core/index.js';
import type { StreamClass, WorkerBatch, WorkerConfig, WorkerLimits } from '../../backend/src/connectors/index.js';
import type { Lane } from '../../backend/src/connectors/index.js';
import { ConnectorHub, EventSink, Normaliser, Redactor } from '../../backend/src/connectors/index.js';
import { readBatch } from '../../backend/src/lake/index.js';
import type { PackedRow } from './packed-rows.js';
import { readPackedRows, spanBytes } from './packed-rows.js';

/** The arrival time of everything in these tests. */
export const ARRIVAL_MS = Date.UTC(2026, 6, 25, 12);

export const stoppedClock: Clock = { wallMs: () => ARRIVAL_MS, monotonicMs: () => 0 };

export const testLimits: WorkerLimits = {
  logsCommitMs: 60_000,
  alertsCommitMs: 60_000,
  batchRows: 1_000_000,
  batchBytes: 1 << 30,
  windowBytes: 1 << 30,
};

export function hubConfig(config: Partial<WorkerConfig> = {}): WorkerConfig {
  return { kubearmor: [], redactionKey: null, limits: testLimits, lost: null, ...config };
}

/** A hub without KubeArmors, whose batches are kept. */
export class HubFixture {
  readonly batches: WorkerBatch[] = [];
  readonly hub: ConnectorHub;
  readonly clock = new ArrivalClock(stoppedClock);
  readonly #normaliser: Normaliser;

  constructor(config: Partial<WorkerConfig> = {}) {
    const { redactionKey = null } = config;
    this.#normaliser = new Normaliser(redactionKey === null ? null : new Redactor(redactionKey));
    this.hub = new ConnectorHub({
      config: hubConfig(config),
      clock: this.clock,
      post: (batch) => this.batches.push(batch),
      status: () => undefined,
    });
  }

  /** Writes to a lane as a KubeArmor connector does. */
  sinkOf(lane: Lane): EventSink {
    return new EventSink(lane, this.#normaliser);
  }

  /** Posts what the lane holds; all of its rows so far, of this table. */
  rows(streamClass: StreamClass, table: string): readonly PackedRow[] {
    this.hub.lane(streamClass).flush();
    return this.batches
      .filter(({ info }) => info.streamClass === streamClass)
      .flatMap(({ buffer }) => readPackedRows(buffer))
      .filter((section) => section.table === table)
      .flatMap(({ rows }) => rows);
  }

  deadLetters() {
    return this.batches.flatMap(({ buffer }) =>
      readBatch(buffer).header.deadLetters.map((letter) => ({ ...letter, bytes: spanBytes(buffer, letter.bytes) })),
    );
  }

  /** Sums of the account: received = stored + deadLettered + dropped must hold. */
  account() {
    const sum = { received: 0, stored: 0, deadLettered: 0, dropped: 0 };
    for (const delta of this.batches.flatMap(({ info }) => info.ledger)) {
      sum.received += delta.received;
      sum.stored += delta.stored;
      sum.deadLettered += delta.deadLettered;
      sum.dropped += delta.dropped;
    }
    return sum;
  }
}
