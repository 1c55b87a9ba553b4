import type { DuckDBConnection } from '@duckdb/node-api';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SchemaFrontend } from '../../engine/host.js';
import type { Member } from '../scatter.js';
import { constraintsOf, prunedBecause } from './prune.js';
import { recordOf } from '../../engine/index.js';

const micros = (iso: string): number => Date.parse(iso) * 1000;

const member: Member = {
  name: 'edge-1',
  cluster: 'east',
  labels: {},
  alive: true,
  reason: null,
  clockOffsetMs: 0,
  tables: [{ name: 'kubearmor.logs', columns: [], rows: 10, bytes: 0, minTimeMicros: micros('2026-03-01T00:00:00Z') }],
  values: { cluster: ['east'], host: ['h1', 'h2'], namespace: null, policy: [] },
};

describe('pruning', () => {
  let connection: DuckDBConnection;

  beforeAll(async () => {
    connection = await (await DuckDBInstance.create(':memory:')).connect();
  });

  afterAll(() => connection.closeSync());

  async function reason(where: string, beforeMicros: number | null = null): Promise<string | null> {
    const frontend = new SchemaFrontend(connection);
    const node = await frontend.parse(`SELECT 1 FROM kubearmor.logs l WHERE ${where}`);
    const filter = recordOf(node, 'where_clause');
    const fragment = {
      name: 'f',
      kind: 'rows',
      table: 'kubearmor.logs',
      node,
      columns: [],
      guards: [],
      mostRows: null,
      filter,
    } as const;
    const [constraint] = await constraintsOf([fragment], beforeMicros, frontend);
    if (constraint === undefined) throw new Error('no constraint');
    return prunedBecause(member, [{ table: ['kubearmor.logs'], constraint }]);
  }

  it.each([
    "node = 'edge-2'",
    "'edge-2' = l.node",
    "l.node IN ('a', 'b') AND uid > 3",
    "cluster = 'west'",
    "host IN ('h3')",
    "host = 'h1' AND host = 'h3'",
    "policy = 'any'",
    "time < TIMESTAMP '2026-02-28'",
    "time <= '2026-02-28 23:59:59'",
    "TIMESTAMP '2026-02-28' + INTERVAL 1 HOUR > time",
  ])('leaves the member out for %s', async (where) => {
    expect(await reason(where)).not.toBeNull();
  });

  it.each([
    "node = 'edge-1'",
    "host = 'h1' OR host = 'h3'",
    "NOT (host = 'h3')",
    "upper(host) = 'H9'",
    "namespace = 'unknown'",
    'host = CAST(5 AS VARCHAR) || pod',
    'cluster = 5',
    "cluster <> 'east'",
    "time > TIMESTAMP '2030-01-01'",
    "time < TIMESTAMP '2026-03-01 00:00:01'",
    'time < received_at',
    'time < NULL',
  ])('asks the member for %s', async (where) => {
    expect(await reason(where)).toBeNull();
  });

  it('leaves out a member whose rows are all later than the time range', async () => {
    expect(await reason('true', micros('2026-02-01T00:00:00Z'))).toBe('all its rows are later');
    expect(await reason('true', micros('2026-03-01T00:00:01Z'))).toBeNull();
  });
});
