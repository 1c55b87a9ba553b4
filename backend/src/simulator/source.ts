import type { Draft, SimulatedEvent } from './event.js';
import { generateEvents } from './generator.js';
import type { SimulatorOptions } from './options.js';
import { replayEvents } from './replay.js';
import type { Tally } from './reporter.js';
import { storyEvents } from './story/index.js';

/** All events of a run, in the order in which they are sent. @param recording what to replay, if anything */
export function* eventsOf(
  options: SimulatorOptions,
  recording: readonly Draft[] | undefined,
  tally: Tally,
): Generator<SimulatedEvent, void> {
  if (options.story !== undefined) {
    const nowMicros = options.startTimeMicros ?? Date.now() * 1000;
    yield* storyEvents({ ...options.story, seed: options.seed, nowMicros, throttle: options.throttle }, tally);
    return;
  }
  if (recording === undefined) {
    yield* options.preEncoded > 0 ? ringOf(options) : generateEvents(options, tally);
    return;
  }
  const replayed = recording.slice(0, options.count);
  yield* replayEvents(replayed, options.rate);
  if (!options.thenGenerate) return;
  const startMicros = Math.floor((replayed.length * 1_000_000) / options.rate);
  const count = options.count === undefined ? undefined : options.count - replayed.length;
  if (count === 0) return;
  for (const event of generateEvents({ ...options, count }, tally)) {
    yield { ...event, number: event.number + replayed.length, dueMicros: event.dueMicros + startMicros };
  }
}

/** The same few events again and again, encoded once. */
function* ringOf(options: SimulatorOptions): Generator<SimulatedEvent, void> {
  const ring = [...generateEvents({ ...options, count: options.preEncoded })];
  const spacing = 1_000_000 / options.rate;
  const end = options.count ?? Number.POSITIVE_INFINITY;
  for (let made = 0; made < end; made += 1) {
    const event = ring[made % ring.length];
    if (event !== undefined) yield { ...event, number: made + 1, dueMicros: Math.floor(made * spacing) };
  }
}
