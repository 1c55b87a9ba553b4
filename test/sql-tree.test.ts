import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  freezeMoments,
  limitRows,
  parseTree,
  printStatement,
  printTree,
  readSerialized,
  replaceTables,
} from '../backend/src/engine/index.js';
import type { TreeRecord } from '../backend/src/engine/index.js';
import { isRecord } from '../backend/src/engine/sql/index.js';
import { QueryLake } from './support/query-lake.js';

// DuckDB's tree is an internal format: these tests say loudly when a new version changes what we build on.
let lake: QueryLake;

beforeAll(async () => {
  lake = await QueryLake.open();
});

afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

async function ask(sql: string, value: string): Promise<string> {
  return String((await lake.connection.runAndReadAll(sql, [value])).getRows()[0]?.[0]);
}

const serialized = (sql: string): Promise<string> => ask('SELECT json_serialize_sql($1::VARCHAR)', sql);
const deserialized = (tree: string): Promise<string> => ask('SELECT json_deserialize_sql($1::VARCHAR::JSON)', tree);

async function statementOf(sql: string): Promise<TreeRecord> {
  const answer = readSerialized(await serialized(sql));
  const [statement] = answer.ok ? answer.statements : [];
  if (statement === undefined) throw new Error(`no tree of ${sql}`);
  return statement;
}

describe('a tree goes through us unchanged', () => {
  it.each([
    'SELECT 18446744073709551615, 9007199254740993, -9223372036854775808, 170141183460469231731687303715884105727',
    'SELECT 10.0::DOUBLE, 1e10, 1.5, 1.234567890123456789, 0.1',
    "SELECT '{\"#\":\"12\"}', 'it''s \\ \" \t', $1, ?",
    'SELECT * FROM kubearmor.logs TABLESAMPLE 10%',
    'WITH a AS (SELECT 1) SELECT count(*) FILTER (WHERE x > 1) OVER (PARTITION BY y ORDER BY z ROWS 3 PRECEDING) FROM a GROUP BY ROLLUP (x) HAVING y QUALIFY z ORDER BY 1 DESC NULLS LAST LIMIT 5 OFFSET 2',
    "PIVOT kubearmor.logs ON host IN ('a', 'b') USING count(*) GROUP BY namespace",
    'WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT * EXCLUDE (x) REPLACE (1 AS y) FROM r',
  ])('%s', async (sql) => {
    const text = await serialized(sql);
    expect(printTree(parseTree(text))).toBe(text);
    expect(await deserialized(printStatement(await statementOf(sql)))).toBe(await deserialized(text));
  });
});

it('the tree of a SELECT is the one we know', async () => {
  expect(await statementOf('SELECT host AS h FROM kubearmor.logs AS l WHERE seq > 7 LIMIT 1')).toMatchInlineSnapshot(`
    {
      "named_param_map": [],
      "node": {
        "aggregate_handling": "STANDARD_HANDLING",
        "cte_map": {
          "map": [],
        },
        "from_table": {
          "alias": "l",
          "at_clause": null,
          "catalog_name": "",
          "column_name_alias": [],
          "query_location": 22,
          "sample": null,
          "schema_name": "kubearmor",
          "table_name": "logs",
          "type": "BASE_TABLE",
        },
        "group_expressions": [],
        "group_sets": [],
        "having": null,
        "modifiers": [
          {
            "limit": {
              "alias": "",
              "class": "CONSTANT",
              "query_location": 62,
              "type": "VALUE_CONSTANT",
              "value": {
                "is_null": false,
                "type": {
                  "id": "INTEGER",
                  "type_info": null,
                },
                "value": 1,
              },
            },
            "offset": null,
            "type": "LIMIT_MODIFIER",
          },
        ],
        "qualify": null,
        "sample": null,
        "select_list": [
          {
            "alias": "h",
            "class": "COLUMN_REF",
            "column_names": [
              "host",
            ],
            "query_location": 7,
            "type": "COLUMN_REF",
          },
        ],
        "type": "SELECT_NODE",
        "where_clause": {
          "alias": "",
          "class": "COMPARISON",
          "left": {
            "alias": "",
            "class": "COLUMN_REF",
            "column_names": [
              "seq",
            ],
            "query_location": 48,
            "type": "COLUMN_REF",
          },
          "query_location": 52,
          "right": {
            "alias": "",
            "class": "CONSTANT",
            "query_location": 54,
            "type": "VALUE_CONSTANT",
            "value": {
              "is_null": false,
              "type": {
                "id": "INTEGER",
                "type_info": null,
              },
              "value": 7,
            },
          },
          "type": "COMPARE_GREATERTHAN",
        },
      },
    }
  `);
});

