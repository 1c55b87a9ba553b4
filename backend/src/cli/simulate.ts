import { resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../config/index.js';
import type { BreakWay, ChapterName, RunningSimulator, SimulatorInput, SimulatorTls } from '../simulator/index.js';
import { BREAK_WAYS, CHAPTER_NAMES, DEFAULT_SIMULATOR_OPTIONS, startSimulator } from '../simulator/index.js';
import { ArmorlakeError } from '../core/index.js';
import type { CliContext } from './context.js';
import { countOption } from './options.js';
import { untilEnd, withEndOption } from './until-end.js';

interface SimulateOptions {
  readonly listen: string;
  readonly rate: number;
  readonly count?: number;
  readonly seed: number;
  readonly hosts: number;
  readonly cluster: string;
  readonly truth?: string;
  readonly wait: boolean;
  readonly messages?: boolean;
  readonly replay?: string;
  readonly story?: ChapterName;
  readonly history: number;
  readonly thenGenerate?: boolean;
  readonly attackEvery: number;
  readonly throttle: boolean;
  readonly queue: number;
  readonly lossless?: boolean;
  readonly preEncoded: number;
  readonly dropShare: number;
  readonly breakEvery: number;
  readonly breakWays: readonly BreakWay[];
  readonly stallEvery: number;
  readonly stallFor: number;
  readonly malformedEvery: number;
  readonly oversizedEvery: number;
  readonly hostileEvery: number;
  readonly awayAfter?: number;
  readonly awayFor?: number;
  readonly tlsCa?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly untilStdinEnds?: boolean;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const help = `
Examples:
  armorlake simulate kubearmor --rate 200
  armorlake simulate kubearmor --count 10000 --seed 7 --truth truth.ndjson
  armorlake simulate kubearmor --replay events.ndjson
  armorlake simulate kubearmor --story west --history 24h
  armorlake simulate kubearmor --rate 5000 --break-every 20000 --break-ways internal,reset

The story: a normal day for six workloads in three clusters, then an attack that goes from west to east to plant. One
simulator tells one cluster of it: first the history until now, then the present. Three of them need not know of each
other; start them within a minute.

Then: armorlake node --kubearmor 127.0.0.1:32767`;

/** `armorlake simulate kubearmor`: a KubeArmor for demos and tests. */
export function simulateCommand(context: CliContext): Command {
  return new Command('simulate')
    .description('stand in for a KubeArmor, for demos and tests')
    .addCommand(kubearmorCommand(context));
}

function kubearmorCommand(context: CliContext): Command {
  const { faults, ...defaults } = DEFAULT_SIMULATOR_OPTIONS;
  const every = (flags: string, description: string, value: number): Option =>
    countOption(flags, `${description} (0: never)`, 0).default(value).helpGroup('What goes wrong on purpose:');
  const command = new Command('kubearmor')
    .description("KubeArmor's LogService with generated or recorded events")
    .option('--listen <host:port>', 'where to listen; port 0 takes a free one', defaults.listen)
    .addOption(countOption('--rate <n>', 'logs and alerts a second, over all hosts').default(defaults.rate))
    .addOption(countOption('--count <n>', 'logs and alerts in all; then the streams stay open', 0))
    .addOption(countOption('--seed <n>', 'the same seed gives the same events', 0).default(defaults.seed))
    .addOption(countOption('--hosts <n>', 'hosts the workloads are spread over').default(defaults.hosts))
    .option('--cluster <name>', 'ClusterName of the events', defaults.clusterName)
    .option('--truth <file>', 'a JSON line for each event handed to a subscribed stream')
    .option('--no-wait', "generate at once: what nobody hears is gone, as KubeArmor's own")
    .option('--messages', "also KubeArmor's own Messages")
    .option('--replay <file>', 'send this recording, in any form that import reads, instead')
    .option('--then-generate', 'go on with generated events after the replay')
    .addOption(
      new Option('--story <cluster>', 'tell the story of an attack, this cluster of it')
        .choices(CHAPTER_NAMES)
        .conflicts(['rate', 'count', 'hosts', 'cluster', 'replay', 'attackEvery', 'preEncoded', 'messages', 'wait']),
    )
    .addOption(
      new Option('--history <time>', 'how much past the story begins with, 1h or more')
        .argParser(parseHistory)
        .default(DAY_MS, '24h'),
    )
    .addOption(countOption('--attack-every <n>', 'events between attacks (0: none)', 0).default(defaults.attackEvery))
    .option('--no-throttle', "without KubeArmor's throttle of 10 alerts a second and container")
    .addOption(countOption('--queue <n>', "events a subscriber's queue holds").default(defaults.queueLength))
    .option('--lossless', 'wait for room in the queues instead of dropping')
    .addOption(
      countOption('--pre-encoded <n>', 'send a ring of so many events (0: each is new)', 0).default(
        defaults.preEncoded,
      ),
    )
    .option('--tls-ca <file>', 'with --tls-cert and --tls-key: mutual TLS, as KubeArmor does')
    .option('--tls-cert <file>', "the simulator's certificate")
    .option('--tls-key <file>', "the certificate's key")
    .addOption(
      new Option('--drop-share <share>', 'share of events (0 to 1) that vanish before the queue')
        .argParser(parseShare)
        .default(faults.dropShare)
        .helpGroup('What goes wrong on purpose:'),
    )
    .addOption(every('--break-every <n>', 'events between breaks of all streams', faults.breakEvery))
    .addOption(
      new Option('--break-ways <ways>', `ways to break, taken in turn: ${BREAK_WAYS.join(', ')}`)
        .argParser(parseWays)
        .default(faults.breakWays, BREAK_WAYS.join(','))
        .helpGroup('What goes wrong on purpose:'),
    )
    .addOption(every('--stall-every <n>', 'events between stalls', faults.stallEvery))
    .addOption(
      new Option('--stall-for <time>', 'how long a stall lasts, as 2s')
        .argParser(parseTime)
        .default(faults.stallMs, '2s')
        .helpGroup('What goes wrong on purpose:'),
    )
    .addOption(
      every('--malformed-every <n>', 'events between messages that no decoder can read', faults.malformedEvery),
    )
    .addOption(every('--oversized-every <n>', 'events between ones of 4 MiB', faults.oversizedEvery))
    .addOption(every('--hostile-every <n>', 'events between ones with hostile strings', faults.hostileEvery))
    .addOption(
      new Option('--away-after <time>', 'nobody reaches it so long after its first event, or the story goes live')
        .argParser(parseTime)
        .helpGroup('What goes wrong on purpose:'),
    )
    .addOption(
      new Option('--away-for <time>', 'how long it is away (default: 30s)')
        .argParser(parseTime)
        .helpGroup('What goes wrong on purpose:'),
    )
    .addHelpText('after', help)
    .action(async (options: SimulateOptions) => {
      context.setExitCode(await run(context, options));
    });
  return withEndOption(command);
}

async function run({ io }: CliContext, options: SimulateOptions): Promise<number> {
  const simulator = await startSimulator(simulatorInput(options, io.cwd));
  const end = untilEnd(io, options.untilStdinEnds === true);
  try {
    await io.out(`Simulated KubeArmor is ready at ${simulator.address}.\n`);
    void simulator.finished.then(() => {
      if (!end.signal.aborted) io.err(`All events are sent: ${sentText(simulator)}. The streams stay open.\n`);
    });
    await end.reached;
    io.err(`Ended: ${sentText(simulator)}.\n`);
    return 0;
  } finally {
    end.close();
    await simulator.close();
  }
}

function sentText(simulator: RunningSimulator): string {
  const { logs, alerts, breaks } = simulator.counters();
  return `${logs.sent} logs and ${alerts.sent} alerts handed over, ${logs.dropped + alerts.dropped} dropped, ${breaks} breaks`;
}

function simulatorInput(options: SimulateOptions, cwd: string): SimulatorInput {
  return {
    listen: options.listen,
    tls: tlsOf(options, cwd),
    seed: options.seed,
    rate: options.rate,
    count: options.count,
    hosts: options.hosts,
    clusterName: options.cluster,
    messages: options.messages === true,
    attackEvery: options.attackEvery,
    throttle: options.throttle ? DEFAULT_SIMULATOR_OPTIONS.throttle : undefined,
    truthFile: options.truth === undefined ? undefined : resolve(cwd, options.truth),
    noWait: !options.wait,
    replayFile: options.replay === undefined ? undefined : resolve(cwd, options.replay),
    thenGenerate: options.thenGenerate === true,
    story: options.story === undefined ? undefined : { chapter: options.story, historyMs: options.history },
    queueLength: options.queue,
    lossless: options.lossless === true,
    preEncoded: options.preEncoded,
    faults: {
      dropShare: options.dropShare,
      breakEvery: options.breakEvery,
      breakWays: options.breakWays,
      stallEvery: options.stallEvery,
      stallMs: options.stallFor,
      malformedEvery: options.malformedEvery,
      oversizedEvery: options.oversizedEvery,
      hostileEvery: options.hostileEvery,
      ...(options.awayAfter === undefined ? {} : { awayAfterMs: options.awayAfter }),
      ...(options.awayFor === undefined ? {} : { awayForMs: options.awayFor }),
    },
  };
}

function tlsOf({ tlsCa, tlsCert, tlsKey }: SimulateOptions, cwd: string): SimulatorTls | undefined {
  if (tlsCa === undefined && tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCa === undefined || tlsCert === undefined || tlsKey === undefined) {
    throw new ArmorlakeError('BAD_REQUEST', '--tls-ca, --tls-cert and --tls-key belong together: give all three.');
  }
  return { caFile: resolve(cwd, tlsCa), certFile: resolve(cwd, tlsCert), keyFile: resolve(cwd, tlsKey) };
}

function parseShare(text: string): number {
  const share = Number(text);
  if (text.trim() === '' || !(share >= 0 && share <= 1)) throw new InvalidArgumentError('It must be from 0 to 1.');
  return share;
}

function parseWays(text: string): readonly BreakWay[] {
  return text.split(',').map((name) => {
    const way = BREAK_WAYS.find((each) => each === name.trim());
    if (way === undefined) throw new InvalidArgumentError(`Choose from ${BREAK_WAYS.join(', ')}.`);
    return way;
  });
}

function parseHistory(text: string): number {
  const time = parseDuration(text);
  if (time === undefined || time < HOUR_MS)
    throw new InvalidArgumentError('Write it as 24h; the attack needs an hour.');
  return time;
}

function parseTime(text: string): number {
  const time = parseDuration(text);
  if (time === undefined) throw new InvalidArgumentError('Write it as 2s or 500ms.');
  return time;
}
