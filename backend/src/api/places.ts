import { ArmorlakeError } from '../core/index.js';

/**
 * A number of places that callers share: each may hold half of what the others leave, and always one while there is any.
 * So whoever takes all they can get leaves room for those who come later.
 */
export class Places {
  readonly #most: number;
  readonly #what: string;
  readonly #held = new Map<string, number>();
  #taken = 0;

  /** @param what they are, in the plural, for the sentence that refuses one more. */
  constructor(most: number, what: string) {
    this.#most = most;
    this.#what = what;
  }

  /**
   * Takes a place; what it returns gives it back.
   * @throws ArmorlakeError BUSY.
   */
  take(caller: string): () => void {
    const own = this.#held.get(caller) ?? 0;
    const share = Math.max(1, Math.floor((this.#most - (this.#taken - own)) / 2));
    if (this.#taken >= this.#most || own >= share) {
      throw new ArmorlakeError('BUSY', `${own} ${this.#what} are open for this caller, and ${this.#taken} in all.`, {
        hint: `End some, or come again later: there are ${this.#most} at most, and nobody gets all of them.`,
      });
    }
    this.#taken += 1;
    this.#held.set(caller, own + 1);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#taken -= 1;
      const left = (this.#held.get(caller) ?? 1) - 1;
      if (left === 0) this.#held.delete(caller);
      else this.#held.set(caller, left);
    };
  }
}
