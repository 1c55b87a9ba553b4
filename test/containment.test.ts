import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArmorlakeError } from '../backend/src/core/index.js';
import {
  allowedFunctions,
  allowedTableFunctions,
  allowedWindowFunctions,
  contain,
  visit,
} from '../backend/src/engine/index.js';
import type { TreeRecord } from '../backend/src/engine/index.js';
import { serialize } from '../backend/src/engine/execute/statements.js';
import { tables } from '../backend/src/lake/tables.js';
import { QueryLake } from './support/query-lake.js';

let lake: QueryLake;

beforeAll(async () => {
  lake = await QueryLake.open();
  await lake.connection.run(
    "INSERT INTO kubearmor.logs (time, node, seq, host, type, pid, tags, labels) SELECT TIMESTAMP '2026-01-01' + to_seconds(i), 'n1', i + 1, 'h' || (i % 3), 'ContainerLog', i, ['a', 'b'], MAP {'app': 'shop'} FROM range(30) r(i)",
  );
  await lake.connection.run(
    "INSERT INTO kubearmor.alerts (time, node, seq, host, severity) SELECT TIMESTAMP '2026-01-01' + to_seconds(i), 'n1', i + 31, 'h' || (i % 3), 5 FROM range(6) r(i)",
  );
});

afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

function recordsIn(statement: TreeRecord): readonly TreeRecord[] {
  const records: TreeRecord[] = [];
  visit(statement, 'statement', { enter: (record) => void records.push(record) });
  return records;
}

async function refusal(sql: string, more: Record<string, unknown> = {}): Promise<ArmorlakeError> {
  try {
    await lake.query(sql, more);
  } catch (thrown) {
    if (thrown instanceof ArmorlakeError) return thrown;
    throw thrown;
  }
  throw new Error(`was not refused: ${sql}`);
}

