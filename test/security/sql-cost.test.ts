import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { allowedFunctions } from '../../backend/src/engine/index.js';
import { Workplace } from '../cli-support.js';
import { TestNode } from '../support/node-process.js';

// A whole node, on machines that do other things too.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let place: Workplace;
let node: TestNode;
let engine: number;

beforeAll(async () => {
  place = new Workplace();
  node = await TestNode.start(place);
  engine = await node.enginePid();
});
afterAll(() => place.close());

interface Answer {
  readonly status: number;
  readonly code?: string;
  readonly hint?: string;
  readonly rows?: readonly (readonly unknown[])[];
  readonly schema?: readonly { readonly name: string }[];
}

async function ask(sql: string, params: readonly unknown[] = [], timeoutMs = 60_000): Promise<Answer> {
  const response = await fetch(`${node.url}/api/v1/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sql, params, limits: { timeoutMs } }),
  });
  const { error, ...answer } = (await response.json()) as Omit<Answer, 'status'> & {
    error?: { code: string; hint?: string };
  };
  return { status: response.status, ...answer, ...error };
}

const listed = (count: number, item: (index: number) => string, between = ', '): string =>
  Array.from({ length: count }, (_, index) => item(index)).join(between);
const text = (unit: string, times: number): string => `(SELECT string_agg('${unit}', '') AS s FROM range(${times}))`;
const list = (items: number): string => `(SELECT list(i) AS l FROM range(${items}) r(i))`;
const doubled = (how: string): string =>
  `WITH c0 AS ${how} (SELECT 1 AS x)${listed(24, (i) => `, c${i + 1} AS ${how} (SELECT a.x FROM c${i} a, c${i} b)`, '')} SELECT count(*) FROM c24`;
const joined = (count: number, condition: (left: number, right: number) => string | null): string => {
  const conditions = Array.from({ length: count }, (_, left) =>
    Array.from({ length: left }, (__, right) => condition(left, right)).filter((each) => each !== null),
  ).flat();
  return `SELECT count(*) FROM ${listed(count, (i) => `kubearmor.logs l${i}`)} WHERE ${conditions.join(' AND ')}`;
};
const nested = (depth: number): string =>
  `SELECT ${listed(depth, (i) => `list_transform([1, 2, 3, 4, 5, 6, 7, 8, 9], x${i} -> `, '')}1${')'.repeat(depth)}`;

const marks = '(SELECT chr(769) || chr(790) AS m)';
const a40k = 'a'.repeat(40_000);
const wild = (unit: string): string => `${unit.repeat(20)}b`;

describe('SQL that would crash the engine or could not be interrupted', () => {
  it.each<[string, string, readonly [string, ...string[]], (readonly unknown[])?]>([
    [
      'json_structure',
      'SELECT json_structure($1::VARCHAR)',
      ['NOT_ALLOWED'],
      [`${'['.repeat(140_000)}${']'.repeat(140_000)}`],
    ],
    ['json_merge_patch', "SELECT json_merge_patch('{}', '{}')", ['NOT_ALLOWED']],
    ['json_contains', "SELECT json_contains(resource, '1') FROM kubearmor.logs", ['NOT_ALLOWED']],
    ['json_group_structure', 'SELECT json_group_structure(resource) FROM kubearmor.logs', ['NOT_ALLOWED']],
    [
      'a structure of great depth',
      `SELECT from_json('[]', '${'['.repeat(5000)}"INTEGER"${']'.repeat(5000)}')`,
      ['NOT_ALLOWED'],
    ],
    ['a computed structure', "SELECT json_transform('[]', $1)", ['NOT_ALLOWED'], ['["INTEGER"]']],
    ['a path of wildcards', `SELECT json_extract('{}', '$${'.*'.repeat(40_000)}')`, ['NOT_ALLOWED']],
    [
      'a path of wildcards behind ->',
      `SELECT resource -> '$${'.*'.repeat(40_000)}' FROM kubearmor.logs`,
      ['NOT_ALLOWED'],
    ],
    ['deep JSON as VARIANT', 'SELECT $1::JSON::VARIANT', ['NOT_ALLOWED'], ['['.repeat(140_000) + ']'.repeat(140_000)]],
    ['BIGNUM', `SELECT '${'9'.repeat(90_000)}'::BIGNUM::DOUBLE`, ['NOT_ALLOWED']],
    ['a name of 45,000 parts', `SELECT x${'.x'.repeat(45_000)} FROM (SELECT 1 AS x)`, ['NOT_ALLOWED']],
    ['GLOB with many * and a class', `SELECT s GLOB '${wild('*a')}[b]' FROM ${text('a', 2000)}`, ['NOT_ALLOWED']],
    [
      'NOT ILIKE ESCAPE with many % and a letter',
      `SELECT s NOT ILIKE '${wild('%a')}' ESCAPE 'x' FROM ${text('a', 2000)}`,
      ['NOT_ALLOWED'],
    ],
    ['thousands of marks', `SELECT nfc_normalize(string_agg(m, '')) FROM ${marks}, range(50000)`, ['LIMIT_EXCEEDED']],
    [
      'thousands of marks in a collation',
      `SELECT s COLLATE NFC < 'a' FROM (SELECT 'a' || string_agg(m, '') AS s FROM ${marks}, range(50000))`,
      ['LIMIT_EXCEEDED'],
    ],
    [
      'a regular expression of each row',
      `SELECT count(*) FROM range(6000) r(i) WHERE regexp_matches('a', '(' || i || '|x){900}')`,
      ['LIMIT_EXCEEDED'],
    ],
    [
      'classes in a regular expression of each row',
      String.raw`SELECT count(*) FROM range(6000) r(i) WHERE regexp_extract('a', '\pL\pL\pL' || i) = 'a'`,
      ['LIMIT_EXCEEDED'],
    ],
    [
      'a long regular expression of each row',
      `SELECT count(*) FROM range(6000) r(i) WHERE regexp_full_match('a', i || '${'.a'.repeat(1000)}')`,
      ['LIMIT_EXCEEDED'],
    ],
    [
      'a regular expression that repeats by number',
      `SELECT regexp_matches(s, '(a?){1000}b') FROM ${text('a', 1_000_000)}`,
      ['LIMIT_EXCEEDED'],
    ],
    [
      'the same as a parameter',
      `SELECT regexp_matches(s, $1) FROM ${text('a', 1_000_000)}`,
      ['NOT_ALLOWED'],
      ['(ab?){1000}b'],
    ],
    [
      'a computed regular expression as a method',
      "SELECT s.regexp_matches(s) FROM (VALUES ('a')) v(s)",
      ['NOT_ALLOWED'],
    ],
    [
      'thousands of filters',
      `SELECT ${listed(1500, (i) => `count(*) FILTER (WHERE pid = ${i})`)} FROM kubearmor.logs`,
      ['NOT_ALLOWED'],
    ],
    [
      'thousands of stars',
      `SELECT count(*) FROM (SELECT ${listed(1500, () => '*')} FROM kubearmor.logs)`,
      ['NOT_ALLOWED'],
    ],
    [
      'levenshtein of each row',
      `SELECT max(levenshtein(s, s || i)) FROM ${text('a', 400)}, range(100000) r(i)`,
      ['LIMIT_EXCEEDED'],
    ],
    ['a parameter with _ and many %', `SELECT s LIKE $1 FROM ${text('a', 2000)}`, ['NOT_ALLOWED'], [wild('%_a')]],
    [
      'LIKE with thousands of %',
      `SELECT s LIKE '${'%_a'.repeat(5000)}b' FROM ${text('a', 1_000_000)}`,
      ['NOT_ALLOWED'],
    ],
    [
      'GLOB with thousands of *',
      `SELECT s GLOB '${'*a'.repeat(5000)}b*c' FROM ${text('a', 1_000_000)}`,
      ['NOT_ALLOWED'],
    ],
    [
      'a computed pattern of each row over long texts',
      `SELECT count(*) FROM ${text('a', 20_000)}, range(3000) r(i) WHERE s GLOB '*a*b' || i`,
      ['LIMIT_EXCEEDED'],
    ],
    [
      'a computed pattern',
      `SELECT s LIKE p FROM ${text('a', 2000)}, (VALUES ('${wild('%a')}')) v(p)`,
      ['LIMIT_EXCEEDED'],
    ],
    [
      'a pattern named in a CTE',
      `WITH p AS (SELECT '${wild('%a')}' AS p) SELECT s ILIKE p FROM ${text('a', 2000)}, p`,
      ['LIMIT_EXCEEDED'],
    ],
    ['levenshtein of long constants', `SELECT levenshtein('${a40k}', '${a40k}b')`, ['LIMIT_EXCEEDED']],
    [
      'levenshtein in a series',
      `SELECT count(*) FROM range(levenshtein('${a40k}', '${a40k}b'))`,
      ['LIMIT_EXCEEDED', 'NOT_ALLOWED'],
    ],
    ['levenshtein of computed texts', `SELECT levenshtein(s, s || 'x') FROM ${text('a', 100_000)}`, ['LIMIT_EXCEEDED']],
    ['damerau_levenshtein', `SELECT damerau_levenshtein(s, s || 'x') FROM ${text('a', 100_000)}`, ['LIMIT_EXCEEDED']],
    ['jaro_similarity', `SELECT jaro_similarity(s, reverse(s)) FROM ${text('abcdef', 100_000)}`, ['LIMIT_EXCEEDED']],
    ['levenshtein as a method', `SELECT s.levenshtein(s) FROM ${text('a', 100_000)}`, ['NOT_ALLOWED']],
    ['a long needle', `SELECT contains(s, right(s, 250000) || 'b') FROM ${text('a', 500_000)}`, ['LIMIT_EXCEEDED']],
    [
      'all matches of a pattern that reads on',
      `SELECT regexp_extract_all(s, 'a.*b|a') FROM ${text('a', 300_000)}`,
      ['LIMIT_EXCEEDED'],
    ],
    [
      'a replacement everywhere',
      `SELECT regexp_replace(s, '.*?', '${'y'.repeat(3000)}', 'g') FROM ${text('a', 1_000_000)}`,
      ['LIMIT_EXCEEDED'],
    ],
    ['lambdas within lambdas', nested(9), ['NOT_ALLOWED']],
    ['a list through itself', `SELECT list_transform(l, x -> list_sum(l)) FROM ${list(1_000_000)}`, ['LIMIT_EXCEEDED']],
    [
      'a list reduced',
      `SELECT list_reduce(list_transform(l, x -> 'xxxxxxxxxx'), (a, b) -> a || b) FROM ${list(100_000)}`,
      ['LIMIT_EXCEEDED'],
    ],
    ['lists crossed', `SELECT list_intersect(l, l) FROM ${list(1_000_000)}`, ['LIMIT_EXCEEDED']],
    ['a large map', `SELECT map(l, l) FROM ${list(400_000)}`, ['LIMIT_EXCEEDED']],
    ['maps joined', `SELECT map_concat(map(l, l), map(l, l)) FROM ${list(10_000)}`, ['LIMIT_EXCEEDED']],
    ['CTEs that double', doubled('NOT MATERIALIZED'), ['NOT_ALLOWED']],
    ['4,000 CTEs', `WITH ${listed(4000, (i) => `c${i} AS (SELECT 1)`)} SELECT 1`, ['NOT_ALLOWED']],
    [
      'a hundred tables joined',
      joined(100, (left, right) => (left === right + 1 ? `l${left}.seq = l${right}.seq` : null)),
      ['NOT_ALLOWED'],
    ],
    [
      'joins tied each with each',
      joined(30, (left, right) => `l${left}.seq = l${right}.seq + ${left - right}`),
      ['NOT_ALLOWED'],
    ],
    [
      'replace within replace',
      `SELECT length(${'replace('.repeat(9)}'aaaaaaaaaa'${", 'a', 'aaaaaaaaaa')".repeat(9)})`,
      ['NOT_ALLOWED'],
    ],
    [
      'thousands of windows',
      `SELECT ${listed(2000, (i) => `sum(seq) OVER (ORDER BY seq % ${i + 1})`)} FROM kubearmor.logs`,
      ['NOT_ALLOWED'],
    ],
    ['comments within comments', `SELECT 1 ${'/*'.repeat(40_000)}`, ['NOT_ALLOWED']],
    [
      'a long ROLLUP',
      `SELECT 1 FROM kubearmor.logs GROUP BY ROLLUP (${listed(5000, (i) => `seq + ${i}`)})`,
      ['NOT_ALLOWED'],
    ],
    [
      'a CUBE beside many columns',
      `SELECT 1 FROM kubearmor.logs GROUP BY ${listed(300, (i) => `seq + ${i}`)}, CUBE (${listed(15, (i) => `seq - ${i}`)})`,
      ['NOT_ALLOWED'],
    ],
    [
      'a CUBE of 15',
      `SELECT 1 FROM kubearmor.logs GROUP BY CUBE (${listed(15, (i) => `seq - ${i}`)})`,
      ['NOT_ALLOWED'],
    ],
    ['a wide PIVOT', `PIVOT kubearmor.logs ON pid IN (${listed(3000, String)}) USING count(*)`, ['NOT_ALLOWED']],
    ['many UNIONs', listed(600, () => 'SELECT 1', ' UNION ALL '), ['NOT_ALLOWED']],
    [
      'recursion without end',
      'WITH RECURSIVE r(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM r) SELECT max(i) FROM r',
      ['DEADLINE', 'LIMIT_EXCEEDED'],
    ],
    [
      'a text that doubles',
      "WITH RECURSIVE r(x, i) AS (SELECT 'xxxxxxxxxx', 0 UNION ALL SELECT x || x, i + 1 FROM r WHERE i < 40) SELECT max(length(x)) FROM r",
      ['LIMIT_EXCEEDED', 'DEADLINE'],
    ],
    [
      'a series of tiny steps',
      "SELECT count(*) FROM generate_series(TIMESTAMP '1900-01-01', TIMESTAMP '2200-01-01', INTERVAL 1 MICROSECOND)",
      ['NOT_ALLOWED'],
    ],
    ['code as long as texts may be', `SELECT ${'seq+'.repeat(25_000)}1 FROM kubearmor.logs`, ['NOT_ALLOWED']],
    ['the same among texts', `SELECT ${"'a'||".repeat(40_000)}'a'`, ['NOT_ALLOWED']],
    [
      'names that look like a text',
      `SELECT ${'a'.repeat(99_000)} AS "'", 1 AS "${'x'.repeat(2000)}'"`,
      ['NOT_ALLOWED'],
    ],
    ['code in what only looks like a text', `SELECT $$ ' $$ ${'+ 1'.repeat(40_000)} -- '`, ['NOT_ALLOWED']],
    ['code behind an escaped quote', `SELECT E'\\'' ${'+ 1'.repeat(40_000)} -- '`, ['NOT_ALLOWED']],
    ['texts without end', `SELECT '${'a'.repeat(2_000_000)}'`, ['NOT_ALLOWED']],
    ['45,000 brackets', `SELECT ${'('.repeat(45_000)}1${')'.repeat(45_000)}`, ['BAD_QUERY']],
  ])('%s', async (_name, sql, codes, params = []) => {
    const { status, code = '', hint } = await ask(sql, params, codes.includes('DEADLINE') ? 2000 : undefined);
    expect(codes, `${status}`).toContain(code);
    // What is refused is said how to write.
    if (code === 'NOT_ALLOWED') expect(status === 400 && hint !== undefined && hint !== '').toBe(true);
    expect(await node.enginePid()).toBe(engine);
  });
});

describe('SQL that people write', () => {
  it('looks for thousands of hashes, addresses and names', async () => {
    const hashes = Array.from({ length: 10_000 }, (_, index) => String(index).padStart(64, '0'));
    const quoted = hashes.map((hash) => `'${hash}'`).join(', ');
    for (const sql of [
      `SELECT count(*) FROM kubearmor.logs WHERE process_hash IN (${quoted})`,
      `SELECT count(*) FROM kubearmor.logs WHERE process_hash IN (SELECT unnest('[${hashes.join(', ')}]'::VARCHAR[]))`,
      `SELECT count(*) FROM kubearmor.logs WHERE process_hash IN (SELECT unnest(string_split('${hashes.join('\n/* , */')}', '/')))`,
    ]) {
      expect((await node.query(sql)).rows).toEqual([[0]]);
    }
    expect(await ask('SELECT count(*) FROM kubearmor.logs WHERE process_hash IN $1', [hashes])).toMatchObject({
      status: 200,
      rows: [[0]],
    });
  });

  it.each([
    ["SELECT s ILIKE '%A%b%c%' FROM (VALUES ('xaxbxcx')) v(s)", true],
    ["SELECT s NOT ILIKE '%A%b%c%' FROM (VALUES ('xaxbxcx')) v(s)", false],
    ["SELECT s LIKE '%a%b%c%' FROM (VALUES ('xaxbxcx')) v(s)", true],
    ["SELECT s LIKE '%a_b%' FROM (VALUES ('xaxbxcx')) v(s)", true],
    ["SELECT s LIKE p FROM (VALUES ('/bin/curl', '%/curl')) v(s, p)", true],
    ["SELECT s GLOB p FROM (VALUES ('/bin/curl', '*bin*l')) v(s, p)", true],
    [`SELECT s LIKE p || '%' FROM ${text('a', 20_000)}, (VALUES ('%a')) v(p)`, true],
    ["SELECT contains('aaa', left(s, 3)) FROM (SELECT string_agg('a', '') AS s FROM range(20000))", true],
    ["SELECT s GLOB '*/bin/*sh' FROM (VALUES ('/usr/bin/bash')) v(s)", true],
    ["SELECT s LIKE 'a%b_c%d' FROM (VALUES ('a-b-c-d')) v(s)", true],
    ["SELECT NOT s ILIKE 'A%b_c%d' ESCAPE '!' FROM (VALUES ('a-b-c-d')) v(s)", false],
    [`SELECT s GLOB '${'*a'.repeat(20)}*b' FROM ${text('a', 2000)}`, false],
    [`SELECT s LIKE '${'%_a'.repeat(20)}b' FROM ${text('a', 2000)}`, false],
    [`SELECT s NOT ILIKE '${'%a'.repeat(20)}b' ESCAPE '!' FROM ${text('a', 2000)}`, true],
    ["SELECT regexp_matches(s, '^(\\d{1,3}\\.){3}\\d{1,3}$') FROM (VALUES ('10.0.0.1')) v(s)", true],
    ["SELECT regexp_matches(s, '[0-9a-f]{64}') FROM (VALUES ('x')) v(s)", false],
    ["SELECT regexp_matches(s, p) FROM (VALUES ('/bin/curl', '/curl$')) v(s, p)", true],
    ["SELECT regexp_matches(s, p) FROM (VALUES ('10.0.0.1', '^[0-9]{1,3}[.][0-9]{1,3}[.]')) v(s, p)", true],
    ["SELECT s.regexp_matches('cur.') FROM (VALUES ('curl')) v(s)", true],
    ["SELECT nfc_normalize(s) FROM (VALUES ('é')) v(s)", 'é'],
    ["SELECT s COLLATE NFC = 'é' FROM (VALUES ('é')) v(s)", true],
    ["SELECT s GLOB '*/curl' FROM (VALUES ('/bin/curl')) v(s)", true],
    ["SELECT levenshtein(s, 'curl') FROM (VALUES ('cur1')) v(s)", 1],
    [
      "SELECT list_reduce(list_transform(string_split(s, '.'), x -> x::INTEGER), (a, b) -> a * 256 + b) FROM (VALUES ('1.2')) v(s)",
      258,
    ],
    ["SELECT len(list_filter(['a', 'b', 'c'], x -> contains(s, x))) FROM (VALUES ('ab')) v(s)", 2],
    ['SELECT len(list_transform([[1], [2, 3]], x -> list_transform(x, y -> y + 1))) AS n', 2],
    ["SELECT len(regexp_extract_all(s, '[a-z]+=(\\w+)')) FROM (VALUES ('a=1 b=2')) v(s)", 2],
    ["SELECT json_extract_string(s, '$.a') FROM (VALUES ('{\"a\": 1}')) v(s)", '1'],
    ["SELECT map_concat(MAP {'a': 1}, MAP {'b': 2})['b']", 2],
  ])('%s', async (sql, value) => {
    const answer = await node.query(sql);
    expect(answer.rows?.[0]?.[0], JSON.stringify(answer)).toBe(value);
  });

  it.each<[string, (readonly unknown[])?]>([
    ['SELECT lag(range, -9223372036854775808) OVER () FROM range(3)'],
    ['SELECT lead(range, -9223372036854775808) OVER () FROM range(3)'],
    ['SELECT lag(range, $1) OVER () FROM range(3)', ['-9223372036854775808']],
    ['SELECT lead(range, (-9223372036854775807 - 1)::BIGINT) OVER () FROM range(3)'],
    ['SELECT lag(range, o) OVER () FROM range(3), (VALUES (-9223372036854775808)) v(o)'],
    ['SELECT lag(range, NULL) OVER () FROM range(3)'],
  ])('as far back as there is no row: %s', async (sql, params) => {
    expect(await ask(sql, params)).toMatchObject({ status: 200, rows: [[null], [null], [null]] });
    expect(await node.enginePid()).toBe(engine);
  });

  it('an offset that is a parameter or column', async () => {
    const sql =
      'SELECT lag(i, $1) OVER (ORDER BY i) AS a, lead(i, -i) OVER (ORDER BY i), lag(i, $1) OVER () FROM range(3) r(i)';
    const { schema, ...answer } = await ask(sql, [1]);
    expect(answer).toMatchObject({
      rows: [
        [null, 0, null],
        [0, 0, 0],
        [1, 0, 1],
      ],
    });
    expect(schema?.map(({ name }) => name)).toEqual(['a', 'lead(i, -(i)) OVER (ORDER BY i)', 'lag(i, $1) OVER ()']);
  });

  it('keeps its column names', async () => {
    const { schema } = await node.query(
      "SELECT levenshtein(s, s), s ILIKE '%a%b%', s LIKE 'a%_%b', s FROM (VALUES ('a')) v(s)",
    );
    expect(schema.map(({ name }) => name)).toEqual(['levenshtein(s, s)', "(s ~~* '%a%b%')", "(s ~~ 'a%_%b')", 's']);
  });
});

it.runIf(process.env['ARMORLAKE_TEST_LONG'] === '1')(
  'no allowed function crashes over deeply nested JSON',
  { timeout: 900_000 },
  async () => {
    const deep = ['['.repeat(140_000) + ']'.repeat(140_000), `${'{"a":'.repeat(140_000)}1${'}'.repeat(140_000)}`];
    for (const name of allowedFunctions) {
      if (!/^[a-z_0-9]+$/.test(name)) continue;
      for (const call of ['t', 't::JSON', 't, t', "t, 'a'", "'a', t"]) {
        for (const value of deep) await ask(`SELECT ${name}(${call}) FROM (SELECT $1::VARCHAR AS t)`, [value]);
      }
      expect(await node.enginePid(), name).toBe(engine);
    }
  },
);
