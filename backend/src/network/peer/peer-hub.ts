import { ArmorlakeError, messageOf } from '../../core/index.js';
import type { ErrorShape, Logger } from '../../core/index.js';
import type { NodeOutcome, ScatterRequest } from '../../query/index.js';
import { addressOf } from '../backbone.js';
import type { Backbone, HubDial, HubTarget, WatchResponse } from '../backbone.js';
import { AnswerGate } from '../hub/answer-gate.js';
import type { TakeChunk } from '../hub/answer-gate.js';
import { cancelled, late, tooLong } from '../hub/member-session.js';
import { Patience, letPass } from '../hub/patience.js';
import { GREETING_MS, PROTOCOL, REQUEST_BYTES } from '../limits.js';
import { Listening, Silence, defaultSilence } from '../silence.js';
import type { SilenceRules } from '../silence.js';
import { nodeState } from '../state.js';
import { Backoff, pause } from '../time.js';
import type { Stop, Time } from '../time.js';
import { emptyMetadata } from '../types.js';
import type { NodeIdentity, NodeMetadata, NodeState } from '../types.js';
import { readError } from '../wire/errors.js';
import { readIdentity, readMetadata, writeRole } from '../wire/metadata.js';
import { readFacts, writeRequest } from '../wire/request.js';
import { clip, sentence } from '../wire/text.js';

export interface PeerOptions {
  readonly backbone: Backbone;
  readonly target: HubTarget;
  readonly identity: NodeIdentity;
  readonly time: Time;
  readonly log: Logger;
  /** The hub told of a member. */
  readonly learnt: (identity: NodeIdentity, metadata: NodeMetadata) => void;
  /** Somebody made the hub forget a member. */
  readonly forgotten: (name: string) => void;
  readonly silence?: SilenceRules;
  readonly random?: () => number;
}

/** What a peer hub told of one of its members. */
interface Told {
  readonly identity: NodeIdentity;
  readonly metadata: NodeMetadata;
  readonly trouble: ErrorShape | null;
  readonly clockOffsetMs: number | null;
  readonly lastContactMs: number | null;
}

const MOST_MEMBERS = 10_000;
/** Of a sentence about a member. */
const MOST_REASON = 300;
/** As far from 1970 as a Date reaches. */
const MOST_MS = 8.64e15;

/** Another hub that this query node joins as a query node: sees its members and asks them through it. */
export class PeerHub {
  readonly #options: PeerOptions;
  readonly #abort = new AbortController();
  readonly #backoff: Backoff;
  readonly #members = new Map<string, Told>();
  #fresh = new Set<string>();
  #dial: HubDial | null = null;
  #hub: string | null = null;
  #trouble: ErrorShape | null;
  readonly #relays = new Set<AnswerGate>();
  readonly #patience = new Map<string, Patience>();
  #running: Promise<void> = Promise.resolve();

  constructor(options: PeerOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
    this.#trouble = { code: 'NOT_READY', message: `Hub ${addressOf(options.target)} has not been reached yet.` };
  }

  /** The hub's name; its address until it has told it. */
  get name(): string {
    return this.#hub ?? addressOf(this.#options.target);
  }

  /** Why nothing can be asked through it; null while all is well and its first list is complete. */
  get trouble(): ErrorShape | null {
    return this.#trouble;
  }