describe('refused', () => {
  it.each([
    // Anything but one SELECT.
    ['INSERT INTO kubearmor.logs SELECT * FROM kubearmor.logs', 'NOT_ALLOWED'],
    ['UPDATE kubearmor.logs SET host = NULL', 'NOT_ALLOWED'],
    ['DELETE FROM kubearmor.logs', 'NOT_ALLOWED'],
    ['CREATE TABLE x (a INTEGER)', 'NOT_ALLOWED'],
    ['DROP TABLE kubearmor.logs', 'NOT_ALLOWED'],
    ['SET threads = 1', 'NOT_ALLOWED'],
    ['RESET threads', 'NOT_ALLOWED'],
    ["COPY kubearmor.logs TO '/tmp/x'", 'NOT_ALLOWED'],
    ["ATTACH '/tmp/x'", 'NOT_ALLOWED'],
    ['INSTALL httpfs', 'NOT_ALLOWED'],
    ['LOAD httpfs', 'NOT_ALLOWED'],
    ['CALL pragma_version()', 'NOT_ALLOWED'],
    ['PRAGMA version', 'NOT_ALLOWED'],
    ['CHECKPOINT', 'NOT_ALLOWED'],
    ['BEGIN', 'NOT_ALLOWED'],
    ['EXPLAIN ANALYZE SELECT 1', 'NOT_ALLOWED'],
    ["EXPORT DATABASE 'x'", 'NOT_ALLOWED'],
    ['SELECT 1; SELECT 2', 'NOT_ALLOWED'],
    ['SELECT 1; DROP TABLE kubearmor.logs', 'NOT_ALLOWED'],
    ['WITH x AS (DELETE FROM kubearmor.logs RETURNING *) SELECT * FROM x', 'BAD_QUERY'],
    ['', 'BAD_QUERY'],
    ['-- nothing', 'BAD_QUERY'],
    ['SELEC 1', 'BAD_QUERY'],
    ["SELECT 'a\0b'", 'BAD_QUERY'],
    ['SELECT 1e400', 'BAD_QUERY'],
    // Files, other SQL, settings and the database's own state.
    ["SELECT * FROM read_csv('/etc/passwd')", 'NOT_ALLOWED'],
    ["SELECT * FROM read_parquet(['/etc/passwd'])", 'NOT_ALLOWED'],
    ["SELECT * FROM read_text('/etc/passwd')", 'NOT_ALLOWED'],
    ["SELECT * FROM read_blob('/etc/passwd')", 'NOT_ALLOWED'],
    ["SELECT * FROM glob('/etc/*')", 'NOT_ALLOWED'],
    ["SELECT * FROM '/etc/passwd'", 'UNKNOWN_TABLE'],
    ["SELECT * FROM 'x.parquet'", 'UNKNOWN_TABLE'],
    ['SELECT * FROM enable_logging()', 'NOT_ALLOWED'],
    ["SELECT * FROM query('DELETE FROM kubearmor.logs')", 'NOT_ALLOWED'],
    ["SELECT * FROM query_table('kubearmor.logs')", 'NOT_ALLOWED'],
    ["SELECT * FROM json_execute_serialized_sql('{}')", 'NOT_ALLOWED'],
    ['SELECT * FROM duckdb_settings()', 'NOT_ALLOWED'],
    ['SELECT * FROM pragma_database_size()', 'NOT_ALLOWED'],
    ['SELECT * FROM checkpoint()', 'NOT_ALLOWED'],
    ['SELECT * FROM duckdb_tables', 'UNKNOWN_TABLE'],
    ['SELECT * FROM sqlite_master', 'UNKNOWN_TABLE'],
    ['SELECT * FROM information_schema.tables', 'UNKNOWN_TABLE'],
    ['SELECT * FROM pg_catalog.pg_class', 'UNKNOWN_TABLE'],
    ['SELECT * FROM lake.kubearmor.logs', 'UNKNOWN_TABLE'],
    ['SELECT * FROM system.main.duckdb_tables', 'UNKNOWN_TABLE'],
    ['SELECT * FROM armorlake_internal.expired', 'UNKNOWN_TABLE'],
    ['WITH duckdb_tables AS (SELECT 1) SELECT * FROM duckdb_tables', 'NOT_ALLOWED'],
    ["SELECT getenv('HOME')", 'NOT_ALLOWED'],
    ["SELECT current_setting('threads')", 'NOT_ALLOWED'],
    ["SELECT getvariable('x')", 'NOT_ALLOWED'],
    ['SELECT current_database()', 'NOT_ALLOWED'],
    ['SELECT version()', 'NOT_ALLOWED'],
    ['SELECT pg_catalog.pg_get_viewdef(1)', 'NOT_ALLOWED'],
    ['SELECT system.main.current_query()', 'NOT_ALLOWED'],
    ['SELECT current_schema', 'NOT_ALLOWED'],
    ['SELECT current_catalog, (SELECT 1 AS current_catalog)', 'NOT_ALLOWED'],
    ['SELECT user FROM kubearmor.logs', 'NOT_ALLOWED'],
    ["SELECT write_log('x')", 'NOT_ALLOWED'],
    ['SELECT json_serialize_sql($$SELECT 1$$)', 'NOT_ALLOWED'],
    ['SHOW TABLES', 'NOT_ALLOWED'],
    ['SHOW ALL TABLES', 'NOT_ALLOWED'],
    ['SHOW DATABASES', 'NOT_ALLOWED'],
    ['DESCRIBE', 'NOT_ALLOWED'],
    ['SELECT * FROM (SHOW TABLES)', 'NOT_ALLOWED'],
    ['SUMMARIZE kubearmor.logs', 'NOT_ALLOWED'],
    ['SELECT * FROM (SUMMARIZE SELECT 1)', 'NOT_ALLOWED'],
    ['DESCRIBE information_schema.tables', 'UNKNOWN_TABLE'],
    // Not the same on each node and each run.
    ['SELECT random()', 'NOT_ALLOWED'],
    ['SELECT uuid()', 'NOT_ALLOWED'],
    ["SELECT nextval('s')", 'NOT_ALLOWED'],
    ['SELECT rowid FROM kubearmor.logs', 'NOT_ALLOWED'],
    ['SELECT l.ROWID FROM kubearmor.logs l', 'NOT_ALLOWED'],
    ['SELECT * FROM kubearmor.logs POSITIONAL JOIN kubearmor.alerts', 'NOT_ALLOWED'],
    ['SELECT * FROM kubearmor.logs USING SAMPLE 10', 'NOT_ALLOWED'],
    ['SELECT * FROM kubearmor.logs TABLESAMPLE 5 ROWS', 'NOT_ALLOWED'],
    ['SELECT sum(pid) EXPORT_STATE FROM kubearmor.logs', 'NOT_ALLOWED'],
    ["SELECT age(TIMESTAMP '2026-01-01')", 'NOT_ALLOWED'],
    ['SELECT * FROM kubearmor.logs AT (VERSION => 1)', 'NOT_ALLOWED'],
    // Much memory out of little SQL.
    ['SELECT len(range(150000000))', 'NOT_ALLOWED'],
    ['SELECT generate_series(1, 1000000000)', 'NOT_ALLOWED'],
    ["SELECT repeat('x', 1000000000)", 'NOT_ALLOWED'],
    ["SELECT lpad('x', 1000000000, 'y')", 'NOT_ALLOWED'],
    ["SELECT rpad('x', 1000000000, 'y')", 'NOT_ALLOWED'],
    ["SELECT format('{:>1000000000}', 'x')", 'NOT_ALLOWED'],
    ["SELECT printf('%1000000000d', 1)", 'NOT_ALLOWED'],
    ["SELECT repeat(repeat(repeat('x', 1000), 1000), 1000)", 'NOT_ALLOWED'],
    ["SELECT repeat('x', 1000 * 1000 * 1000)", 'NOT_ALLOWED'],
    ['SELECT repeat(host, pid) FROM kubearmor.logs', 'NOT_ALLOWED'],
    ["SELECT lpad(host, pid, ' ') FROM kubearmor.logs", 'NOT_ALLOWED'],
    ["SELECT printf('%*d', 1000000000, 1)", 'NOT_ALLOWED'],
    ["SELECT printf('%.1000000000f', 1.5)", 'NOT_ALLOWED'],
    ["SELECT format('{:{}}', 'x', 1000000000)", 'NOT_ALLOWED'],
    ["SELECT format('{:900}{:900}', 'x', 'y')", 'NOT_ALLOWED'],
    ['SELECT format(resource, host) FROM kubearmor.logs', 'NOT_ALLOWED'],
    ["SELECT host.lpad(10, ' ') FROM kubearmor.logs", 'NOT_ALLOWED'],
    ['SELECT list_resize([1], 1000000000)', 'NOT_ALLOWED'],
    ["SELECT bitstring('1', 1000000000)", 'NOT_ALLOWED'],
    ['SELECT host.repeat(1000000000) FROM kubearmor.logs', 'NOT_ALLOWED'],
    ['SELECT count(*) FROM range(1000000000)', 'NOT_ALLOWED'],
    ['SELECT count(*) FROM kubearmor.logs, range(pid)', 'NOT_ALLOWED'],
    ["SELECT list_aggregate([1], 'reservoir_quantile', 0.5)", 'NOT_ALLOWED'],
    ['SELECT list_aggregate([1], host) FROM kubearmor.logs', 'NOT_ALLOWED'],
    ["SELECT 'x'::kubearmor.mood", 'NOT_ALLOWED'],
    // Hidden in every corner of a statement.
    ['SELECT 1 ORDER BY random()', 'NOT_ALLOWED'],
    ['SELECT 1 LIMIT (SELECT random())', 'NOT_ALLOWED'],
    ['SELECT count(*) FILTER (WHERE random() > 0) FROM kubearmor.logs', 'NOT_ALLOWED'],
    ['SELECT list(host ORDER BY random()) FROM kubearmor.logs', 'NOT_ALLOWED'],
    ['SELECT sum(pid) OVER (PARTITION BY random()) FROM kubearmor.logs', 'NOT_ALLOWED'],
    ['SELECT host FROM kubearmor.logs GROUP BY host HAVING random() > 0', 'NOT_ALLOWED'],
    ['SELECT host FROM kubearmor.logs QUALIFY random() > 0', 'NOT_ALLOWED'],
    ['SELECT * REPLACE (random() AS host) FROM kubearmor.logs', 'NOT_ALLOWED'],
    ['SELECT COLUMNS(c -> random() > 0) FROM kubearmor.logs', 'NOT_ALLOWED'],
    ['SELECT list_transform([1], x -> x + random())', 'NOT_ALLOWED'],
    ['SELECT CASE WHEN true THEN random() END', 'NOT_ALLOWED'],
    ['SELECT a.x FROM (VALUES (random())) a(x)', 'NOT_ALLOWED'],
    ['SELECT 1 WHERE EXISTS (SELECT * FROM duckdb_settings())', 'NOT_ALLOWED'],
    ['SELECT 1 UNION ALL SELECT random()', 'NOT_ALLOWED'],
    ['WITH a AS (SELECT random()) SELECT 1', 'NOT_ALLOWED'],
    ['WITH RECURSIVE a(x) AS (SELECT 1 UNION ALL SELECT random() FROM a) SELECT 1', 'NOT_ALLOWED'],
    ['SELECT * FROM kubearmor.logs a JOIN kubearmor.alerts b ON random() > 0', 'NOT_ALLOWED'],
    ['SELECT * FROM kubearmor.logs, LATERAL (SELECT random())', 'NOT_ALLOWED'],
    ["PIVOT kubearmor.logs ON host IN ('a') USING first(random())", 'NOT_ALLOWED'],
    ['SELECT DISTINCT ON (random()) host FROM kubearmor.logs', 'NOT_ALLOWED'],
    // A CTE's name is known only where DuckDB knows it.
    ['SELECT * FROM (WITH x AS (SELECT 1) SELECT * FROM x) a, x', 'UNKNOWN_TABLE'],
    ['WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a', 'UNKNOWN_TABLE'],
    ['SELECT * FROM ledger', 'UNKNOWN_TABLE'],
    ['PIVOT kubearmor.logs ON host USING count(*)', 'NOT_ALLOWED'],
  ])('%s', async (sql, code) => {
    expect((await refusal(sql)).code).toBe(code);
  });

  it('deep nesting and long SQL', async () => {
    expect((await refusal(`SELECT ${'('.repeat(400)}1${' + 1)'.repeat(400)}`)).code).toBe('NOT_ALLOWED');
    for (const sql of [`SELECT '${'x'.repeat(2_000_000)}'`, `SELECT 1${' + 1'.repeat(25_000)}`]) {
      expect(await refusal(sql)).toMatchObject({ code: 'NOT_ALLOWED', hint: expect.any(String) });
    }
    expect((await refusal(`SELECT ${'('.repeat(50_000)}`)).code).toMatch(/BAD_QUERY|NOT_ALLOWED/);
  });

  it('says what to do instead, and where', async () => {
    const cases: readonly [string, Partial<Record<'hint' | 'position' | 'message', unknown>>][] = [
      ['SELECT * FROM logs', { hint: 'Did you mean kubearmor.logs?', position: 14 }],
      ["SELECT 'é', * FROM kubearmor.alrts", { hint: 'Did you mean kubearmor.alerts?', position: 19 }],
      ['SELECT rowid FROM kubearmor.logs', { hint: 'Use (node, seq): it identifies an event for ever.', position: 7 }],
      ['SELECT ago(INTERVAL 1 HOUR)', { hint: 'Write now() - INTERVAL 1 HOUR.', position: 7 }],
      ['SELECT range(3)', { hint: 'Use it in FROM, with constant bounds: FROM range(1, 10).' }],
      ['SELECT lowr(host) FROM kubearmor.logs', { hint: 'Did you mean lower?', position: 7 }],
      ['SELECT hst FROM kubearmor.logs', { position: 7, message: expect.stringContaining('"hst"') }],
      ['SELECT 1,\n  nope(2)', { position: 12 }],
      ["SELECT 'ü' ü, 1 FROM FROM", { position: 21 }],
      ['SELECT host + 1 FROM kubearmor.logs', { position: 12 }],
    ];
    for (const [sql, wanted] of cases) {
      const error = await refusal(sql);
      expect({ message: error.message, hint: error.hint, position: error.position }, sql).toMatchObject(wanted);
      expect(error.message).toMatch(/\.$/);
      expect(error.message).not.toContain('LINE 1');
    }
  });
});

