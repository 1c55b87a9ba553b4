import type { LedgerDelta } from './batch/layout.js';

/** What was dropped and is not in the ledger yet, summed by connector, stream and reason. */
export class DropAccount {
  #deltas = new Map<string, LedgerDelta>();

  get empty(): boolean {
    return this.#deltas.size === 0;
  }

  /** Accounts for a whole batch: what it would have stored or dead-lettered is dropped. Returns the events dropped. */
  add(ledger: readonly LedgerDelta[], reason: string): number {
    let events = 0;
    for (const delta of ledger) {
      const own = delta.stored + delta.deadLettered;
      events += own;
      this.#sum({ ...delta, received: own, stored: 0, deadLettered: 0, dropped: own, reason });
      // What the batch already reported as dropped keeps its own reason.
      this.#sum({ ...delta, received: delta.dropped, stored: 0, deadLettered: 0 });
    }
    return events;
  }

  /** Takes back what `take` gave and could not be stored. */
  restore(ledger: readonly LedgerDelta[]): void {
    for (const delta of ledger) this.#sum(delta);
  }

  take(): readonly LedgerDelta[] {
    const taken = [...this.#deltas.values()];
    this.#deltas = new Map();
    return taken;
  }

  #sum(delta: LedgerDelta): void {
    if (delta.received === 0) return;
    const key = JSON.stringify([delta.connector, delta.stream, delta.reason]);
    const known = this.#deltas.get(key);
    this.#deltas.set(key, {
      ...delta,
      received: delta.received + (known?.received ?? 0),
      dropped: delta.dropped + (known?.dropped ?? 0),
    });
  }
}
