import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LIMITS, interpolateModel } from '../plugin/shared/index.js';
import { PluginLake, alertHeaders, written } from './support/plugin-lake.js';
import { built } from './support/plugin-model.js';

let lake: PluginLake;

beforeAll(async () => {
  lake = await PluginLake.open();
  await lake.node.api.lake.connection.run(
    `INSERT INTO kubearmor.logs BY NAME SELECT TIMESTAMP '2026-01-01' + to_milliseconds(i) AS time, 'n1' AS node,
      i::BIGINT AS seq, CASE WHEN hash(i) % 3 > 0 THEN 'pod ' || hash(i) END AS pod,
      CASE WHEN hash(i) % 5 > 0 THEN (hash(i) % 1000)::INTEGER END AS host_pid,
      CASE WHEN hash(i) % 7 > 0 THEN MAP {'app': 'a' || i} END AS labels,
      CASE WHEN hash(i) % 2 > 0 THEN ['t', NULL, 'ü' || i] END AS tags FROM range(1, 60001) r(i)`,
  );
});

afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

async function errorOf(model: object, headers: Readonly<Record<string, string>> = {}): Promise<string> {
  const { error, status, errorSource, frames } = await lake.ask(model, {}, { headers });
  expect(frames).toEqual([]);
  return `${status} ${errorSource}: ${error}`;
}

