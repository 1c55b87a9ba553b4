import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventTables, tableName } from '../../backend/src/lake/index.js';
import type { HubTarget, NetworkTable, NodeMetadata } from '../../backend/src/network/index.js';
import { writeMetadata } from '../../backend/src/network/wire/metadata.js';
import { Workplace } from '../cli-support.js';
import {
  ask,
  askWhole,
  joinAddress,
  memberGone,
  membersAlive,
  networkOf,
  seedEdge,
  startEdge,
  startQueryNode,
} from '../support/federation-nodes.js';
import type { Asked } from '../support/federation-nodes.js';
import { TestNetwork, grpcBackbone, memoryWiring, metadata } from '../support/network.js';
import type { TestNode as HubNode } from '../support/network.js';
import { TestNode, until } from '../support/node-process.js';
import { Rogue } from '../support/rogue-member.js';
import type { SaidMetadata } from '../support/rogue-member.js';

const edgeRows = 300 + 320;
const good: readonly NetworkTable[] = eventTables.map((table) => ({
  name: tableName(table),
  columns: table.columns.map(({ name, type }) => ({ name, type })),
  rows: 3,
  bytes: 1000,
  minTimeMicros: Number.MIN_SAFE_INTEGER,
  retentionMs: null,
}));

function said(over: Partial<NodeMetadata>, version = 1): SaidMetadata {
  const values = { cluster: null, host: null, namespace: null, policy: null };
  return writeMetadata({ ...metadata, tables: good, values, ...over }, version);
}

function logsWith(...columns: readonly (readonly [string, string])[]): readonly NetworkTable[] {
  const more = columns.map(([name, type]) => ({ name, type }));
  return good.map((table) =>
    table.name === 'kubearmor.logs' ? { ...table, columns: [...table.columns, ...more] } : table,
  );
}

function table(name: string, ...columns: readonly (readonly [string, string])[]): readonly NetworkTable[] {
  const list = columns.map(([column, type]) => ({ name: column, type }));
  return [...good, { name, columns: list, rows: 1, bytes: 1, minTimeMicros: null, retentionMs: null }];
}

const typed = (type: string): readonly NetworkTable[] =>
  good.map((each) => ({
    ...each,
    columns: each.columns.map((column) => (column.name === 'namespace' ? { ...column, type } : column)),
  }));

