import type { DuckDBConnection, DuckDBPreparedStatement } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ArmorlakeError } from '../../backend/src/core/index.js';
import type { TreeRecord } from '../../backend/src/engine/index.js';
import {
  contain,
  forPrinter,
  isPrintOf,
  printStatement,
  readSerialized,
  visit,
} from '../../backend/src/engine/index.js';
import { beginRead, withSelect } from '../../backend/src/engine/execute/prepare.js';
import { hostileNames, nameBearing, randomTree, textsIn, withValue } from '../support/hostile-trees.js';
import { QueryLake } from '../support/query-lake.js';
import { Random } from '../support/random.js';

const seed = Number(process.env['ARMORLAKE_FUZZ_SEED'] ?? 20260701);
const trees = Number(process.env['ARMORLAKE_FUZZ_TREES'] ?? (process.env['ARMORLAKE_TEST_LONG'] ? 1_000_000 : 1_000));

const known = ['t', 'u', 'v', 'w', 'x', 'z'].map((name) => ({ schema: 's', name }));
const canary = 'SELECT count(*), sum(a) FROM canary.kept';

let lake: QueryLake;
let connection: DuckDBConnection;
let print: DuckDBPreparedStatement;
let parse: DuckDBPreparedStatement;
let seeds: readonly TreeRecord[];

beforeAll(async () => {
  lake = await QueryLake.open();
  ({ connection } = lake);
  await connection.run('CREATE SCHEMA canary');
  await connection.run('CREATE TABLE canary.kept AS SELECT i AS a FROM range(7) r(i)');
  await connection.run('CREATE SCHEMA s');
  for (const { name } of known) {
    await connection.run(`CREATE TABLE s.${name} (a INTEGER, b INTEGER, c INTEGER, d VARCHAR, e INTEGER, f INTEGER)`);
    await connection.run(`INSERT INTO s.${name} VALUES (1, 2, 3, 'x', 4, 5)`);
  }
  print = await connection.prepare('SELECT json_deserialize_sql($1::VARCHAR::JSON)');
  parse = await connection.prepare('SELECT json_serialize_sql($1::VARCHAR)');
  seeds = await Promise.all(nameBearing.map(async (sql) => inSchema(statementOf(await ask(parse, sql)))));
});

afterAll(async () => {
  print.destroySync();
  parse.destroySync();
  await lake[Symbol.asyncDispose]();
});

/** Containment knows tables of a schema only; what stays bare is a CTE. */
function inSchema(statement: TreeRecord): TreeRecord {
  return visit(statement, 'statement', {
    leave: (record, kind) =>
      kind === 'table' && record['schema_name'] === '' && known.some(({ name }) => name === record['table_name'])
        ? { ...record, schema_name: 's' }
        : record,
  });
}

let asking: Promise<unknown> = Promise.resolve();

/** One after the other: two at once on one connection have crashed DuckDB. */
function ask(prepared: DuckDBPreparedStatement, text: string): Promise<string> {
  const answer = asking.then(async () => {
    prepared.bindVarchar(1, text);
    return String((await prepared.runAndReadAll()).getRows()[0]?.[0]);
  });
  asking = answer.catch(() => undefined);
  return answer;
}

function statementOf(serialized: string): TreeRecord {
  const read = readSerialized(serialized);
  const [statement] = read.ok ? read.statements : [];
  if (statement === undefined) throw new Error(`no statement: ${serialized.slice(0, 200)}`);
  return statement;
}

/** What DuckDB prints, and whether that is the tree; null when it prints nothing. */
async function printed(tree: TreeRecord, given: TreeRecord): Promise<{ text: string; same: boolean } | null> {
  try {
    const text = await ask(print, printStatement(given));
    return { text, same: isPrintOf(tree, await ask(parse, text)) };
  } catch {
    return null;
  }
}

