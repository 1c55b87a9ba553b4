import { randomUUID } from 'node:crypto';
import type { HubTarget } from '../backbone.js';
import type { Stop } from '../time.js';
import { HubLink } from './hub-link.js';
import type { LinkOptions, LinkState } from './hub-link.js';

export type AttachmentOptions = Omit<LinkOptions, 'target' | 'instance' | 'link'> & {
  /** The hubs this node joins, each for itself. */
  readonly targets: readonly HubTarget[];
};

/** A node's membership: joined to every hub it is told of, again and again, until closed. */
export class Attachment {
  readonly #links: readonly HubLink[];
  readonly #stops: readonly Stop[];

  constructor(options: AttachmentOptions) {
    const instance = randomUUID();
    this.#links = options.targets.map((target, link) => new HubLink({ ...options, target, instance, link }));
    this.#stops = this.#links.map((link) => options.publication.follow(link));
    for (const link of this.#links) link.start();
  }

  /** For status, health and metrics. */
  states(): readonly LinkState[] {
    return this.#links.map(({ state }) => state);
  }

  /** The clocks of the hubs it is joined to, as they are now. */
  hubClocks(): readonly number[] {
    return this.#links.flatMap(({ hubMs }) => hubMs ?? []);
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()));
    for (const stop of this.#stops) stop();
  }
}
