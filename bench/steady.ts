import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench, BenchOptions, Figure } from './bench.js';
import { NodeProcess, SimulatorProcess } from './processes.js';

const RATE = 10_000;

const load = [
  'SELECT workload, operation, count(*) FROM kubearmor.events GROUP BY ALL ORDER BY 3 DESC LIMIT 20',
  "SELECT time_bucket(INTERVAL '1 second', time) AS at, count(*) FROM kubearmor.logs GROUP BY 1 ORDER BY 1",
  "SELECT time, process, resource FROM kubearmor.logs WHERE resource LIKE '%shadow%' ORDER BY time DESC LIMIT 100",
];

/** A simulator with KubeArmor's own short queues, so that whoever is slow loses events. */
async function steady(data: string, seconds: number, queries: boolean): Promise<readonly Figure[]> {
  const events = RATE * seconds;
  const pace = ['--rate', String(RATE), '--count', String(events), '--pre-encoded', '20000', '--no-throttle'];
  const simulator = await SimulatorProcess.start(...pace);
  try {
    const node = await NodeProcess.start(data, ['--kubearmor', simulator.address]);
    try {
      const cpuBefore = node.group.cpuMicros();
      const sending = simulator.allSent(seconds * 1000 + 60_000);
      const asked = queries ? await askUntil(node, sending) : 0;
      const { sent, dropped } = await sending;
      await node.received(sent);
      const cpu = (node.group.cpuMicros() - cpuBefore) / sent;
      const stored = await node.storedEvents();
      const name = `10,000/s for ${seconds} s${queries ? `, ${asked} queries meanwhile` : ''}`;
      const cpuNote = `CPU of the node's processes ${cpu.toFixed(1)} µs/event${queries ? ', queries included' : ''}`;
      return [
        {
          what: `${name}: lost`,
          value: events - stored,
          unit: 'events',
          bar: { atMost: 0 },
          note: `${sent} handed over, ${dropped} lost in the simulator's queue of 1,000, ${stored} stored; ${cpuNote}`,
        },
      ];
    } finally {
      await node.end();
    }
  } finally {
    await simulator.end();
  }
}

/** Asks one query after the other, two at a time, until the promise is settled. */
async function askUntil(node: NodeProcess, end: Promise<unknown>): Promise<number> {
  let ended = false;
  let asked = 0;
  void end.finally(() => (ended = true)).catch(() => undefined);
  const client = async (first: number): Promise<void> => {
    for (let next = first; !ended; next++) {
      await node.query(load[next % load.length] ?? 'SELECT 1');
      asked++;
      await delay(100);
    }
  };
  await Promise.all([client(0), client(1)]);
  return asked;
}

async function run({ folder, seconds, say }: BenchOptions): Promise<readonly Figure[]> {
  say(`10,000/s for ${seconds} s`);
  const quiet = await steady(join(folder, 'quiet'), seconds, false);
  say(`10,000/s for ${seconds} s, queries meanwhile`);
  return [...quiet, ...(await steady(join(folder, 'asked'), seconds, true))];
}

export const steadyBench: Bench = { name: 'steady', what: 'nothing is lost at a steady rate', run };
