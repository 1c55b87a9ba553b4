import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Clock } from '../backend/src/core/index.js';
import { ArmorlakeError } from '../backend/src/core/index.js';
import { QueryLake } from './support/query-lake.js';

const SECOND = 1_000_000n;
const START = BigInt(Date.parse('2026-01-01T00:00:00Z')) * 1000n;
const NOW_MS = Date.parse('2026-01-01T02:00:00Z');

const clock: Clock = { wallMs: () => NOW_MS, monotonicMs: () => performance.now() };

let lake: QueryLake;

beforeAll(async () => {
  lake = await QueryLake.open(clock);
  // Seq 1 to 100 archived (the first 100 s), 101 to 200 hot.
  const rows = (first: number, last: number): string =>
    `SELECT TIMESTAMP '2026-01-01' + to_seconds(i) AS time, time AS received_at, 'n1' AS node, i::BIGINT AS seq, 'h' || (i % 4) AS host, MAP {'app': 'a' || (i % 2)} AS labels FROM range(${first}, ${last + 1}) r(i)`;
  await lake.connection.run(`INSERT INTO kubearmor.logs BY NAME ${rows(101, 200)}`);
  mkdirSync(lake.archiveFolder, { recursive: true });
  const file = join(lake.archiveFolder, 'logs-1-100.parquet');
  // Without most columns: files of older schemas lack some.
  await lake.connection.run(`COPY (${rows(1, 100)}) TO '${file}' (FORMAT parquet)`);
  await lake.connection.run(
    "INSERT INTO armorlake.archive VALUES ('kubearmor.logs', 1, 100, TIMESTAMP '2026-01-01 00:00:01', TIMESTAMP '2026-01-01 00:01:40', 100, 1, 'logs-1-100.parquet', NULL)",
  );
  await lake.connection.run(
    "INSERT INTO kubearmor.alerts BY NAME SELECT TIMESTAMP '2026-01-01 00:10:00' AS time, 'n1' AS node, 201 AS seq, 'h9' AS host, 7 AS severity",
  );
});

afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

const range = (from: bigint | null, to: bigint | null) => ({
  timeRange: { from: from?.toString() ?? null, to: to?.toString() ?? null },
});
const at = (second: bigint): bigint => START + second * SECOND;

describe('hot rows and archive', () => {
  it.each([
    ['SELECT count(*), min(seq), max(seq) FROM kubearmor.logs', {}, [[200, 1, 200]]],
    ["SELECT count(*) FROM kubearmor.logs WHERE time >= '2026-01-01 00:01:41'", {}, [[100]]],
    [
      "SELECT count(*) FROM kubearmor.logs WHERE time BETWEEN '2026-01-01 00:01:40' AND '2026-01-01 00:01:41'",
      {},
      [[2]],
    ],
    ['SELECT count(*) FROM kubearmor.logs', range(at(50n), at(150n)), [[100]]],
    ['SELECT count(*) FROM kubearmor.logs', range(at(50n), null), [[151]]],
    ['SELECT count(*) FROM kubearmor.logs', range(null, at(50n)), [[49]]],
    ['SELECT count(*) FROM kubearmor.events', range(at(200n), null), [[2]]],
    ['SELECT host, count(*) FROM kubearmor.logs GROUP BY 1 ORDER BY 1 LIMIT 1', {}, [['h0', 50]]],
    ['SELECT pid, policy FROM kubearmor.events ORDER BY seq LIMIT 1', {}, [[null, null]]],
    [
      'SELECT count(*) FROM kubearmor.logs a LEFT JOIN kubearmor.alerts b ON a.host = b.host',
      range(at(1n), at(11n)),
      [[10]],
    ],
    [
      'SELECT kubearmor.logs.labels[$1] AS app, count(*) FROM kubearmor.logs GROUP BY 1 ORDER BY 1',
      { params: ['app'] },
      [
        ['a0', 100],
        ['a1', 100],
      ],
    ],
    ['SELECT count(*) FROM kubearmor.logs WHERE time < $until', { params: { until: '2026-01-01T00:00:50Z' } }, [[49]]],
    ['SELECT count(*) FROM kubearmor.logs WHERE host IN $hosts', { params: { hosts: ['h0', 'h1'] } }, [[100]]],
    ['SELECT count(*) FROM kubearmor.logs WHERE seq = $1 OR seq = $2', { params: ['7', 9] }, [[2]]],
  ])('%s %j', async (sql, more, rows) => {
    expect((await lake.query(sql, more)).rows).toEqual(rows);
  });

  it('a damaged archive file is put aside, and the query goes on without it', async () => {
    const damaged = join(lake.archiveFolder, 'damaged.parquet');
    writeFileSync(damaged, 'PAR1 this is none PAR1');
    await lake.connection.run(
      "INSERT INTO armorlake.archive VALUES ('kubearmor.logs', 0, 0, TIMESTAMP '2025-01-01', TIMESTAMP '2025-01-02', 1, 1, 'damaged.parquet', NULL)",
    );
    expect((await lake.query('SELECT count(*) FROM kubearmor.logs')).rows).toEqual([[200]]);
    expect(lake.checked).toEqual([damaged]);
  });
});

