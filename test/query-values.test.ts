import { Vector, tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QueryLake } from './support/query-lake.js';

let lake: QueryLake;

beforeAll(async () => {
  lake = await QueryLake.open();
});

afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

/** SQL expressions, the JSON text of the value, and DuckDB's name of the type. */
const values: readonly (readonly [sql: string, json: string, type: string])[] = [
  ['NULL::INTEGER', 'null', 'INTEGER'],
  ['true', 'true', 'BOOLEAN'],
  ['false', 'false', 'BOOLEAN'],
  ['(-128)::TINYINT', '-128', 'TINYINT'],
  ['255::UTINYINT', '255', 'UTINYINT'],
  ['(-32768)::SMALLINT', '-32768', 'SMALLINT'],
  ['65535::USMALLINT', '65535', 'USMALLINT'],
  ['(-2147483648)::INTEGER', '-2147483648', 'INTEGER'],
  ['4294967295::UINTEGER', '4294967295', 'UINTEGER'],
  ['9007199254740991::BIGINT', '9007199254740991', 'BIGINT'],
  ['9007199254740992::BIGINT', '"9007199254740992"', 'BIGINT'],
  ['(-9007199254740991)::BIGINT', '-9007199254740991', 'BIGINT'],
  ['(-9007199254740992)::BIGINT', '"-9007199254740992"', 'BIGINT'],
  ['(-9223372036854775808)::BIGINT', '"-9223372036854775808"', 'BIGINT'],
  ['18446744073709551615::UBIGINT', '"18446744073709551615"', 'UBIGINT'],
  ['7::UBIGINT', '7', 'UBIGINT'],
  ['170141183460469231731687303715884105727::HUGEINT', '"170141183460469231731687303715884105727"', 'HUGEINT'],
  ['7::HUGEINT', '7', 'HUGEINT'],
  ['340282366920938463463374607431768211455::UHUGEINT', '"340282366920938463463374607431768211455"', 'UHUGEINT'],
  ['1.50::DECIMAL(4, 2)', '"1.50"', 'DECIMAL(4,2)'],
  ['(-0.05)::DECIMAL(9, 2)', '"-0.05"', 'DECIMAL(9,2)'],
  ['123456789012.3456::DECIMAL(18, 4)', '"123456789012.3456"', 'DECIMAL(18,4)'],
  [
    '1234567890123456789012345678.9012345678::DECIMAL(38, 10)',
    '"1234567890123456789012345678.9012345678"',
    'DECIMAL(38,10)',
  ],
  ['1e3', '1000', 'DOUBLE'],
  ['-1e3', '-1000', 'DOUBLE'],
  ['1.', '"1"', 'DECIMAL(1,0)'],
  ['0.1e0 + 0.2e0', '0.30000000000000004', 'DOUBLE'],
  ['0.1e0 + 0.2e0 = 0.3e0', 'false', 'BOOLEAN'],
  ['1e10 * 1e10 * 1e10 * 1e10', '1e+40', 'DOUBLE'],
  ['7 * 1e-3', '0.007', 'DOUBLE'],
  ['123456789012345678901234567890123456789.5', '1.2345678901234568e+38', 'DOUBLE'],
  ["'0.1'::DOUBLE", '0.1', 'DOUBLE'],
  ["'1e300'::DOUBLE", '1e+300', 'DOUBLE'],
  ["'-0'::DOUBLE", '-0', 'DOUBLE'],
  ["'NaN'::DOUBLE", '"NaN"', 'DOUBLE'],
  ["'Infinity'::DOUBLE", '"Infinity"', 'DOUBLE'],
  ["'-Infinity'::DOUBLE", '"-Infinity"', 'DOUBLE'],
  ["'0.1'::FLOAT", '0.1', 'FLOAT'],
  ["'NaN'::FLOAT", '"NaN"', 'FLOAT'],
  ["'-Infinity'::FLOAT", '"-Infinity"', 'FLOAT'],
  ["TIMESTAMP '1970-01-01 00:00:00'", '"1970-01-01T00:00:00.000000Z"', 'TIMESTAMP'],
  ["TIMESTAMP '1969-12-31 23:59:59.999999'", '"1969-12-31T23:59:59.999999Z"', 'TIMESTAMP'],
  ["TIMESTAMP '2300-06-30 12:34:56.000001'", '"2300-06-30T12:34:56.000001Z"', 'TIMESTAMP'],
  ["TIMESTAMP '0001-01-01 00:00:00.123456'", '"0001-01-01T00:00:00.123456Z"', 'TIMESTAMP'],
  ["TIMESTAMP '9999-12-31 23:59:59.999999'", '"9999-12-31T23:59:59.999999Z"', 'TIMESTAMP'],
  ["'0045-03-15 (BC) 12:00:00'::TIMESTAMP", '"-000044-03-15T12:00:00.000000Z"', 'TIMESTAMP'],
  ["'infinity'::TIMESTAMP", '"infinity"', 'TIMESTAMP'],
  ["'-infinity'::TIMESTAMP", '"-infinity"', 'TIMESTAMP'],
  ["'2026-01-31 12:00:00+02'::TIMESTAMPTZ", '"2026-01-31T10:00:00.000000Z"', 'TIMESTAMP WITH TIME ZONE'],
  ["'2026-01-31 12:00:01'::TIMESTAMP_S", '"2026-01-31T12:00:01.000000Z"', 'TIMESTAMP_S'],
  ["'2026-01-31 12:00:01.25'::TIMESTAMP_MS", '"2026-01-31T12:00:01.250000Z"', 'TIMESTAMP_MS'],
  ["'2026-01-31 12:00:01.000000001'::TIMESTAMP_NS", '"2026-01-31T12:00:01.000000001Z"', 'TIMESTAMP_NS'],
  ["DATE '2026-01-31'", '"2026-01-31"', 'DATE'],
  ["DATE '2300-01-01'", '"2300-01-01"', 'DATE'],
  ["TIME '12:34:56.789'", '"12:34:56.789"', 'TIME'],
  ["INTERVAL '1 year 2 days 03:04:05'", '"1 year 2 days 03:04:05"', 'INTERVAL'],
  ["'f7a11421-2584-4dd2-a60d-bc51d211a23f'::UUID", '"f7a11421-2584-4dd2-a60d-bc51d211a23f"', 'UUID'],
  ["'10101'::BIT", '"10101"', 'BIT'],
  ["'a'::ENUM('a', 'b')", '"a"', "ENUM('a', 'b')"],
  ['union_value(k := 7)', '"7"', 'UNION("k" INTEGER)'],
  ["''", '""', 'VARCHAR'],
  ["'short'", '"short"', 'VARCHAR'],
  ["'a text that is longer than twelve bytes'", '"a text that is longer than twelve bytes"', 'VARCHAR'],
  ["'quote \" backslash \\ tab \t line \n é 𝄞'", JSON.stringify('quote " backslash \\ tab \t line \n é 𝄞'), 'VARCHAR'],
  ["chr(0) || 'after NUL'", '"\\u0000after NUL"', 'VARCHAR'],
  ["chr(8238) || 'rtl' || chr(27) || '[31m'", '"\u202ertl\\u001b[31m"', 'VARCHAR'],
  ["'\\x00\\xFF\\x10'::BLOB", '"AP8Q"', 'BLOB'],
  ["''::BLOB", '""', 'BLOB'],
  ['[1, NULL, 3]', '[1,null,3]', 'INTEGER[]'],
  ['[]::INTEGER[]', '[]', 'INTEGER[]'],
  ['[[1], [], NULL, [2, 3]]', '[[1],[],null,[2,3]]', 'INTEGER[][]'],
  [
    "['a', NULL, 'a text that is longer than twelve bytes']",
    '["a",null,"a text that is longer than twelve bytes"]',
    'VARCHAR[]',
  ],
  ['[1.5::DECIMAL(3, 1), 9007199254740993::DECIMAL(18, 1)]', '["1.5","9007199254740993.0"]', 'DECIMAL(18,1)[]'],
  ['[1, 2]::INTEGER[2]', '[1,2]', 'INTEGER[2]'],
  ["{'a': 1, 'b': 'x', 'c': NULL}", '{"a":1,"b":"x","c":null}', 'STRUCT("a" INTEGER, "b" VARCHAR, "c" INTEGER)'],
  [
    "{'__proto__': 1, '2': 2, '1': 3}",
    '{"__proto__":1,"2":2,"1":3}',
    'STRUCT("__proto__" INTEGER, "2" INTEGER, "1" INTEGER)',
  ],
  ["MAP {'b': 1, 'a': NULL}", '{"b":1,"a":null}', 'MAP(VARCHAR, INTEGER)'],
  ["MAP {2: 'x', 1: 'y'}", '{"2":"x","1":"y"}', 'MAP(INTEGER, VARCHAR)'],
  ["MAP {TIMESTAMP '2026-01-31 00:00:00': [1]}", '{"2026-01-31T00:00:00.000000Z":[1]}', 'MAP(TIMESTAMP, INTEGER[])'],
  ['MAP {}::MAP(VARCHAR, VARCHAR)', '{}', 'MAP(VARCHAR, VARCHAR)'],
  [
    "[{'m': MAP {'k': [TIMESTAMP '2300-01-01']}, 'h': 9007199254740993}]",
    '[{"m":{"k":["2300-01-01T00:00:00.000000Z"]},"h":"9007199254740993"}]',
    'STRUCT("m" MAP(VARCHAR, TIMESTAMP[]), "h" BIGINT)[]',
  ],
];

