import { ArmorlakeError, SparseLog, messageOf } from '../../core/index.js';
import type { ErrorShape, Logger } from '../../core/index.js';
import type { NodeOutcome, ScatterRequest } from '../../query/index.js';
import type {
  Caller,
  DeliverRequest,
  DeliverResponseInit,
  HubService,
  JoinRequest,
  JoinResponseInit,
  MessageStream,
  RelayRequest,
  RelayResponseInit,
  WatchRequest,
  WatchResponseInit,
} from '../backbone.js';
import { GREETING_MS, MOST_RELAYED, PING_MS } from '../limits.js';
import type { LocalNode } from '../local-node.js';
import { LOOK_MS, RunningTime, defaultSilence } from '../silence.js';
import type { SilenceRules } from '../silence.js';
import { nodeState, notSeen } from '../state.js';
import type { Stop, Time } from '../time.js';
import { emptyMetadata } from '../types.js';
import type { NodeIdentity, NodeMetadata, NodeState } from '../types.js';
import { writeError } from '../wire/errors.js';
import { readIdentity, readMetadata, readRole } from '../wire/metadata.js';
import { admit, admitAsker, mayAsk } from './admission.js';
import type { TakeChunk } from './answer-gate.js';
import type { MemberBook } from './member-book.js';
import { MemberSession } from './member-session.js';
import { Patience } from './patience.js';
import { relay } from './relay.js';
import { Watcher } from './watcher.js';

export interface HubOptions {
  readonly identity: NodeIdentity;
  /** This node's own lake, when it stores events. */
  readonly local: LocalNode | null;
  readonly book: MemberBook;
  readonly time: Time;
  readonly log: Logger;
  readonly lease?: SilenceRules;
}

/** A line of the log. */
interface Said {
  readonly level: 'info' | 'warn';
  readonly fields: object;
  readonly message: string;
}

type Hello = Extract<JoinRequest['message'], { case: 'hello' }>['value'];

/** How often leases are looked at, besides whenever somebody asks. */
const CHECK_MS = 100;
/** Lines of the log a minute, node or address and kind: a node that comes and goes without end must not fill the disk. */
const LINES = 5;

/** The members attached to this node: lets them in, watches over them, asks them, and tells other query nodes. */
export class Hub implements HubService {
  readonly #options: HubOptions;
  readonly #running: RunningTime;
  readonly #sessions = new Map<string, MemberSession>();
  /** By name: whoever joins anew is no other node. */
  readonly #patience = new Map<string, Patience>();
  readonly #lastEnds = new Map<string, { reason: ErrorShape; contactMs: number | null }>();
  readonly #watchers = new Set<Watcher>();
  /** Who relays through this hub, and to which member: how many at once. */
  readonly #relays = new Map<string, number>();
  readonly #listeners = new Set<(name: string) => void>();
  readonly #stops: Stop[];
  readonly #lines: SparseLog<Said>;
  #closed = false;

