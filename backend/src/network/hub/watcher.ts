import type { ErrorShape } from '../../core/index.js';
import type { MessageStream, WatchResponseInit } from '../backbone.js';
import { PING_MS } from '../limits.js';
import type { Stop, Time } from '../time.js';
import type { NodeState } from '../types.js';
import { writeIdentity, writeMetadata } from '../wire/metadata.js';

/** How long changes are gathered before they are told. */
const GATHER_MS = 50;

export interface WatcherOptions {
  readonly hub: string;
  readonly stream: MessageStream<WatchResponseInit, never>;
  readonly time: Time;
  /** A member as it is now; null when it has been forgotten. */
  readonly look: (name: string) => NodeState | null;
}

/** Tells another query node of this hub's members: all, then what changes, never faster than it reads. */
export class Watcher {
  readonly #options: WatcherOptions;
  readonly #dirty: Set<string>;
  readonly #stopSigns: Stop;
  #complete = false;
  #sending = false;
  #gathering: Stop | null = null;

  constructor(options: WatcherOptions, names: readonly string[]) {
    this.#options = options;
    this.#dirty = new Set(names);
    this.#stopSigns = options.time.every(PING_MS, () => {
      if (!this.#sending) void this.#flush();
    });
    void this.#flush();
  }

  changed(name: string): void {
    this.#dirty.add(name);
    this.#gathering ??= this.#options.time.after(GATHER_MS, () => {
      this.#gathering = null;
      if (!this.#sending) void this.#flush();
    });
  }

  stop(reason?: ErrorShape): void {
    this.#stopSigns();
    this.#gathering?.();
    this.#options.stream.close(reason);
  }

  async #flush(): Promise<void> {
    const { hub, stream, look } = this.#options;
    this.#sending = true;
    do {
      // One a message: no member can say so much that the others aren't heard of.
      const [name] = this.#dirty;
      const state = name === undefined ? null : look(name);
      if (name !== undefined) this.#dirty.delete(name);
      this.#complete ||= this.#dirty.size === 0;
      await stream.send({
        hub,
        members: state === null ? [] : [writeState(state)],
        forgotten: name !== undefined && state === null ? [name] : [],
        complete: this.#complete,
      });
    } while (this.#dirty.size > 0);
    this.#sending = false;
  }
}

function writeState(state: NodeState): NonNullable<WatchResponseInit['members']>[number] {
  const { identity, metadata, alive, reason, clockOffsetMs, lastContactMs } = state;
  return {
    identity: writeIdentity(identity),
    metadata: writeMetadata(metadata, 0, 'no values'),
    alive,
    ...(reason === null ? {} : { reason }),
    ...(clockOffsetMs === null ? {} : { clockOffsetMs }),
    ...(lastContactMs === null ? {} : { lastContactMs }),
  };
}
