import type { ServerWritableStream } from '@grpc/grpc-js';
import type { SimulatedEvent, StreamName } from './event.js';
import type { BreakWay, StreamCounters } from './options.js';
import type { Outgoing } from './subscriber.js';
import { Subscriber } from './subscriber.js';

interface Lane {
  readonly subscribers: Set<Subscriber>;
  generated: number;
  sent: number;
  dropped: number;
}

interface Waiter {
  readonly condition: () => boolean;
  readonly resolve: () => void;
}

/** What writes down each event handed to a subscribed stream. */
export interface Witness {
  handed(stream: StreamName, item: Outgoing, subscriber: number): void;
}

/** The subscribers of the three streams, and the account of what became of each event. */
export class Hub {
  readonly #queueLength: number;
  readonly #witness: Witness;
  readonly #lanes: Readonly<Record<StreamName, Lane>> = { logs: newLane(), alerts: newLane(), messages: newLane() };
  #lastSubscriber = 0;
  #stalls = 0;
  #closed = false;
  #waiters: Waiter[] = [];

  constructor(queueLength: number, witness: Witness) {
    this.#queueLength = queueLength;
    this.#witness = witness;
  }

  subscribe(stream: StreamName, call: ServerWritableStream<unknown, Buffer>): void {
    const lane = this.#lanes[stream];
    this.#lastSubscriber += 1;
    const subscriber = new Subscriber(this.#lastSubscriber, call, this.#queueLength, (item, { id }) => {
      // Bytes that are no event are in the truth, but in no account of events.
      if (!('malformed' in item)) lane.sent += 1;
      this.#witness.handed(stream, item, id);
      this.#notify();
    });
    subscriber.stalled = this.#stalls > 0;
    lane.subscribers.add(subscriber);
    const leave = (): void => {
      subscriber.close();
      lane.subscribers.delete(subscriber);
      this.#notify();
    };
    call.on('cancelled', leave);
    call.on('close', leave);
    call.on('error', leave);
    this.#notify();
  }

  /** Gives an event to all subscribers of its stream; with none it is gone. */
  offer(event: SimulatedEvent): void {
    const lane = this.#lanes[event.stream];
    lane.generated += 1;
    if (lane.subscribers.size === 0) lane.dropped += 1;
    for (const subscriber of lane.subscribers) if (!subscriber.offer(event)) lane.dropped += 1;
  }

  /** An event that got lost before any queue. */
  lose(event: SimulatedEvent): void {
    const lane = this.#lanes[event.stream];
    lane.generated += 1;
    lane.dropped += 1;
  }

  /** Sends bytes that are no event. */
  offerMalformed(stream: StreamName, number: number, malformed: Buffer): void {
    for (const subscriber of this.#lanes[stream].subscribers) subscriber.offer({ number, malformed });
  }

  /** Resolves when logs and alerts have been subscribed to. */
  heard(): Promise<void> {
    let logs = false;
    let alerts = false;
    return this.#until(() => {
      logs ||= this.#lanes.logs.subscribers.size > 0;
      alerts ||= this.#lanes.alerts.subscribers.size > 0;
      return logs && alerts;
    });
  }

  /** True while both logs and alerts are subscribed to. */
  get isHeard(): boolean {
    return this.#lanes.logs.subscribers.size > 0 && this.#lanes.alerts.subscribers.size > 0;
  }

  /** Resolves when no subscriber of the stream has a full queue. */
  room(stream: StreamName): Promise<void> {
    return this.#until(() => !this.crowded(stream));
  }

  /** True when `room` would wait. */
  crowded(stream: StreamName): boolean {
    for (const subscriber of this.#lanes[stream].subscribers) if (subscriber.full) return true;
    return false;
  }

  /** Resolves when all queues are empty. */
  idle(): Promise<void> {
    return this.#until(() => this.#all().every((each) => each.waiting === 0));
  }

  endAll(way: Exclude<BreakWay, 'reset'>): void {
    for (const subscriber of this.#all()) subscriber.end(way);
    this.#forgetAll();
  }

  /** Nobody waits for anything any more. */
  close(): void {
    this.#closed = true;
    this.dropAll();
  }

  /** For connections that were destroyed: nobody is subscribed any more. */
  dropAll(): void {
    for (const subscriber of this.#all()) subscriber.close();
    this.#forgetAll();
  }

  /** Sends nothing until the function returned is called. */
  stall(): () => void {
    this.#stalls += 1;
    this.#tellStall();
    return () => {
      this.#stalls -= 1;
      this.#tellStall();
    };
  }

  counters(stream: StreamName): StreamCounters {
    const { generated, sent, dropped, subscribers } = this.#lanes[stream];
    return { generated, sent, dropped, subscribers: subscribers.size };
  }

  #all(): readonly Subscriber[] {
    return Object.values(this.#lanes).flatMap((lane) => [...lane.subscribers]);
  }

  #forgetAll(): void {
    for (const lane of Object.values(this.#lanes)) lane.subscribers.clear();
    this.#notify();
  }

  #tellStall(): void {
    for (const subscriber of this.#all()) subscriber.stalled = this.#stalls > 0;
  }

  #until(condition: () => boolean): Promise<void> {
    if (this.#closed || condition()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ condition, resolve });
    });
  }

  #notify(): void {
    if (this.#waiters.length === 0) return;
    this.#waiters = this.#waiters.filter(({ condition, resolve }) => {
      if (!this.#closed && !condition()) return true;
      resolve();
      return false;
    });
  }
}

function newLane(): Lane {
  return { subscribers: new Set(), generated: 0, sent: 0, dropped: 0 };
}
