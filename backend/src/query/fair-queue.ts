import { SPARE_SLOTS } from '../config/index.js';
import type { Clock } from '../core/index.js';
import { ArmorlakeError, systemClock } from '../core/index.js';

/** Gives a slot back; calling it again does nothing. */
export type Release = () => void;

/** Whose turn it is to be, and beside whom it may run. */
export interface Turn {
  /** Callers take turns, so one with a hundred queries doesn't hold back another with one. */
  readonly caller: string;
  /** Only what is of the same company runs at the same time; null: the company of all who are not under suspicion. */
  readonly company?: string | null;
  /** What comes again and again by itself has half of the slots at most, and the rest is for queries. */
  readonly background?: boolean;
}

interface Waiter extends Required<Turn> {
  readonly grant: () => void;
  readonly refuse: (error: ArmorlakeError) => void;
}

/** While others wait, a company goes on taking slots for so long. */
const COMPANY_MS = 2000;

/**
 * Slots for queries, by turns of the callers. Nobody holds all of them: there is one more, which is only for another than
 * the one who holds all others.
 */
export class FairQueue {
  readonly #slots: number;
  readonly #maxWaiting: number;
  readonly #clock: Clock;
  /** By caller, in the order of their turns. */
  readonly #waiting = new Map<string, Waiter[]>();
  /** Slots by who holds them. */
  readonly #held = new Map<string, number>();
  #running = 0;
  #background = 0;
  #waitingCount = 0;
  #company: string | null = null;
  #companySinceMs = 0;

  constructor(slots: number, maxWaiting: number, clock: Clock = systemClock) {
    this.#slots = slots;
    this.#maxWaiting = maxWaiting;
    this.#clock = clock;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waitingCount;
  }

  /** True while somebody waits who may not run beside those who run now. */
  get othersWait(): boolean {
    return this.#othersWait(this.#company);
  }

  /**
   * Resolves when it is the caller's turn.
   * @throws ArmorlakeError BUSY when too many wait already; the signal's reason when it aborts first.
   */
  async acquire(turn: Turn, signal: AbortSignal): Promise<Release> {
    signal.throwIfAborted();
    const wanted = { caller: turn.caller, company: turn.company ?? null, background: turn.background ?? false };
    // Whoever waits may not run now: it is checked whenever a slot is given back.
    if (this.#admits(wanted)) this.#take(wanted);
    else await this.#turn(wanted, signal);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#giveBack(wanted);
      this.#grantWaiting();
    };
  }

  #admits({ caller, company, background }: Required<Turn>): boolean {
    const held = this.#held.get(caller) ?? 0;
    const spare = held === 0 && this.#held.size === 1 ? SPARE_SLOTS : 0;
    if (this.#running >= this.#slots + spare) return false;
    if (background && this.#background >= Math.max(1, Math.floor(this.#slots / 2))) return false;
    if (this.#running === 0) return true;
    if (company !== this.#company) return false;
    return this.#clock.monotonicMs() - this.#companySinceMs < COMPANY_MS || !this.#othersWait(company);
  }

  #othersWait(company: string | null): boolean {
    for (const waiters of this.#waiting.values()) if (waiters.some((each) => each.company !== company)) return true;
    return false;
  }

  #take({ caller, company, background }: Required<Turn>): void {
    if (this.#running === 0) {
      this.#company = company;
      this.#companySinceMs = this.#clock.monotonicMs();
    }
    this.#running += 1;
    if (background) this.#background += 1;
    this.#held.set(caller, (this.#held.get(caller) ?? 0) + 1);
  }

  #giveBack({ caller, background }: Required<Turn>): void {
    this.#running -= 1;
    if (background) this.#background -= 1;
    const held = (this.#held.get(caller) ?? 0) - 1;
    if (held > 0) this.#held.set(caller, held);
    else this.#held.delete(caller);
  }

  #turn(turn: Required<Turn>, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#remove(waiter);
        reject(ArmorlakeError.from(signal.reason));
        // Others may have stood behind it.
        this.#grantWaiting();
      };
      const waiter: Waiter = {
        ...turn,
        grant: () => {
          signal.removeEventListener('abort', onAbort);
          this.#take(turn);
          resolve();
        },
        refuse: (error) => {
          signal.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      if (this.#waitingCount >= this.#maxWaiting) this.#makeRoom(turn.caller);
      this.#waiting.set(turn.caller, [...(this.#waiting.get(turn.caller) ?? []), waiter]);
      this.#waitingCount += 1;
      signal.addEventListener('abort', onAbort, { once: true });
      this.#grantWaiting();
    });
  }

  /** Whoever has most waiting gives up the newest of it to one who has less. @throws ArmorlakeError BUSY. */
  #makeRoom(caller: string): void {
    let most: Waiter[] = [];
    for (const waiters of this.#waiting.values()) if (waiters.length > most.length) most = waiters;
    const newest = most.at(-1);
    if (newest === undefined || (this.#waiting.get(caller)?.length ?? 0) + 1 >= most.length) {
      throw busy(this.#waitingCount);
    }
    this.#remove(newest);
    newest.refuse(busy(this.#waitingCount));
  }

  #remove(waiter: Waiter): void {
    const rest = (this.#waiting.get(waiter.caller) ?? []).filter((each) => each !== waiter);
    if (rest.length === 0) this.#waiting.delete(waiter.caller);
    else this.#waiting.set(waiter.caller, rest);
    this.#waitingCount -= 1;
  }

  /** One of each caller in their order, and again, as long as somebody may run. */
  #grantWaiting(): void {
    for (let granted = true; granted;) {
      granted = false;
      for (const [caller, waiters] of [...this.#waiting]) {
        const next = waiters.find((each) => this.#admits(each));
        if (next === undefined) continue;
        this.#remove(next);
        // To the end of the line: the next slot is another caller's.
        const rest = this.#waiting.get(caller);
        if (rest !== undefined) {
          this.#waiting.delete(caller);
          this.#waiting.set(caller, rest);
        }
        next.grant();
        granted = true;
      }
    }
  }
}

function busy(waiting: number): ArmorlakeError {
  return new ArmorlakeError('BUSY', `${waiting} queries are waiting already.`, {
    hint: 'Ask again in a moment, or ask fewer things at once.',
  });
}
