import type { Act } from '../acts.js';
import { execAct } from '../acts.js';
import type { Random } from '../random.js';
import type { Place, Process } from '../world.js';

/** An act, so many seconds after the one before it of the same strand. */
export interface Paced {
  readonly afterSec: number;
  readonly act: Act;
}

/** Acts that belong together, one after the other; those of other strands happen in between. */
export type Strand = Iterator<Paced, void>;

/** Part of a strand; what it returns is for the rest of it. */
export type Part<T = void> = Generator<Paced, T>;

export const MINUTE = 60;
export const HOUR = 60 * MINUTE;

/** A wait of about so long: a fifth more or less. */
export function about(seconds: number, random: Random): number {
  return seconds * (0.8 + random.next() * 0.4);
}

/** Somebody or something in a place that starts programs there. */
export class Hand {
  readonly place: Place;
  readonly random: Random;

  constructor(place: Place, random: Random) {
    this.place = place;
    this.random = random;
  }

  /** About so many seconds later, the act. */
  does(afterSec: number, act: Act): Paced {
    return { afterSec: about(afterSec, this.random), act };
  }

  /** Starts a program below a process. @returns it */
  *starts(
    afterSec: number,
    parent: Process,
    path: string,
    args: string,
    differences: Partial<Process> = {},
  ): Part<Process> {
    const process = this.place.fork(parent, path, args, this.random, differences);
    yield this.does(afterSec, execAct(this.place, process));
    return process;
  }

  /** Comes into the container from outside, as `kubectl exec -it` does. @returns the shell */
  *enters(afterSec: number, shell: string): Part<Process> {
    const process = this.place.enter(shell, this.random);
    yield this.does(afterSec, execAct(this.place, process));
    return process;
  }
}
