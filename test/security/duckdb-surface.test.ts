import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  allowedFunctions,
  allowedTableFunctions,
  allowedWindowFunctions,
  refusalOf,
} from '../../backend/src/engine/index.js';
import { QueryLake } from '../support/query-lake.js';

// Every function and setting of the bundled DuckDB with its verdict. A new version that brings or drops some fails here:
// look at each, then write the files anew with `npx vitest run test/security/duckdb-surface.test.ts -u`.
let lake: QueryLake;

beforeAll(async () => {
  lake = await QueryLake.open();
});

afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

async function texts(sql: string): Promise<readonly string[][]> {
  return (await lake.connection.runAndReadAll(sql)).getRows().map((row) => row.map(String));
}

function verdictOf(name: string, kinds: string): string {
  const ways = [
    ...(allowedFunctions.has(name) ? ['call'] : []),
    ...(allowedWindowFunctions.has(name) ? ['window'] : []),
    ...(allowedTableFunctions.has(name) ? ['from'] : []),
  ];
  return `${name} [${kinds}] ${ways.length > 0 ? `allowed: ${ways.join(', ')}` : `refused: ${refusalOf(name).reason}`}`;
}

it('every function has its verdict', async () => {
  const functions = await texts(
    "SELECT lower(function_name), string_agg(DISTINCT function_type, ' ' ORDER BY function_type) FROM duckdb_functions() GROUP BY 1 ORDER BY 1",
  );
  const lines = functions.map(([name = '', kinds = '']) => verdictOf(name, kinds));
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('../data/duckdb-functions.txt');
});

it('every setting has its verdict: none can be changed once the lake is open, but what is the own connection’s', async () => {
  const lines: string[] = [];
  for (const [name = '', scope = ''] of await texts('SELECT name, scope FROM duckdb_settings() ORDER BY name')) {
    const refused = await lake.connection.run(`SET ${name} = DEFAULT`).then(
      () => null,
      (thrown: unknown) => String(thrown),
    );
    lines.push(
      `${name} [${scope.toLowerCase()}] ${/locked/.test(refused ?? '') ? 'locked' : 'open: by SET only, which is no SELECT'}`,
    );
  }
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('../data/duckdb-settings.txt');
});
