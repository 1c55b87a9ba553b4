import type { IdentityFile, LakeIdentity } from './identity.js';

/** So many numbers are reserved at once: lake.json is written that seldom. */
export const RESERVE = 1_000_000;

/** Gives out seq; the reserved mark in lake.json is always ahead of what was given, on the disk. */
export class Sequence {
  readonly #file: IdentityFile;
  #identity: LakeIdentity;
  #last: number;

  /** `last` is the lake's last seq; the next one follows it. */
  constructor(file: IdentityFile, identity: LakeIdentity, last: number) {
    this.#file = file;
    this.#identity = identity;
    this.#last = last;
  }

  get last(): number {
    return this.#last;
  }

  get identity(): LakeIdentity {
    return this.#identity;
  }

  /** The first of `rows` numbers; they count as given only with `advance`. */
  next(rows: number): number {
    if (this.#last + rows > this.#identity.seqReserved) this.update({ seqReserved: this.#last + rows + RESERVE });
    return this.#last + 1;
  }

  /** After the commit. */
  advance(rows: number): void {
    this.#last += rows;
  }

  /** Changes lake.json; the last seq goes with it. */
  update(change: Partial<LakeIdentity>): void {
    const identity = { ...this.#identity, ...change, lastSeq: this.#last };
    this.#file.write(identity);
    // Not before: numbers that are not reserved on the disk must not be given away.
    this.#identity = identity;
  }
}
