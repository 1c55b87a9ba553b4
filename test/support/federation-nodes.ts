import type { Coverage, Explanation, QueryRequest } from '../../backend/src/query/index.js';
import type { Workplace } from '../cli-support.js';
import { seedLake } from './federation-lakes.js';
import { fillTables } from './federation-data.js';
import type { JsonAnswer } from './json-answers.js';
import { TestNode, until } from './node-process.js';

/** What a client sends. */
export type Body = { readonly sql: string } & Partial<Omit<QueryRequest, 'timeRange' | 'nodes'>> & {
    readonly timeRange?: { readonly from?: string; readonly to?: string };
    readonly nodes?: {
      readonly names?: readonly string[];
      readonly clusters?: readonly string[];
      readonly labels?: Readonly<Record<string, readonly string[]>>;
    };
  };

export interface Asked extends JsonAnswer {
  readonly status: number;
  readonly stats: { readonly rows: number; readonly truncated: boolean; readonly queryId: string };
  readonly coverage: Coverage;
  readonly error?: {
    readonly code: string;
    readonly message: string;
    readonly hint?: string;
    readonly position?: number;
    readonly node?: string;
  };
}

export interface NetworkMember {
  readonly name: string;
  readonly state: string;
  readonly reason: string | null;
  readonly via: string | null;
  readonly clockOffsetMs: number | null;
  readonly rows: number;
}

const headers = { 'content-type': 'application/json' };

function send(node: TestNode, path: string, body: unknown, signal?: AbortSignal): Promise<Response> {
  return fetch(`${node.url}${path}`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
    signal: signal ?? AbortSignal.timeout(60_000),
  });
}

/** POST /api/v1/query, the refusals too. */
export async function ask(node: TestNode, body: Body, signal?: AbortSignal): Promise<Asked> {
  const limits = { rows: 1_000_000, bytes: 256 << 20, ...body.limits };
  const response = await send(node, '/api/v1/query', { ...body, limits }, signal);
  return { status: response.status, ...((await response.json()) as Omit<Asked, 'status'>) };
}

/** The same, until all of its nodes answer: on a machine that starves, a link may be lost for a moment. */
export async function askWhole(node: TestNode, body: Body): Promise<Asked> {
  let answer: Asked | undefined;
  await until(
    async () => {
      answer = await ask(node, body);
      return answer.error?.code !== 'PARTIAL_RESULT' && (answer.status !== 200 || answer.coverage.failed === 0);
    },
    () => `all nodes answer, but ${JSON.stringify(answer?.coverage)}`,
  );
  if (answer === undefined) throw new Error('Nothing was asked.');
  return answer;
}

/** The same as an Arrow IPC stream. */
export async function askArrow(node: TestNode, body: Body): Promise<Buffer> {
  const response = await fetch(`${node.url}/api/v1/query`, {
    method: 'POST',
    headers: { ...headers, accept: 'application/vnd.apache.arrow.stream' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(60_000),
  });
  if (response.status !== 200) throw new Error(await response.text());
  return Buffer.from(await response.arrayBuffer());
}

export async function explain(node: TestNode, body: Body): Promise<Explanation> {
  const response = await send(node, '/api/v1/explain', body);
  if (response.status !== 200) throw new Error(await response.text());
  return (await response.json()) as Explanation;
}

interface NetworkPart {
  readonly listening: string | null;
  readonly nodes: readonly NetworkMember[];
  readonly peers: readonly { readonly hub: string; readonly detail: string | null }[];
  readonly links: readonly { readonly hub: string; readonly detail: string | null }[];
}

/** `network` of GET /api/v1/status. */
export async function networkOf(node: TestNode): Promise<NetworkPart> {
  const response = await fetch(`${node.url}/api/v1/status`, { signal: AbortSignal.timeout(20_000) });
  const { network } = (await response.json()) as { network: NetworkPart };
  return network;
}

/** HOST:PORT where others may join a node. */
export async function joinAddress(node: TestNode): Promise<string> {
  const { listening } = await networkOf(node);
  if (listening === null) throw new Error('The node does not listen.');
  return listening;
}

/** Resolves when the node knows exactly these members to be alive. */
export async function membersAlive(node: TestNode, ...names: readonly string[]): Promise<void> {
  let seen: readonly NetworkMember[] = [];
  await until(
    async () => {
      seen = (await networkOf(node)).nodes;
      const up = seen.filter(({ state }) => state === 'alive').map(({ name }) => name);
      return up.toSorted().join() === names.toSorted().join();
    },
    () => `${names.join(', ')} alive, but ${JSON.stringify(seen)}`,
  );
}

/** Resolves when the member is not alive there, and queries say so: their table follows every few seconds. */
export async function memberGone(node: TestNode, name: string): Promise<void> {
  await until(
    async () => (await networkOf(node)).nodes.some((each) => each.name === name && each.state !== 'alive'),
    `${name} is given up`,
  );
  const sql = "SELECT count(*)::INTEGER FROM armorlake.nodes WHERE name = $1 AND state <> 'alive'";
  await until(async () => (await ask(node, { sql, params: [name] })).rows[0]?.[0] === 1, `${name} is told to be away`);
}

/** Rows that arrived before this go to the archive where there is one. */
const archivedBeforeMs = Date.parse('2026-03-01T10:01:00Z');

/** Kept however old: what the tests made in the past. */
const keepAll = ['--set', 'retention.logs.age=100y', '--set', 'retention.alerts.age=100y'];

/** Fills the lake of `edge-<index>`, a part of its rows in the archive. */
export async function seedEdge(place: Workplace, index: number): Promise<void> {
  const name = `edge-${index}`;
  const archive = { folder: place.path(`archive-${index}`), beforeMs: archivedBeforeMs };
  const fill = (connection: Parameters<typeof fillTables>[0]): Promise<void> => fillTables(connection, [index]);
  await seedLake({ name, dataFolder: place.path(name), archive, fill });
}

/** Starts `edge-<index>` over its seeded lake. */
export function startEdge(
  place: Workplace,
  index: number,
  hubs: readonly string[],
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<TestNode> {
  const joins = hubs.flatMap((hub) => ['--join', hub]);
  const archive = ['--set', `archive.dir=${place.path(`archive-${index}`)}`];
  return TestNode.start(place, {
    data: `edge-${index}`,
    args: [...joins, ...archive, ...keepAll, ...args],
    environment,
  });
}

/** A query node without data that others can join. */
export function startQueryNode(place: Workplace, name = 'q1', args: readonly string[] = []): Promise<TestNode> {
  return TestNode.start(place, { data: name, args: ['--network', '127.0.0.1:0', ...args] });
}

/** One node that holds the rows of all edges, all of them hot. */
export async function startWhole(place: Workplace, edges: number): Promise<TestNode> {
  const all = Array.from({ length: edges }, (_, index) => index);
  const fill = (connection: Parameters<typeof fillTables>[0]): Promise<void> => fillTables(connection, all);
  await seedLake({ name: 'whole', dataFolder: place.path('whole'), archive: null, fill });
  return await TestNode.start(place, { data: 'whole', args: keepAll });
}
