import { ArmorlakeError } from '../core/index.js';
import type { Logger } from '../core/index.js';
import type { Backbone, HubTarget, Listening } from './backbone.js';
import { Hub } from './hub/hub.js';
import { MemberBook } from './hub/member-book.js';
import { LocalNode } from './local-node.js';
import { Attachment } from './member/attachment.js';
import type { LinkState } from './member/hub-link.js';
import type { Publication } from './member/publication.js';
import { Network } from './network.js';
import { PeerHub } from './peer/peer-hub.js';
import type { SilenceRules } from './silence.js';
import { systemTime } from './time.js';
import type { Time } from './time.js';
import type { FragmentRunner, NodeIdentity } from './types.js';

export interface NetworkNodeOptions {
  readonly identity: NodeIdentity;
  /** Null: a query node without data. */
  readonly lake: {
    readonly publication: Publication;
    readonly runner: FragmentRunner;
    /** Milliseconds since the engine answered last. */
    readonly engineAgeMs: () => number;
  } | null;
  readonly backbone: Backbone;
  /** Whether others may join this node. */
  readonly listen: boolean;
  readonly join: readonly HubTarget[];
  /** Where `members.json` is; null keeps nothing over a restart. */
  readonly dataFolder: string | null;
  readonly log: Logger;
  readonly time?: Time;
  readonly lease?: SilenceRules;
  /** In [0, 1); spreads the waits before it dials again. */
  readonly random?: () => number;
}

/** A node's part in the network: hub, member and asker, as far as its role and its options go. */
export class NetworkNode {
  /** For the query side. */
  readonly network: Network;
  readonly hub: Hub | null;
  readonly #attachment: Attachment | null;
  readonly #peers: readonly PeerHub[];
  readonly #listening: Listening | null;
  readonly #book: MemberBook;

  private constructor(
    network: Network,
    hub: Hub | null,
    attachment: Attachment | null,
    peers: readonly PeerHub[],
    listening: Listening | null,
    book: MemberBook,
  ) {
    this.network = network;
    this.hub = hub;
    this.#attachment = attachment;
    this.#peers = peers;
    this.#listening = listening;
    this.#book = book;
  }

  /**
   * Listens if it shall, and begins to dial; it doesn't wait for any hub.
   * @throws ArmorlakeError BAD_CONFIG when it can't listen, or `members.json` or a certificate can't be used
   */
  static async start(options: NetworkNodeOptions): Promise<NetworkNode> {
    const { identity, lake, backbone, join, log } = options;
    if (options.listen && identity.role !== 'query') {
      throw new ArmorlakeError('BAD_CONFIG', `Node ${identity.name} has the role edge, so no node can join it.`, {
        hint: 'Give it the role query, or take `network.listen` away.',
      });
    }
    const time = options.time ?? systemTime;
    const book = new MemberBook(options.dataFolder, time, (sentence) => log.error({}, sentence));
    const local = lake === null ? null : new LocalNode(identity, lake.publication, lake.runner, time);
    const lease = options.lease === undefined ? {} : { lease: options.lease };
    const hub = options.listen ? new Hub({ identity, local, book, time, log, ...lease }) : null;
    const listening = hub === null ? null : await listenOrClose(backbone, hub);
    const random = options.random === undefined ? {} : { random: options.random };
    const silence = options.lease === undefined ? {} : { silence: options.lease };
    const asks = identity.role === 'query' ? join : [];
    const peers = asks.map(
      (target) =>
        new PeerHub({
          backbone,
          target,
          identity,
          time,
          log,
          ...silence,
          ...random,
          learnt: (told, metadata) => {
            if (told.name === identity.name || book.get(told.name) !== undefined) return;
            book.remember({ identity: told, metadata, direct: false });
          },
          forgotten: (name) => {
            if (book.get(name)?.direct === false) book.forget(name, null);
          },
        }),
    );
    for (const peer of peers) peer.start();
    const network = new Network({ local, hub, peers, book });
    const attachment =
      lake === null || join.length === 0
        ? null
        : new Attachment({ backbone, targets: join, identity, time, log, ...lake, ...random });
    return new NetworkNode(network, hub, attachment, peers, listening, book);
  }

  /** Where others can join; null when they can't. */
  get address(): HubTarget | null {
    return this.#listening;
  }

  /** The hubs this node is joined to as a member. */
  links(): readonly LinkState[] {
    return this.#attachment?.states() ?? [];
  }

  /** The clocks of these hubs now, milliseconds since 1970. */
  hubClocks(): readonly number[] {
    return this.#attachment?.hubClocks() ?? [];
  }

  /** The hubs whose members it sees, each with the number that can be asked and what is wrong, if anything. */
  peers(): readonly { readonly hub: string; readonly alive: number; readonly detail: string | null }[] {
    return this.#peers.map((peer) => ({
      hub: peer.name,
      alive: peer.names().filter((name) => peer.state(name)?.alive).length,
      detail: peer.trouble?.message ?? null,
    }));
  }

  async close(): Promise<void> {
    await Promise.all([this.#attachment?.close(), ...this.#peers.map((peer) => peer.close())]);
    this.hub?.close();
    this.#book.close();
    await this.#listening?.close();
  }
}

async function listenOrClose(backbone: Backbone, hub: Hub): Promise<Listening> {
  try {
    return await backbone.listen(hub);
  } catch (thrown) {
    hub.close();
    throw thrown;
  }
}
