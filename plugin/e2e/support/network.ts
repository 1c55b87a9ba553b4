import { generateEvents } from '../../../backend/src/simulator/index.js';
import { Workplace } from '../../../test/cli-support.js';
import { joinAddress, membersAlive, startQueryNode } from '../../../test/support/federation-nodes.js';
import { TestKubeArmor, TestNode, until } from '../../../test/support/node-process.js';

/** What the tests know of the nodes: an edge is frozen and woken by its process id. */
export interface Stage {
  readonly url: string;
  readonly edges: readonly { readonly name: string; readonly pid: number }[];
  /** A node that wants a token: one of the edges, asked by itself. */
  readonly locked: { readonly url: string; readonly token: string };
}

const edges = [
  { name: 'edge-1', cluster: 'west', site: 'north' },
  { name: 'edge-2', cluster: 'east', site: 'south' },
  { name: 'edge-3', cluster: 'plant', site: 'south' },
] as const;

const HISTORY_MINUTES = 20;
/** Events a second of an edge: enough attacks to see, few enough for a small machine. */
const RATE = 4;
const ATTACK_EVERY = 240;

/** Three edges with twenty minutes behind them and simulated KubeArmors that go on, and a query node. */
export class EdgeNetwork {
  readonly #place = new Workplace();
  readonly #kubearmors: TestKubeArmor[] = [];

  async start(): Promise<Stage> {
    const query = await startQueryNode(this.#place, 'query');
    const hub = await joinAddress(query);
    const nodes: TestNode[] = [];
    for (const [index] of edges.entries()) nodes.push(await this.#startEdge(index, hub));
    await membersAlive(query, ...edges.map(({ name }) => name));
    await until(async () => (await query.count('kubearmor.alerts')) > 0, 'the history is in the lakes');
    // A gap to be seen: KubeArmor breaks its stream, as it does when a text is not valid UTF-8.
    this.#kubearmors[1]?.simulator.breakStreams('internal');
    await until(async () => (await query.count('armorlake.gaps')) > 0, 'the gap is in the ledger');
    return {
      url: query.url,
      edges: nodes.map(({ running }, index) => ({ name: edges[index]?.name ?? '', pid: running.pid })),
      locked: await lock(nodes[0] ?? query),
    };
  }

  async close(): Promise<void> {
    await this.#place.close();
    await Promise.all(this.#kubearmors.map((kubearmor) => kubearmor.close()));
  }

  async #startEdge(index: number, hub: string): Promise<TestNode> {
    const { name, cluster, site } = edges[index] ?? edges[0];
    const world = { rate: RATE, hosts: 2, clusterName: cluster, attackEvery: ATTACK_EVERY };
    const kubearmor = await TestKubeArmor.start(this.#place, { ...world, seed: 100 + index });
    this.#kubearmors.push(kubearmor);
    const self = ['--cluster', cluster, '--set', `labels=site=${site}`];
    const node = await TestNode.start(this.#place, {
      data: name,
      args: [...self, '--join', hub, '--kubearmor', kubearmor.address],
    });
    const { status, body } = await node.post(history({ ...world, seed: index + 1 }), 'kubearmor');
    if (status !== 200) throw new Error(`${name} did not take its history: ${JSON.stringify(body)}`);
    return node;
  }
}

/** From its first token on a node wants one. */
async function lock({ url }: TestNode): Promise<Stage['locked']> {
  const response = await fetch(`${url}/api/v1/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'owner', role: 'admin' }),
  });
  if (!response.ok) throw new Error(`No token was made: ${await response.text()}`);
  const { token } = (await response.json()) as { readonly token: string };
  return { url, token };
}

/** Events of the last minutes as KubeArmor's JSON lines. */
function history(world: {
  readonly seed: number;
  readonly rate: number;
  readonly hosts: number;
  readonly clusterName: string;
  readonly attackEvery: number;
}): string {
  const seconds = HISTORY_MINUTES * 60;
  const startTimeMicros = (Date.now() - seconds * 1000) * 1000;
  const events = generateEvents({ ...world, startTimeMicros, count: seconds * world.rate, throttle: undefined });
  const lines: string[] = [];
  for (const { stream, event } of events) if (stream !== 'messages') lines.push(JSON.stringify(event));
  return lines.join('\n');
}
