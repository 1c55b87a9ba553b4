import { messageOf } from '../../core/index.js';
import type { FeederAlert, FeederEvent, FeederMessage } from '@armorlake/proto';
import type { Table } from '../../lake/index.js';
import { kubearmorAlerts, kubearmorLogs, kubearmorMessages } from '../../lake/index.js';
import type { Lane } from '../lane.js';
import type { Arrival, Normaliser } from './normaliser.js';
import { repairsOf } from './normaliser.js';
import type { LogRow } from './rows.js';

/** KubeArmor's streams, as the ledger names them. */
export type EventKind = 'logs' | 'alerts' | 'messages';

/** A decoded message with its kind. */
export type KubeArmorEvent =
  | { readonly kind: 'logs'; readonly event: FeederEvent }
  | { readonly kind: 'alerts'; readonly event: FeederAlert }
  | { readonly kind: 'messages'; readonly event: FeederMessage };

/** @throws when the bytes are no such message */
export type Decode = (bytes: Uint8Array) => KubeArmorEvent;

const tableOf: Readonly<Record<EventKind, Table>> = {
  logs: kubearmorLogs,
  alerts: kubearmorAlerts,
  messages: kubearmorMessages,
};

/** Writes messages of one connector to one lane: rows, dead letters, throttle gaps and counts, in the same batch. */
export class EventSink {
  readonly #lane: Lane;
  readonly #normaliser: Normaliser;

  constructor(lane: Lane, normaliser: Normaliser) {
    this.#lane = lane;
    this.#normaliser = normaliser;
  }

  /**
   * Stores the event that `decode` gives, or keeps `bytes` as a dead letter when it throws; drops it, counted, when
   * the lane is full.
   */
  take(bytes: Uint8Array, stream: EventKind, arrival: Arrival, decode: Decode): void {
    if (!this.#lane.open) {
      this.drop(stream, arrival, 'queue_full');
      return;
    }
    let decoded;
    try {
      decoded = decode(bytes);
    } catch (thrown) {
      this.refuse(bytes, stream, arrival, 'undecodable', messageOf(thrown));
      return;
    }
    this.store(bytes, decoded, arrival);
  }

  /** Keeps nothing of a message but its count. */
  drop(stream: string, { connector }: Arrival, reason: string): void {
    this.#lane.account(connector, stream).drop(reason);
    this.#lane.touch();
  }

  /** Keeps the bytes of a message that gives no row. */
  refuse(bytes: Uint8Array, stream: string, arrival: Arrival, reason: string, error: string): void {
    const { connector, receivedAt } = arrival;
    this.#lane.deadLetter({ connector, stream, timeMicros: receivedAt, error, bytes });
    this.#lane.account(connector, stream).deadLetter(reason);
    this.#lane.added(bytes.byteLength);
  }

  /** Stores a decoded event; `bytes` are what it came in. */
  store(bytes: Uint8Array, decoded: KubeArmorEvent, arrival: Arrival): void {
    const quality = this.#write(decoded, arrival);
    const repairs = repairsOf(quality);
    if (repairs !== null) {
      const { connector, receivedAt } = arrival;
      const letter = { connector, stream: decoded.kind, timeMicros: receivedAt, error: repairs, bytes };
      this.#lane.keepOriginal(tableOf[decoded.kind], letter, quality.includes('redacted'));
    }
    this.#lane.account(arrival.connector, decoded.kind).stored++;
    this.#lane.added(bytes.byteLength);
  }

  #write(decoded: KubeArmorEvent, arrival: Arrival): readonly string[] {
    switch (decoded.kind) {
      case 'logs': {
        const row = this.#normaliser.log(decoded.event, arrival);
        this.#lane.writers.logs.write(row);
        return row.quality;
      }
      case 'alerts': {
        const row = this.#normaliser.alert(decoded.event, arrival);
        this.#lane.writers.alerts.write(row);
        if (row.log.operation === 'AlertThreshold') this.#throttled(row.log, decoded.event, arrival);
        return row.log.quality;
      }
      case 'messages': {
        const row = this.#normaliser.message(decoded.event, arrival);
        this.#lane.writers.messages.write(row);
        return row.quality;
      }
    }
  }

  /** KubeArmor says that it is silent about a container from now on, for so many seconds. */
  #throttled(row: LogRow, event: FeederAlert, arrival: Arrival): void {
    const from = Number(row.time);
    this.#lane.addGap({
      connector: arrival.connector,
      stream: 'alerts',
      fromMicros: from,
      toMicros: from + Math.max(0, event.droppingAlertsInterval) * 1_000_000,
      cause: 'throttle',
      estimated: null,
    });
  }
}
