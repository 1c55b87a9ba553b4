import { join } from 'node:path';
import type { Bench, BenchOptions, Figure } from './bench.js';
import { NodeProcess, SimulatorProcess, cpuMicros, machineMicros } from './processes.js';

const RING = 20_000;
const WARM_UP = 100_000;

interface Run {
  readonly stored: number;
  /** Of those, the events after the first ones: what CPU time is given for. */
  readonly warm: number;
  readonly dropped: number;
  readonly seconds: number;
  readonly nodeMicros: number;
  readonly engineMicros: number;
  readonly simulatorMicros: number;
  /** Of what all processes of the machine took meanwhile, the share that was not ours. */
  readonly othersShare: number;
}

/** Simulator → node → committed rows; as fast as it goes without a rate. */
async function ingest(data: string, rate: number | null, events: number): Promise<Run> {
  const pace = ['--rate', String(rate ?? 1_000_000), '--count', String(events)];
  const simulator = await SimulatorProcess.start(...pace, '--pre-encoded', String(RING), '--lossless', '--no-throttle');
  try {
    const node = await NodeProcess.start(data, ['--kubearmor', simulator.address]);
    try {
      const began = performance.now();
      // Until then most of it is compiled; what a start costs is not a cost of an event.
      await node.received(Math.min(WARM_UP, events / 4));
      const early = await node.receivedEvents();
      const cpuBefore = node.group.cpuMicros();
      const engineBefore = cpuMicros(node.enginePid);
      const simulatorBefore = simulator.cpuMicros();
      const machineBefore = machineMicros();
      await simulator.allSent(180_000);
      const simulatorMicros = simulator.cpuMicros() - simulatorBefore;
      await node.received(events);
      const seconds = (performance.now() - began) / 1000;
      const nodeMicros = node.group.cpuMicros() - cpuBefore;
      const engineMicros = cpuMicros(node.enginePid) - engineBefore;
      const othersShare = 1 - (nodeMicros + simulatorMicros) / (machineMicros() - machineBefore);
      const stored = await node.storedEvents();
      return {
        stored,
        warm: stored - early,
        dropped: events - stored,
        seconds,
        nodeMicros,
        engineMicros,
        simulatorMicros,
        othersShare,
      };
    } finally {
      await node.end();
    }
  } finally {
    await simulator.end();
  }
}

async function run({ folder, seconds, say }: BenchOptions): Promise<readonly Figure[]> {
  const events = Math.round(40_000 * Math.min(seconds, 12));
  say(`${events} events at 40,000/s`);
  const paced = await ingest(join(folder, 'paced'), 40_000, events);
  say(`${events} events as fast as possible`);
  const free = await ingest(join(folder, 'free'), null, events);
  const each = ({ warm }: Run, micros: number): string => (micros / warm).toFixed(1);
  const end = (name: string, run: Run, bar: Pick<Figure, 'bar'>): Figure[] => [
    {
      what: `${name}: rows committed`,
      value: run.stored / run.seconds,
      unit: '/s',
      ...bar,
      note: `other programs took ${Math.round(run.othersShare * 100)} % of the CPU time meanwhile`,
    },
    {
      what: `${name}: CPU of the node's processes`,
      value: run.nodeMicros / run.warm,
      unit: 'µs/event',
      bar: { atMost: 30 },
      note: `engine ${each(run, run.engineMicros)}, worker and API ${each(run, run.nodeMicros - run.engineMicros)}; the simulator beside it ${each(run, run.simulatorMicros)}`,
    },
    { what: `${name}: events not stored`, value: run.dropped, unit: '', bar: { atMost: 0 } },
  ];
  return [
    ...end('gRPC to committed rows, sent at 40,000/s', paced, {}),
    ...end('gRPC to committed rows, as fast as possible', free, { bar: { atLeast: 40_000 } }),
  ];
}

export const ingestBench: Bench = { name: 'ingest', what: 'from KubeArmor’s stream to committed rows', run };
