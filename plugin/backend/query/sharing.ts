import { Turns } from './turns.js';
import type { Answer as NodeAnswer } from './types.js';

/** A question on its way to the node, and how many wait for its answer. */
interface Flight<Answer> {
  readonly answer: Promise<Answer>;
  readonly abort: AbortController;
  waiting: number;
}

interface Kept<Answer> {
  readonly answer: Answer;
  readonly untilMs: number;
  readonly bytes: number;
}

export interface SharedAnswer<Answer> {
  readonly answer: Answer;
  /** Somebody else's question brought it. */
  readonly shared: boolean;
}

export interface SharedQuestion<Answer> {
  /** Equal for equal questions. */
  readonly key: string;
  /** Of an alert rule, which must not wait behind panels: it has turns of its own. */
  readonly ofRule: boolean;
  /** How long the answer may be given again, ms; 0: only to those who ask while it is on its way. */
  readonly keepMs: number;
  /** Bytes that a good answer takes up; null: it is not to be kept. */
  readonly size: (answer: Answer) => number | null;
  readonly ask: (signal: AbortSignal) => Promise<Answer>;
}

/** Questions that a data source has at its node at a time: a node refuses some when many more wait there. */
const AT_ONCE = { panels: 8, rules: 4 };
/** Bytes of all kept answers of one data source. */
const KEPT_BYTES = 16 << 20;

/**
 * Asks equal questions once. An answer that is given twice was the node's own answer to that very question, given at most
 * `keepMs` before (or asked for while the question was on its way): an event that came in since is at most that late.
 * What nobody waits for any more is cancelled.
 */
export class Sharing<Answer = NodeAnswer> {
  readonly #flights = new Map<string, Flight<Answer>>();
  /** Oldest first. */
  readonly #kept = new Map<string, Kept<Answer>>();
  readonly #panels = new Turns(AT_ONCE.panels);
  readonly #rules = new Turns(AT_ONCE.rules);
  readonly #now: () => number;
  #bytes = 0;

  /** @param now a clock that only goes forward, ms */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  get keptBytes(): number {
    return this.#bytes;
  }

  /** @throws what `ask` does; the signal's reason when this one's waiting is aborted. */
  async ask(question: SharedQuestion<Answer>, signal: AbortSignal): Promise<SharedAnswer<Answer>> {
    signal.throwIfAborted();
    this.#forgetOld();
    const kept = question.keepMs > 0 ? this.#kept.get(question.key) : undefined;
    if (kept !== undefined) return { answer: kept.answer, shared: true };
    const running = this.#flights.get(question.key);
    const flight = running ?? this.#start(question);
    flight.waiting += 1;
    const leave = (): void => {
      flight.waiting -= 1;
      if (flight.waiting > 0) return;
      // Who comes now asks anew instead of joining what is cancelled.
      if (this.#flights.get(question.key) === flight) this.#flights.delete(question.key);
      flight.abort.abort();
    };
    return { answer: await orAbort(flight.answer, signal, leave), shared: running !== undefined };
  }

  /** Forgets what is kept; what is on its way still lands where it is waited for. */
  close(): void {
    this.#kept.clear();
    this.#bytes = 0;
  }

  #start(question: SharedQuestion<Answer>): Flight<Answer> {
    const abort = new AbortController();
    const askedMs = this.#now();
    const answer = (question.ofRule ? this.#rules : this.#panels)
      .run(() => question.ask(abort.signal), abort.signal)
      .then(
        (good) => {
          this.#landed(question, flight);
          this.#keep(question, good, askedMs + question.keepMs);
          return good;
        },
        (thrown: unknown) => {
          this.#landed(question, flight);
          throw thrown;
        },
      );
    // All who waited may have left.
    answer.catch(() => undefined);
    const flight: Flight<Answer> = { answer, abort, waiting: 0 };
    this.#flights.set(question.key, flight);
    return flight;
  }

  #landed({ key }: SharedQuestion<Answer>, flight: Flight<Answer>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }

  /** From when it was asked: what came in since may be missing. */
  #keep({ key, size }: SharedQuestion<Answer>, answer: Answer, untilMs: number): void {
    const bytes = untilMs <= this.#now() ? null : size(answer);
    if (bytes === null || bytes > KEPT_BYTES / 4) return;
    this.#forget(key);
    this.#kept.set(key, { answer, bytes, untilMs });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= KEPT_BYTES) break;
      this.#forget(oldest);
    }
  }

  #forgetOld(): void {
    const now = this.#now();
    for (const [key, { untilMs }] of this.#kept) if (untilMs <= now) this.#forget(key);
  }

  #forget(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#kept.delete(key);
    this.#bytes -= kept.bytes;
  }
}

async function orAbort<Value>(promise: Promise<Value>, signal: AbortSignal, onAbort: () => void): Promise<Value> {
  return await new Promise<Value>((resolve, reject) => {
    const aborted = (): void => {
      onAbort();
      reject(signal.reason instanceof Error ? signal.reason : new Error('Aborted'));
    };
    signal.addEventListener('abort', aborted, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', aborted);
    });
  });
}
