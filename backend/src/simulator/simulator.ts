import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../core/index.js';
import { systemClock } from '../core/index.js';
import { EventFinisher } from './encode.js';
import type { Draft, SimulatedEvent, StreamName } from './event.js';
import { Faults } from './faults.js';
import type { Witness } from './hub.js';
import { Hub } from './hub.js';
import type { Listener } from './listener.js';
import { listen } from './listener.js';
import type {
  BreakWay,
  FaultOptions,
  RunningSimulator,
  SimulatorCounters,
  SimulatorInput,
  SimulatorOptions,
} from './options.js';
import { DEFAULT_FAULTS, DEFAULT_SIMULATOR_OPTIONS } from './options.js';
import { readRecording } from './replay.js';
import type { Tally } from './reporter.js';
import { logService } from './service.js';
import { eventsOf } from './source.js';
import { CHAPTERS } from './story/index.js';
import { TruthFile } from './truth.js';

/** Events sent in one turn of the event loop at most, so that sockets get their turn too. */
const EVENTS_A_TURN = 50;
const NAP_MS = 2;
const RETRY_MS = 500;

/**
 * Starts our own KubeArmor: listening when the promise resolves, generating as soon as logs and alerts are subscribed
 * to (`noWait`: at once), and there until `close()`, whoever comes and goes.
 * @throws ArmorlakeError BAD_CONFIG or BAD_REQUEST when it can't listen or can't use one of its files
 */
export async function startSimulator(
  input: SimulatorInput = {},
  clock: Clock = systemClock,
): Promise<RunningSimulator> {
  const options: SimulatorOptions = {
    ...DEFAULT_SIMULATOR_OPTIONS,
    ...input,
    faults: { ...DEFAULT_FAULTS, ...awayOf(input), ...input.faults },
  };
  const recording = options.replayFile === undefined ? undefined : await readRecording(options.replayFile);
  const truth = options.truthFile === undefined ? undefined : await TruthFile.open(options.truthFile);
  const hub = new Hub(options.queueLength, witnessFor(truth));
  try {
    const listener = await listen(options.listen, options.tls, logService(hub));
    return new Simulator(options, recording, { hub, listener, truth, clock });
  } catch (error) {
    await truth?.close();
    throw error;
  }
}

interface Parts {
  readonly hub: Hub;
  readonly listener: Listener;
  readonly truth: TruthFile | undefined;
  readonly clock: Clock;
}

class Simulator implements RunningSimulator {
  readonly host: string;
  readonly port: number;
  readonly finished: Promise<void>;
  readonly #options: SimulatorOptions;
  readonly #parts: Parts;
  readonly #closing = new AbortController();
  readonly #tally: Tally = { throttled: 0 };
  readonly #timers = new Set<NodeJS.Timeout>();
  #breaks = 0;
  #closed: Promise<void> | undefined;

  constructor(options: SimulatorOptions, recording: readonly Draft[] | undefined, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
    this.host = parts.listener.host;
    this.port = parts.listener.port;
    this.finished = this.#run(recording);
    // Whoever asks for it hears of a failure; nobody has to ask.
    this.finished.catch(() => undefined);
  }

  get address(): string {
    return this.host.includes(':') ? `[${this.host}]:${this.port}` : `${this.host}:${this.port}`;
  }

  counters(): SimulatorCounters {
    const { hub } = this.#parts;
    return {
      logs: hub.counters('logs'),
      alerts: hub.counters('alerts'),
      messages: hub.counters('messages'),
      throttled: this.#tally.throttled,
      breaks: this.#breaks,
    };
  }

  breakStreams(way: BreakWay): void {
    this.#breaks += 1;
    if (way !== 'reset') {
      this.#parts.hub.endAll(way);
      return;
    }
    this.#parts.hub.dropAll();
    this.#parts.listener.resetConnections();
  }

  stall(ms: number): void {
    this.#later(ms, this.#parts.hub.stall());
  }