describe('now()', () => {
  it('is one moment, in UTC, under its own column name', async () => {
    const { rows, head } = await lake.query(
      "SELECT now(), current_date, now() - INTERVAL 1 HOUR AS before, get_current_timestamp() = current_timestamp, date_trunc('day', now()), x FROM (SELECT today() AS x)",
    );
    expect(rows).toEqual([
      [
        '2026-01-01T02:00:00.000000Z',
        '2026-01-01',
        '2026-01-01T01:00:00.000000Z',
        true,
        '2026-01-01T00:00:00.000000Z',
        '2026-01-01',
      ],
    ]);
    const names = (head['schema'] as { name: string }[]).map((column) => column.name);
    expect(names.slice(0, 3)).toEqual(['now()', 'current_date', 'before']);
    expect(names[4]).toBe("date_trunc('day', now())");
  });
});

describe('limits', () => {
  const run = (sql: string, limits: object) =>
    lake.query(sql, { limits: { rows: 10, bytes: 1e6, timeoutMs: 10_000, ...limits } });

  it('cut at rows, and say so', async () => {
    const cut = await run('SELECT seq FROM kubearmor.logs ORDER BY seq', { rows: 3 });
    expect(cut.rows).toEqual([[1], [2], [3]]);
    expect(cut.tail).toMatchObject({ rows: 3, truncated: true });
  });

  it.each([
    ['SELECT seq FROM kubearmor.logs ORDER BY seq LIMIT 3', false],
    ['SELECT seq FROM kubearmor.logs ORDER BY seq LIMIT 4', true],
    ['SELECT seq FROM kubearmor.logs ORDER BY seq LIMIT 3 OFFSET 100', false],
    ['SELECT seq FROM kubearmor.logs ORDER BY seq LIMIT 50%', true],
    ['SELECT seq FROM kubearmor.logs ORDER BY seq LIMIT ALL', true],
    ['VALUES (1), (2), (3)', false],
    ['VALUES (1), (2), (3), (4)', true],
  ])('of 3 rows: %s is cut: %j', async (sql, truncated) => {
    const { rows, tail } = await run(sql, { rows: 3 });
    expect(rows).toHaveLength(3);
    expect(tail['truncated']).toBe(truncated);
  });

  it('of no rows give the schema', async () => {
    expect(await run('SELECT 1 AS a', { rows: 0 })).toMatchObject({ rows: [], tail: { truncated: true } });
  });

  it('cut at bytes, at a whole row', async () => {
    const { rows, tail } = await run("SELECT 'x' AS a FROM range(1000)", { rows: 1000, bytes: 60 });
    expect(rows).toEqual(Array.from({ length: 10 }, () => ['x']));
    expect(tail).toMatchObject({ truncated: true, rows: 10, bytes: 60 });
  });

  it('the deadline interrupts within its grace', async () => {
    const slow = 'SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range % 7 = b.range % 11';
    await expect(run(slow, { timeoutMs: 200 })).rejects.toMatchObject({ code: 'DEADLINE' });
    // The connection is good for the next one.
    expect((await run('SELECT 1', {})).rows).toEqual([[1]]);
  });

  it('a caller that cancels stops the query', async () => {
    const abort = new AbortController();
    const limits = { rows: 10, bytes: 1e6, timeoutMs: 60_000 };
    const sql = 'SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range % 7 = b.range % 13';
    const call = lake.call('query', { queryId: 'slow', sql, limits }, abort.signal);
    for (;;) {
      const { tail } = await lake.call('running', {});
      if ((tail as { queryIds: string[] }).queryIds.includes('slow')) break;
    }
    abort.abort(new ArmorlakeError('CANCELLED', 'The client went away.'));
    await expect(call).rejects.toMatchObject({ code: 'CANCELLED' });
    expect((await lake.call('running', {})).tail).toEqual({ queryIds: [] });
  });
});

