import { ArmorlakeError } from '../../core/index.js';
import type { ErrorShape, Logger } from '../../core/index.js';
import { addressOf } from '../backbone.js';
import type { Backbone, HubDial, HubTarget, JoinRequestInit, JoinResponse, MessageStream } from '../backbone.js';
import { GREETING_MS, PROTOCOL } from '../limits.js';
import { Listening } from '../silence.js';
import { Backoff, pause } from '../time.js';
import type { Stop, Time } from '../time.js';
import type { FragmentRunner, NodeIdentity, NodeMetadata } from '../types.js';
import { readError } from '../wire/errors.js';
import { writeIdentity, writeMetadata } from '../wire/metadata.js';
import { toBigint, toNumber } from '../wire/text.js';
import { Answering } from './answering.js';
import type { Follower, Publication } from './publication.js';

export interface LinkOptions {
  readonly backbone: Backbone;
  readonly target: HubTarget;
  readonly identity: NodeIdentity;
  readonly publication: Publication;
  readonly runner: FragmentRunner;
  /** Milliseconds since the engine answered last. */
  readonly engineAgeMs: () => number;
  readonly time: Time;
  readonly log: Logger;
  /** The same for all links of this process, and which of them this is. */
  readonly instance: string;
  readonly link: number;
  readonly random?: () => number;
}

export interface LinkState {
  readonly address: string;
  readonly state: 'connecting' | 'joined' | 'refused';
  readonly hub: string | null;
  /** What is wrong and what to do; null while joined. */
  readonly detail: string | null;
}

interface Session {
  readonly stream: MessageStream<JoinRequestInit, JoinResponse>;
  hub: string | null;
  answering: Answering | null;
  acked: number;
  /** The hub's clock in its latest ping, and when that came, monotonic milliseconds. */
  clock: { readonly hubMs: number; readonly atMs: number } | null;
  /** Ends the wait for the hub's next word. */
  stop: Stop;
}

/** Without a word from a hub for so long, it is dialled anew. */
const HUB_SILENCE_MS = 15_000;
/** What a hub refused it will most likely refuse again. */
const REFUSED_MS = 5_000;

/** Keeps a node joined to one hub: dials, says all about itself, answers pings and asks, and dials again. */
export class HubLink implements Follower {
  readonly #options: LinkOptions;
  readonly #abort = new AbortController();
  readonly #backoff: Backoff;
  /** Hub → until when it may hold this node alive, monotonic milliseconds. */
  readonly #leases = new Map<string, number>();
  readonly #waiting = new Set<() => void>();
  #session: Session | null = null;
  #state: LinkState;
  #running: Promise<void> = Promise.resolve();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
    this.#state = { address: addressOf(options.target), state: 'connecting', hub: null, detail: null };
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The hub's clock now, by its latest ping; null while not joined. */
  get hubMs(): number | null {
    const clock = this.#state.state === 'joined' ? this.#session?.clock : null;
    return clock == null ? null : clock.hubMs + this.#options.time.monotonicMs() - clock.atMs;
  }

