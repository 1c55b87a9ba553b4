import { FeederDecoder } from '@armorlake/proto';
import type { KubeArmorConfig } from '../../config/index.js';
import type { ArrivalClock } from '../../core/index.js';
import type { Lane } from '../lane.js';
import type { ConnectorState, ConnectorStatus, LostBefore } from '../messages.js';
import type { StreamTimings } from './backoff.js';
import type { Decode, EventKind } from './event-sink.js';
import { EventSink } from './event-sink.js';
import type { Normaliser } from './normaliser.js';
import { RateMeter } from './rate.js';
import { Subscription } from './subscription.js';

export interface InstanceOptions {
  readonly config: KubeArmorConfig;
  /** The lane of each stream. */
  readonly laneOf: (kind: EventKind) => Lane;
  readonly normaliser: Normaliser;
  readonly clock: ArrivalClock;
  /** Told after each change of state or detail. */
  readonly changed: () => void;
  readonly lost: LostBefore | null;
  readonly timings?: StreamTimings;
}

/** One KubeArmor: its streams, and how it is. */
export class KubeArmorInstance {
  readonly #options: InstanceOptions;
  readonly #subscriptions: readonly Subscription[];
  readonly #rate: RateMeter;
  readonly #decoder = new FeederDecoder();
  #state: ConnectorState = 'connecting';
  #since: number;
  #lastEvent: number | null = null;
  #version: string | null = null;

  constructor(options: InstanceOptions) {
    this.#options = options;
    this.#since = options.clock.nowMicros();
    this.#rate = new RateMeter(this.#since / 1000);
    this.#subscriptions = options.config.streams.map((kind) => this.#subscription(kind));
  }

  start(): void {
    for (const subscription of this.#subscriptions) subscription.start();
  }

  /** Ends the streams; what they gave is in the lanes. */
  async close(): Promise<void> {
    await Promise.all(this.#subscriptions.map((subscription) => subscription.close()));
    this.#become('stopped');
  }

  /** Call about once a second. */
  tick(): void {
    for (const subscription of this.#subscriptions) subscription.tick();
  }

  get status(): ConnectorStatus {
    const details = this.#subscriptions.map((subscription) => subscription.detail).filter((detail) => detail !== null);
    return {
      name: this.#options.config.name,
      kind: 'kubearmor',
      state: this.#state,
      since: this.#since,
      lastEvent: this.#lastEvent,
      rate: this.#rate.rate(this.#options.clock.nowMicros() / 1000),
      breaks: this.#subscriptions.reduce((sum, subscription) => sum + subscription.breaks, 0),
      version: this.#version,
      detail: details.length === 0 ? null : [...new Set(details)].join(' '),
    };
  }

  #subscription(kind: EventKind): Subscription {
    const { config, laneOf, normaliser, clock, lost, timings } = this.#options;
    const lane = laneOf(kind);
    const sink = new EventSink(lane, normaliser);
    const decode = this.#decodeOf(kind);
    const { name: connector, cluster } = config;
    return new Subscription({
      config,
      kind,
      nowMicros: () => clock.nowMicros(),
      changed: () => this.#changed(),
      lost,
      ...(timings === undefined ? {} : { timings }),
      sink: {
        message: (bytes) => {
          const receivedAt = clock.nowMicros();
          this.#lastEvent = receivedAt;
          this.#rate.add(receivedAt / 1000);
          sink.take(bytes, kind, { connector, cluster, receivedAt, size: bytes.byteLength }, decode);
        },
        gap: (fromMicros, toMicros, cause) =>
          lane.addGap({ connector, stream: kind, fromMicros, toMicros, cause, estimated: null }),
      },
    });
  }

  #decodeOf(kind: EventKind): Decode {
    const decoder = this.#decoder;
    switch (kind) {
      case 'logs':
        return (bytes) => ({ kind, event: decoder.decodeLog(bytes) });
      case 'alerts':
        return (bytes) => {
          const event = decoder.decodeAlert(bytes);
          if (event.kubeArmorVersion !== '') this.#version = event.kubeArmorVersion;
          return { kind, event };
        };
      case 'messages':
        return (bytes) => ({ kind, event: decoder.decodeMessage(bytes) });
    }
  }

  #changed(): void {
    const states = this.#subscriptions.map((subscription) => subscription.state);
    if (states.includes('misconfigured')) this.#become('misconfigured');
    else if (states.every((state) => state === 'streaming')) this.#become('streaming');
    else this.#become(states.includes('streaming') ? 'degraded' : 'connecting');
    this.#options.changed();
  }

  #become(state: ConnectorState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#since = this.#options.clock.nowMicros();
  }
}