/** A real query node over two real edges, and a member that says of itself what it likes. */
describe('the metadata of one member', () => {
  const place = new Workplace();
  let network: TestNode;
  let address: string;
  let rogue: Rogue | null = null;

  beforeAll(async () => {
    network = await startQueryNode(place);
    address = await joinAddress(network);
    for (const index of [0, 1]) {
      await seedEdge(place, index);
      await startEdge(place, index, [address]);
    }
    await membersAlive(network, 'edge-0', 'edge-1');
  }, 300_000);
  afterAll(() => place.close());
  afterEach(async () => {
    rogue?.dial.close();
    rogue = null;
    await until(async () => (await stateOf())?.state !== 'alive', 'it is gone');
    await fetch(`${network.url}/api/v1/nodes/rogue`, { method: 'DELETE' });
  });

  const stateOf = async (): Promise<{ state: string; reason: string | null } | undefined> =>
    (await networkOf(network)).nodes.find(({ name }) => name === 'rogue');

  /** It answers every question with a refusal. */
  async function come(metadata: SaidMetadata): Promise<Rogue> {
    const [host = '', port = ''] = address.split(':');
    const backbone = grpcBackbone({ listen: null });
    rogue = new Rogue(backbone.dial({ host, port: Number(port) }), 'rogue', metadata);
    rogue.answer = (stream) => {
      void stream.send({ message: { case: 'failed', value: { code: 'BUSY', message: 'no' } } });
    };
    await until(async () => (await stateOf()) !== undefined, 'it is known');
    return rogue;
  }

  /** As `come`; a machine that starves may lose it, and it doesn't come back by itself. */
  async function live(metadata: SaidMetadata): Promise<void> {
    await come(metadata);
    await until(async () => {
      if ((await stateOf())?.state === 'alive') return true;
      if ((rogue?.ended.length ?? 0) > 0) await come(metadata);
      return false;
    }, 'it is alive');
  }

  /** Asks until both edges answer: there they may be lost for a moment, too. */
  async function asked(sql: string): Promise<Asked> {
    let answer: Asked | undefined;
    await until(
      async () => {
        answer = await ask(network, { sql });
        return answer.status !== 200 || answer.coverage.answered >= 2;
      },
      () => `both edges answer, but ${JSON.stringify(answer?.coverage)}`,
    );
    if (answer === undefined) throw new Error('Nothing was asked.');
    return answer;
  }

  /** Everything the two edges have, and the third by name. */
  function othersAnswer({ status, rows, error, coverage }: Asked): void {
    expect({ status, error }).toEqual({ status: 200, error: undefined });
    expect(rows).toEqual([
      ['edge-0', 300],
      ['edge-1', 320],
    ]);
    expect(coverage).toMatchObject({ complete: false, expected: 3, answered: 2, failed: 1 });
    expect(coverage.nodes[0]?.name === 'rogue' || coverage.nodes.some(({ name }) => name === 'rogue')).toBe(true);
  }

  const count = 'SELECT node, count(*) FROM kubearmor.logs GROUP BY ALL ORDER BY node';

  it('with a table that no node has: it stays out by name, and the others answer', async () => {
    const { refused } = await come(said({ tables: table('system.foo', ['x', 'FOOBAR']) }));
    await until(() => refused.length > 0, 'it is refused');
    const says = /^Node rogue sent metadata that can't be used: It calls a table "system.foo"\.$/;
    expect(refused[0]).toMatch(says);
    expect(await stateOf()).toMatchObject({ state: 'failed', reason: expect.stringMatching(says) as string });
    const answer = await asked(count);
    othersAnswer(answer);
    expect(answer.coverage.nodes.find(({ name }) => name === 'rogue')?.message).toMatch(says);
  });

  it('with new columns of types that are none: nobody has those columns', async () => {
    const types = ['FOOBAR', 'VARCHAR); DROP TABLE x; --', 'STRUCT(a VARCHAR)', 'DECIMAL(99,1)', 'VARCHAR[][][][]'];
    const columns = types.map((type, index) => [`odd_${index}`, type] as const);
    await live(said({ tables: logsWith(...columns, ['fine', 'MAP(VARCHAR, BIGINT)']) }));
    const wide = { sql: 'SELECT * FROM kubearmor.logs LIMIT 1' };
    await until(async () => (await ask(network, wide)).schema.some(({ name }) => name === 'fine'), 'they are known');
    othersAnswer(await asked(count));
    const { schema } = await ask(network, wide);
    expect(schema.filter(({ name }) => name.startsWith('odd'))).toEqual([]);
  });

  it('with other types of a table that is ours: it is left out of queries of that table, by name', async () => {
    await live(said({ tables: typed('BIGINT') }));
    await until(async () => {
      const { coverage } = await ask(network, { sql: count });
      return coverage.nodes.some(({ name, code }) => name === 'rogue' && code === 'CONFLICT');
    }, 'its types are known');
    const answer = await asked(
      "SELECT node, count(*) FROM kubearmor.logs WHERE namespace LIKE '%' OR true GROUP BY ALL ORDER BY node",
    );
    othersAnswer(answer);
    expect(answer.coverage.nodes.find(({ name }) => name === 'rogue')).toMatchObject({
      status: 'failed',
      code: 'CONFLICT',
      message: expect.stringMatching(/kubearmor.logs has namespace as another type than VARCHAR/) as string,
    });
  });

  it('that is away changes nothing either, also when an older version has kept it', async () => {
    await live(said({ tables: logsWith(['fine', 'VARCHAR']) }));
    rogue?.dial.close();
    await memberGone(network, 'rogue');
    network.running.kill('SIGTERM');
    await network.running.finished;
    const file = join(place.path('q1'), 'members.json');
    const book = JSON.parse(readFileSync(file, 'utf8')) as {
      members: { identity: { name: string }; tables: { name: string; columns: unknown[] }[] }[];
    };
    const kept = book.members.find(({ identity }) => identity.name === 'rogue');
    kept?.tables.push({ name: 'system.foo', columns: [{ name: 'a"b', type: 'FOOBAR' }] });
    kept?.tables[0]?.columns.push({ name: 'x', type: 'FOOBAR' }, { name: 'x', type: 'FOOBAR' });
    writeFileSync(file, JSON.stringify(book));
    const [, port = ''] = address.split(':');
    network = await TestNode.start(place, { data: 'q1', args: ['--network', `127.0.0.1:${port}`] });
    await membersAlive(network, 'edge-0', 'edge-1');
    othersAnswer(await asked(count));
  });

  it('of numbers out of all range reads as none', async () => {
    const odd = good.map((each) => ({ ...each, rows: -5, minTimeMicros: Number.MAX_SAFE_INTEGER, retentionMs: -1 }));
    const hello = said({ tables: odd.map((each) => ({ ...each, rows: 0, retentionMs: null })) });
    hello.tables?.forEach((each) => Object.assign(each, { rows: 2n ** 64n - 1n, bytes: 2n ** 64n - 1n }));
    await live(hello);
    const { rows } = await askWhole(network, { sql: count, nodes: { names: ['edge-0', 'edge-1'] } });
    expect(rows.map(([, each]) => Number(each)).reduce((sum, each) => sum + each, 0)).toBe(edgeRows);
    expect(await stateOf()).toMatchObject({ state: 'alive' });
  });
});

