import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Workplace } from './cli-support.js';
import { ask, askWhole, joinAddress, membersAlive, startQueryNode } from './support/federation-nodes.js';
import type { Asked } from './support/federation-nodes.js';
import { TestNode } from './support/node-process.js';

/** Queries and events that once broke what a query node answers; `edge-c` has no alert. */
const cases = fileURLToPath(new URL('./data/cases/query/', import.meta.url));

function eventsOf(name: string): string {
  return readFileSync(`${cases}${name}.ndjson`, 'utf8');
}

function sqlOf(name: string): string {
  const lines = readFileSync(`${cases}${name}.sql`, 'utf8').split('\n');
  return lines
    .filter((line) => !line.startsWith('--'))
    .join('\n')
    .trim();
}

/** What has to be the same wherever it is asked. */
function told({ status, schema, rows, error }: Asked): unknown {
  return status === 200 ? { schema, rows } : { code: error?.code, message: error?.message, position: error?.position };
}

describe('a query node over three edges', () => {
  const place = new Workplace();
  let query: TestNode;
  let whole: TestNode;
  beforeAll(async () => {
    const [started, all] = await Promise.all([startQueryNode(place), TestNode.start(place, { data: 'all' })]);
    [query, whole] = [started, all];
    await all.post(eventsOf('all'));
    const hub = await joinAddress(query);
    for (const name of ['edge-a', 'edge-b', 'edge-c']) {
      const edge = await TestNode.start(place, { data: name, args: ['--join', hub] });
      await edge.post(eventsOf(name));
    }
    await membersAlive(query, 'edge-a', 'edge-b', 'edge-c');
  }, 300_000);
  afterAll(() => place.close());

  /** Asks both; the query node says what the one says that holds all rows. */
  async function same(sql: string): Promise<Asked> {
    const [got, want] = [await askWhole(query, { sql }), await ask(whole, { sql })];
    expect({ sql, ...(told(got) as object) }).toEqual({ sql, ...(told(want) as object) });
    return got;
  }

  it('never reads a former answer in place of its own', async () => {
    for (let time = 0; time < 10; time++) expect((await same(sqlOf('01-stale-max'))).rows).toEqual([[2]]);
    for (let time = 0; time < 10; time++) {
      const answer = await same(sqlOf('03-stale-columns'));
      expect(answer).toMatchObject({ rows: [['ha'], ['hb']], coverage: { answered: 3 } });
    }
  });

  describe('keeps collations between nodes', () => {
    it.each([
      sqlOf('06-collate-group'),
      sqlOf('08-collate-order'),
      'SELECT ppid FROM kubearmor.alerts ORDER BY process COLLATE NOCASE DESC, ppid LIMIT 2',
      'SELECT process COLLATE NOCASE AS p, ppid FROM kubearmor.alerts ORDER BY lower(p), ppid LIMIT 3',
      'SELECT count(*) FROM (SELECT DISTINCT process COLLATE NOCASE FROM kubearmor.alerts)',
      'SELECT lower(max(process COLLATE NOCASE)), lower(min(process COLLATE NOCASE)) FROM kubearmor.alerts',
      'SELECT lower(process COLLATE NOCASE) AS p, sum(ppid) FROM kubearmor.alerts GROUP BY ROLLUP(process COLLATE NOCASE) ORDER BY ALL',
      "SELECT lower(process COLLATE NOCASE), count(*) FROM kubearmor.alerts GROUP BY process COLLATE NOCASE HAVING process COLLATE NOCASE >= '/bin/B' ORDER BY 1",
      'SELECT count(*) FROM kubearmor.alerts WHERE process = (SELECT max(process COLLATE NOCASE) FROM kubearmor.alerts WHERE ppid < 3)',
      "SELECT ppid FROM kubearmor.alerts WHERE process IN (SELECT process COLLATE NOCASE FROM kubearmor.alerts WHERE host = 'hb') ORDER BY 1",
      "SELECT process COLLATE NOCASE = '/bin/b' AS b, count(*) FROM kubearmor.alerts GROUP BY 1 ORDER BY 1",
    ])('%s', async (sql) => expect((await same(sql)).rows.length).toBeGreaterThan(0));
  });

  describe('carries values that Parquet changes, or ships what they are made of', () => {
    it.each([
      sqlOf('10-count-distinct-pair'),
      'SELECT host, count(DISTINCT (policy, action)) AS n, count(DISTINCT policy), count(*) FROM kubearmor.alerts GROUP BY 1 ORDER BY 1',
      'SELECT (policy, action) AS k, count(*) FROM kubearmor.alerts GROUP BY 1 ORDER BY ALL',
      'SELECT DISTINCT (host, action) AS k FROM kubearmor.alerts ORDER BY ALL',
      sqlOf('12-enum-order'),
      "SELECT min(action::ENUM('Block', 'it''s', 'Audit', 'Allow')) FROM kubearmor.alerts",
      "SELECT action::ENUM('Block', 'Audit', 'Allow') AS k, ppid FROM kubearmor.alerts ORDER BY k, ppid LIMIT 3",
      'SELECT [ppid, pid]::INTEGER[2] AS k FROM kubearmor.alerts ORDER BY 1',
      'SELECT ppid::UNION(a INTEGER, b VARCHAR) AS k FROM kubearmor.alerts ORDER BY 1',
      "SELECT {'a': ppid, 'b': (host, pid)} AS k FROM kubearmor.alerts ORDER BY 1",
      'SELECT [INTERVAL 1 DAY * ppid] AS k FROM kubearmor.alerts ORDER BY 1',
      'SELECT NULL AS a, [] AS b, [NULL] AS c, ppid FROM kubearmor.alerts ORDER BY ppid',
    ])('%s', async (sql) => expect((await same(sql)).rows.length).toBeGreaterThan(0));

    it('where one node is asked, too', async () => {
      const { rows } = await ask(query, {
        sql: 'SELECT (action, pid) FROM kubearmor.alerts ORDER BY 1',
        nodes: { names: ['edge-b'] },
      });
      expect(rows).toEqual([[['Audit', 40]], [['Block', 50]]]);
    });
  });

  it.each([
    sqlOf('14-avg-interval'),
    'SELECT host, avg(time), epoch(avg(time::DATE)), avg(time::TIME), avg(pid) FROM kubearmor.alerts GROUP BY 1 ORDER BY avg(time), 1',
    "SELECT host FROM kubearmor.alerts GROUP BY 1 HAVING avg(time) > '2020-01-01' ORDER BY 1",
    'SELECT stddev(pid), count(DISTINCT ppid), var_pop(ppid) FROM kubearmor.alerts GROUP BY ROLLUP(host) ORDER BY ALL',
  ])('aggregates as one node: %s', async (sql) => expect((await same(sql)).rows.length).toBeGreaterThan(0));

  it('describes tables and queries, and asks nobody for it', async () => {
    for (const sql of [
      sqlOf('16-describe'),
      'DESCRIBE kubearmor.events',
      'SELECT count(*) FROM (DESCRIBE kubearmor.alerts)',
    ]) {
      expect(await same(sql)).toMatchObject({ status: 200, coverage: { asked: 0, complete: true } });
    }
  });

  it('calls columns as one node does, whatever their values are', async () => {
    await same(sqlOf('17-names-subquery'));
    await same('SELECT (SELECT count(*) FROM kubearmor.alerts) + 1, host FROM kubearmor.logs');
    for (const nodes of [undefined, { names: ['edge-b'] }]) {
      const body = {
        sql: 'SELECT ppid + $plus, count(*) FILTER (host = $who) FROM kubearmor.alerts GROUP BY 1 ORDER BY 1',
        params: { plus: 1, who: 'hb' },
      };
      const [got, want] = [
        await askWhole(query, nodes === undefined ? body : { ...body, nodes }),
        await ask(whole, body),
      ];
      expect(got.schema).toEqual(want.schema);
      expect(got.rows.length).toBeGreaterThan(0);
    }
  });

  it.each([
    ['SELECT host AS armorlake_p0, count(*) FROM kubearmor.alerts GROUP BY 1', /armorlake_p0/],
    [
      'WITH armorlake_fragment_0 AS (SELECT 1 AS x) SELECT x, count(*) FROM kubearmor.alerts, armorlake_fragment_0 GROUP BY 1',
      /armorlake_fragment_0/,
    ],
    ['SELECT t.armorlake_c0 FROM (SELECT host FROM kubearmor.alerts) AS t(armorlake_c0)', /armorlake_c0/],
    ['SELECT host FROM kubearmor.alerts TABLESAMPLE 50% (system, 42)', /seed/],
    ['SELECT host FROM kubearmor.alerts USING SAMPLE 50% (bernoulli, 7)', /seed/],
  ])('refuses what would be another answer: %s', async (sql, sentence) => {
    const { status, error } = await ask(query, { sql });
    expect([status, error?.code]).toEqual([400, 'NOT_FEDERABLE']);
    expect(error?.message).toMatch(sentence);
    expect((await ask(whole, { sql })).status).toBe(200);
  });

  describe('says to people of other databases what to write', () => {
    it.each([
      ['SELECT `host` FROM kubearmor.alerts', 'NOT_ALLOWED', /double quotes/],
      ['SELECT count(*) FROM `kubearmor.alerts`', 'BAD_QUERY', /double quotes/],
      ['SELECT count(*) FROM kubearmor.alerts WHERE host = "ha"', 'BAD_QUERY', /single quotes: 'ha'/],
      ['SELECT max(time) time FROM kubearmor.alerts', 'BAD_QUERY', /behind AS: AS time/],
      ['SELECT * FROM $t', 'BAD_QUERY', /name of the table/],
      ['SELECT host FROM kubearmor.alerts LIMIT 0, 10', 'BAD_QUERY', /OFFSET/],
      ["SELECT isnull(host, 'x') FROM kubearmor.alerts", 'NOT_ALLOWED', /coalesce/],
      ["SELECT lpad(host, pid, ' ') FROM kubearmor.alerts", 'NOT_ALLOWED', /As lpad\(host, 20/],
    ])('%s', async (sql, code, hint) => {
      const { error } = await same(sql);
      expect(error?.code).toBe(code);
      expect(error?.hint).toMatch(hint);
    });

    it.each([
      "SELECT lpad(host, 5, ' ') || repeat('-', 3) || rpad(host, 1, 'x') AS t FROM kubearmor.alerts ORDER BY 1",
      "SELECT format('{:>6}|{}', host, ppid) AS a, printf('%5d|%s', ppid, host) AS b FROM kubearmor.alerts ORDER BY 1",
      'SELECT max(time) AS time, min(ppid) AS count FROM kubearmor.alerts',
    ])('and allows: %s', async (sql) => expect((await same(sql)).status).toBe(200));
  });

  describe('says of an error that is the query’s own what one node says', () => {
    it.each([
      [sqlOf('04-bad-time-constant'), "'2026"],
      ["SELECT count(*) FROM kubearmor.alerts WHERE host = 'nowhere' OR ppid > 2 AND time < '2026-02-30'", "'2026"],
      ["SELECT host, count(*) FILTER (WHERE ppid = 'abc') FROM kubearmor.alerts GROUP BY 1", "'abc'"],
      ["SELECT ppid FROM kubearmor.alerts ORDER BY ppid + 'x'::INTEGER LIMIT 1", "'x'"],
      ["SELECT date_trunc('hours ago', time) FROM kubearmor.alerts", "'hours"],
      [sqlOf('18-error-position'), 'namespac,'],
      ['SELECT lower(host, 1) FROM kubearmor.alerts', 'lower'],
      ['SELECT host FROM kubearmor.alerts ORDER BY nam', 'nam'],
    ])('%s', async (sql, place) => {
      const position = sql.indexOf(place);
      expect(await same(sql)).toMatchObject({ status: 400, error: { code: 'BAD_QUERY', position } });
    });

    it('in a subquery that is answered first, without a place in a text nobody has written', async () => {
      const sql =
        "SELECT count(*) FROM kubearmor.alerts WHERE ppid > (SELECT max(ppid) FROM kubearmor.alerts WHERE time > 'x')";
      const { status, error } = await ask(query, { sql });
      expect([status, error?.code, error?.position]).toEqual([400, 'BAD_QUERY', undefined]);
    });

    it('and of one that only rows meet who met it', async () => {
      const answer = await ask(query, { sql: 'SELECT host FROM kubearmor.alerts WHERE process::INTEGER > 3' });
      expect(answer).toMatchObject({ status: 200, rows: [], coverage: { answered: 1, failed: 2, complete: false } });
      const failed = answer.coverage.nodes.filter(({ status }) => status === 'failed');
      expect(failed.map(({ name, code }) => `${name} ${code}`).toSorted()).toEqual([
        'edge-a BAD_QUERY',
        'edge-b BAD_QUERY',
      ]);
      // Everybody asked has such rows: then the query fails, by whom in whose words.
      const all = await ask(query, { sql: 'SELECT host FROM kubearmor.events WHERE process::INTEGER > 3' });
      expect(all).toMatchObject({ status: 400, error: { code: 'BAD_QUERY' } });
      expect(all.error?.message).toMatch(/^All 3 nodes asked refuse the query: edge-[abc]: Could not convert string/);
    });

    it('the asked node’s own lake among them', async () => {
      expect((await ask(whole, { sql: sqlOf('04-bad-time-constant') })).error).toMatchObject({
        code: 'BAD_QUERY',
        message: 'timestamp field value out of range: "2026-02-30"',
      });
    });
  });
});