  start(): void {
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  follow(metadata: NodeMetadata, version: number): void {
    this.#send({ case: 'metadata', value: writeMetadata(metadata, version) });
  }

  settled(version: number): Promise<void> | null {
    // Echoes that go from now on come after the update on the same stream: only leases given before count.
    const owed = new Map(this.#leases);
    const leftMs = (): number => {
      const now = this.#options.time.monotonicMs();
      const open = [...owed].filter(([hub]) => this.#session?.hub !== hub || this.#session.acked < version);
      return Math.max(0, ...open.map(([, until]) => until - now));
    };
    if (leftMs() === 0) return null;
    return new Promise((resolve) => {
      let stop: Stop = () => undefined;
      const check = (): void => {
        stop();
        const left = leftMs();
        if (left > 0) {
          stop = this.#options.time.after(left, check);
          return;
        }
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const error = await this.#attempt();
      if (signal.aborted) return;
      if (error.message !== this.#state.detail) {
        this.#options.log.warn({ hub: this.#state.address, reason: error.message }, 'Not joined to a hub.');
      }
      const detail = error.hint === undefined ? error.message : `${error.message} ${error.hint}`;
      const refused = error.code !== 'NOT_READY';
      this.#state = { ...this.#state, state: refused ? 'refused' : 'connecting', hub: null, detail };
      await pause(this.#options.time, refused ? REFUSED_MS : this.#backoff.next(), signal);
    }
  }

  /** One session, from dialling to its end. */
  async #attempt(): Promise<ErrorShape> {
    const { backbone, target } = this.#options;
    let dial: HubDial;
    try {
      dial = backbone.dial(target);
    } catch (thrown) {
      return ArmorlakeError.from(thrown).toShape();
    }
    const { signal } = this.#abort;
    let stopped = (): void => undefined;
    try {
      return await new Promise((resolve) => {
        stopped = () => resolve(gone);
        signal.addEventListener('abort', stopped, { once: true });
        this.#open(dial, resolve);
      });
    } finally {
      signal.removeEventListener('abort', stopped);
      const session = this.#session;
      this.#session = null;
      session?.stop();
      session?.answering?.close();
      session?.stream.close();
      dial.close();
    }
  }

  #open(dial: HubDial, ended: (error: ErrorShape) => void): void {
    const { identity, publication, time } = this.#options;
    const { address } = this.#state;
    const session: Session = {
      stream: dial.join(),
      hub: null,
      answering: null,
      acked: 0,
      clock: null,
      stop: () => undefined,
    };
    this.#session = session;
    const listening = new Listening(time, GREETING_MS, () =>
      ended({ code: 'NOT_READY', message: `Hub ${address} does not answer.` }),
    );
    session.stop = () => listening.stop();
    const { metadata, version } = publication;
    session.stream.handle({
      message: ({ message }) => {
        listening.heard(HUB_SILENCE_MS);
        if (message.case === 'ping') this.#echo(message.value);
        else if (message.case === 'ack') this.#acked(session, toNumber(message.value.version));
        else if (message.case === 'ask') session.answering?.ask(message.value);
        else if (message.case === 'cancel') session.answering?.cancel(message.value.requestId);
        else if (message.case === 'refused') ended(readError(message.value));
        else if (message.case === 'welcome') {
          const { hub, session: id } = message.value;
          this.#joined(session, hub, id, dial, version);
        }
      },
      closed: (error) => ended(error ?? { code: 'NOT_READY', message: `Hub ${address} ended the connection.` }),
    });
    const { instance, link } = this.#options;
    const wire = { identity: writeIdentity(identity), metadata: writeMetadata(metadata, version) };
    this.#send({ case: 'hello', value: { protocol: PROTOCOL, ...wire, instance, link } });
  }

  #joined(session: Session, hub: string, id: string, dial: HubDial, version: number): void {
    const { runner, time, log } = this.#options;
    session.hub = hub;
    session.answering = new Answering({ session: id, hub, runner, deliver: () => dial.deliver(), time });
    this.#backoff.reset();
    this.#state = { ...this.#state, state: 'joined', hub, detail: null };
    log.info({ hub, address: this.#state.address }, 'Joined a hub.');
    // The hub has read what came with the hello, and any session it still held before has ended.
    this.#acked(session, version);
  }

  #echo(ping: Extract<JoinResponse['message'], { case: 'ping' }>['value']): void {
    const { time, engineAgeMs } = this.#options;
    const session = this.#session;
    const hub = session?.hub ?? null;
    if (session === null || hub === null) return;
    session.clock = { hubMs: toNumber(ping.sentMicros) / 1_000, atMs: time.monotonicMs() };
    const received = toBigint(time.wallMs() * 1_000);
    // The hub counts from when it sent the ping; 1 % and 100 ms are for clocks that don't run alike.
    const until = time.monotonicMs() + ping.leaseMs * 1.01 + 100;
    this.#leases.set(hub, Math.max(this.#leases.get(hub) ?? 0, until));
    const engineAge = Math.min(0xffff_ffff, Math.max(0, Math.round(engineAgeMs())));
    this.#send({
      case: 'heartbeat',
      value: {
        pingId: ping.id,
        receivedMicros: received,
        sentMicros: toBigint(time.wallMs() * 1_000),
        engineAgeMs: engineAge,
      },
    });
  }

  #acked(session: Session, version: number): void {
    session.acked = Math.max(session.acked, version);
    for (const check of [...this.#waiting]) check();
  }

  #send(message: NonNullable<JoinRequestInit['message']>): void {
    void this.#session?.stream.send({ message });
  }
}

const gone: ErrorShape = { code: 'NOT_READY', message: 'This node is stopping.' };
