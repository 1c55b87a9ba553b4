import { z } from 'zod';
import { ArmorlakeError, messageOf, systemClock } from '../core/index.js';
import type { Clock, Logger } from '../core/index.js';
import type { EngineClient } from '../engine/index.js';
import type { Gap, LedgerDelta } from './batch/layout.js';
import { DropAccount } from './drop-account.js';
import type { BatchWidening } from './widening.js';
import { noWidening } from './widening.js';

const infoSchema = z.object({ lastBatch: z.number() });
const appendedSchema = z.object({ repeated: z.boolean() });

/** What is dropped first when there is no room, and how a batch is accounted for when it is. */
export interface QueuedBatch {
  readonly buffer: ArrayBuffer;
  /** Alerts outlive all else. */
  readonly priority: 'alerts' | 'other';
  readonly rows: number;
  /** What the batch itself would add to the account. */
  readonly ledger: readonly LedgerDelta[];
  readonly gaps: readonly Gap[];
  /** Values and times of its rows; absent: it has no rows of events. */
  readonly widening?: BatchWidening;
}

export type BatchOutcome = 'committed' | 'dropped';

/**
 * Calls `run` once rows with these values and times may become visible; they do while `run` is under way. Called for each
 * batch when it comes in, so that many may wait together; rejects only with what `run` rejects with, which is nothing.
 */
export type CommitHook = (widening: BatchWidening, run: () => Promise<void>) => Promise<void>;

export interface IngestQueueOptions {
  readonly engine: EngineClient;
  /** Bytes of batches waiting or on their way to the engine. */
  readonly maxBytes: number;
  readonly logger: Logger;
  readonly clock?: Clock;
  /** Without it every batch may be stored at once. */
  readonly commit?: CommitHook;
}

/** Figures for metrics and health. */
export interface IngestFigures {
  readonly queuedBytes: number;
  readonly queuedBatches: number;
  readonly queuedRows: number;
  readonly committedRows: number;
  readonly committedBatches: number;
  readonly droppedEvents: number;
  /** True while the engine refuses to store for want of room. */
  readonly diskFull: boolean;
  /** Age of the oldest batch that waits, in ms; 0 when none does. */
  readonly lagMs: number;
}

/** A batch on its way. */
interface Entry extends QueuedBatch {
  readonly queuedAtMs: number;
  /** Its rows may become visible. */
  admitted: boolean;
  readonly settle: (outcome: BatchOutcome) => void;
}

/** One append, kept as it is for when it has to be sent again. */
interface Sending {
  readonly number: number;
  readonly entry: Entry | null;
  readonly ledger: readonly LedgerDelta[];
  readonly gaps: readonly Gap[];
}

const RETRY_MS = 250;
const RETRY_FULL_MS = 1000;
const CLOSE_MS = 5000;
/** A batch that has failed so often, or been there at so many crashes, is the cause. */
const ATTEMPTS = 5;

/**
 * Holds packed batches between the intake and the lake engine, bounded in bytes, and sends them one after the other, each
 * exactly once: a batch keeps its number when it is sent again after a restart. Alerts go before all else, and batches that
 * may not become visible yet hold back only what came after them in their own class. What has to be dropped is accounted
 * for with the next batch that is stored.
 */
export class IngestQueue {
  readonly #options: IngestQueueOptions;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #waiting: Entry[] = [];
  readonly #dropped = new DropAccount();
  readonly #idleWaiters: (() => void)[] = [];
  #gaps: Gap[] = [];
  #sending: Sending | null = null;
  #attempts = 0;
  #bytes = 0;
  #lastNumber = 0;
  #full: { readonly sinceMicros: number; dropped: number } | null = null;
  #running: Promise<void> = Promise.resolve();
  /** Ends any pause. */
  #wake: (() => void) | null = null;
  /** Ends the pause for want of work. */
  #wakeIdle: (() => void) | null = null;
  #committedRows = 0;
  #committedBatches = 0;
  #droppedEvents = 0;