describe('each has its own sentence', () => {
  test.each([
    ['SELECT * FROM kubearmor.nothing', /^400 downstream: There is no table kubearmor\.nothing \(at character 15\)\./],
    ['SELECT 1 FROM\n\n WHERE', /^400 downstream: The SQL can't be understood: .*\(at character \d+\)\./],
    ['DROP TABLE kubearmor.alerts', /^400 downstream: /],
    // The limit behind it is the data source's, and no word of the user's.
    [
      'SELECT a.host FROM kubearmor.alerts a JOIN kubearmor.logs l',
      /^400 downstream: The SQL can't be understood: it ends too early\./,
    ],
    ["SELECT 1 FROM kubearmor.alerts WHERE policy IN ('$policy')", /^400 .*The variable \$policy has no value here\./],
    [' ', /^400 downstream: The query is empty\. Write a SELECT\.$/],
    ['SELECT $__timeGroup(time, 1y) AS time, count(*) FROM kubearmor.alerts', /date_trunc\('year', time\)/],
    ['SELECT $__timeGroup(time)', /^400 downstream: .*\$__timeGroup/],
    [
      // A macro before it moves the place; what is said is where the user sees it.
      'SELECT nix FROM kubearmor.alerts WHERE $__timeFilter(time)',
      /^400 downstream: .*nix.* \(at character 8\)\./,
    ],
    ['SELECT count(*) FROM kubearmor.alerts WHERE $__timeFilter(time) AND nix = 1', /\(at character 69\)/],
  ])('%j', async (sql, said) => {
    expect(await errorOf(written('table', sql))).toMatch(said);
  });

  test('has its place in words where variables were put in before it', async () => {
    const sql = "SELECT '$pod', nix FROM kubearmor.alerts";
    const variables = { lookup: () => ({ values: ['web'], all: false }), formatted: (text: string) => text };
    const model = { ...built('table', 'kubearmor.alerts'), editor: 'sql', sql } as const;
    expect(await errorOf(interpolateModel(model, variables))).toMatch(/nix.* \(near "nix FROM kubearmor\.alerts"\)\./);
    expect(await errorOf(interpolateModel({ ...model, sql: 'SELECT nix FROM kubearmor.alerts' }, variables))).toMatch(
      /\(at character 8\)/,
    );
  });

  test('a query type of a newer version, a newer version, no query at all', async () => {
    expect(await errorOf(written('hologram', 'SELECT 1'))).toMatch(
      /^400 downstream: This version .* no query type "hologram"/,
    );
    expect(await errorOf({ schemaVersion: 99 })).toMatch(/^400 downstream: This query was made by a newer version/);
    expect(await errorOf([])).toMatch(/^400 downstream: /);
  });

  test.each([
    ['timeseries', 'SELECT 1 AS n', /^400 downstream: A time series needs a time/],
    ['timeseries', 'SELECT now() AS t', /^400 downstream: A time series needs a number/],
    ['logs', 'SELECT 1 AS n', /^400 downstream: Logs need a time/],
    ['annotations', 'SELECT 1 AS n', /^400 downstream: An annotation needs a time/],
  ])('%s of %s', async (type, sql, said) => {
    expect(await errorOf({ ...written(type, sql), annotation: 'sql' })).toMatch(said);
  });

  test.each([
    ['logs', 'SELECT time FROM kubearmor.alerts', /^400 downstream: An alert rule needs numbers/],
    ['table', "SELECT 'x' AS pod", /^400 downstream: An alert rule or expression needs a number/],
    [
      'table',
      'SELECT namespace, 1 AS n FROM kubearmor.alerts',
      /^413 downstream: The rule's query has more than its limit of 2 rows/,
    ],
  ])('an alert rule on %s of %s', async (type, sql, said) => {
    expect(await errorOf(written(type, sql, { sqlLimit: 2 }), alertHeaders)).toMatch(said);
  });

  test('one query that fails leaves the others alone', async () => {
    const answers = await lake.host.queryData([
      { refId: 'good', model: written('table', 'SELECT 1 AS x') },
      { refId: 'bad', model: written('table', 'SELEC') },
    ]);
    expect([answers['good']?.error, answers['good']?.frames.length]).toEqual(['', 1]);
    expect(answers['bad']?.status).toBe(400);
  });
});

describe('more than there may be', () => {
  function noticeOf(meta: Readonly<Record<string, unknown>> | undefined): string {
    return ((meta?.['notices'] ?? []) as readonly { readonly text: string }[]).map(({ text }) => text).join();
  }

  test('200,000 rows asked: cut at the most a table has, and said', async () => {
    const { frames } = await lake.ask(written('table', 'SELECT seq FROM kubearmor.logs', { sqlLimit: 200_000 }));
    expect(frames[0]?.fields[0]?.values).toHaveLength(LIMITS.table.most);
    expect(noticeOf(frames[0]?.meta)).toMatch(/^There are more than these 50,000 rows/);
  });

  test('5,000 log lines, each with an identity of its own', async () => {
    const { frames } = await lake.ask(built('logs', 'kubearmor.logs', { limit: 1_000_000 }));
    const ids = frames[0]?.fields.find(({ name }) => name === 'id')?.values ?? [];
    expect(ids).toHaveLength(LIMITS.logs.most);
    expect(new Set(ids).size).toBe(LIMITS.logs.most);
    expect(noticeOf(frames[0]?.meta)).toMatch(/^There are more than these 5,000 rows/);
  });

  test('times that Grafana can not hold are empty, and said', async () => {
    const sql = "SELECT unnest([TIMESTAMP '9999-01-01', 'infinity'::TIMESTAMP, '-infinity'::TIMESTAMP, NULL]) AS t";
    const { frames } = await lake.ask(written('table', sql));
    expect(frames[0]?.fields[0]?.values).toEqual([null, null, null, null]);
    expect(noticeOf(frames[0]?.meta)).toMatch(/^3 times lie outside of the years 1677 to 2262/);
  });
});

test('an answer of many pieces is what the node says in JSON, value by value', async () => {
  const sql =
    'SELECT seq, time, pod, host_pid, labels, tags, seq % 2 = 0 AS even FROM kubearmor.logs WHERE hash(seq) % 5 > 0';
  const response = await lake.node.api.app.inject({
    method: 'POST',
    url: '/api/v1/query',
    headers: { host: '127.0.0.1:7470' },
    payload: { sql, limits: { rows: 20_000 } },
  });
  const want = response.json<{ rows: readonly unknown[][] }>().rows;
  const { frames } = await lake.ask(written('table', sql, { sqlLimit: 20_000 }));
  const fields = frames[0]?.fields ?? [];
  const got = want.map((_, row) => fields.map(({ values }) => values[row]));
  expect(got).toEqual(
    want.map(([seq, time, pod, pid, labels, tags, even]) => [
      String(seq),
      `${Date.parse(String(time))}000000`,
      pod,
      pid,
      labels === null ? null : JSON.stringify(labels),
      tags === null ? null : JSON.stringify(tags),
      even,
    ]),
  );
});

test('text of an attacker is shown, and does nothing', async () => {
  const sql = "SELECT '<script>' || chr(27) || '[31m' || chr(8238) || '=1+1' AS text, chr(8206) || 'x' AS other";
  const table = await lake.ask(written('table', sql));
  expect(table.frames[0]?.fields.map(({ values }) => values[0])).toEqual([
    '<script>\\u{1b}[31m\\u{202e}=1+1',
    '\\u{200e}x',
  ]);
});

test('a table that says no limit has the data source’s', async () => {
  const limited = await PluginLake.open({ rowLimit: 2 });
  try {
    const saved = { queryType: 'table', builder: { table: 'kubearmor.alerts', columns: ['seq'] } };
    expect((await limited.ask(saved)).frames[0]?.fields[0]?.values).toHaveLength(2);
    const own = { ...saved, builder: { ...saved.builder, limit: 3 } };
    expect((await limited.ask(own)).frames[0]?.fields[0]?.values).toHaveLength(3);
  } finally {
    await limited[Symbol.asyncDispose]();
  }
});