  leave(ms: number): void {
    this.#parts.listener.shut();
    this.breakStreams('reset');
    this.#later(ms, () => {
      this.#return();
    });
  }

  /** Listens again; when somebody else has taken the port, once more a little later. */
  #return(): void {
    this.#parts.listener.open().catch(() => {
      if (!this.#closing.signal.aborted) {
        this.#later(RETRY_MS, () => {
          this.#return();
        });
      }
    });
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#parts.hub.close();
    await this.#parts.listener.close();
    await this.finished.catch(() => undefined);
    await this.#parts.truth?.close();
  }

  /** Sends each event when it is due; behind time, as fast as the queues are emptied between turns. */
  async #run(recording: readonly Draft[] | undefined): Promise<void> {
    const { hub, clock } = this.#parts;
    const { signal } = this.#closing;
    if (!this.#options.noWait) await hub.heard();
    const faults = this.#faults();
    const startTimeMicros = this.#options.startTimeMicros ?? Math.round(clock.wallMs() * 1000);
    const started = clock.monotonicMs();
    const isDue = ({ dueMicros }: SimulatedEvent): boolean => (clock.monotonicMs() - started) * 1000 >= dueMicros;
    let thisTurn = 0;
    // A story's history, and what has become due meanwhile.
    let catchingUp = this.#options.story !== undefined;
    for (const event of eventsOf({ ...this.#options, startTimeMicros }, recording, this.#tally)) {
      while (!signal.aborted && !isDue(event)) {
        if (event.past !== true) catchingUp = false;
        thisTurn = 0;
        await sleep(NAP_MS);
      }
      if (thisTurn >= EVENTS_A_TURN) {
        thisTurn = 0;
        await nextTurn();
      }
      if (this.#options.lossless && hub.crowded(event.stream)) await hub.room(event.stream);
      if (catchingUp) await this.#roomForPast(event.stream);
      if (signal.aborted) return;
      thisTurn += 1;
      const changed = faults.pass(event);
      if (changed === undefined) hub.lose(event);
      else hub.offer(changed);
    }
    await hub.idle();
  }

  /** A history is not lost while its reader is slow or away, who may also go away while there is no room. */
  async #roomForPast(stream: StreamName): Promise<void> {
    const { hub } = this.#parts;
    while (!this.#closing.signal.aborted && (!hub.isHeard || hub.crowded(stream))) {
      await hub.heard();
      await hub.room(stream);
    }
  }

  #faults(): Faults {
    return new Faults(this.#options.faults, this.#options.seed, new EventFinisher(), {
      breakStreams: (way) => {
        this.breakStreams(way);
      },
      stall: (ms) => {
        this.stall(ms);
      },
      leave: (ms) => {
        this.leave(ms);
      },
      sendMalformed: (event, bytes) => {
        this.#parts.hub.offerMalformed(event.stream, event.number, bytes);
      },
    });
  }
}

/** Part of a story is that a KubeArmor can't be reached. */
function awayOf({ story }: SimulatorInput): Partial<FaultOptions> {
  const away = story === undefined ? undefined : CHAPTERS[story.chapter].away;
  return away === undefined ? {} : { awayAfterMs: away.afterSec * 1000, awayForMs: away.forSec * 1000 };
}

function witnessFor(truth: TruthFile | undefined): Witness {
  if (truth === undefined) return { handed: () => undefined };
  return {
    handed: (stream: StreamName, item, subscriber) => {
      const { number } = item;
      if ('malformed' in item) {
        truth.add({ stream, number, subscriber, event: {}, malformed: item.malformed.toString('base64') });
        return;
      }
      const { UpdatedTime, HostName } = item.event;
      const { HostPID, Operation, Resource } = 'Operation' in item.event ? item.event : {};
      truth.add({ stream, number, subscriber, UpdatedTime, HostName, HostPID, Operation, Resource, event: item.event });
    },
  };
}
