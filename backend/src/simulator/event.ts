import type { AlertFields, LogFields, MessageFields } from '@armorlake/proto';

export type StreamName = 'logs' | 'alerts' | 'messages';

interface Common {
  /** Counts all events in the order in which they are sent, from 1. */
  readonly number: number;
  /** When it is due, in µs after the first. */
  readonly dueMicros: number;
  /** The message as it goes over the wire. */
  readonly bytes: Buffer;
  /** Of a history: it waits for a reader instead of being lost, and no fault is counted by its time. */
  readonly past?: true;
}

/** An event ready to be sent, with its content under KubeArmor's own field names. */
export type SimulatedEvent = Common &
  (
    | { readonly stream: 'logs'; readonly event: LogFields }
    | { readonly stream: 'alerts'; readonly event: AlertFields }
    | { readonly stream: 'messages'; readonly event: MessageFields }
  );

/** An event before it is encoded and numbered. */
export type Draft =
  | { readonly stream: 'logs'; readonly event: LogFields }
  | { readonly stream: 'alerts'; readonly event: AlertFields }
  | { readonly stream: 'messages'; readonly event: MessageFields };