describe('JSON', () => {
  it.each(values)('%s is %s', async (sql, json, type) => {
    // One valid and one NULL row, so that the validity bits count too.
    const text = `SELECT v FROM range(2) r(i) LEFT JOIN (SELECT ${sql} AS v) ON i = 1 ORDER BY i`;
    const limits = { rows: 10, bytes: 1e6, timeoutMs: 10_000 };
    const answer = await lake.call('query', { queryId: 'v', sql: text, limits });
    expect(answer.body.toString()).toBe(`[null],[${json}]`);
    expect((answer.head as { schema: unknown }).schema).toEqual([{ name: 'v', type }]);
  });
});

const limits = { rows: 100_000, bytes: 64 << 20, timeoutMs: 30_000 };

/** An Arrow value in the forms of JSON answers. */
function plain(value: unknown, type: string): unknown {
  if (value === null || value === undefined) return null;
  if (value instanceof Vector) return [...value].map((each) => plain(each, type.replace(/\[\d*\]$/, '')));
  if (typeof value === 'bigint') {
    return value > 9007199254740991n || value < -9007199254740991n ? String(value) : Number(value);
  }
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value;
}

it('Arrow equals JSON, column by column', async () => {
  // Times are numbers in Arrow, nested maps and structs are compared below.
  const scalars = values.filter(([, , type]) => !/TIMESTAMP|STRUCT|MAP/.test(type));
  const list = scalars.map(([sql], index) => `${sql} AS c${index}`).join(', ');
  const sql = `SELECT t.* FROM range(3) r(i) LEFT JOIN (SELECT ${list}) t ON i > 0 ORDER BY i`;
  const json = JSON.parse(
    `[${(await lake.call('query', { queryId: 'j', sql, limits })).body.toString()}]`,
  ) as unknown[][];
  const table = tableFromIPC((await lake.call('query', { queryId: 'a', sql, limits, format: 'arrow' })).body);
  expect(table.numRows).toBe(3);
  for (const [index, [expression, , type]] of scalars.entries()) {
    const column = table.getChildAt(index);
    const got = [0, 1, 2].map((row) => plain(column?.get(row), type));
    const wanted = json.map((row) => row[index]);
    if (type === 'FLOAT')
      expect(got.map((each) => (typeof each === 'number' ? Number(each.toPrecision(7)) : each))).toEqual(wanted);
    // Large integers of 128 bits, and other types without an Arrow form, are text there.
    else
      expect(
        got.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))),
        expression,
      ).toEqual(wanted.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))));
    expect(table.schema.fields[index]?.metadata.get('duckdb.type')).toBe(type);
  }
});

