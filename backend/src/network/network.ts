import { ArmorlakeError } from '../core/index.js';
import type { ErrorShape } from '../core/index.js';
import type { NodeOutcome, Scatter, ScatterRequest, ScatterSink } from '../query/index.js';
import type { Hub } from './hub/hub.js';
import type { MemberBook } from './hub/member-book.js';
import type { TakeChunk } from './hub/answer-gate.js';
import { CHUNK_BYTES, MOST_CREDITS, WINDOW_BYTES } from './limits.js';
import type { LocalNode } from './local-node.js';
import type { PeerHub } from './peer/peer-hub.js';
import { nodeState, notSeen } from './state.js';
import type { NodeState } from './types.js';

export interface NetworkOptions {
  /** This node's own lake, when it stores events. */
  readonly local: LocalNode | null;
  /** The members attached to this node; null: it is no hub. */
  readonly hub: Hub | null;
  /** Other hubs this node is joined to as a query node; none for an edge. */
  readonly peers: readonly PeerHub[];
  readonly book: MemberBook;
}

/** A way to a member. */
interface Route {
  /** What it goes through. */
  readonly hub: object;
  readonly state: NodeState;
  /** To this node, or itself; no other hub's word. */
  readonly attached: boolean;
  ask(
    request: ScatterRequest,
    take: TakeChunk,
    credits: number,
    signal: AbortSignal,
  ): Promise<{ readonly outcome: NodeOutcome; readonly passed: boolean }>;
}

/** All members as this node sees them, each asked through exactly one hub. An edge's network is itself alone. */
export class Network implements Scatter {
  readonly #options: NetworkOptions;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  /** As `nodes`. */
  members(): readonly NodeState[] {
    return this.nodes();
  }

  /** Every node that is expected to answer, with all that is known of it. */
  nodes(): readonly NodeState[] {
    const { hub, local, peers, book } = this.#options;
    const names = new Set([
      ...(local === null ? [] : [local.identity.name]),
      ...(hub?.states().map(({ name }) => name) ?? []),
      ...peers.flatMap((peer) => peer.names()),
      ...book.all().map(({ identity }) => identity.name),
    ]);
    return [...names].sort().flatMap((name) => {
      const node = this.#node(name);
      return node === null ? [] : [node, ...this.#namesakes(name)];
    });
  }

  async scatter(
    nodes: readonly string[],
    request: ScatterRequest,
    sink: ScatterSink,
    signal: AbortSignal,
  ): Promise<void> {
    const names = [...new Set(nodes)];
    const share = Math.floor(WINDOW_BYTES / CHUNK_BYTES / Math.max(1, names.length));
    const credits = Math.min(MOST_CREDITS, Math.max(1, share));
    await Promise.all(
      names.map(async (name) => {
        const take: TakeChunk = (fragment, bytes) => sink.chunk(name, fragment, bytes);
        sink.ended(name, await this.#ask(name, request, take, credits, signal));
      }),
    );
  }

  /**
   * No longer expects a member, here and at every hub that knows it; one that is up is sent away.
   * @throws ArmorlakeError CONFLICT for this node itself, NOT_FOUND when nobody knows it, NOT_READY when a hub that knows
   * it is out of reach
   */
  async forget(name: string, signal: AbortSignal): Promise<void> {
    const { hub, local, peers, book } = this.#options;
    if (this.#node(name) === null) {
      throw new ArmorlakeError('NOT_FOUND', `No node ${name} is known here.`, { node: name });
    }
    if (name === local?.identity.name) {
      throw new ArmorlakeError('CONFLICT', `Node ${name} is the asked node itself.`, {
        node: name,
        hint: 'Stop it, and forget it at another query node.',
      });
    }
    for (const peer of peers) if (peer.state(name) !== null) await peer.forget(name, signal);
    if (book.get(name)?.direct === true && hub !== null) hub.forgetMember(name);
    else book.forget(name, null);
  }

  #node(name: string): NodeState | null {
    const routes = this.#routes(name);
    const first = routes[0]?.state;
    if (first === undefined) {
      const remembered = this.#options.book.get(name);
      if (remembered === undefined) return null;
      const known = { ...remembered, via: null, lastContactMs: null, clockOffsetMs: null, promised: false };
      return nodeState({ ...known, trouble: notSeen(name) });
    }
    const other = contradiction(routes);
    return other === undefined ? first : { ...first, alive: false, reason: twoLakes(first, other).message };
  }

  /**
   * What is attached here has proved who it is, and answers. Whom another hub calls so is missed all the same, or a word
   * of that hub could hide a node of ours, or ours one of its own.
   */
  #namesakes(name: string): readonly NodeState[] {
    const [first, ...others] = this.#routes(name);
    if (first?.attached !== true) return [];
    return others
      .filter((other) => differs(first, other))
      .map(({ state }) => {
        const reason = twoLakes(first.state, state).message;
        return { ...state, name: `${name} at ${state.via ?? 'no hub'}`, alive: false, reason };
      });
  }