describe('rewriting', () => {
  const text = async (statement: TreeRecord): Promise<string> => deserialized(printStatement(statement));

  it('freezes every form of now() and keeps the names', async () => {
    const statement = await statementOf(
      'SELECT now(), current_date AS d FROM kubearmor.logs WHERE time > now() - INTERVAL 1 HOUR',
    );
    const node = statement['node'];
    const items = isRecord(node) && Array.isArray(node['select_list']) ? (node['select_list'] as TreeRecord[]) : [];
    const [first] = items;
    if (first === undefined) throw new Error('no item');
    const frozen = freezeMoments(statement, '2026-01-31 12:00:00.123456', new Map([[first, 'now()']]));
    expect(await text(frozen)).toBe(
      "SELECT CAST('2026-01-31 12:00:00.123456' AS TIMESTAMP) AS \"now()\", CAST('2026-01-31' AS DATE) AS d FROM kubearmor.logs WHERE (\"time\" > (CAST('2026-01-31 12:00:00.123456' AS TIMESTAMP) - to_hours(CAST(trunc(CAST(1 AS DOUBLE)) AS BIGINT))))",
    );
  });

  it.each([
    ['SELECT 1', 'SELECT 1 LIMIT 11'],
    ['SELECT 1 LIMIT 5', 'SELECT 1 LIMIT 5'],
    ['SELECT 1 LIMIT 50 OFFSET 3', 'SELECT 1 LIMIT 11 OFFSET 3'],
    ['SELECT 1 LIMIT ALL', 'SELECT 1 LIMIT 11'],
    ['SELECT 1 LIMIT 50%', 'SELECT 1 LIMIT (50) %'],
    ['SELECT 1 LIMIT $1', 'SELECT 1 LIMIT $1'],
    ['SELECT 1 UNION SELECT 2', '(SELECT 1) UNION (SELECT 2) LIMIT 11'],
    ['SELECT a FROM (SELECT 1 AS a LIMIT 99) ORDER BY a', 'SELECT a FROM (SELECT 1 AS a LIMIT 99) ORDER BY a LIMIT 11'],
  ])('limits %s', async (sql, limited) => {
    expect(await text(limitRows(await statementOf(sql), 11))).toBe(limited);
  });

  it('puts a query in the place of a table, under its name or alias', async () => {
    const source = (await statementOf('SELECT * FROM kubearmor.logs WHERE seq > 5'))['node'];
    if (!isRecord(source)) throw new Error('no node');
    const sources = new Map([['kubearmor.logs', source]]);
    const replaced = async (sql: string): Promise<string> => text(replaceTables(await statementOf(sql), sources));
    const query = '(SELECT * FROM kubearmor.logs WHERE (seq > 5))';
    expect(await replaced('SELECT kubearmor.logs.host FROM KubeArmor.logs')).toBe(
      `SELECT logs.host FROM ${query} AS logs`,
    );
    expect(await replaced('SELECT a.host FROM kubearmor.logs a(x), kubearmor.alerts')).toBe(
      `SELECT a.host FROM ${query} AS a(x) , kubearmor.alerts`,
    );
    // A CTE of the name stays one.
    expect(await replaced('WITH logs AS (SELECT 1) SELECT * FROM logs')).toBe(
      'WITH logs AS (SELECT 1)SELECT * FROM logs',
    );
  });
});
