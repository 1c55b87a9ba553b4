import { EventFinisher } from './encode.js';
import type { Draft, SimulatedEvent } from './event.js';
import type { GeneratorOptions } from './options.js';
import { DEFAULT_SIMULATOR_OPTIONS } from './options.js';
import { Random } from './random.js';
import type { Tally } from './reporter.js';
import { Scene } from './scene.js';

const EVENTS_PER_MESSAGE = 100;

interface Waiting {
  readonly dueMicros: number;
  readonly draft: Draft;
}

/**
 * The events of a simulated cluster, in the order in which they are sent: same options, same events. No two logs or
 * alerts have the same UpdatedTime (up to a rate of a million a second). `tally` counts what never becomes an event.
 */
export function* generateEvents(
  input: Partial<GeneratorOptions> = {},
  tally: Tally = { throttled: 0 },
): Generator<SimulatedEvent, void> {
  const options: GeneratorOptions = { ...DEFAULT_SIMULATOR_OPTIONS, ...input };
  const startMicros = options.startTimeMicros ?? Date.now() * 1000;
  const finisher = new EventFinisher();
  const disorder = new Random(options.seed ^ 0xd150);
  /** Sorted, the next one due last. */
  const waiting: Waiting[] = [];
  for (const { draft, offsetMicros } of timedDrafts(options, startMicros, tally)) {
    const late = Math.floor(disorder.next() * options.disorderMs * 1000);
    insert(waiting, { draft, dueMicros: offsetMicros + late });
    // Whatever is due before this one's own time can't be overtaken any more.
    for (let next = waiting.at(-1); next !== undefined && next.dueMicros <= offsetMicros; next = waiting.at(-1)) {
      waiting.pop();
      yield finisher.finish(next.draft, next.dueMicros);
    }
  }
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    yield finisher.finish(next.draft, next.dueMicros);
  }
}

function insert(sorted: Waiting[], item: Waiting): void {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle]?.dueMicros ?? 0) > item.dueMicros) low = middle + 1;
    else high = middle;
  }
  sorted.splice(low, 0, item);
}

/** Events in the order of their own times, evenly spaced by the rate. */
function* timedDrafts(
  options: GeneratorOptions,
  startMicros: number,
  tally: Tally,
): Generator<{ readonly draft: Draft; readonly offsetMicros: number }, void> {
  const scene = new Scene(options, tally);
  const end = options.count ?? Number.POSITIVE_INFINITY;
  const spacing = 1_000_000 / options.rate;
  let made = 0;
  while (made < end) {
    for (const draftAt of scene.next(made)) {
      const offsetMicros = Math.floor(made * spacing);
      const draft = draftAt(startMicros + offsetMicros);
      if (draft === undefined) continue;
      yield { draft, offsetMicros };
      made += 1;
      if (options.messages && made % EVENTS_PER_MESSAGE === 0) {
        yield { draft: scene.message(startMicros + offsetMicros, made), offsetMicros };
      }
      if (made >= end) return;
    }
  }
}