it('Arrow has times in µs, lists, maps and structs, over many chunks', async () => {
  const sql = `SELECT i, make_timestamp(i::BIGINT * 1000001) AS t, 's' || repeat_text AS s, [i, i + 1] AS l,
    MAP {'k' || i: i} AS m, {'a': i, 'b': ['x' || i]} AS st, CASE WHEN i % 3 = 0 THEN NULL ELSE i END AS n
    FROM range(5000) r(i), (SELECT 'a text that is longer than twelve bytes' AS repeat_text) WHERE i % 7 <> 0 ORDER BY i`;
  const answer = await lake.call('query', { queryId: 'a', sql, limits, format: 'arrow' });
  const table = tableFromIPC(answer.body);
  const json = JSON.parse(`[${(await lake.call('query', { queryId: 'j', sql, limits })).body.toString()}]`) as [
    number,
    string,
    string,
    number[],
    Record<string, number>,
    { a: number; b: string[] },
    number | null,
  ][];
  expect(table.numRows).toBe(json.length);
  expect(answer.tail).toMatchObject({ rows: json.length, truncated: false });
  for (const [row, [i, t, s, l, m, st, n]] of json.entries()) {
    const got = table.get(row);
    if (got === null) throw new Error('no row');
    expect(Number(got['i'])).toBe(i);
    expect(Math.floor(Number(got['t']))).toBe(Date.parse(t));
    expect(got['s']).toBe(s);
    expect([...(got['l'] as Iterable<bigint>)].map(Number)).toEqual(l);
    expect(Object.fromEntries([...(got['m'] as Iterable<[string, bigint]>)].map(([k, v]) => [k, Number(v)]))).toEqual(
      m,
    );
    const struct = got['st'] as { a: bigint; b: Iterable<string> };
    expect({ a: Number(struct.a), b: [...struct.b] }).toEqual(st);
    expect(got['n'] === null ? null : Number(got['n'])).toBe(n);
  }
});

it('an Arrow answer without rows still has its schema', async () => {
  const sql = 'SELECT 1 AS a WHERE false';
  const table = tableFromIPC((await lake.call('query', { queryId: 'a', sql, limits, format: 'arrow' })).body);
  expect(table.schema.fields.map((field) => field.name)).toEqual(['a']);
  expect(table.numRows).toBe(0);
});
