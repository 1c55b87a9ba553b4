import { join } from 'node:path';
import type { Bench, BenchOptions, Figure } from './bench.js';
import { NodeProcess, SimulatorProcess, cpuMicros } from './processes.js';
import { stages } from './stages.js';

const RING = 20_000;

interface Run {
  readonly stored: number;
  readonly dropped: number;
  readonly seconds: number;
  readonly nodeMicros: number;
  readonly engineMicros: number;
  readonly simulatorMicros: number;
}

/** Simulator → node → committed rows; as fast as it goes without a rate. */
async function ingest(data: string, rate: number | null, events: number): Promise<Run> {
  const pace = ['--rate', String(rate ?? 1_000_000), '--count', String(events)];
  const simulator = await SimulatorProcess.start(...pace, '--pre-encoded', String(RING), '--lossless', '--no-throttle');
  try {
    const node = await NodeProcess.start(data, ['--kubearmor', simulator.address]);
    try {
      const cpuBefore = node.group.cpuMicros();
      const engineBefore = cpuMicros(node.enginePid);
      const simulatorBefore = simulator.cpuMicros();
      const began = performance.now();
      await simulator.allSent(180_000);
      const simulatorMicros = simulator.cpuMicros() - simulatorBefore;
      await node.received(events);
      const seconds = (performance.now() - began) / 1000;
      const nodeMicros = node.group.cpuMicros() - cpuBefore;
      const engineMicros = cpuMicros(node.enginePid) - engineBefore;
      const stored = await node.storedEvents();
      return { stored, dropped: events - stored, seconds, nodeMicros, engineMicros, simulatorMicros };
    } finally {
      await node.end();
    }
  } finally {
    await simulator.end();
  }
}

async function run(options: BenchOptions): Promise<readonly Figure[]> {
  const { folder, seconds, say } = options;
  const events = Math.round(40_000 * Math.min(seconds, 12));
  say(`${events} events at 40,000/s`);
  const paced = await ingest(join(folder, 'paced'), 40_000, events);
  say(`${events} events as fast as possible`);
  const free = await ingest(join(folder, 'free'), null, events);
  const each = ({ stored }: Run, micros: number): string => (micros / stored).toFixed(1);
  const end = (name: string, run: Run, bar: Pick<Figure, 'bar'>): Figure[] => [
    { what: `${name}: rows committed`, value: run.stored / run.seconds, unit: '/s', ...bar },
    {
      what: `${name}: CPU of the node's processes`,
      value: run.nodeMicros / run.stored,
      unit: 'µs/event',
      bar: { atMost: 30 },
      note: `engine ${each(run, run.engineMicros)}, worker and API ${each(run, run.nodeMicros - run.engineMicros)}; the simulator beside it ${each(run, run.simulatorMicros)}`,
    },
    { what: `${name}: events not stored`, value: run.dropped, unit: '', bar: { atMost: 0 } },
  ];
  return [
    ...end('gRPC to committed rows, sent at 40,000/s', paced, {}),
    ...end('gRPC to committed rows, as fast as possible', free, { bar: { atLeast: 40_000 } }),
    ...(await stages(options)),
  ];
}

export const ingestBench: Bench = { name: 'ingest', what: 'from KubeArmor’s stream to committed rows', run };