it('the keys whose names DuckDB does not print as names are known, and the quoting mends those that are', async () => {
  const bare = new Set<string>();
  const unmended = new Set<string>();
  const places = new Map(
    seeds.flatMap((tree) => textsIn(tree).map((place) => [place.key, { ...place, tree }] as const)),
  );
  for (const { key, path, tree } of places.values()) {
    for (const name of hostileNames) {
      const hostile = withValue(tree, path, name) as TreeRecord;
      if ((await printed(hostile, hostile))?.same === false) bare.add(key);
      if ((await printed(hostile, forPrinter(hostile)))?.same === false) unmended.add(key);
    }
  }
  expect(places.size).toBeGreaterThan(30);
  expect([...bare].sort()).toMatchInlineSnapshot(`
    [
      "BETWEEN.alias",
      "COMPARISON.alias",
      "CONJUNCTION.alias",
      "CONSTANT.alias",
      "EMPTY.alias",
      "FUNCTION.alias",
      "FUNCTION.catalog",
      "FUNCTION.function_name",
      "JOIN.alias",
      "OPERATOR.alias",
      "PARAMETER.alias",
      "PARAMETER.identifier",
      "RECURSIVE_CTE_NODE.aliases",
      "RECURSIVE_CTE_NODE.cte_name",
      "SHOW_REF.alias",
      "SHOW_REF.catalog_name",
      "SHOW_REF.schema_name",
      "SHOW_REF.table_name",
      "STAR.alias",
      "STAR.exclude_list",
      "STAR.relation_name",
      "STRUCT_TYPE_INFO.alias",
      "UNBOUND_TYPE_INFO.alias",
      "UNBOUND_TYPE_INFO.catalog",
      "UNBOUND_TYPE_INFO.schema",
      "WINDOW.alias",
      "WINDOW.catalog",
      "WINDOW.function_name",
      "WINDOW.schema",
      "key.catalog",
      "key.column",
      "key.schema",
      "map.key",
      "pivots.pivot_enum",
      "qualified_exclude_list.catalog",
      "replace_list.key",
      "value.aliases",
    ]
  `);
  expect([...unmended].sort()).toMatchInlineSnapshot(`
    [
      "BETWEEN.alias",
      "COMPARISON.alias",
      "CONJUNCTION.alias",
      "CONSTANT.alias",
      "EMPTY.alias",
      "FUNCTION.alias",
      "FUNCTION.catalog",
      "FUNCTION.function_name",
      "JOIN.alias",
      "OPERATOR.alias",
      "PARAMETER.alias",
      "RECURSIVE_CTE_NODE.aliases",
      "RECURSIVE_CTE_NODE.cte_name",
      "SHOW_REF.alias",
      "SHOW_REF.catalog_name",
      "SHOW_REF.schema_name",
      "SHOW_REF.table_name",
      "STAR.alias",
      "STAR.exclude_list",
      "STAR.relation_name",
      "STRUCT_TYPE_INFO.alias",
      "UNBOUND_TYPE_INFO.alias",
      "UNBOUND_TYPE_INFO.catalog",
      "UNBOUND_TYPE_INFO.schema",
      "WINDOW.alias",
      "WINDOW.catalog",
      "WINDOW.function_name",
      "WINDOW.schema",
      "key.catalog",
      "key.column",
      "key.schema",
      "map.key",
      "pivots.pivot_enum",
      "qualified_exclude_list.catalog",
      "replace_list.key",
      "value.aliases",
    ]
  `);
});

/** None for what its binder refuses. */
function tablesOf(sql: string): readonly string[] {
  try {
    return connection.getTableNames(sql, true);
  } catch {
    return [];
  }
}

/** Functions and tables of a tree: what it can reach. */
function reachOf(tree: TreeRecord): string {
  const reach: string[] = [];
  visit(tree, 'statement', {
    enter(record) {
      for (const key of ['function_name', 'table_name', 'catalog_name']) {
        if (typeof record[key] === 'string' && record[key] !== '') reach.push(`${key} ${record[key]}`);
      }
    },
  });
  return reach.sort().join('\n');
}

it(
  `${trees} random trees: what passes every wall reaches nothing else, and changes nothing`,
  { timeout: 36_000_000 },
  async () => {
    const counts = { trees: 0, contained: 0, printed: 0, accepted: 0, ran: 0 };
    const found: string[] = [];
    for (let index = 0; index < trees; index++) {
      const tree = randomTree(new Random(seed + index), seeds);
      counts.trees += 1;
      try {
        contain('', tree, known);
      } catch (thrown) {
        if (thrown instanceof ArmorlakeError) continue;
        throw thrown;
      }
      counts.contained += 1;
      const answer = await printed(tree, forPrinter(tree));
      if (answer === null) continue;
      counts.printed += 1;
      if (!answer.same) continue;
      counts.accepted += 1;
      // Not by the comparison of the walls: what DuckDB reads has to pass containment itself, and reach the same.
      const read = readSerialized(await ask(parse, answer.text));
      const [only, second] = read.ok ? read.statements : [];
      try {
        if (only === undefined || second !== undefined || reachOf(only) !== reachOf(tree))
          throw new Error('reaches more');
        contain('', only, known);
      } catch (thrown) {
        found.push(`seed ${seed + index}: ${answer.text}: ${String(thrown)}`);
        continue;
      }
      // By DuckDB's own word: the tables that its binder finds, where what it knows as a CTE is none.
      const strange = tablesOf(answer.text).filter((name) => !/^s\.[tuvwxz]( AS | TABLESAMPLE |$)/.test(name));
      if (strange.length > 0) {
        found.push(`seed ${seed + index}: ${answer.text}: reads ${strange.join(', ')}`);
        continue;
      }
      // With other names a recursion may have no end.
      if (answer.text.includes('RECURSIVE')) continue;
      await beginRead(connection);
      const rows = await withSelect(connection, answer.text, async (prepared) =>
        (await prepared.runAndReadAll()).getRows(),
      ).catch(() => null);
      await connection.run('ROLLBACK');
      if (rows === null) continue;
      counts.ran += 1;
      if (index % 100 === 0) {
        expect((await connection.runAndReadAll(canary)).getRows()).toEqual([[7n, 21n]]);
      }
    }
    expect((await connection.runAndReadAll(canary)).getRows()).toEqual([[7n, 21n]]);
    if (trees > 1_000) console.log(JSON.stringify(counts));
    expect(found).toEqual([]);
    // A fuzzer of which nothing gets through tests nothing.
    expect(counts.accepted).toBeGreaterThan(trees / 50);
    expect(counts.ran).toBeGreaterThan(trees / 500);
  },
);
