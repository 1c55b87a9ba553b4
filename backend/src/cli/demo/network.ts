import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ArmorlakeError } from '../../core/index.js';
import { Client } from '../client.js';
import type { NetworkStatus } from '../network-status.js';
import { networkStatus } from '../network-status.js';
import { Child } from './child.js';
import { loopback } from './ports.js';

/** KubeArmor's published events, which ship with the node. */
const RECORDED_EVENTS = fileURLToPath(new URL('../../../data/published-events.ndjson', import.meta.url));

/** Events a second of each simulated KubeArmor. */
const RATE = 150;

/** An edge of the demo, and the simulated KubeArmors it pulls from. */
interface EdgeSpec {
  readonly name: string;
  readonly cluster: string;
  readonly site: string;
  readonly kubearmors: number;
}

/** What the simulated KubeArmors tell: events made up as they go, or a day with an attack, most of it past. */
export type Scenario = 'generated' | 'story';

/** The last one pulls two, as for a host without a node of its own. */
const edges: readonly EdgeSpec[] = [
  { name: 'edge-1', cluster: 'west', site: 'north', kubearmors: 1 },
  { name: 'edge-2', cluster: 'east', site: 'south', kubearmors: 1 },
  { name: 'edge-3', cluster: 'plant', site: 'south', kubearmors: 2 },
];

export const edgeCount = edges.length;

/** The demo's processes: simulated KubeArmors, edges that pull them, and a query node they join. */
export class DemoNetwork {
  readonly client: Client;
  readonly #simulators: readonly Child[];
  readonly #nodes: readonly Child[];

  private constructor(client: Client, simulators: readonly Child[], nodes: readonly Child[]) {
    this.client = client;
    this.#simulators = simulators;
    this.#nodes = nodes;
  }

  /** Starts all of it below the folder; ends what has been started when one of them fails. */
  static async start(
    launcher: string,
    folder: string,
    signal: AbortSignal,
    scenario: Scenario = 'generated',
  ): Promise<DemoNetwork> {
    const started: Child[] = [];
    const run = async (name: string, args: readonly string[]): Promise<Child> => {
      const child = await Child.start(name, launcher, args, signal);
      started.push(child);
      return child;
    };
    try {
      const [query, simulators] = await both(startQuery(run, folder, signal), startSimulators(run, scenario, signal));
      const client = new Client(query.address(/at (https?:\S+)/), null);
      const { listening } = await statusOf(client, signal);
      if (listening === null) throw new ArmorlakeError('INTERNAL', 'The query node lets no node join.');
      const joined = await startEdges(run, folder, listening, simulators, scenario);
      return new DemoNetwork(client, simulators.flat(), [...joined, query]);
    } catch (thrown) {
      await Promise.all(started.map((child) => child.end()));
      throw thrown;
    }
  }

  /** The ready lines of its processes. */
  lines(): readonly string[] {
    // Where its data lies is of no interest: it is gone at the end.
    const shown = (line: string): string => line.replace(/\(data in [^,]*, /, '(');
    return [...this.#simulators, ...this.#nodes.toReversed()].map(({ line }) => shown(line));
  }

  node(name: string): Child {
    const node = this.#nodes.find((child) => child.name === name);
    if (node === undefined) throw new ArmorlakeError('INTERNAL', `The demo has no node ${name}.`);
    return node;
  }

  status(signal: AbortSignal): Promise<NetworkStatus> {
    return statusOf(this.client, signal);
  }

  /** Resolves with a sentence when one of them ends by itself. */
  broken(): Promise<string> {
    return Promise.race(
      [...this.#simulators, ...this.#nodes].map(async (child) => `${child.name} ended (${await child.exited}).`),
    );
  }

  /** Readers first: a node has written all it got when its KubeArmor goes. */
  async end(): Promise<void> {
    await Promise.all(this.#nodes.map((child) => child.end()));
    await Promise.all(this.#simulators.map((child) => child.end()));
  }
}

type Run = (name: string, args: readonly string[]) => Promise<Child>;

/** An address of loopback with this port, or with any. */
type Address = (preferred: number) => Promise<string>;

/** Starts it at the ports it is known by, or at free ones where another program has taken them meanwhile. */
function atItsPorts(signal: AbortSignal, start: (address: Address) => Promise<Child>): Promise<Child> {
  return start(loopback).catch((thrown: unknown) => {
    if (signal.aborted) throw thrown;
    return start(() => loopback(0));
  });
}

function startQuery(run: Run, folder: string, signal: AbortSignal): Promise<Child> {
  return atItsPorts(signal, async (address) => {
    const place = ['--data', join(folder, 'query'), '--http', await address(7470), '--network', await address(7471)];
    return run('query', ['node', '--name', 'query', ...place, '--log-level', 'warn']);
  });
}

/** The simulated KubeArmors of each edge. */
async function startSimulators(
  run: Run,
  scenario: Scenario,
  signal: AbortSignal,
): Promise<readonly (readonly Child[])[]> {
  let number = 0;
  return all(
    edges.map(({ cluster, kubearmors }) =>
      all(
        Array.from({ length: scenario === 'story' ? 1 : kubearmors }, async () => {
          number++;
          const name = `KubeArmor ${number}`;
          const port = number === 1 ? 32_767 : 0;
          const tells = scenario === 'story' ? story(cluster) : generated(cluster, number);
          return atItsPorts(signal, async (address) =>
            run(name, ['simulate', 'kubearmor', '--listen', await address(port), ...tells]),
          );
        }),
      ),
    ),
  );
}

/** The first plays back recorded events before it makes up its own. */
function generated(cluster: string, number: number): readonly string[] {
  const replay = number === 1 ? ['--replay', RECORDED_EVENTS, '--then-generate'] : [];
  const world = ['--cluster', cluster, '--seed', String(number), '--hosts', '2', '--rate', String(RATE)];
  return [...world, ...replay, '--no-throttle'];
}

/** Each cluster has its part in the story: the past day at once, then the present. */
function story(cluster: string): readonly string[] {
  return ['--story', cluster];
}

function startEdges(
  run: Run,
  folder: string,
  hub: string,
  simulators: readonly (readonly Child[])[],
  scenario: Scenario,
): Promise<readonly Child[]> {
  // A whole day arrives within seconds: on a busy machine more of it waits than an edge's queue holds.
  const room = scenario === 'story' ? ['--set', 'limits.ingest.queue=64MiB'] : [];
  return all(
    edges.map(({ name, cluster, site }, index) => {
      const from = (simulators[index] ?? []).flatMap((child) => ['--kubearmor', child.address(/at (\S+:\d+)/)]);
      const place = ['--data', join(folder, name), '--http', '127.0.0.1:0', '--profile', 'edge', ...room];
      const self = ['--name', name, '--cluster', cluster, '--set', `labels=site=${site}`];
      return run(name, ['node', ...self, ...place, '--join', hub, ...from, '--log-level', 'warn']);
    }),
  );
}

async function statusOf(client: Client, signal: AbortSignal): Promise<NetworkStatus> {
  const status = (await client.json('/api/v1/status', { signal, deadlineMs: 10_000 })) as {
    readonly network?: unknown;
  };
  return networkStatus.parse(status.network);
}

/** As Promise.all, but it waits for all of them also when one fails: whatever was started is known then. */
async function all<Value>(promises: readonly Promise<Value>[]): Promise<readonly Value[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

async function both<One, Other>(one: Promise<One>, other: Promise<Other>): Promise<readonly [One, Other]> {
  await Promise.allSettled([one, other]);
  return Promise.all([one, other]);
}