  constructor(options: HubOptions) {
    this.#options = options;
    const write = ({ level, fields, message }: Said, times: number): void =>
      options.log[level](times > 1 ? { ...fields, times } : fields, message);
    this.#lines = new SparseLog(options.time, write, LINES);
    const { time, local } = options;
    this.#running = new RunningTime(time);
    this.#stops = [
      time.every(LOOK_MS, () => this.#running.look()),
      time.every(PING_MS, () => this.#each((session) => session.ping())),
      time.every(CHECK_MS, () => this.#each((session) => session.check())),
    ];
    if (local !== null) this.#stops.push(local.publication.watch(() => this.#changed(local.identity.name)));
  }

  /** Every member that is attached here or was, and this node itself if it stores events. */
  states(): readonly NodeState[] {
    return this.#names().flatMap((name) => this.state(name) ?? []);
  }

  state(name: string): NodeState | null {
    const { local, book } = this.#options;
    if (local !== null && name === local.identity.name) return local.state();
    const remembered = book.get(name);
    if (remembered === undefined || !remembered.direct) return null;
    const session = this.#sessions.get(name);
    const end = this.#lastEnds.get(name);
    return nodeState({
      identity: session?.identity ?? remembered.identity,
      metadata: session?.metadata ?? remembered.metadata,
      trouble: session === undefined ? (end?.reason ?? notSeen(name)) : session.trouble,
      via: session === undefined ? null : this.#options.identity.name,
      lastContactMs: session?.lastContactMs ?? end?.contactMs ?? null,
      clockOffsetMs: session?.clockOffsetMs ?? null,
      promised: session?.promised ?? true,
    });
  }

  /** Told the name of each member that came, went or changed. */
  onChange(listener: (name: string) => void): Stop {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async ask(
    name: string,
    request: ScatterRequest,
    take: TakeChunk,
    credits: number,
    signal: AbortSignal,
  ): Promise<{ readonly outcome: NodeOutcome; readonly passed: boolean }> {
    const { local } = this.#options;
    if (local !== null && name === local.identity.name) return await local.ask(request, take, signal);
    const session = this.#sessions.get(name);
    if (session !== undefined) return await session.ask(request, take, credits, signal);
    const error = this.#lastEnds.get(name)?.reason ?? notSeen(name);
    return { outcome: { status: 'failed', error: { ...error, node: name } }, passed: false };
  }

  /**
   * No longer expects a member. One that is attached is sent away, and its process is not let in again.
   * @param by who asked, for the log: a certificate's name, an address, or this node's own door
   * @throws ArmorlakeError NOT_FOUND when it isn't known here
   */
  forgetMember(name: string, by = 'its own door'): void {
    const { book, identity } = this.#options;
    const session = this.#sessions.get(name);
    if (!book.forget(name, session?.instance ?? null)) {
      throw new ArmorlakeError('NOT_FOUND', `No node ${name} is known here.`, { node: name });
    }
    // Out of the list first: a session that ends by itself is remembered.
    this.#sessions.delete(name);
    session?.end(forgottenHere(name, identity.name).toShape());
    this.#lastEnds.delete(name);
    this.#patience.delete(name);
    this.#say('warn', name, { node: name, by }, 'A node was forgotten: its absence is told no more.');
    this.#changed(name);
  }

  join(stream: MessageStream<JoinResponseInit, JoinRequest>, caller: Caller): void {
    let session: MemberSession | null = null;
    const stop = this.#options.time.after(GREETING_MS, () => stream.close(noGreeting));
    stream.handle({
      message: (message) => {
        stop();
        if (session !== null) session.message(message);
        else session = this.#welcome(message, stream, caller);
      },
      closed: (error) => {
        stop();
        session?.gone(error);
      },
    });
  }

  deliver(stream: MessageStream<DeliverResponseInit, DeliverRequest>, caller: Caller): void {
    let handlers: ReturnType<MemberSession['deliver']> = null;
    const stop = this.#options.time.after(GREETING_MS, () => stream.close(noGreeting));
    stream.handle({
      message: (message) => {
        stop();
        if (handlers !== null) handlers.message(message);
        else handlers = this.#opened(message, stream, caller);
      },
      closed: (error) => {
        stop();
        handlers?.closed(error);
      },
    });
  }

  watch(request: WatchRequest, stream: MessageStream<WatchResponseInit, never>, caller: Caller): void {
    try {
      const { protocol, name, engineVersion } = request;
      admitAsker({ protocol, name, role: readRole(request.role), engineVersion }, caller, this.#options.identity);
    } catch (thrown) {
      stream.close(ArmorlakeError.from(thrown).toShape());
      return;
    }
    const look = (name: string): NodeState | null => this.state(name);
    const { time, identity } = this.#options;
    const watcher = new Watcher({ hub: identity.name, stream, time, look }, this.#names());
    this.#watchers.add(watcher);
    stream.handle({
      message: () => undefined,
      closed: () => {
        watcher.stop();
        this.#watchers.delete(watcher);
      },
    });
  }

  relay(stream: MessageStream<RelayResponseInit, RelayRequest>, caller: Caller): void {
    try {
      mayAsk(caller);
      const by = caller.certificate?.name ?? 'unproven';
      relay(stream, by, (name, ...asked) => this.#relayed(by, name, () => this.ask(name, ...asked)));
    } catch (thrown) {
      stream.close(ArmorlakeError.from(thrown).toShape());
    }
  }

  /** Whoever asks through this hub leaves half of a member's places to others. */
  async #relayed<Answer>(by: string, name: string, ask: () => Promise<Answer>): Promise<Answer> {
    const key = JSON.stringify([by, name]);
    const open = this.#relays.get(key) ?? 0;
    if (open >= MOST_RELAYED) {
      throw new ArmorlakeError('BUSY', `Node ${name} works on ${MOST_RELAYED} requests of ${by} already.`, {
        node: name,
      });
    }
    this.#relays.set(key, open + 1);
    try {
      return await ask();
    } finally {
      const left = (this.#relays.get(key) ?? 1) - 1;
      if (left > 0) this.#relays.set(key, left);
      else this.#relays.delete(key);
    }
  }

  forget(name: string, caller: Caller): Promise<void> {
    mayAsk(caller);
    this.forgetMember(name, caller.certificate?.name ?? caller.address);
    return Promise.resolve();
  }

  close(): void {
    this.#closed = true;
    for (const stop of this.#stops) stop();
    const reason: ErrorShape = { code: 'NOT_READY', message: `Hub ${this.#options.identity.name} is stopping.` };
    for (const watcher of this.#watchers) watcher.stop(reason);
    this.#each((session) => session.end(reason));
  }

  #welcome(
    { message }: JoinRequest,
    stream: MessageStream<JoinResponseInit, JoinRequest>,
    caller: Caller,
  ): MemberSession | null {
    const { identity: hub, book, time, lease } = this.#options;
    try {
      if (message.case !== 'hello') throw new ArmorlakeError('BAD_REQUEST', 'The first message was no hello.');
      if (this.#closed) throw new ArmorlakeError('NOT_READY', `Hub ${hub.name} is stopping.`);
      const identity = readIdentity(message.value.identity);
      const { name } = identity;
      admit(message.value.protocol, identity, caller, { hub, knownLake: book.get(name)?.identity.lakeId });
      const metadata = this.#metadataOf(identity, message.value.metadata);
      const { instance, link } = message.value;
      if (book.isForgotten(name, instance)) throw forgottenHere(name, hub.name);
      const before = this.#sessions.get(name);
      if (before?.joinedBy(instance, link) === true) throw joinedAlready(name, hub.name);
      this.#refuseCopy(identity, instance, caller.address);
      before?.end({ code: 'NOT_READY', message: `Node ${name} has joined anew.`, node: name });
      book.remember({ identity, metadata, direct: true });
      const patience = this.#patience.get(name) ?? new Patience(time);
      this.#patience.set(name, patience);
      const session: MemberSession = new MemberSession({
        identity,
        metadata,
        version: message.value.metadata?.version ?? 0n,
        stream,
        time,
        instance,
        link,
        lease: lease ?? defaultSilence,
        running: this.#running,
        patience,
        changed: () => this.#changed(name),
        ended: (reason) => this.#ended(session, reason),
      });
      this.#sessions.set(name, session);
      void stream.send({ message: { case: 'welcome', value: { hub: hub.name, session: session.id } } });
      session.ping();
      this.#say('info', name, { node: name, address: caller.address }, 'A node has joined.');
      this.#changed(name);
      return session;
    } catch (thrown) {
      const error = ArmorlakeError.from(thrown).toShape();
      const { address } = caller;
      this.#say('warn', address, { address, error: error.message }, 'A node was refused.');
      void stream.send({ message: { case: 'refused', value: writeError(error) } });
      stream.close();
      return null;
    }
  }

  /**
   * A lake runs in one process, under the name that it is known by here: while that process lives another one on the same
   * lake is a copy, and under another name it is one at any time.
   */
  #refuseCopy({ name, lakeId }: NodeIdentity, instance: string, address: string): void {
    const known = this.#options.book.all().find((each) => each.direct && each.identity.lakeId === lakeId);
    if (known !== undefined && known.identity.name !== name) {
      throw new ArmorlakeError(
        'CONFLICT',
        `Node ${name} at ${address} has the lake that is known here as ${known.identity.name}'s.`,
        {
          node: name,
          hint: `If ${known.identity.name} is called ${name} now, run \`armorlake forget ${known.identity.name}\` first. A copy needs an empty data folder of its own.`,
        },
      );
    }
    const original = [...this.#sessions.values()].find((session) => session.runsLake(lakeId, instance));
    if (original === undefined) return;
    throw new ArmorlakeError(
      'CONFLICT',
      `Node ${name} at ${address} has the same lake as ${original.identity.name}, which is joined and alive: one is a copy of the other's data folder.`,
      {
        node: name,
        hint: 'Stop one of them. To make a copy a node of its own, give it a name and an empty data folder of its own.',
      },
    );
  }

  /**
   * A node that says of itself what no node is stays out, but is expected from then on, so that its absence is told by
   * its name and this reason. What it said is not kept.
   */
  #metadataOf(identity: NodeIdentity, given: Hello['metadata']): NodeMetadata {
    try {
      return readMetadata(given);
    } catch (thrown) {
      const { name } = identity;
      const reason = new ArmorlakeError(
        'BAD_REQUEST',
        `Node ${name} sent metadata that can't be used: ${messageOf(thrown)}`,
        {
          node: name,
          hint: 'Check its version and whether somebody else uses its certificate.',
        },
      );
      if (!this.#sessions.has(name)) {
        const { book, time } = this.#options;
        book.remember({ identity, metadata: book.get(name)?.metadata ?? emptyMetadata, direct: true });
        this.#lastEnds.set(name, { reason: reason.toShape(), contactMs: time.wallMs() });
        this.#changed(name);
      }
      throw reason;
    }
  }

  #opened(
    { message }: DeliverRequest,
    stream: MessageStream<DeliverResponseInit, DeliverRequest>,
    { certificate, address }: Caller,
  ): ReturnType<MemberSession['deliver']> {
    const open = message.case === 'open' ? message.value : null;
    const session = [...this.#sessions.values()].find(({ id }) => id === open?.session);
    if (open === null || session === undefined) {
      stream.close({ code: 'NOT_FOUND', message: 'This answer belongs to no node that is attached here.' });
      return null;
    }
    const { name } = session.identity;
    if (certificate !== null && certificate.name !== name) {
      const who = { address, certificate: certificate.name, node: name };
      this.#say('warn', certificate.name, who, "A node answered in another's name.");
      stream.close({ code: 'FORBIDDEN', message: `${certificate.name} can't answer in the name of ${name}.` });
      this.#sessions.get(certificate.name)?.end({
        code: 'INTERNAL',
        message: `Node ${certificate.name} answered in the name of ${name}.`,
        node: certificate.name,
        hint: 'Take it off the network and look at it.',
      });
      return null;
    }
    return session.deliver(open.requestId, stream);
  }

  #ended(session: MemberSession, reason: ErrorShape): void {
    const { name } = session.identity;
    if (this.#sessions.get(name) !== session) return;
    this.#sessions.delete(name);
    this.#lastEnds.set(name, { reason, contactMs: session.lastContactMs });
    this.#options.book.remember({ identity: session.identity, metadata: session.metadata, direct: true });
    this.#say('warn', name, { node: name, reason: reason.message }, 'A node has gone.');
    this.#changed(name);
  }

  #say(level: Said['level'], who: string, fields: object, message: string): void {
    this.#lines.add(`${message} ${who}`, { level, fields, message });
  }

  #names(): readonly string[] {
    const { local, book } = this.#options;
    const direct = book.all().flatMap(({ identity, direct: here }) => (here ? [identity.name] : []));
    return local === null ? direct : [local.identity.name, ...direct];
  }

  #each(run: (session: MemberSession) => void): void {
    for (const session of [...this.#sessions.values()]) run(session);
  }

  #changed(name: string): void {
    for (const watcher of this.#watchers) watcher.changed(name);
    for (const listener of this.#listeners) listener(name);
  }
}

function forgottenHere(name: string, hub: string): ArmorlakeError {
  return new ArmorlakeError('FORBIDDEN', `Hub ${hub} was told to forget node ${name}.`, {
    node: name,
    hint: 'Restart the node to join anew; to keep it out, take its certificate or token away.',
  });
}

function joinedAlready(name: string, hub: string): ArmorlakeError {
  return new ArmorlakeError('CONFLICT', `Node ${name} is joined to hub ${hub} by another address already.`, {
    node: name,
    hint: 'It takes this one when the other breaks.',
  });
}

const noGreeting: ErrorShape = { code: 'DEADLINE', message: 'Nothing came on this stream.' };