  /** The ways to a member, the best first: itself, attached here, then other hubs by name; those that are up first. */
  #routes(name: string): readonly Route[] {
    const { local, hub, peers } = this.#options;
    const here = local?.identity.name === name ? local.state() : (hub?.state(name) ?? null);
    const direct: Route[] = [];
    if (local !== null && here !== null && local.identity.name === name) {
      const ask: Route['ask'] = (request, take, _credits, signal) => local.ask(request, take, signal);
      direct.push({ hub: local, state: here, attached: true, ask });
    } else if (hub !== null && here !== null) {
      direct.push({ hub, state: here, attached: true, ask: (...asked) => hub.ask(name, ...asked) });
    }
    const sorted = [...peers].sort((one, other) => (one.name < other.name ? -1 : 1));
    const relayed = sorted.flatMap((peer): Route[] => {
      const state = peer.state(name);
      return state === null ? [] : [{ hub: peer, state, attached: false, ask: (...asked) => peer.ask(name, ...asked) }];
    });
    const all = [...direct, ...relayed];
    return [...all.filter(({ state }) => state.alive), ...all.filter(({ state }) => !state.alive)];
  }

  async #ask(
    name: string,
    request: ScatterRequest,
    take: TakeChunk,
    credits: number,
    signal: AbortSignal,
  ): Promise<NodeOutcome> {
    const routes = this.#routes(name);
    const [first] = routes;
    if (first === undefined) return failed(notSeen(name));
    const other = contradiction(routes);
    if (other !== undefined) return failed(twoLakes(first.state, other));
    const tried = new Set<object>();
    let route: Route | undefined = first;
    for (;;) {
      tried.add(route.hub);
      const { outcome, passed } = await route.ask(request, take, credits, signal);
      // When the way broke, not the node, and nothing has come yet, another hub may still reach it.
      const wayBroke = outcome.status === 'failed' && outcome.error.code === 'NOT_READY' && !passed;
      if (!wayBroke || signal.aborted || route.hub === this.#options.local) return outcome;
      route = this.#routes(name).find(({ hub, state }) => state.alive && !tried.has(hub));
      if (route === undefined) return outcome;
    }
  }
}

/** Another node of the same name, as some hub says: nobody can tell which of two that were only heard of is meant. */
function contradiction([first, ...others]: readonly Route[]): NodeState | undefined {
  return first === undefined || first.attached ? undefined : others.find((other) => differs(first, other))?.state;
}

function differs({ state: one }: Route, { state: other }: Route): boolean {
  return one.identity.lakeId !== other.identity.lakeId;
}

function failed(error: ErrorShape): NodeOutcome {
  return { status: 'failed', error };
}

function twoLakes(one: NodeState, other: NodeState): ErrorShape {
  return {
    code: 'CONFLICT',
    message: `Two nodes with lakes of their own are called ${one.name}, at ${one.via ?? 'no hub'} and at ${other.via ?? 'no hub'}.`,
    node: one.name,
    hint: 'Give one of them another name with --name.',
  };
}