describe('allowed', () => {
  it.each([
    ['SELECT count(*) FROM kubearmor.logs', [[30]]],
    ['FROM kubearmor.logs SELECT max(seq)', [[30]]],
    ['SELECT count(*) FROM KubeArmor.LOGS', [[30]]],
    ['SELECT count(*) FROM kubearmor.events', [[36]]],
    [
      'SELECT kind, count(*) FROM kubearmor.events GROUP BY ALL ORDER BY ALL',
      [
        ['alert', 6],
        ['log', 30],
      ],
    ],
    ['SELECT count(*) FROM armorlake.connectors', [[0]]],
    ['WITH logs AS (SELECT 1 AS x) SELECT x FROM logs', [[1]]],
    ['WITH "LOGS" AS (SELECT 1 AS x) SELECT x FROM logs', [[1]]],
    ['WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r WHERE x < 3) SELECT sum(x) FROM r', [[6]]],
    ['WITH a AS (SELECT 1 AS x), b AS (SELECT x + 1 AS y FROM a) SELECT y FROM b', [[2]]],
    ['SELECT x FROM range(10) r(x) WHERE x > 7', [[8], [9]]],
    ["SELECT count(*) FROM generate_series(TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-02', INTERVAL 1 HOUR)", [[25]]],
    ['SELECT t FROM kubearmor.logs, unnest(tags) u(t) WHERE seq = 1 ORDER BY t', [['a'], ['b']]],
    ['SELECT count(*) FROM kubearmor.logs l SEMI JOIN kubearmor.alerts a USING (host)', [[30]]],
    [
      'SELECT count(*) FROM kubearmor.alerts a ASOF JOIN kubearmor.logs l ON a.host = l.host AND a.time >= l.time',
      [[6]],
    ],
    ["PIVOT (SELECT host FROM kubearmor.logs) ON host IN ('h0', 'h1') USING count(*)", [[10, 10]]],
    [
      'SELECT * FROM (SELECT 1 AS a, 2 AS b) UNPIVOT (v FOR n IN (a, b)) ORDER BY n',
      [
        ['a', 1],
        ['b', 2],
      ],
    ],
    ['SELECT 1 EXCEPT SELECT 2', [[1]]],
    [
      'SELECT host FROM kubearmor.logs QUALIFY row_number() OVER (PARTITION BY host ORDER BY seq) = 1 ORDER BY host',
      [['h0'], ['h1'], ['h2']],
    ],
    ['SELECT count(*) >= 0 FROM kubearmor.logs TABLESAMPLE 10%', [[true]]],
    [
      "SELECT labels['app'], list_transform([1, 2], x -> x * 2), {'a': 1}.a, [x for x in [1, 2] if x > 1] FROM kubearmor.logs LIMIT 1",
      [['shop', [2, 4], 1, [2]]],
    ],
    ['SELECT host, host.upper() FROM kubearmor.logs ORDER BY seq LIMIT 1', [['h0', 'H0']]],
    ['SELECT user_name AS user FROM kubearmor.logs ORDER BY user LIMIT 1', [[null]]],
    ["SELECT list_aggregate([1, 2], 'sum')", [[3]]],
    ['DESCRIBE SELECT 1 AS a', [['a', 'INTEGER', 'YES', null, null, null]]],
    [
      'SELECT 9007199254740993, 170141183460469231731687303715884105727',
      [['9007199254740993', '170141183460469231731687303715884105727']],
    ],
    ["SELECT 'it''s', '\"', ';--'", [["it's", '"', ';--']]],
    ['SELECT kubearmor.logs.seq, logs.seq FROM kubearmor.logs ORDER BY 1 LIMIT 1', [[1, 1]]],
    ['SELECT l.seq FROM kubearmor.logs AS l(t) ORDER BY l.t LIMIT 1', [[1]]],
    ['SELECT x.y FROM (SELECT {y: 1} AS x)', [[1]]],
  ])('%s', async (sql, rows) => {
    expect((await lake.query(sql)).rows).toEqual(rows);
    // Also when the tables are replaced by subqueries.
    const timeRange = { from: '0', to: '4102444800000000' };
    expect((await lake.query(sql, { timeRange })).rows).toEqual(rows);
  });

  it('describes a table', async () => {
    const { rows } = await lake.query('DESCRIBE kubearmor.alerts');
    const columns = tables.find((table) => table.name === 'alerts')?.columns ?? [];
    expect(rows.map((row) => row.slice(0, 2))).toEqual(columns.map((column) => [column.name, column.type]));
  });
});