  constructor(options: IngestQueueOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Begins to send; `lastBatch` is the engine's (`info`). */
  start(lastBatch: number): void {
    this.#lastNumber = lastBatch;
    this.#running = this.#run();
  }

  /** Takes a batch. Resolves when it was committed or had to be dropped; never rejects. */
  push(batch: QueuedBatch): Promise<BatchOutcome> {
    let settle: Entry['settle'] = () => undefined;
    const outcome = new Promise<BatchOutcome>((resolve) => (settle = resolve));
    const queuedAtMs = this.#clock.monotonicMs();
    const entry: Entry = { ...batch, queuedAtMs, admitted: this.#options.commit === undefined, settle };
    this.#waiting.push(entry);
    this.#bytes += batch.buffer.byteLength;
    this.#dropOverflow();
    this.#wakeIdle?.();
    if (!entry.admitted) void this.#admit(entry, outcome);
    return outcome;
  }

  /** The engine is back: what was on its way is sent again, at once. */
  engineRestarted(): void {
    this.#attempts++;
    this.#wake?.();
  }

  /** Why nothing more should be taken from senders that can wait: DISK_FULL or BUSY; null when all is well. */
  refusal(): ArmorlakeError | null {
    if (this.#full !== null) {
      return new ArmorlakeError('DISK_FULL', 'Nothing is stored: the disk of the data folder is full.', {
        hint: 'Make room there and send again.',
      });
    }
    if (this.#bytes <= this.#options.maxBytes / 2) return null;
    return new ArmorlakeError('BUSY', 'The lake does not keep up with what comes in.', { hint: 'Send again later.' });
  }

  figures(): IngestFigures {
    const entries = this.#sending?.entry == null ? this.#waiting : [this.#sending.entry, ...this.#waiting];
    const oldest = Math.min(...entries.map((entry) => entry.queuedAtMs));
    return {
      queuedBytes: this.#bytes,
      queuedBatches: entries.length,
      queuedRows: entries.reduce((sum, entry) => sum + entry.rows, 0),
      committedRows: this.#committedRows,
      committedBatches: this.#committedBatches,
      droppedEvents: this.#droppedEvents,
      diskFull: this.#full !== null,
      lagMs: entries.length === 0 ? 0 : this.#clock.monotonicMs() - oldest,
    };
  }

  /** Resolves when all that was pushed is committed or dropped, and accounted for; rejects when the signal aborts. */
  async drain(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#idle) return;
    await new Promise<void>((resolve, reject) => {
      this.#idleWaiters.push(resolve);
      signal.addEventListener('abort', () => reject(ArmorlakeError.from(signal.reason)), { once: true });
    });
  }

  /** Stops sending. What still waits is dropped, and the engine gets the account of it, if it takes any. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#wake?.();
    await this.#running;
    const sending = this.#sending;
    this.#sending = null;
    try {
      if (sending !== null) await this.#settle(sending);
      for (const entry of this.#waiting.splice(0)) this.#drop(entry, 'stopped');
      this.#endFull();
      if (!this.#idle) await this.#account(++this.#lastNumber);
    } catch (thrown) {
      // An engine that takes nothing ends uncleanly: the next start writes a gap.
      this.#options.logger.error({ error: messageOf(thrown) }, 'What was dropped at the end is not in the ledger.');
      for (const entry of this.#waiting.splice(0)) entry.settle('dropped');
    }
  }

  get #idle(): boolean {
    return this.#sending === null && this.#waiting.length === 0 && this.#dropped.empty && this.#gaps.length === 0;
  }

  async #admit(entry: Entry, outcome: Promise<BatchOutcome>): Promise<void> {
    const admit = async (): Promise<void> => {
      entry.admitted = true;
      this.#wakeIdle?.();
      await outcome;
    };
    try {
      await this.#options.commit?.(entry.widening ?? noWidening, admit);
    } catch (thrown) {
      // Rather a row that a query misses for a moment than one that is lost.
      this.#options.logger.error({ error: messageOf(thrown) }, 'A batch is stored unannounced.');
      await admit();
    }
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#sending ??= this.#next();
      if (this.#sending === null) {
        if (this.#idle) for (const resolve of this.#idleWaiters.splice(0)) resolve();
        await this.#pause(null);
      } else if (!(await this.#send(this.#sending))) {
        await this.#pause(this.#full === null ? RETRY_MS : RETRY_FULL_MS);
      }
    }
  }

  #next(): Sending | null {
    if (this.#idle) return null;
    // The engine takes the account alone even when it has no room for events.
    const accountOnly = this.#full !== null && !this.#dropped.empty;
    const entry = accountOnly ? null : this.#takeAdmitted();
    if (entry === null && this.#dropped.empty && this.#gaps.length === 0) return null;
    const gaps = this.#gaps;
    this.#gaps = [];
    this.#attempts = 0;
    return { number: ++this.#lastNumber, entry, ledger: this.#dropped.take(), gaps };
  }

  /** The oldest of the alerts, or else of the others, if it may become visible. */
  #takeAdmitted(): Entry | null {
    for (const priority of ['alerts', 'other']) {
      const first = this.#waiting.findIndex((entry) => entry.priority === priority);
      if (this.#waiting[first]?.admitted === true) return this.#waiting.splice(first, 1)[0] ?? null;
    }
    return null;
  }

  /** True when the append is settled one way or the other. */
  async #send(sending: Sending): Promise<boolean> {
    const { number, entry, ledger, gaps } = sending;
    try {
      await this.#options.engine.call(
        'append',
        { batch: number, ledger, gaps },
        { signal: this.#closing.signal, ...(entry === null ? {} : { bulk: entry.buffer }) },
      );
      this.#committed(sending);
      return true;
    } catch (thrown) {
      const error = ArmorlakeError.from(thrown);
      if (error.code === 'DISK_FULL') {
        this.#diskFull(sending);
        return false;
      }
      if (error.code !== 'NOT_READY') this.#options.logger.error({ number, error: error.message }, 'An append failed.');
      // While the engine starts nothing was tried; crashes are counted when it is back.
      if (error.code !== 'NOT_READY') this.#attempts++;
      if (this.#closing.signal.aborted || this.#attempts < ATTEMPTS) return false;
      return this.#giveUp(sending, error);
    }
  }

  #committed(sending: Sending): void {
    const { entry } = sending;
    this.#sending = null;
    if (entry === null) return;
    this.#diskHasRoom();
    this.#bytes -= entry.buffer.byteLength;
    this.#committedRows += entry.rows;
    this.#committedBatches++;
    entry.settle('committed');
  }

  /** Drops a batch that can't be stored, unless the engine has it after all; its account goes out under a new number. */
  async #giveUp(sending: Sending, error: ArmorlakeError): Promise<boolean> {
    const { engine, logger } = this.#options;
    try {
      const info = infoSchema.parse(await engine.call('info', {}));
      if (info.lastBatch >= sending.number) {
        this.#committed(sending);
        return true;
      }
    } catch (thrown) {
      logger.debug({ error: messageOf(thrown) }, 'The engine does not say which batch was its last.');
      return false;
    }
    logger.error({ number: sending.number, error: error.message }, 'A batch can not be stored and is dropped.');
    this.#sending = null;
    this.#dropped.restore(sending.ledger);
    this.#gaps.push(...sending.gaps);
    if (sending.entry !== null) this.#drop(sending.entry, 'rejected');
    return true;
  }

  /** What was on its way is committed, or dropped and accounted for: under one number the engine takes only one of both. */
  async #settle({ number, entry, ledger, gaps }: Sending): Promise<void> {
    this.#dropped.restore(ledger);
    const dropped = entry === null ? 0 : this.#dropped.add(entry.ledger, 'stopped');
    this.#gaps.push(...gaps, ...(entry?.gaps ?? []));
    const repeated = await this.#account(number).catch((thrown: unknown) => {
      entry?.settle('dropped');
      throw thrown;
    });
    if (!repeated) this.#droppedEvents += dropped;
    entry?.settle(repeated ? 'committed' : 'dropped');
  }

  /** Sends the account without events; true when the engine had stored the batch of this number before. */
  async #account(batch: number): Promise<boolean> {
    const gaps = this.#gaps;
    this.#gaps = [];
    const parameters = { batch, ledger: this.#dropped.take(), gaps };
    const answer = await this.#options.engine.call('append', parameters, { signal: AbortSignal.timeout(CLOSE_MS) });
    return appendedSchema.parse(answer).repeated;
  }

  #dropOverflow(): void {
    const reason = this.#full === null ? 'queue_full' : 'disk_full';
    while (this.#bytes > this.#options.maxBytes && this.#waiting.length > 1) {
      const other = this.#waiting.findIndex((entry) => entry.priority === 'other');
      for (const entry of this.#waiting.splice(Math.max(other, 0), 1)) this.#drop(entry, reason);
    }
  }

  #drop(entry: Entry, reason: string): void {
    this.#bytes -= entry.buffer.byteLength;
    const events = this.#dropped.add(entry.ledger, reason);
    this.#droppedEvents += events;
    if (this.#full !== null) this.#full.dropped += events;
    this.#gaps.push(...entry.gaps);
    entry.settle('dropped');
  }

  /** Nothing of it was stored: it waits again, and gets another number, so that the account can go ahead of it. */
  #diskFull(sending: Sending): void {
    this.#sending = null;
    this.#dropped.restore(sending.ledger);
    this.#gaps.push(...sending.gaps);
    if (sending.entry !== null) this.#waiting.unshift(sending.entry);
    if (this.#full !== null) return;
    this.#full = { sinceMicros: this.#nowMicros(), dropped: 0 };
    this.#options.logger.error({}, 'The disk of the data folder is full: nothing is stored until there is room.');
  }

  #diskHasRoom(): void {
    if (this.#full === null) return;
    this.#options.logger.warn({ dropped: this.#full.dropped }, 'There is room on the disk again: events are stored.');
    this.#endFull();
  }

  #endFull(): void {
    if (this.#full === null) return;
    const { sinceMicros, dropped } = this.#full;
    this.#full = null;
    const times = { fromMicros: sinceMicros, toMicros: this.#nowMicros() };
    if (dropped > 0) this.#gaps.push({ connector: '*', stream: '*', ...times, cause: 'disk_full', estimated: dropped });
  }

  #nowMicros(): number {
    return Math.round(this.#clock.wallMs() * 1000);
  }

  /** Waits until woken, or for so many milliseconds. */
  async #pause(ms: number | null): Promise<void> {
    if (this.#closing.signal.aborted) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (ms === null) this.#wakeIdle = resolve;
      else timer = setTimeout(resolve, ms);
    });
    clearTimeout(timer);
    this.#wake = null;
    this.#wakeIdle = null;
  }
}
