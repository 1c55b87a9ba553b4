import { randomBytes } from 'node:crypto';
import { ArmorlakeError, messageOf } from '../../core/index.js';
import type { ErrorShape } from '../../core/index.js';
import type { NodeOutcome, ScatterRequest } from '../../query/index.js';
import type { DeliverRequest, DeliverResponseInit, JoinRequest, JoinResponseInit, MessageStream } from '../backbone.js';
import { CONTROL_RATE, ENGINE_SILENCE_MS, MOST_REQUESTS, REQUEST_BYTES } from '../limits.js';
import type { RunningTime, SilenceRules } from '../silence.js';
import type { Time } from '../time.js';
import type { NodeIdentity, NodeMetadata } from '../types.js';
import { readError } from '../wire/errors.js';
import { readMetadata } from '../wire/metadata.js';
import { readFacts, writeRequest } from '../wire/request.js';
import { toBigint, toNumber } from '../wire/text.js';
import { AnswerGate } from './answer-gate.js';
import type { TakeChunk } from './answer-gate.js';
import { Lease } from './lease.js';
import type { Patience } from './patience.js';
import { letPass } from './patience.js';

export interface SessionOptions {
  readonly identity: NodeIdentity;
  readonly metadata: NodeMetadata;
  /** Of the metadata: it grows with each. */
  readonly version: bigint;
  readonly stream: MessageStream<JoinResponseInit, JoinRequest>;
  readonly time: Time;
  readonly lease: SilenceRules;
  /** The hub's, who looks at it. */
  readonly running: RunningTime;
  /** What is known of the node's answers, from sessions before as well. */
  readonly patience: Patience;
  /** Which process, and which of its ways to its hubs. */
  readonly instance: string;
  readonly link: number;
  /** Told of what others may want to know: alive, not alive any more, new metadata. */
  readonly changed: () => void;
  /** Once, with the reason. */
  readonly ended: (reason: ErrorShape) => void;
}

interface OpenAsk {
  readonly gate: AnswerGate;
  stream: MessageStream<DeliverResponseInit, DeliverRequest> | null;
  readonly credits: number;
  readonly isTail: boolean;
}

/** Answers that may still come for asks that have ended. */
const REMEMBERED_ASKS = 1_000;

