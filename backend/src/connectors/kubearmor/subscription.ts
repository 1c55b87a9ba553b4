import { feeder, GrpcClient } from '@armorlake/proto';
import type { KubeArmorConfig } from '../../config/index.js';
import { messageOf } from '../../core/index.js';
import { Backoff, defaultTimings } from './backoff.js';
import type { StreamTimings } from './backoff.js';
import { channelSetup } from './credentials.js';
import type { EventKind } from './event-sink.js';
import { explainEnd, NOT_ATTEMPTED, SILENT } from './explain.js';

const { watchAlerts, watchLogs, watchMessages, healthCheck } = feeder.LogService.method;

/** gRPC status codes we act on. */
const OK = 0;
const DEADLINE_EXCEEDED = 4;
const UNIMPLEMENTED = 12;
const UNAVAILABLE = 14;

/** A stream that ends with OK this soon and without an event was refused, not broken. */
const REFUSAL_MS = 2000;
/** After so many streams in a row that lived so short, there is a pause before the next. */
const HASTY_MS = 1000;
const HASTY_MOST = 5;
/** An open gap is written in pieces, so that it is known before it ends. */
const GAP_PIECE_MICROS = 60_000_000;

export type SubscriptionState = 'connecting' | 'streaming' | 'misconfigured';

/** What a subscription gives. */
export interface SubscriptionSink {
  message(bytes: Buffer): void;
  /** Events of this stretch (µs since 1970) may be missing. */
  gap(fromMicros: number, toMicros: number, cause: string): void;
}

export interface SubscriptionOptions {
  readonly config: KubeArmorConfig;
  readonly kind: EventKind;
  readonly sink: SubscriptionSink;
  readonly nowMicros: () => number;
  /** Told after each change of state or detail. */
  readonly changed: () => void;
  /** Since when events are missing already, and why; null when this is the first start. */
  readonly lost: { readonly since: number; readonly cause: string } | null;
  readonly timings?: StreamTimings;
  readonly random?: () => number;
}

/** How one attempt ended. */
interface StreamEnd {
  readonly code: number;
  readonly details: string;
  readonly events: number;
  readonly livedMs: number;
}

/** One stream of one KubeArmor, on a channel of its own, kept open until `close`. */
export class Subscription {
  readonly kind: EventKind;
  readonly #options: SubscriptionOptions;
  readonly #timings: StreamTimings;
  readonly #backoff: Backoff;
  readonly #abort = new AbortController();
  #client: GrpcClient | null = null;
  #state: SubscriptionState = 'connecting';
  #detail: string | null = null;
  #breaks = 0;
  /** Streams in a row that broke soon after they were up. */
  #hasty = 0;
  #lastSeen: number;
  #lastProbe = 0;
  /** Probes the open stream; null while there is none. */
  #probeStream: (() => Promise<void>) | null = null;
  #down: { since: number; cause: string } | null;
  #running: Promise<void> = Promise.resolve();

  constructor(options: SubscriptionOptions) {
    this.kind = options.kind;
    this.#options = options;
    this.#timings = options.timings ?? defaultTimings;
    this.#backoff = new Backoff(this.#timings, options.random);
    this.#lastSeen = options.nowMicros();
    this.#down = options.lost;
  }

  get state(): SubscriptionState {
    return this.#state;
  }

  /** What is wrong and what to do, in a sentence; null while streaming. */
  get detail(): string | null {
    return this.#detail;
  }