it('every allowed function is one that DuckDB has', async () => {
  const reader = await lake.connection.runAndReadAll('SELECT DISTINCT lower(function_name) FROM duckdb_functions()');
  const known = new Set(reader.getRows().map(([name]) => String(name)));
  // Windows and words that only the parser knows.
  const grammar = new Set(['->', 'current_timestamp', 'current_time', 'localtime', 'localtimestamp', 'switch']);
  const all = [...allowedFunctions, ...allowedWindowFunctions, ...allowedTableFunctions];
  expect(all.filter((name) => !known.has(name) && !grammar.has(name))).toEqual([]);
});

it('no dangerous family of functions is allowed', () => {
  const all = [...allowedFunctions, ...allowedWindowFunctions];
  const dangerous =
    /^(read_|write_|pg_|duckdb_|pragma_|current_(setting|query|database|schema)|.*_sql$|get_?env|sleep|icu_|__)/;
  expect(all.filter((name) => dangerous.test(name))).toEqual([]);
});

it('the re-serialised text is what runs: comments and oddities of the original are gone', async () => {
  const described = await lake.call('analyse', {
    queryId: 'q',
    timeoutMs: 10_000,
    sql: 'select /* x */ HOST from KUBEARMOR.logs -- y',
  });
  expect(described.tail).toEqual({
    tables: ['kubearmor.logs'],
    parameters: [],
    schema: [{ name: 'host', type: 'VARCHAR' }],
  });
});

it('a call that may stand in FROM may not stand elsewhere, not even as the same record of a tree', async () => {
  const statement = await serialize(lake.connection, 'SELECT 1 FROM range(3) AS r, unnest([1]) AS u');
  const call = recordsIn(statement).find((record) => record['function_name'] === 'range');
  const list = recordsIn(statement).find((record) => record['function_name'] === 'unnest');
  if (call === undefined || list === undefined) throw new Error('no calls');
  const shared = visit(statement, 'statement', {
    leave: (record, _kind, original) => (original === list ? { ...record, children: [call] } : record),
  });
  expect(() => contain('', shared, [])).toThrow('The function range is not allowed');
});