  names(): readonly string[] {
    return [...this.#members.keys()];
  }

  state(name: string): NodeState | null {
    const told = this.#members.get(name);
    if (told === undefined) return null;
    return nodeState({ ...told, trouble: this.#trouble ?? told.trouble, via: this.name, promised: false });
  }

  start(): void {
    this.#running = this.#run();
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
  }

  /** Asks one of its members; resolves with how that ended, whatever happens. */
  async ask(
    node: string,
    request: ScatterRequest,
    take: TakeChunk,
    credits: number,
    signal: AbortSignal,
  ): Promise<{ readonly outcome: NodeOutcome; readonly passed: boolean }> {
    const gate = new AnswerGate(node, request, take, this.#options.time);
    const dial = this.#dial;
    if (dial === null || this.#trouble !== null) {
      gate.fail(this.#trouble ?? lost(this.name));
      return { outcome: await gate.outcome, passed: false };
    }
    const bytes = request.fragments.reduce((sum, { sql }) => sum + Buffer.byteLength(sql), 0);
    const cancel = (): void => gate.fail(cancelled(node));
    const patience = this.#patienceWith(node);
    const timeoutMs = patience.of(request.timeoutMs);
    let passedBy = false;
    const stop = this.#options.time.after(timeoutMs, () => {
      passedBy = letPass(gate);
      gate.fail(late(node, timeoutMs));
    });
    signal.addEventListener('abort', cancel, { once: true });
    this.#relays.add(gate);
    const stream = dial.relay();
    stream.handle({
      message: ({ message }) => {
        if (message.case === 'chunk') gate.chunk(message.value);
        else if (message.case === 'answered') gate.answered(readFacts(message.value));
        else if (message.case === 'failed') gate.fail(readError(message.value));
      },
      closed: (error) => gate.fail(error ?? lost(this.name)),
    });
    if (signal.aborted) cancel();
    else if (bytes > REQUEST_BYTES) gate.fail(tooLong(node, bytes));
    else {
      gate.open(credits, (more) => void stream.send({ message: { case: 'credits', value: more } }));
      void stream.send({ message: { case: 'ask', value: { node, request: writeRequest(request), credits } } });
    }
    const outcome = await gate.outcome;
    stream.close();
    stop();
    if (!signal.aborted) patience.ended(passedBy);
    signal.removeEventListener('abort', cancel);
    this.#relays.delete(gate);
    return { outcome, passed: gate.passed };
  }

  #patienceWith(node: string): Patience {
    const patience = this.#patience.get(node) ?? new Patience(this.#options.time);
    // Only members are asked, and of these there are so many at most.
    if (this.#patience.size > MOST_MEMBERS) this.#patience.clear();
    this.#patience.set(node, patience);
    return patience;
  }

  /** Makes the hub forget a member, and forgets it here. @throws ArmorlakeError with the hub's reason */
  async forget(name: string, signal: AbortSignal): Promise<void> {
    if (this.#dial === null || this.#trouble !== null) {
      throw ArmorlakeError.fromShape(this.#trouble ?? lost(this.name));
    }
    await this.#dial.forget(name, signal);
    this.#members.delete(name);
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const error = await this.#attempt();
      const address = addressOf(this.#options.target);
      const message = `Hub ${this.#hub ?? address} can't be reached: ${error.message}`;
      if (message !== this.#trouble?.message && !signal.aborted) {
        this.#options.log.warn({ hub: address, reason: error.message }, "Can't see a hub's members.");
      }
      this.#trouble = { ...error, code: error.code === 'INTERNAL' ? 'NOT_READY' : error.code, message };
      for (const gate of this.#relays) gate.fail(this.#trouble);
      await pause(this.#options.time, this.#backoff.next(), signal);
    }
  }

  /** One watch, from dialling to its end. */
  async #attempt(): Promise<ErrorShape> {
    const { backbone, target, identity, time } = this.#options;
    const { signal } = this.#abort;
    let dial: HubDial;
    try {
      dial = backbone.dial(target);
    } catch (thrown) {
      return ArmorlakeError.from(thrown).toShape();
    }
    this.#dial = dial;
    this.#fresh = new Set();
    const { name, role, engineVersion } = identity;
    const stream = dial.watch({ protocol: PROTOCOL, name, role: writeRole(role), engineVersion });
    let stop: Stop = () => undefined;
    let stopped = (): void => undefined;
    try {
      return await new Promise((resolve) => {
        stopped = () => resolve(lost(this.name));
        signal.addEventListener('abort', stopped, { once: true });
        const listening = new Listening(time, GREETING_MS, () =>
          resolve({ code: 'NOT_READY', message: 'It does not answer.' }),
        );
        stop = () => listening.stop();
        const silence = new Silence(this.#options.silence ?? defaultSilence);
        let heardAt: number | null = null;
        stream.handle({
          message: (message) => {
            const now = listening.runMs;
            if (heardAt !== null) silence.measure(now - heardAt);
            heardAt = now;
            listening.heard(silence.limitMs);
            try {
              this.#hear(message);
            } catch (thrown) {
              resolve(ArmorlakeError.from(thrown).toShape());
            }
          },
          closed: (error) => resolve(error ?? { code: 'NOT_READY', message: 'It ended the connection.' }),
        });
      });
    } finally {
      stop();
      signal.removeEventListener('abort', stopped);
      stream.close();
      dial.close();
      this.#dial = null;
    }
  }

  #hear({ hub, members, forgotten, complete }: WatchResponse): void {
    this.#hub = clip(hub, 63);
    for (const member of members) {
      const identity = readIdentity(member.identity);
      const { name } = identity;
      if (this.#members.size >= MOST_MEMBERS && !this.#members.has(name)) {
        throw new ArmorlakeError('LIMIT_EXCEEDED', `It tells of more than ${MOST_MEMBERS} members.`);
      }
      const told = readTold(member);
      this.#fresh.add(name);
      this.#members.set(name, { identity, ...told });
      this.#options.learnt(identity, told.metadata);
    }
    for (const name of forgotten) if (this.#members.delete(name)) this.#options.forgotten(name);
    if (!complete || this.#trouble === null) return;
    for (const name of this.names()) if (!this.#fresh.has(name)) this.#members.delete(name);
    this.#trouble = null;
    this.#backoff.reset();
  }
}

/** One member that can't be understood is failed by name; its hub's others are heard all the same. */
function readTold(member: WatchResponse['members'][number]): Omit<Told, 'identity'> {
  const times = { clockOffsetMs: timeOf(member.clockOffsetMs), lastContactMs: timeOf(member.lastContactMs) };
  try {
    const metadata = readMetadata(member.metadata);
    const trouble = member.alive ? null : away(member.reason ?? 'It is away.');
    return { metadata, trouble, ...times };
  } catch (thrown) {
    return { metadata: emptyMetadata, trouble: away(`Its metadata can't be used: ${messageOf(thrown)}`), ...times };
  }
}

function away(reason: string): ErrorShape {
  return { code: 'NOT_READY', message: sentence(reason, MOST_REASON) };
}

/** Milliseconds that a date can be made of. */
function timeOf(ms: number | undefined): number | null {
  return ms !== undefined && Math.abs(ms) <= MOST_MS ? ms : null;
}

function lost(hub: string): ErrorShape {
  return { code: 'NOT_READY', message: `The connection to hub ${hub} was lost.` };
}
