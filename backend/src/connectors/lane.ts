import type { DeadLetterInput, Gap, LedgerDelta, Table } from '../lake/index.js';
import { BatchBuilder, tableName } from '../lake/index.js';
import type { Redactor } from './redaction/redactor.js';
import { KubeArmorWriters } from './kubearmor/writers.js';
import type { BatchInfo, StreamClass, WorkerBatch, WorkerLimits } from './messages.js';

const SOON_MS = 10;

/** Bytes of batches posted and not yet settled, over all lanes: what bounds the worker when the API is behind. */
export class Window {
  readonly #limit: number;
  readonly #batches = new Map<number, number>();
  #bytes = 0;
  #lastId = 0;
  #waiting: (() => void)[] = [];

  constructor(limitBytes: number) {
    this.#limit = limitBytes;
  }

  /** Takes a batch into account; its id. */
  open(bytes: number): number {
    this.#bytes += bytes;
    this.#batches.set(++this.#lastId, bytes);
    return this.#lastId;
  }

  settle(id: number): void {
    this.#bytes -= this.#batches.get(id) ?? 0;
    this.#batches.delete(id);
    if (this.#bytes > this.#limit / 2) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }

  /** Whether rows of this class may still be taken: logs go first, alerts have half as much again. */
  accepts(streamClass: StreamClass): boolean {
    return this.#bytes < (streamClass === 'alerts' ? this.#limit * 1.5 : this.#limit);
  }

  /** Resolves when at most half of the window is taken: what can wait, waits. */
  room(): Promise<void> {
    if (this.#bytes <= this.#limit / 2) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** The account of one stream of one connector since the last batch; each message counts once. */
export class StreamAccount {
  readonly connector: string;
  readonly stream: string;
  stored = 0;
  readonly #dropped = new Map<string, number>();
  readonly #deadLettered = new Map<string, number>();

  constructor(connector: string, stream: string) {
    this.connector = connector;
    this.stream = stream;
  }

  drop(reason: string): void {
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + 1);
  }

  deadLetter(reason: string): void {
    this.#deadLettered.set(reason, (this.#deadLettered.get(reason) ?? 0) + 1);
  }

  get empty(): boolean {
    return this.stored === 0 && this.#dropped.size === 0 && this.#deadLettered.size === 0;
  }

  /** The deltas since the last call. */
  take(): LedgerDelta[] {
    const { connector, stream, stored } = this;
    const delta = { connector, stream, received: 0, stored: 0, deadLettered: 0, dropped: 0, reason: null };
    const deltas: LedgerDelta[] = [];
    if (stored > 0) deltas.push({ ...delta, received: stored, stored });
    for (const [reason, dropped] of this.#dropped) deltas.push({ ...delta, received: dropped, dropped, reason });
    for (const [reason, count] of this.#deadLettered) {
      deltas.push({ ...delta, received: count, deadLettered: count, reason });
    }
    this.stored = 0;
    this.#dropped.clear();
    this.#deadLettered.clear();
    return deltas;
  }
}

export interface LaneOptions {
  readonly streamClass: StreamClass;
  readonly tables: readonly Table[];
  readonly commitMs: number;
  readonly limits: WorkerLimits;
  readonly window: Window;
  readonly redactor: Redactor | null;
  readonly post: (batch: WorkerBatch) => void;
}

/** Collects the rows of one stream class, and posts them as a batch when they are many, or old enough. */
export class Lane {
  readonly writers: KubeArmorWriters;
  readonly #builder: BatchBuilder;
  readonly #options: LaneOptions;
  readonly #accounts: StreamAccount[] = [];
  readonly #requests = new Set<number>();
  #rows = 0;
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  readonly #waiting: (() => void)[] = [];

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#builder = new BatchBuilder(options.tables);
    this.writers = new KubeArmorWriters(this.#builder);
  }

  /** An account whose counts go out with this lane's batches. */
  account(connector: string, stream: string): StreamAccount {
    const known = this.#accounts.find((each) => each.connector === connector && each.stream === stream);
    if (known !== undefined) return known;
    const account = new StreamAccount(connector, stream);
    this.#accounts.push(account);
    return account;
  }

  /** Whether the next message may be taken; if not, count it as dropped and call `touch`. */
  get open(): boolean {
    return this.#options.window.accepts(this.#options.streamClass);
  }

  /** After one message was written or refused, with its bytes. */
  added(bytes: number): void {
    this.#rows++;
    this.#bytes += bytes;
    const { limits } = this.#options;
    if (this.#rows >= limits.batchRows || this.#bytes >= limits.batchBytes) this.flush();
    else this.touch();
  }

  /** Something waits to be posted. */
  touch(): void {
    this.#timer ??= setTimeout(() => this.flush(), this.#options.commitMs);
  }

  /** Keeps the bytes of a message that gave no row. */
  deadLetter(letter: Omit<DeadLetterInput, 'event'>): void {
    const { redactor } = this.#options;
    const bytes = redactor?.redactBytes(letter.bytes) ?? letter.bytes;
    // A parser's sentence may quote the text.
    const error = redactor?.redact(letter.error) ?? letter.error;
    this.#builder.addDeadLetter({ ...letter, error, bytes, event: null });
  }

  /** Keeps the bytes of a message beside the row of `table` that was written last; none where a secret was redacted. */
  keepOriginal(table: Table, letter: Omit<DeadLetterInput, 'event'>, redacted: boolean): void {
    const rows = this.#builder.rowsOf(table);
    this.#builder.addDeadLetter({
      ...letter,
      error: redacted
        ? `${letter.error} The original is not kept, because a secret was redacted from it.`
        : letter.error,
      bytes: redacted ? new Uint8Array() : letter.bytes,
      event: { table: tableName(table), row: rows.rows - 1 },
    });
  }

  addGap(gap: Gap): void {
    this.#builder.addGap(gap);
    this.touch();
  }

  /** Names an intake request whose lines are in the open batch. */
  addRequest(request: number): void {
    this.#requests.add(request);
  }

  /** Posts what there is, soon: requests that end together share a batch. Resolves when it is posted. */
  flushSoon(): Promise<void> {
    this.#soon ??= setTimeout(() => this.flush(), SOON_MS);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Posts what there is. */
  flush(): void {
    this.#post();
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #post(): void {
    clearTimeout(this.#soon);
    this.#soon = undefined;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const account of this.#accounts) for (const delta of account.take()) this.#builder.count(delta);
    if (this.#builder.empty) return;
    const { window, streamClass, post } = this.#options;
    const { buffer, header, widening } = this.#builder.finish();
    const info: BatchInfo = {
      streamClass,
      rows: header.sections.reduce((sum, section) => sum + section.rows, 0),
      bytes: buffer.byteLength,
      ledger: header.ledger,
      gaps: header.gaps,
      widening,
      requests: [...this.#requests],
    };
    this.#requests.clear();
    this.#rows = 0;
    this.#bytes = 0;
    post({ id: window.open(buffer.byteLength), buffer, info });
  }
}
