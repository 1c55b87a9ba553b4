import { DuckDBInstance } from '@duckdb/node-api';
import type { DuckDBConnection } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../../../test/support/random.js';
import { guardStatement } from './guards.js';
import { printStatement, readSerialized } from './tree.js';

let database: DuckDBInstance;
let connection: DuckDBConnection;

beforeAll(async () => {
  database = await DuckDBInstance.create(':memory:');
  connection = await database.connect();
});

afterAll(() => {
  connection.closeSync();
  database.closeSync();
});

async function cell(sql: string): Promise<unknown> {
  return (await connection.runAndReadAll(sql)).getRowsJS()[0]?.[0];
}

/** The SQL as it runs. */
async function guarded(sql: string): Promise<string> {
  const serialized = String(await cell(`SELECT json_serialize_sql('${sql.replaceAll("'", "''")}')`));
  const read = readSerialized(serialized);
  if (!('statements' in read)) throw new Error(JSON.stringify(read));
  const [statement] = read.statements;
  if (statement === undefined) throw new Error(serialized);
  const printed = printStatement(guardStatement(statement, new Map()));
  return String(await cell(`SELECT json_deserialize_sql('${printed.replaceAll("'", "''")}')`));
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** Signs that some pattern or regular expression takes for its own, and characters of one to four bytes. */
const signs = [...'aAbk._-/\\^$|?+(){}*%!#~"', "'", '\n', '\t', 'é', 'É', 'ß', 'K', '€', '😀', '\u0301'];

describe('patterns with many wildcards', () => {
  it('match what DuckDB matches by its own matcher', async () => {
    const random = new Random(7);
    const pick = (from: readonly string[]): string => random.pick(from);
    const some = (from: readonly string[], most: number): string =>
      Array.from({ length: random.integer(most + 1) }, () => pick(from)).join('');
    const likes = [...signs, ...'%%%%%%____'];
    const globs = signs.filter((sign) => !'?[]\\'.includes(sign)).concat('*', '*', '*', '*', '*', '*');
    const cases: string[] = [];
    for (let index = 0; index < 1500; index++) {
      const escaped = random.integer(2) === 0;
      const [form, pattern] =
        index % 3 === 0
          ? ['GLOB', `*${pick(signs.slice(0, 3))}*${some(globs, 4)}`]
          : [pick(['LIKE', 'NOT LIKE', 'ILIKE', 'NOT ILIKE']), `%${pick(signs.slice(0, 3))}%_${some(likes, 4)}`];
      const text = some(['a', 'A', 'b', 'k', pick(signs), pick(signs)], 8);
      const escape = form !== 'GLOB' && escaped ? ` ESCAPE ${quoted(pick(['!', '#', '\\']))}` : '';
      cases.push(`SELECT ${quoted(text)} ${form} ${quoted(pattern)}${escape} AS matched`);
    }
    let rewritten = 0;
    for (const sql of cases) {
      const runs = await guarded(sql);
      if (runs.includes('regexp_full_match')) rewritten++;
      const own = await cell(sql).catch((thrown: unknown) => `error: ${String(thrown).slice(0, 60)}`);
      const ours = await cell(runs).catch((thrown: unknown) => `error: ${String(thrown).slice(0, 60)}`);
      expect(ours, `${sql}\n${runs}`).toBe(own);
    }
    expect(rewritten).toBeGreaterThan(cases.length / 2);
  });

  it.each([
    ["SELECT '/usr/bin/bash' GLOB '*/bin/*sh' AS m", true],
    ["SELECT '/var/a/xyz.log' GLOB '*/var/*/x*.log' AS m", true],
    ["SELECT 'aXbYcZd' LIKE 'a%b_c%d' AS m", true],
    ["SELECT 'aXbYcZd' LIKE upper('a%b_c%d') AS m", false],
    ["SELECT 'AXBYCZD' LIKE upper('a%b_c%d') AS m", true],
    ["SELECT 'AXBYCZD' ILIKE 'a%b_c%d' AS m", true],
    ["SELECT NULL LIKE 'a%b_c%d' AS m", null],
    ["SELECT 'a' || chr(0) || 'b' LIKE 'a%_%b' AS m", true],
  ])('%s', async (sql, value) => {
    const runs = await guarded(sql);
    expect(runs).toContain('regexp_full_match');
    expect(await cell(runs)).toBe(value);
    expect(await cell(sql)).toBe(value);
  });
});
