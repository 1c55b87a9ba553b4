import type { StoryOptions } from './story/index.js';

/**
 * The ways a stream of gRPC can end under its reader: status INTERNAL (13, what invalid UTF-8 does to KubeArmor),
 * status UNAVAILABLE (14), an unexpected OK, or the TCP connection destroyed.
 */
export type BreakWay = 'internal' | 'unavailable' | 'ok' | 'reset';

export const BREAK_WAYS: readonly BreakWay[] = ['internal', 'unavailable', 'ok', 'reset'];

/** What goes wrong on purpose. "Every" counts generated events; 0 means never. */
export interface FaultOptions {
  /** The share of events, 0 to 1, that vanish before the queue, as KubeArmor's own kernel buffer loses them. */
  readonly dropShare: number;
  /** Every so many events all open streams are broken … */
  readonly breakEvery: number;
  /** … in these ways, taken in turn. */
  readonly breakWays: readonly BreakWay[];
  /** Every so many events the simulator stops sending … */
  readonly stallEvery: number;
  /** … for so long; generating goes on, so its queues fill up and drop. */
  readonly stallMs: number;
  /** Every so many events a message that no decoder can read is sent besides. */
  readonly malformedEvery: number;
  /** Every so many events one whose Resource is blown up to `oversizedBytes`. */
  readonly oversizedEvery: number;
  /** Size of the blown-up Resource in bytes. */
  readonly oversizedBytes: number;
  /** Every so many events one whose strings are hostile: quotes, NUL, ANSI, right-to-left, invalid UTF-8. */
  readonly hostileEvery: number;
  /** So many milliseconds after the first event (of a story: after its history) nobody reaches the simulator; 0: never. */
  readonly awayAfterMs: number;
  /** … for so long; generating goes on. */
  readonly awayForMs: number;
}

/** KubeArmor's throttle of alerts, one account a container. */
export interface ThrottleOptions {
  /** Alerts a second a container may send before it is silenced. */
  readonly maxAlertsPerSec: number;
  /** Seconds of silence after that; it begins with an alert of Operation AlertThreshold. */
  readonly droppingIntervalSec: number;
}

/** Files in PEM; with them the simulator asks for and checks the client's certificate, as KubeArmor does. */
export interface SimulatorTls {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** What decides the content of the generated events, and nothing else. */
export interface GeneratorOptions {
  /** Same seed, rate, hosts and cluster: same events. */
  readonly seed: number;
  /** Logs and alerts a second over all hosts together. */
  readonly rate: number;
  /** Logs and alerts in all; undefined: no end. */
  readonly count: number | undefined;
  /** How many hosts the workloads are spread over. */
  readonly hosts: number;
  readonly clusterName: string;
  /** The time of the first event in µs since the Unix epoch; undefined: the wall clock when generating begins. */
  readonly startTimeMicros: number | undefined;
  /** Also KubeArmor's own Messages: one besides every hundred events. */
  readonly messages: boolean;
  /** Events between the starts of two attack scenarios; 0: none. */
  readonly attackEvery: number;
  /** How late an event may overtake others, in milliseconds. */
  readonly disorderMs: number;
  /** undefined: alerts are never throttled. */
  readonly throttle: ThrottleOptions | undefined;
}

/** All of `armorlake simulate kubearmor`; give what differs from DEFAULT_SIMULATOR_OPTIONS. */
export interface SimulatorOptions extends GeneratorOptions {
  /** HOST:PORT to listen on; port 0 takes a free one. */
  readonly listen: string;
  readonly tls: SimulatorTls | undefined;
  /** A file of JSON lines that gets one for each event handed to a subscribed stream; undefined: none. */
  readonly truthFile: string | undefined;
  /** Don't wait for the first subscriber of logs and of alerts: what nobody hears is gone, as with KubeArmor. */
  readonly noWait: boolean;
  /** A recording to send, times as recorded, instead of generated events. */
  readonly replayFile: string | undefined;
  /** Go on with generated events when the replay is through. */
  readonly thenGenerate: boolean;
  /** A chapter of the story instead of seed and rate alone; always lossless while its history is told. */
  readonly story: StoryOptions | undefined;
  /** Events each subscriber's queue holds; what comes when it is full is dropped. */
  readonly queueLength: number;
  /** Wait for room in the queues instead of dropping, so `rate` becomes an upper bound; for benchmarks. */
  readonly lossless: boolean;
  /** Send a ring of so many events encoded beforehand, at any speed; 0: each event is new. For benchmarks. */
  readonly preEncoded: number;
  readonly faults: FaultOptions;
}

export const DEFAULT_FAULTS: FaultOptions = {
  dropShare: 0,
  breakEvery: 0,
  breakWays: BREAK_WAYS,
  stallEvery: 0,
  stallMs: 2_000,
  malformedEvery: 0,
  oversizedEvery: 0,
  oversizedBytes: 4 * 1024 * 1024,
  hostileEvery: 0,
  awayAfterMs: 0,
  awayForMs: 30_000,
};

export const DEFAULT_SIMULATOR_OPTIONS: SimulatorOptions = {
  listen: '127.0.0.1:32767',
  tls: undefined,
  seed: 1,
  rate: 100,
  count: undefined,
  hosts: 3,
  clusterName: 'default',
  startTimeMicros: undefined,
  messages: false,
  attackEvery: 500,
  disorderMs: 12,
  throttle: { maxAlertsPerSec: 10, droppingIntervalSec: 30 },
  truthFile: undefined,
  noWait: false,
  replayFile: undefined,
  thenGenerate: false,
  story: undefined,
  queueLength: 1_000,
  lossless: false,
  preEncoded: 0,
  faults: DEFAULT_FAULTS,
};

/** Options as a caller gives them: anything left out takes its default. */
export type SimulatorInput = Partial<Omit<SimulatorOptions, 'faults'>> & {
  readonly faults?: Partial<FaultOptions>;
};

/** What happened so far, a stream: `sent` were handed to a subscribed gRPC stream (and are in the truth file). */
export interface StreamCounters {
  readonly generated: number;
  readonly sent: number;
  /** Lost to a full queue, to nobody being subscribed, or to `dropShare`. */
  readonly dropped: number;
  readonly subscribers: number;
}

export interface SimulatorCounters {
  readonly logs: StreamCounters;
  readonly alerts: StreamCounters;
  readonly messages: StreamCounters;
  /** Alerts KubeArmor's throttle held back; they are in no other count. */
  readonly throttled: number;
  readonly breaks: number;
}

/** A simulator that listens. */
export interface RunningSimulator {
  readonly host: string;
  readonly port: number;
  /** HOST:PORT as a client dials it. */
  readonly address: string;
  /** Resolves when the last of `count` (or of the replay) is generated and every open queue is empty. */
  readonly finished: Promise<void>;
  counters(): SimulatorCounters;
  /** Ends every open stream of logs, alerts and messages at once; subscribers may come back at once. */
  breakStreams(way: BreakWay): void;
  /** Sends nothing for so many milliseconds, while generating goes on. */
  stall(ms: number): void;
  /** Cuts all connections and lets nobody connect for so many milliseconds, while generating goes on. */
  leave(ms: number): void;
  /** Ends all streams, flushes the truth file, frees the port. Idempotent. */
  close(): Promise<void>;
}
