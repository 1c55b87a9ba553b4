import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quoteIdentifier } from '../../backend/src/core/index.js';
import { Workplace } from '../cli-support.js';
import {
  ask as askQuery,
  askWhole,
  joinAddress,
  membersAlive,
  seedEdge,
  startEdge,
  startQueryNode,
} from '../support/federation-nodes.js';
import { TestNetwork, TestSink, alive, ask, grpcWiring, until } from '../support/network.js';
import type { TestNode as HubNode } from '../support/network.js';
import type { TestNode } from '../support/node-process.js';

/** Two hubs over one real edge: a query node that is honest, and one that sends what it likes. */
const place = new Workplace();
const stolen = new TestNetwork(grpcWiring());
let hub: HubNode;
let network: TestNode;
let before: readonly (readonly unknown[])[];
let edge: TestNode;

const told = 'SELECT count(*), min(seq), max(seq) FROM kubearmor.alerts';

beforeAll(async () => {
  const thief = await stolen.hub('thief');
  hub = thief;
  network = await startQueryNode(place);
  await seedEdge(place, 0);
  const address = `${thief.address.host}:${thief.address.port}`;
  edge = await startEdge(place, 0, [address, await joinAddress(network)]);
  await until(() => alive(thief, 'edge-0'), 'the edge at the thief');
  await membersAlive(network, 'edge-0');
  before = (await askWhole(edge, { sql: told })).rows;
}, 300_000);
afterAll(async () => {
  await stolen.close();
  await place.close();
});

const star = (name: string): string => `SELECT ${quoteIdentifier(name)}.*`;
const wiping = "1) TO '/tmp/x'; COMMIT; DELETE FROM kubearmor.alerts; BEGIN; COPY (SELECT 1";

const hostile = [
  `SELECT ${wiping}`,
  star(wiping),
  star(quoteIdentifier(wiping)),
  'DELETE FROM kubearmor.alerts',
  'SELECT 1; DELETE FROM kubearmor.alerts',
  "SELECT 1) TO '/tmp/armorlake-wall.parquet' --",
  "COPY (SELECT 1) TO '/tmp/armorlake-wall.parquet'",
  "SELECT * FROM read_blob('lake.duckdb')",
  "SELECT * FROM enable_logging(storage = 'file')",
  star("name, value FROM duckdb_settings() WHERE value LIKE '%/%' --"),
  'SELECT $1',
];

describe('a stolen query certificate changes nothing by', () => {
  it.each(hostile)('%s', async (sql) => {
    const sink = await ask(hub, ['edge-0'], { fragments: [{ name: 'f0', sql }] }, new TestSink());
    expect(sink.error('edge-0')).toMatch(/^(NOT_ALLOWED|BAD_QUERY) /);
    expect(sink.bytes).toBe(0);
    expect((await askWhole(edge, { sql: told })).rows).toEqual(before);
  });
});

describe('a reader of the query node is refused', () => {
  it.each([
    star("name, value FROM duckdb_settings() WHERE value LIKE '%/%' --"),
    star(wiping),
    star(quoteIdentifier(wiping)),
    `SELECT * FROM (${star(quoteIdentifier(`a FROM (SELECT 1 AS a) AS ${quoteIdentifier(wiping)} --`))})`,
  ])('%s', async (sql) => {
    for (const perNode of [false, true]) {
      const { status, error } = await askQuery(network, { sql, perNode });
      expect({ status, code: error?.code }).toEqual({
        status: 400,
        code: expect.stringMatching(/^(NOT_ALLOWED|BAD_QUERY)$/),
      });
    }
    expect((await askWhole(edge, { sql: told })).rows).toEqual(before);
  });

  it('and answered when the name is honest', async () => {
    const sql = 'SELECT "my logs".* FROM kubearmor.alerts AS "my logs" ORDER BY seq LIMIT 3';
    for (const perNode of [false, true]) {
      const { schema, rows } = await askWhole(network, { sql, perNode });
      const own = await askWhole(edge, { sql });
      expect({ schema, rows }).toEqual({ schema: own.schema, rows: own.rows });
    }
  });
});
