import { failStream } from '@armorlake/proto';
import { status } from '@grpc/grpc-js';
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { SimulatedEvent } from './event.js';
import type { BreakWay } from './options.js';

/** What goes out to one subscriber: an event, or bytes that are none. */
export type Outgoing = SimulatedEvent | { readonly number: number; readonly malformed: Buffer };

type Call = Pick<ServerWritableStream<unknown, Buffer>, 'write' | 'end' | 'emit' | 'cancelled'>;

/** Bytes given to gRPC and not yet on their way; grpc-go, which KubeArmor uses, takes as much before a send waits. */
const WRITE_QUOTA = 64 * 1024;

/** One open stream with KubeArmor's queue before it: bounded, and full means dropped. */
export class Subscriber {
  readonly id: number;
  readonly #call: Call;
  readonly #queueLength: number;
  readonly #handed: (item: Outgoing, subscriber: Subscriber) => void;
  #queue: Outgoing[] = [];
  #head = 0;
  #inFlight = 0;
  #stalled = false;
  #open = true;

  /** @param handed called with each item just given to gRPC */
  constructor(id: number, call: Call, queueLength: number, handed: (item: Outgoing, subscriber: Subscriber) => void) {
    this.id = id;
    this.#call = call;
    this.#queueLength = queueLength;
    this.#handed = handed;
  }

  get waiting(): number {
    return this.#queue.length - this.#head;
  }

  get full(): boolean {
    return this.waiting >= this.#queueLength;
  }

  /** Takes the item, or drops it (false) when the queue is full. */
  offer(item: Outgoing): boolean {
    if (!this.#open || this.full) return false;
    this.#queue.push(item);
    this.#pump();
    return true;
  }

  set stalled(stalled: boolean) {
    this.#stalled = stalled;
    this.#pump();
  }

  /** Ends the stream; what waits in the queue is lost. `reset` is done to the connection, not here. */
  end(way: Exclude<BreakWay, 'reset'>): void {
    this.close();
    if (this.#call.cancelled) return;
    switch (way) {
      case 'ok':
        this.#call.end();
        return;
      case 'internal':
        failStream(this.#call, {
          code: status.INTERNAL,
          details: 'grpc: error while marshaling: string field contains invalid UTF-8',
        });
        return;
      case 'unavailable':
        failStream(this.#call, { code: status.UNAVAILABLE, details: 'transport is closing' });
        return;
    }
  }

  /** Sends nothing any more. */
  close(): void {
    this.#open = false;
    this.#queue = [];
    this.#head = 0;
  }

  #pump(): void {
    while (this.#open && !this.#stalled && this.#inFlight < WRITE_QUOTA && this.#head < this.#queue.length) {
      const item = this.#queue[this.#head];
      this.#head += 1;
      if (item === undefined) continue;
      this.#handed(item, this);
      const bytes = 'malformed' in item ? item.malformed : item.bytes;
      this.#inFlight += bytes.length;
      this.#call.write(bytes, () => {
        this.#inFlight -= bytes.length;
        this.#pump();
      });
    }
    if (this.#head === this.#queue.length) {
      this.#queue.length = 0;
      this.#head = 0;
    } else if (this.#head > 256) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