/** One member's control stream at its hub, from welcome to end, and the asks under way to it. */
export class MemberSession {
  /** Unguessable; the member names it with each answer. */
  readonly id = randomBytes(16).toString('hex');
  readonly identity: NodeIdentity;
  readonly #options: SessionOptions;
  readonly #lease: Lease;
  readonly #patience: Patience;
  readonly #asks = new Map<string, OpenAsk>();
  readonly #endedAsks = new Set<string>();
  #metadata: NodeMetadata;
  #version: bigint;
  #heardAt: number;
  #heardWallMs: number | null = null;
  #engineAgeMs = 0;
  #wasAlive = false;
  #second = 0;
  #inSecond = 0;
  #end: ErrorShape | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.identity = options.identity;
    this.#metadata = options.metadata;
    this.#version = options.version;
    this.#lease = new Lease(options.time, options.lease, options.running);
    this.#patience = options.patience;
    this.#heardAt = options.running.look();
  }

  /** Which process it is. */
  get instance(): string {
    return this.#options.instance;
  }

  get metadata(): NodeMetadata {
    return this.#metadata;
  }

  get clockOffsetMs(): number | null {
    return this.#lease.clockOffsetMs;
  }

  /** Whether its metadata can't have changed without our knowing. */
  get promised(): boolean {
    return this.#lease.promised;
  }

  get lastContactMs(): number | null {
    return this.#heardWallMs;
  }

  /** Whether another process than this one runs this lake, and lives. */
  runsLake(lakeId: string, instance: string): boolean {
    return this.trouble === null && this.identity.lakeId === lakeId && this.#options.instance !== instance;
  }

  /** Whether the same process is joined by another way, and lives. */
  joinedBy(instance: string, link: number): boolean {
    const mine = this.#options;
    return this.trouble === null && mine.instance === instance && mine.link !== link;
  }

  /** Why it can't be asked now; null: it can. Looked up by the clock, never remembered. */
  get trouble(): ErrorShape | null {
    if (this.#end !== null) return this.#end;
    if (this.#lease.alive) return this.#engineTrouble();
    return this.#lease.expired
      ? this.#silent()
      : { code: 'NOT_READY', message: `Node ${this.identity.name} is joining.`, node: this.identity.name };
  }

  /** Ends the session when its lease has run out, and asks that an engine can't answer; the hub calls it often. */
  check(): void {
    if (this.#end !== null) return;
    const silentMs = this.#options.running.look() - this.#heardAt;
    if (this.#lease.expired || silentMs > this.#options.lease.mostMs) {
      this.end(this.#silent());
      return;
    }
    const engine = this.#engineTrouble();
    if (engine !== null) this.#failAsks(engine);
    this.#noticeAlive();
  }

  ping(): void {
    if (this.#end !== null) return;
    const { id, wallMs, leaseMs } = this.#lease.ping();
    this.#send({ case: 'ping', value: { id: toBigint(id), sentMicros: toBigint(wallMs * 1_000), leaseMs } });
  }

  message({ message }: JoinRequest): void {
    if (this.#end !== null) return;
    // What was sent before it fell silent may be behind what it has committed since: it has to join again.
    if (this.#lease.expired) this.end(this.#silent());
    else if (this.#tooMany(message.case === 'metadata' ? 5 : 1)) this.#broke(`sent too many messages in a second`);
    else if (message.case === 'heartbeat') this.#heartbeat(message.value);
    else if (message.case === 'metadata') this.#update(message.value);
    else this.#broke('sent something that has no place after its hello');
  }

  /** Asks the member; resolves with how it ended, whatever happens. Aborting cancels it there. */
  async ask(
    request: ScatterRequest,
    take: TakeChunk,
    credits: number,
    signal: AbortSignal,
  ): Promise<{ readonly outcome: NodeOutcome; readonly passed: boolean }> {
    const { name } = this.identity;
    const gate = new AnswerGate(name, request, take, this.#options.time);
    const id = randomBytes(16).toString('hex');
    const open: OpenAsk = { gate, stream: null, credits, isTail: request.tail !== null };
    const { trouble } = this;
    const bytes = request.fragments.reduce((sum, { sql }) => sum + Buffer.byteLength(sql), 0);
    const cancel = (): void => gate.fail(cancelled(name));
    const timeoutMs = this.#patience.of(request.timeoutMs);
    let passedBy = false;
    const stop = this.#options.time.after(timeoutMs, () => {
      passedBy = letPass(gate);
      gate.fail(late(name, timeoutMs));
    });
    signal.addEventListener('abort', cancel, { once: true });
    if (trouble !== null) gate.fail(trouble);
    else if (signal.aborted) cancel();
    else if (bytes > REQUEST_BYTES) gate.fail(tooLong(name, bytes));
    else if (this.#asksLike(request) >= MOST_REQUESTS) gate.fail(busy(name, request));
    else {
      this.#asks.set(id, open);
      this.#send({ case: 'ask', value: { requestId: id, request: writeRequest(request), credits } });
    }
    const outcome = await gate.outcome;
    stop();
    // Who asked may have gone away earlier, which says nothing of the node.
    if (!signal.aborted) this.#patience.ended(passedBy);
    signal.removeEventListener('abort', cancel);
    if (this.#asks.delete(id)) this.#finish(id, open, outcome);
    return { outcome, passed: gate.passed };
  }

  /** A tail waits for seconds and costs the member nothing meanwhile: queries have places of their own. */
  #asksLike({ tail }: ScatterRequest): number {
    return [...this.#asks.values()].filter(({ isTail }) => isTail === (tail !== null)).length;
  }

  /** The member's answer to an ask of this session, from its second message on. */
  deliver(requestId: string, stream: MessageStream<DeliverResponseInit, DeliverRequest>): AnswerHandlers | null {
    const open = this.#asks.get(requestId);
    if (open === undefined || open.stream !== null) {
      // An ask that has just been cancelled may still be answered; any other was never made.
      if (!this.#endedAsks.has(requestId)) this.#broke('answered a question it was not asked');
      stream.close({ code: 'NOT_FOUND', message: 'Nobody waits for this answer.' });
      return null;
    }
    const { gate } = open;
    open.stream = stream;
    gate.open(open.credits, (credits) => void stream.send({ credits }));
    return {
      message: ({ message }) => {
        if (message.case === 'chunk') gate.chunk(message.value);
        else if (message.case === 'answered') gate.answered(readFacts(message.value));
        else if (message.case === 'failed') gate.fail(readError(message.value));
        else gate.fail(this.#protocol('sent something that is no answer'));
      },
      closed: (error) => gate.fail(brokenOff(this.identity.name, error)),
    };
  }

  /** Ends the session and fails what is under way. */
  end(reason: ErrorShape): void {
    if (this.#end !== null) return;
    this.#end = reason;
    this.#options.stream.close(reason);
    this.#failAsks(reason);
    this.#options.ended(reason);
  }

  /** The control stream has ended by itself. */
  gone(error: ErrorShape | null): void {
    const why = error === null ? 'left' : `lost its connection (${error.message})`;
    this.end({ code: 'NOT_READY', message: `Node ${this.identity.name} ${why}.`, node: this.identity.name });
  }

  #heartbeat(heartbeat: Extract<JoinRequest['message'], { case: 'heartbeat' }>['value']): void {
    this.#heardAt = this.#options.running.look();
    this.#heardWallMs = this.#options.time.wallMs();
    this.#engineAgeMs = heartbeat.engineAgeMs;
    const [received, sent] = [toNumber(heartbeat.receivedMicros) / 1_000, toNumber(heartbeat.sentMicros) / 1_000];
    this.#lease.echo(toNumber(heartbeat.pingId), received, sent);
    this.#noticeAlive();
  }

  #update(metadata: Extract<JoinRequest['message'], { case: 'metadata' }>['value']): void {
    // The promise stands on their order: an older one would take back what our word has made visible.
    if (metadata.version <= this.#version) {
      this.#broke('sent metadata that is older than what came before');
      return;
    }
    try {
      this.#metadata = readMetadata(metadata);
      this.#version = metadata.version;
    } catch (thrown) {
      this.#broke(`sent metadata that can't be used: ${messageOf(thrown)}`);
      return;
    }
    this.#send({ case: 'ack', value: { version: metadata.version } });
    this.#options.changed();
  }

  #noticeAlive(): void {
    const alive = this.trouble === null;
    if (alive === this.#wasAlive) return;
    this.#wasAlive = alive;
    this.#options.changed();
  }

  #engineTrouble(): ErrorShape | null {
    const { name } = this.identity;
    const age = this.#engineAgeMs + this.#options.running.look() - this.#heardAt;
    if (this.#engineAgeMs < ENGINE_SILENCE_MS) return null;
    const message = `The database engine of node ${name} has not answered for ${seconds(age)}.`;
    return { code: 'NOT_READY', message, node: name, hint: `Look at /healthz and the log of ${name}.` };
  }

  #silent(): ErrorShape {
    const { name } = this.identity;
    const ms = this.#options.running.look() - this.#heardAt;
    const message = `Node ${name} has been silent for ${seconds(ms)}.`;
    return { code: 'NOT_READY', message, node: name, hint: 'It hangs, is overloaded, or its link is down.' };
  }

  #tooMany(weight: number): boolean {
    const second = Math.floor(this.#options.time.monotonicMs() / 1_000);
    if (second !== this.#second) [this.#second, this.#inSecond] = [second, 0];
    this.#inSecond += weight;
    return this.#inSecond > CONTROL_RATE;
  }

  #broke(how: string): void {
    this.end(this.#protocol(how));
  }

  #protocol(how: string): ErrorShape {
    const { name } = this.identity;
    return new ArmorlakeError('INTERNAL', `Node ${name} ${how}.`, {
      node: name,
      hint: 'Check its version and whether somebody else uses its certificate.',
    }).toShape();
  }

  #failAsks(reason: ErrorShape): void {
    for (const { gate } of this.#asks.values()) gate.fail(reason);
  }

  /** After an ask's end: whatever didn't end by the member's own word is cancelled there. */
  #finish(id: string, { stream }: OpenAsk, outcome: NodeOutcome): void {
    this.#endedAsks.add(id);
    const [oldest] = this.#endedAsks;
    if (this.#endedAsks.size > REMEMBERED_ASKS && oldest !== undefined) this.#endedAsks.delete(oldest);
    if (outcome.status === 'failed') this.#send({ case: 'cancel', value: { requestId: id } });
    stream?.close(outcome.status === 'failed' ? outcome.error : undefined);
  }

  #send(message: JoinResponseInit['message']): void {
    if (this.#end === null && message !== undefined) void this.#options.stream.send({ message });
  }
}

interface AnswerHandlers {
  message(message: DeliverRequest): void;
  closed(error: ErrorShape | null): void;
}

export function cancelled(node: string): ErrorShape {
  return { code: 'CANCELLED', message: 'The query was cancelled.', node };
}

export function late(node: string, timeoutMs: number): ErrorShape {
  return {
    code: 'DEADLINE',
    message: `Node ${node} did not answer within ${seconds(timeoutMs)}.`,
    node,
    hint: 'Narrow the time range, or give the query more time.',
  };
}

/** A longer message would end the control stream. */
export function tooLong(node: string, bytes: number): ErrorShape {
  return {
    code: 'LIMIT_EXCEEDED',
    message: `The part of the query for node ${node} is ${bytes} bytes of SQL; ${REQUEST_BYTES} are the most.`,
    node,
    hint: 'Compare with fewer values, as a subquery that returns fewer rows.',
  };
}

function busy(node: string, { tail }: ScatterRequest): ErrorShape {
  const message = `Node ${node} works on ${MOST_REQUESTS} ${tail === null ? 'queries' : 'live tails'} already.`;
  return { code: 'BUSY', message, node, hint: 'Try again in a moment.' };
}

function brokenOff(node: string, error: ErrorShape | null): ErrorShape {
  const why = error === null ? '' : `: ${error.message}`;
  return { code: 'NOT_READY', message: `The answer of node ${node} broke off${why}.`.replace(/\.\.$/, '.'), node };
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
