import type { KubeArmorConfig } from '../config/index.js';
import type { ArrivalClock } from '../core/index.js';
import type { Table } from '../lake/index.js';
import { kubearmorAlerts, kubearmorLogs, kubearmorMessages } from '../lake/index.js';
import type { StreamTimings } from './kubearmor/backoff.js';
import { EventSink } from './kubearmor/event-sink.js';
import { KubeArmorInstance } from './kubearmor/instance.js';
import { Normaliser } from './kubearmor/normaliser.js';
import { Lane, Window } from './lane.js';
import type { ConnectorStatus, StreamClass, WorkerBatch, WorkerConfig } from './messages.js';
import { Redactor } from './redaction/redactor.js';

export interface HubOptions {
  readonly config: WorkerConfig;
  readonly clock: ArrivalClock;
  readonly post: (batch: WorkerBatch) => void;
  readonly status: (connectors: readonly ConnectorStatus[]) => void;
  readonly timings?: StreamTimings;
}

const STATUS_MS = 1000;

const tablesOf: Readonly<Record<StreamClass, readonly Table[]>> = {
  logs: [kubearmorLogs],
  alerts: [kubearmorAlerts],
  messages: [kubearmorMessages],
  intake: [kubearmorLogs, kubearmorAlerts, kubearmorMessages],
};

/** Everything the connectors' worker runs: the KubeArmors, the lanes their rows leave by, and what intakes need. */
export class ConnectorHub {
  readonly window: Window;
  readonly #options: HubOptions;
  readonly #redactor: Redactor | null;
  readonly #normaliser: Normaliser;
  readonly #lanes = new Map<StreamClass, Lane>();
  readonly #instances: readonly KubeArmorInstance[];
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HubOptions) {
    const { redactionKey, limits, kubearmor } = options.config;
    this.#options = options;
    this.window = new Window(limits.windowBytes);
    this.#redactor = redactionKey === null ? null : new Redactor(redactionKey);
    this.#normaliser = new Normaliser(this.#redactor);
    this.#instances = kubearmor.map((config) => this.#instance(config));
  }

  start(): void {
    for (const instance of this.#instances) instance.start();
    this.#timer = setInterval(() => {
      for (const instance of this.#instances) instance.tick();
      this.#postStatus();
    }, STATUS_MS);
    this.#postStatus();
  }

  /** The lane of a stream class; made when first asked for. */
  lane(streamClass: StreamClass): Lane {
    let lane = this.#lanes.get(streamClass);
    if (lane === undefined) {
      const { limits } = this.#options.config;
      lane = new Lane({
        streamClass,
        tables: tablesOf[streamClass],
        commitMs: streamClass === 'logs' || streamClass === 'messages' ? limits.logsCommitMs : limits.alertsCommitMs,
        limits,
        window: this.window,
        redactor: this.#redactor,
        post: this.#options.post,
      });
      this.#lanes.set(streamClass, lane);
    }
    return lane;
  }

  /** Where intakes put their events. */
  intakeSink(): EventSink {
    return new EventSink(this.lane('intake'), this.#normaliser);
  }

  /** Ends the streams and posts what is left. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#instances.map((instance) => instance.close()));
    for (const lane of this.#lanes.values()) lane.flush();
    this.#postStatus();
  }

  #instance(config: KubeArmorConfig): KubeArmorInstance {
    const { clock, timings } = this.#options;
    return new KubeArmorInstance({
      config,
      laneOf: (kind) => this.lane(kind),
      normaliser: this.#normaliser,
      clock,
      changed: () => this.#postStatus(),
      lost: this.#options.config.lost,
      ...(timings === undefined ? {} : { timings }),
    });
  }

  #postStatus(): void {
    this.#options.status(this.#instances.map((instance) => instance.status));
  }
}
