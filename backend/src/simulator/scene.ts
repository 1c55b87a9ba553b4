import type { Act } from './acts.js';
import { attackOn } from './attacks.js';
import type { Draft } from './event.js';
import type { GeneratorOptions } from './options.js';
import { Random } from './random.js';
import { messageOf } from './records.js';
import type { DraftAt, Tally } from './reporter.js';
import { Reporter } from './reporter.js';
import type { Routine } from './routines.js';
import { routineOf } from './routines.js';
import type { Place } from './world.js';
import { buildWorld } from './world.js';

const HOST_WEIGHT = 2;
/** How many routines run at a time, their acts mixed. */
const CONCURRENT = 12;
/** How often an attack under way takes its next step, among everything else. */
const ATTACK_PACE = 0.25;

/** The cluster at work: which act comes next, and what KubeArmor makes of it. */
export class Scene {
  readonly #options: GeneratorOptions;
  readonly #random: Random;
  readonly #places: readonly Place[];
  /** Each place as often as its weight. */
  readonly #weighted: readonly Place[];
  readonly #routines: Routine[];
  readonly #reporter: Reporter;
  #attack: Routine | undefined;
  #nextAttack: number;

  constructor(options: GeneratorOptions, tally: Tally) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#places = buildWorld(options);
    this.#weighted = this.#places.flatMap((place) =>
      new Array<Place>(place.workload?.weight ?? HOST_WEIGHT).fill(place),
    );
    this.#routines = Array.from({ length: CONCURRENT }, () => this.#newRoutine());
    this.#reporter = new Reporter(options, tally);
    // The first attack comes soon, so that a short run shows one.
    this.#nextAttack = options.attackEvery === 0 ? Number.POSITIVE_INFINITY : Math.floor(options.attackEvery / 5);
  }

  /** What the next act gives: one event, or two for a refused exec. @param made events so far */
  next(made: number): readonly DraftAt[] {
    return this.#reporter.report(this.#nextAct(made));
  }

  /** One of KubeArmor's own messages. */
  message(micros: number, made: number): Draft {
    const { host } = this.#places[made % this.#places.length] ?? this.#random.pick(this.#places);
    const text = `Detected ${made} events so far`;
    return { stream: 'messages', event: messageOf(host, this.#options.clusterName, micros, text) };
  }

  #nextAct(made: number): Act {
    if (made >= this.#nextAttack) {
      this.#attack ??= attackOn(this.#places, this.#random);
      this.#nextAttack += this.#options.attackEvery;
    }
    if (this.#attack !== undefined && this.#random.chance(ATTACK_PACE)) {
      const step = this.#attack.next();
      if (step.done !== true) return step.value;
      this.#attack = undefined;
    }
    for (;;) {
      const index = this.#random.between(0, this.#routines.length - 1);
      const step = this.#routines[index]?.next();
      if (step !== undefined && step.done !== true) return step.value;
      this.#routines[index] = this.#newRoutine();
    }
  }

  #newRoutine(): Routine {
    return routineOf(this.#random.pick(this.#weighted), this.#random);
  }
}