describe('what a hub lets a member say of itself', () => {
  const net = new TestNetwork(memoryWiring());
  let hub: HubNode & { address: HubTarget };
  let count = 0;
  beforeAll(async () => {
    hub = await net.hub('q1');
  });
  afterAll(() => net.close());

  it.each<[string, Partial<NodeMetadata>, RegExp]>([
    ['a column twice', { tables: logsWith(['x', 'VARCHAR'], ['x', 'BIGINT']) }, /the column kubearmor.logs.x twice/],
    ['a column of ours again', { tables: logsWith(['node', 'VARCHAR']) }, /the column kubearmor.logs.node twice/],
    ['a column in another case', { tables: logsWith(['Node', 'VARCHAR']) }, /a column of kubearmor.logs "Node"/],
    ['a table twice', { tables: [...good, ...good.slice(0, 1)] }, /the table kubearmor.logs twice/],
    ['a table in another case', { tables: table('KubeArmor.Logs', ['x', 'VARCHAR']) }, /a table "KubeArmor.Logs"/],
    ...['lake', 'temp', 'main', 'state', 'system', 'memory', 'information_schema', 'pg_catalog'].map(
      (schema): [string, Partial<NodeMetadata>, RegExp] => [
        `the schema ${schema}`,
        { tables: table(`${schema}.foo`, ['x', 'VARCHAR']) },
        new RegExp(`a table "${schema}.foo"`),
      ],
    ),
    ['a table without a schema', { tables: table('foo', ['x', 'VARCHAR']) }, /a table "foo"/],
    ['a table of three names', { tables: table('a.b.c', ['x', 'VARCHAR']) }, /a table "a.b.c"/],
    ['a name of the merge', { tables: table('a.armorlake_fragment_0', ['x', 'VARCHAR']) }, /armorlake_fragment_0/],
    ['a column of the merge', { tables: logsWith(['armorlake_c0', 'VARCHAR']) }, /armorlake_c0/],
    ['a quote', { tables: logsWith(['a" VARCHAR); DROP TABLE x; --', 'VARCHAR']) }, /DROP TABLE/],
    ['a newline, an escape and a NUL', { tables: logsWith(['a\n\u001b[2J\u0000', 'VARCHAR']) }, /a\\u\{a\}\\u\{1b\}/],
    ['a name of 200,000 characters', { tables: logsWith(['x'.repeat(200_000), 'VARCHAR']) }, /"x{79}…"/],
    [
      '100,000 columns',
      { tables: logsWith(...Array.from({ length: 100_000 }, (_, index) => [`x${index}`, 'VARCHAR'] as const)) },
      /metadata has 100\d+ columns/,
    ],
    [
      '100,000 labels',
      { labels: Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`l${index}`, 'x'])) },
      /100000 labels/,
    ],
  ])('with %s it is refused, and its state says why', async (_, over, says) => {
    const name = `rogue-${count++}`;
    const rogue = new Rogue(net.wiring.backbone(name).dial(hub.address), name, said(over));
    await until(() => rogue.refused.length > 0, 'it is refused');
    expect(rogue.refused[0]).toMatch(says);
    const [state] = hub.node.network.members().filter((member) => member.name === name);
    expect(state).toMatchObject({ alive: false, reason: rogue.refused[0] });
    expect(state?.reason?.length).toBeLessThan(300);
    expect(state?.tables).toEqual([]);
    rogue.dial.close();
  });
});
