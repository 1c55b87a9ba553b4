import { createHash } from 'node:crypto';
import type { Act } from '../acts.js';
import { execAct } from '../acts.js';
import { EventFinisher } from '../encode.js';
import type { SimulatedEvent } from '../event.js';
import type { ThrottleOptions } from '../options.js';
import { Random } from '../random.js';
import type { Tally } from '../reporter.js';
import { Reporter } from '../reporter.js';
import type { Place } from '../world.js';
import { buildWorld } from '../world.js';
import { HIDDEN_MINER, OPEN_MINER } from './chains.js';
import type { ChapterName } from './chapters.js';
import { CHAPTERS, CHAPTER_NAMES } from './chapters.js';
import { firstHour, routineOf, scheduleOf } from './day.js';
import { rateAt } from './pace.js';
import type { Paced, Part, Strand } from './strand.js';
import { MINUTE } from './strand.js';

/** A chapter of the story, and how much of the past it begins with. */
export interface StoryOptions {
  readonly chapter: ChapterName;
  /** Milliseconds of history before the simulator goes live. */
  readonly historyMs: number;
}

/** What decides the events of a story: the same options, the same events. */
export interface StorySettings extends StoryOptions {
  readonly seed: number;
  /** When the history ends, in µs since the Unix epoch. */
  readonly nowMicros: number;
  readonly throttle: ThrottleOptions | undefined;
}

/** Events of the history that are due a second: as fast as a small edge takes them beside its work. */
const HISTORY_RATE = 2_500;
/** When the pods start, after the history's beginning, and when what they do has been seen once. */
const PODS_START_SEC = 20;
const KNOWN_SEC = 10 * MINUTE;

/**
 * The events of one chapter, times rising: the history, `past` and due at once, and then without end the present. No
 * two logs or alerts have the same UpdatedTime. `tally` counts what never becomes an event.
 */
export function* storyEvents(
  settings: StorySettings,
  tally: Tally = { throttled: 0 },
): Generator<SimulatedEvent, void> {
  const { chapter, nowMicros, throttle } = settings;
  const finisher = new EventFinisher();
  const reporter = new Reporter({ clusterName: CHAPTERS[chapter].clusterName, throttle }, tally);
  let last = 0;
  let told = 0;
  for (const { atMicros, act } of timedActs(settings)) {
    for (const draftAt of reporter.report(withHashes(act))) {
      const micros = Math.max(Math.round(atMicros), last + 1);
      const draft = draftAt(micros);
      if (draft === undefined) continue;
      last = micros;
      told += 1;
      if (micros > nowMicros) yield finisher.finish(draft, micros - nowMicros);
      else yield { ...finisher.finish(draft, Math.floor((told * 1_000_000) / HISTORY_RATE)), past: true };
    }
  }
}

interface TimedAct {
  readonly atMicros: number;
  readonly act: Act;
}

/** The next act of a strand, and the strand that goes on after it. */
interface Waiting extends TimedAct {
  readonly strand: Strand;
}

/** All acts in the order of their times: strands side by side, and new routines of the day among them. */
function* timedActs({ chapter, historyMs, seed, nowMicros }: StorySettings): Generator<TimedAct, void> {
  const { hosts, workloads, chains, clusterName } = CHAPTERS[chapter];
  const own = seed * CHAPTER_NAMES.length + CHAPTER_NAMES.indexOf(chapter);
  const random = new Random(own);
  const places = buildWorld({
    seed: random.between(0, 2 ** 31 - 1),
    hosts,
    workloads,
    hostPrefix: `${clusterName}-node`,
  });
  const weighted = places.flatMap((place) => new Array<Place>(place.workload?.weight ?? 1).fill(place));
  const nowSec = nowMicros / 1_000_000;
  const beginSec = nowSec - historyMs / 1000;
  const queue = new Queue();
  const begin = (strand: Strand, atSec: number): void => {
    queue.put(strand, atSec * 1_000_000);
  };
  for (const place of places) {
    const chance = fork(random);
    begin(startOf(place, chance), beginSec);
    begin(scheduleOf(place, beginSec + KNOWN_SEC, chance), beginSec + KNOWN_SEC);
  }
  // The intruder's steps have chances of their own: no two sessions get the same ExecID.
  const intruder = new Random(own ^ 0xa77ac);
  for (const { workload, startsSec, acts } of chains) {
    const place = places.find((each) => each.workload?.name === workload);
    if (place !== undefined) begin(acts(place, fork(intruder)), nowSec + startsSec);
  }
  for (let nextSec = beginSec + KNOWN_SEC; ;) {
    const next = queue.first;
    if (next !== undefined && next.atMicros <= nextSec * 1_000_000) {
      yield next;
      queue.goOn();
    } else {
      const routine = [...routineOf(random.pick(weighted), random)];
      begin(routine.values(), nextSec);
      nextSec += ((0.5 + random.next()) * routine.length) / rateAt(nextSec, nowSec);
    }
  }
}

function fork(random: Random): Random {
  return new Random(random.between(0, 2 ** 31 - 1));
}

/** A pod starts, and does all it ever does once. */
function* startOf(place: Place, random: Random): Part {
  if (place.workload !== undefined) yield { afterSec: PODS_START_SEC * random.next(), act: execAct(place, place.main) };
  let wait = MINUTE * (1 + random.next() * 5);
  for (const paced of firstHour(place, random)) {
    yield { ...paced, afterSec: paced.afterSec + wait };
    wait = 0;
  }
}

/** Strands by the time of their next act. */
class Queue {
  /** Sorted, the next one last. */
  readonly #waiting: Waiting[] = [];

  get first(): Waiting | undefined {
    return this.#waiting.at(-1);
  }

  /** Takes the strand's next act, so many seconds after this time; nothing when it has ended. */
  put(strand: Strand, fromMicros: number): void {
    const step = strand.next();
    if (step.done === true) return;
    const { afterSec, act }: Paced = step.value;
    const item = { strand, act, atMicros: fromMicros + afterSec * 1_000_000 };
    let index = this.#waiting.length;
    while (index > 0 && (this.#waiting[index - 1]?.atMicros ?? 0) <= item.atMicros) index -= 1;
    this.#waiting.splice(index, 0, item);
  }

  /** The first has been told: its strand goes on. */
  goOn(): void {
    const told = this.#waiting.pop();
    if (told !== undefined) this.put(told.strand, told.atMicros);
  }
}

/** With the hashes of its programs: of the same path in the same image the same, and of the miner under any name. */
function withHashes(act: Act): Act {
  const { place, process, operation } = act;
  if (place.workload === undefined || (process === place.main && operation !== 'Process')) return act;
  return { ...act, hashes: { process: hashOf(place, process.path), parent: hashOf(place, act.parentPath) } };
}

function hashOf(place: Place, path: string): string {
  const content = path === HIDDEN_MINER || path === OPEN_MINER ? 'miner' : `${place.workload?.image ?? ''} ${path}`;
  return createHash('sha256').update(content).digest('hex');
}
