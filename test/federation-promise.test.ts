import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workplace } from './cli-support.js';
import { ask, askWhole, joinAddress, membersAlive, startQueryNode } from './support/federation-nodes.js';
import { Proxy } from './support/network.js';
import { TestNode, until } from './support/node-process.js';
import { Random } from './support/random.js';

const seed = Number(process.env['ARMORLAKE_PROMISE_SEED'] ?? 20260601);
const rounds = process.env['ARMORLAKE_TEST_LONG'] ? 600 : 60;
const edgeCount = 3;

/** An alert as KubeArmor writes it. */
function alertLine(values: Readonly<Record<string, string>>, timeMs: number): string {
  const at = { Timestamp: Math.floor(timeMs / 1000), UpdatedTime: new Date(timeMs).toISOString() };
  const fixed = {
    Type: 'MatchedPolicy',
    Severity: '5',
    Operation: 'File',
    Resource: '/etc/passwd',
    Action: 'Audit',
    Result: 'Passed',
  };
  return `${JSON.stringify({ ...at, ...fixed, ClusterName: 'default', HostName: 'h', NamespaceName: 'shop', PodName: 'p', PolicyName: 'ksp', ...values })}\n`;
}

/** Values are pruned by what each edge has promised; what was acknowledged is in every later answer. */
describe('an acknowledged write is seen by every later query', () => {
  const place = new Workplace();
  const proxies: Proxy[] = [];
  const edges: TestNode[] = [];
  let network: TestNode;
  beforeAll(async () => {
    network = await startQueryNode(place);
    const [host = '', port = ''] = (await joinAddress(network)).split(':');
    for (let index = 0; index < edgeCount; index++) {
      const proxy = await Proxy.start({ host, port: Number(port) });
      proxies.push(proxy);
      const join = `${proxy.target.host}:${proxy.target.port}`;
      edges.push(await TestNode.start(place, { data: `edge-${index}`, args: ['--join', join] }));
    }
    await membersAlive(network, ...edges.map((_, index) => `edge-${index}`));
  }, 300_000);
  afterAll(async () => {
    for (const proxy of proxies) proxy.close();
    await place.close();
  });

  it(`in ${rounds} rounds over delayed links, with new values and earlier times`, { timeout: 1_800_000 }, async () => {
    const missed: string[] = [];
    let pruned = 0;
    let failed = 0;
    const lane = async (lane: number): Promise<void> => {
      const random = new Random(seed + lane);
      for (let round = 0; round < rounds; round++) {
        const proxy = random.pick(proxies);
        proxy.delayMs = random.pick([0, 0, 3, 20, 60]);
        const edge = random.integer(edgeCount);
        const value = `v-${lane}-${round}`;
        const [column, field] = random.pick([
          ['namespace', 'NamespaceName'],
          ['host', 'HostName'],
          ['policy', 'PolicyName'],
          ['cluster', 'ClusterName'],
          ['time', 'PodName'],
        ] as const);
        // Ever earlier: below the bound that has been promised until now.
        const timeMs = column === 'time' ? Date.UTC(2026, 0, 1) - (lane * rounds + round) * 86_400_000 : Date.now();
        const posted = await edges[edge]?.post(alertLine({ [field]: value }, timeMs));
        expect(posted?.status).toBe(200);
        const where =
          column === 'time'
            ? `time < TIMESTAMP '${new Date(timeMs + 1000).toISOString().slice(0, 19)}' AND pod = '${value}'`
            : `${column} = '${value}'`;
        const { rows, coverage } = await ask(network, { sql: `SELECT count(*) FROM kubearmor.alerts WHERE ${where}` });
        pruned += coverage.pruned;
        failed += coverage.failed;
        const named = coverage.nodes.some(({ name, status }) => name === `edge-${edge}` && status === 'failed');
        if (rows[0]?.[0] !== 1 && !named) missed.push(`${where} at edge-${edge}: ${JSON.stringify(coverage)}`);
      }
    };
    await Promise.all([0, 1, 2].map(lane));
    expect(missed).toEqual([]);
    expect(failed).toBeLessThan(rounds);
    // Otherwise nothing was at stake.
    expect(pruned).toBeGreaterThan(rounds);
  });

  it('also after the edge was killed and its values read anew', { timeout: 300_000 }, async () => {
    for (const proxy of proxies) proxy.delayMs = 0;
    await edges[0]?.die('both');
    const at = proxies[0]?.target;
    edges[0] = await TestNode.start(place, { data: 'edge-0', args: ['--join', `${at?.host}:${at?.port}`] });
    await membersAlive(network, ...edges.map((_, index) => `edge-${index}`));
    const posted = await edges[0].post(alertLine({ NamespaceName: 'after' }, Date.now()));
    expect(posted.status).toBe(200);
    const sql = "SELECT count(*) FROM kubearmor.alerts WHERE namespace = 'after'";
    expect((await askWhole(network, { sql })).rows).toEqual([[1]]);
    await until(async () => (await ask(network, { sql })).coverage.pruned === edgeCount - 1, 'the others are pruned');
  });
});