  /** Breaks of a stream that was up. */
  get breaks(): number {
    return this.#breaks;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Ends the stream; a gap that is open is written up to now. */
  async close(): Promise<void> {
    this.#abort.abort();
    await this.#running;
    this.#closeClient();
    this.#writeGap(0);
  }

  /** Call about once a second: writes a long gap in pieces, and asks a quiet stream whether it still is there. */
  tick(): void {
    this.#writeGap(GAP_PIECE_MICROS);
    const now = this.#options.nowMicros();
    if (this.#state !== 'streaming' || now - Math.max(this.#lastSeen, this.#lastProbe) < this.#timings.quietMs * 1000)
      return;
    this.#lastProbe = now;
    void this.#probeStream?.();
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort;
    while (!signal.aborted) {
      const end = await this.#attempt();
      if (signal.aborted) return;
      const wait = this.#ended(end);
      if (wait > 0) await pause(wait, signal);
    }
  }

  /** Opens the stream and resolves when it has ended, however. */
  async #attempt(): Promise<StreamEnd> {
    const began = performance.now();
    let events = 0;
    let client;
    try {
      client = this.#open();
    } catch (thrown) {
      return { code: NOT_ATTEMPTED, details: messageOf(thrown), events, livedMs: 0 };
    }
    const { config, kind, sink, nowMicros } = this.#options;
    const filter = kind === 'alerts' ? config.filters.alerts : kind === 'logs' ? config.filters.logs : 'all';
    const { signal } = this.#abort;
    const call = watch(client, kind, filter, signal);
    return await new Promise((resolve) => {
      let settle: NodeJS.Timeout | undefined;
      let open = true;
      let silent = false;
      const probe = async (): Promise<void> => {
        const eventsBefore = events;
        const answer = await this.#probe(client);
        if (!open) return;
        if (answer === 'reached') settle ??= setTimeout(() => this.#up(), this.#timings.settleMs);
        else if (answer === 'silent' && events === eventsBefore) {
          silent = true;
          call.cancel();
        }
      };
      this.#probeStream = probe;
      void probe();
      call.on('data', (bytes: Buffer) => {
        if (events++ === 0 && open) this.#up();
        this.#lastSeen = nowMicros();
        sink.message(bytes);
      });
      // The status tells all; an error without a listener would be thrown.
      call.on('error', () => undefined);
      call.on('status', (status: { readonly code: number; readonly details: string }) => {
        open = false;
        clearTimeout(settle);
        this.#probeStream = null;
        const { code, details } = silent ? { code: UNAVAILABLE, details: SILENT } : status;
        resolve({ code, details, events, livedMs: performance.now() - began });
      });
    });
  }

  /** Asks for the health check, to know that somebody answers before the first event comes, and between events. */
  async #probe(client: GrpcClient): Promise<'reached' | 'silent' | 'unknown'> {
    const nonce = Math.floor(Math.random() * 2 ** 31);
    try {
      const answer = await client.unary(
        healthCheck,
        { nonce },
        { signal: this.#abort.signal, timeoutMs: this.#timings.probeMs },
      );
      return answer.Retval === nonce ? 'reached' : 'unknown';
    } catch (thrown) {
      const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
      // The health check is deprecated: a server without it answers too.
      if (code === UNIMPLEMENTED) return 'reached';
      // The stream's own status says why, but for a server that says nothing at all.
      return code === DEADLINE_EXCEEDED ? 'silent' : 'unknown';
    }
  }

  #open(): GrpcClient {
    if (this.#client !== null) return this.#client;
    const setup = channelSetup(this.#options.config);
    this.#client = new GrpcClient(this.#options.config.address, setup.credentials, setup.options);
    return this.#client;
  }

  #closeClient(): void {
    this.#client?.close();
    this.#client = null;
  }

  #up(): void {
    if (this.#state === 'streaming') return;
    this.#writeGap(0);
    this.#down = null;
    this.#backoff.reset();
    this.#lastSeen = this.#options.nowMicros();
    this.#become('streaming', null);
  }

  /** Notes the break; how long to wait before the next attempt. */
  #ended(end: StreamEnd): number {
    const wasUp = this.#state === 'streaming';
    const refused = end.code === OK && end.events === 0 && end.livedMs < REFUSAL_MS;
    if (wasUp) this.#breaks++;
    this.#down ??= { since: this.#lastSeen, cause: causeOf(end, wasUp, refused) };
    const explained = explainEnd(this.#options.config, this.kind, end.code, end.details, refused);
    this.#become(explained.misconfigured ? 'misconfigured' : 'connecting', explained.sentence);
    // A channel keeps a dead connection's backoff and old certificates: the next attempt has its own.
    if (end.code === UNAVAILABLE || explained.misconfigured) this.#closeClient();
    if (!wasUp || refused || end.code === UNAVAILABLE) return this.#backoff.next();
    // One that breaks again and again, as soon as it is up, is not tried without a pause.
    this.#hasty = end.livedMs < HASTY_MS ? this.#hasty + 1 : 0;
    return this.#hasty > HASTY_MOST ? this.#backoff.next() : 0;
  }

  #writeGap(leastMicros: number): void {
    if (this.#down === null) return;
    const now = this.#options.nowMicros();
    const { since, cause } = this.#down;
    if (now - since < leastMicros) return;
    this.#options.sink.gap(since, now, cause);
    this.#down = { since: now, cause };
  }

  #become(state: SubscriptionState, detail: string | null): void {
    if (this.#state === state && this.#detail === detail) return;
    this.#state = state;
    this.#detail = detail;
    this.#options.changed();
  }
}

function watch(client: GrpcClient, kind: EventKind, filter: string, signal: AbortSignal) {
  switch (kind) {
    case 'alerts':
      return client.rawServerStream(watchAlerts, { Filter: filter }, { signal });
    case 'logs':
      return client.rawServerStream(watchLogs, { Filter: filter }, { signal });
    case 'messages':
      return client.rawServerStream(watchMessages, { Filter: filter }, { signal });
  }
}

function causeOf(end: StreamEnd, wasUp: boolean, refused: boolean): string {
  if (refused) return 'misconfigured';
  if (!wasUp) return 'connect';
  return end.code === OK ? 'ended' : `break:${end.code}`;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