describe('parameters', () => {
  it.each([
    ['SELECT $1', [], 'The parameter $1 has no value.'],
    ['SELECT 1', [1], 'There is a value for the parameter 1, which the SQL does not have.'],
    ['SELECT $a', { b: 1 }, 'There is a value for the parameter b, which the SQL does not have.'],
  ])('%s with %j', async (sql, params, message) => {
    await expect(lake.query(sql, { params })).rejects.toMatchObject({ code: 'BAD_QUERY', message });
  });

  it('are values, whatever they hold', async () => {
    const hostile = "'; DROP TABLE kubearmor.logs; --\0\u202e";
    const { rows } = await lake.query('SELECT $text AS a, $text = $text, $n + 1, $b, $d, $none, $list', {
      params: { text: hostile, n: 41, b: true, d: 0.5, none: null, list: ['x', "y'"] },
    });
    expect(rows).toEqual([[hostile, true, 42, true, 0.5, null, ['x', "y'"]]]);
  });
});

describe('coverage facts', () => {
  const factsOf = async (sql: string, more = {}) => (await lake.query(sql, more)).head['facts'];

  beforeAll(async () => {
    await lake.connection.run(
      `INSERT INTO armorlake.gaps VALUES
        ('n1', 'k', 'logs', TIMESTAMP '2026-01-01 00:20:00', TIMESTAMP '2026-01-01 00:30:00', 'break:13', 5),
        ('n1', 'k', 'logs', TIMESTAMP '2026-01-01 00:25:00', TIMESTAMP '2026-01-01 00:32:00', 'throttle', NULL),
        ('n1', 'k', 'alerts', TIMESTAMP '2026-01-01 01:59:00', NULL, 'connect', NULL),
        ('n1', NULL, NULL, TIMESTAMP '2025-12-31 00:00:00', TIMESTAMP '2025-12-31 00:01:00', 'crash', NULL)`,
    );
  });

  it('count the minutes of gaps that the range meets, each once, for the tables read', async () => {
    expect(await factsOf('SELECT count(*) FROM kubearmor.logs', range(at(0n), at(3600n)))).toMatchObject({
      gaps: {
        minutes: 12,
        worst: [
          { cause: 'break:13', minutes: 10, estimated: 5 },
          { cause: 'throttle', minutes: 7 },
        ],
      },
    });
    expect(await factsOf('SELECT count(*) FROM kubearmor.logs', range(at(1500n), at(1560n)))).toMatchObject({
      gaps: { minutes: 1 },
    });
    expect(await factsOf('SELECT count(*) FROM kubearmor.logs', range(at(3600n), null))).toMatchObject({
      gaps: { minutes: 0 },
    });
    // Open gaps reach to now.
    expect(await factsOf('SELECT count(*) FROM kubearmor.alerts', range(at(3600n), null))).toMatchObject({
      gaps: { minutes: 1, worst: [{ cause: 'connect', to: null }] },
    });
    expect(await factsOf('SELECT count(*) FROM kubearmor.events', range(at(0n), null))).toMatchObject({
      gaps: { minutes: 13 },
    });
    // A crash is everybody's, and no lower bound asks for all.
    expect(await factsOf('SELECT count(*) FROM kubearmor.alerts')).toMatchObject({ gaps: { minutes: 2 } });
    expect(await factsOf('SELECT count(*) FROM armorlake.gaps')).toEqual({
      gaps: { minutes: 0, worst: [] },
      shortFrom: null,
    });
  });

  it('count what was dropped, as the ledger has it', async () => {
    await lake.connection.run(
      `INSERT INTO armorlake.ledger VALUES
        (TIMESTAMP '2026-01-01 00:40:00', 'n1', 'k', 'messages', 9, 9, 0, 0, NULL),
        (TIMESTAMP '2026-01-01 00:40:00', 'n1', 'k', 'messages', 5, 0, 0, 5, 'queue_full'),
        (TIMESTAMP '2026-01-01 00:40:00', 'n1', 'k', 'messages', 2, 0, 0, 2, 'queue_full')`,
    );
    expect(await factsOf('SELECT count(*) FROM kubearmor.messages', range(at(0n), at(3600n)))).toEqual({
      gaps: {
        minutes: 2,
        worst: [
          {
            connector: 'k',
            stream: 'messages',
            from: '2026-01-01T00:39:00.000000Z',
            to: '2026-01-01T00:41:00.000000Z',
            cause: 'queue_full',
            minutes: 2,
            estimated: 7,
          },
        ],
      },
      shortFrom: null,
    });
    expect(await factsOf('SELECT count(*) FROM kubearmor.messages', range(at(0n), at(1800n)))).toMatchObject({
      gaps: { minutes: 0 },
    });
  });

  it.each([
    ["SELECT count(*) FROM kubearmor.logs WHERE time >= '2026-01-01 01:00:00'", 0],
    ['SELECT count(*) FROM kubearmor.logs WHERE time > now() - INTERVAL 1 HOUR', 0],
    ["SELECT count(*) FROM kubearmor.logs WHERE now() - INTERVAL 95 MINUTE < time AND host = 'h1'", 7],
    ["SELECT count(*) FROM kubearmor.logs l WHERE l.time BETWEEN '2026-01-01 00:00:00' AND '2026-01-01 00:21:00'", 1],
    [
      "SELECT count(*) FROM kubearmor.logs l JOIN kubearmor.logs m USING (seq) WHERE l.time >= '2026-01-01 01:00:00' AND m.time >= '2026-01-01 00:31:30'",
      1,
    ],
    // An OR bounds nothing.
    ["SELECT count(*) FROM kubearmor.logs WHERE time >= '2026-01-01 01:00:00' OR host = 'x'", 13],
  ])('read the range from WHERE: %s', async (sql, minutes) => {
    expect(await factsOf(sql)).toMatchObject({ gaps: { minutes } });
  });

  it('say since when the rows are whole, when the query reaches behind', async () => {
    lake.retained = at(100n);
    try {
      const sql = 'SELECT count(*) FROM kubearmor.logs';
      expect(await factsOf(sql, range(at(50n), null))).toMatchObject({ shortFrom: '2026-01-01T00:01:40.000000Z' });
      expect(await factsOf(sql, range(at(101n), null))).toMatchObject({ shortFrom: null });
      expect(await factsOf(sql)).toMatchObject({ shortFrom: null });
    } finally {
      lake.retained = null;
    }
  });
});

it('views and tables in the catalog have their columns and descriptions', async () => {
  const { tail } = await lake.call('catalog', {});
  const { databases } = tail as {
    databases: {
      name: string;
      tables: { name: string; columns: { name: string; type: string; description: string; source?: string }[] }[];
    }[];
  };
  expect(databases.map((database) => database.name)).toEqual(['kubearmor', 'armorlake']);
  const alerts = databases[0]?.tables.find((table) => table.name === 'alerts');
  expect(alerts?.columns.find((column) => column.name === 'policy')).toEqual({
    name: 'policy',
    type: 'VARCHAR',
    description: 'Name of the policy that matched',
    source: 'PolicyName',
  });
  expect(databases[0]?.tables.find((table) => table.name === 'events')?.columns[0]?.name).toBe('kind');
});

it('a query cannot write, whatever it is', async () => {
  const connection = await lake.openReader();
  await connection.run('BEGIN TRANSACTION READ ONLY');
  await expect(connection.run('DELETE FROM kubearmor.logs')).rejects.toThrow(/read-only/);
  await connection.run('ROLLBACK');
  connection.closeSync();
});
