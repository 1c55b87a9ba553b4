import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../support/random.js';
import { soundRows } from '../../backend/src/engine/merge/parquet-check.js';

/** Thrift's compact protocol, as far as a forged file needs it: fields in order, structs, lists, numbers. */
const thrift = {
  varint(value: number): number[] {
    const bytes: number[] = [];
    for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
    return [...bytes, value];
  },
  i32: (id: number, value: number): number[] => [0x05, ...thrift.varint(id * 2), ...thrift.varint(value * 2)],
  i64: (id: number, value: number): number[] => [0x06, ...thrift.varint(id * 2), ...thrift.varint(value * 2)],
  binary: (text: string): number[] => [...thrift.varint(text.length), ...Buffer.from(text)],
  struct: (id: number, ...fields: readonly number[][]): number[] => [
    0x0c,
    ...thrift.varint(id * 2),
    ...thrift.body(...fields),
  ],
  body: (...fields: readonly number[][]): number[] => [...fields.flat(), 0],
  list: (id: number, ...structs: readonly number[][]): number[] => [
    0x09,
    ...thrift.varint(id * 2),
    0xfc,
    ...thrift.varint(structs.length),
    ...structs.flat(),
  ],
  text: (id: number, text: string): number[] => [
    0x08,
    ...thrift.varint(id * 2),
    ...thrift.varint(text.length),
    ...Buffer.from(text),
  ],
};

interface Forged {
  rows?: number;
  groupRows?: number;
  values?: number;
  pageValues?: number;
  unpacked?: number;
  packed?: number;
  codec?: number;
  encoding?: number;
  compressed?: number;
  groups?: number;
  repeated?: boolean;
  more?: number[];
  header2?: number[];
}

/** A file of one column of 8-byte numbers with one page; what is not given is right for ten rows. */
function forge(over: Forged = {}): Buffer {
  const { rows = 10, groupRows = 10, values = 10, pageValues = 10, codec = 0, encoding = 0, groups = 1 } = over;
  const { unpacked = 80, packed = 80, repeated = false, more = [], header2 = [] } = over;
  const header = thrift.body(
    thrift.i32(1, 0),
    thrift.i32(2, unpacked),
    header2,
    thrift.i32(3, packed),
    thrift.struct(5, thrift.i32(1, pageValues), thrift.i32(2, encoding), thrift.i32(3, 3), thrift.i32(4, 3)),
  );
  const page = Buffer.concat([Buffer.from('PAR1'), Buffer.from(header), Buffer.alloc(80)]);
  const { compressed = page.length - 4 } = over;
  const meta = thrift.struct(
    3,
    thrift.i32(1, 2),
    [0x09, 4, 0x15, 0],
    [0x09, 6, 0x18, ...thrift.binary('n')],
    thrift.i32(4, codec),
    thrift.i64(5, values),
    thrift.i64(6, unpacked),
    thrift.i64(7, compressed),
    thrift.i64(9, 4),
  );
  const column = thrift.body(thrift.i64(2, 4), meta);
  const group = thrift.body(thrift.list(1, column), thrift.i64(2, 80), thrift.i64(3, groupRows));
  const leaf = thrift.body(thrift.i32(1, 2), thrift.i32(3, repeated ? 2 : 0), thrift.text(4, 'n'));
  const schema = [thrift.body(thrift.text(4, 'root'), thrift.i32(5, 1)), leaf];
  const list = Array.from({ length: groups }, () => group);
  const footer = thrift.body(
    thrift.i32(1, 1),
    thrift.list(2, ...schema),
    thrift.i64(3, rows),
    thrift.list(4, ...list),
    more,
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footer.length);
  return Buffer.concat([page, Buffer.from(footer), length, Buffer.from('PAR1')]);
}

describe('a Parquet file of another node', () => {
  const folder = mkdtempSync(join(tmpdir(), 'armorlake-parquet-'));
  const path = join(folder, 'file.parquet');
  let connection: DuckDBConnection;
  beforeAll(async () => {
    connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
  });
  afterAll(() => {
    connection.closeSync();
    rmSync(folder, { recursive: true, force: true });
  });

  function rowsOf(file: Buffer): number {
    writeFileSync(path, file);
    return soundRows(path);
  }

  async function write(sql: string): Promise<Buffer> {
    await connection.run(`COPY (${sql}) TO '${path}' (FORMAT parquet, COMPRESSION snappy)`);
    return readFileSync(path);
  }

  it.each<[string, number]>([
    ['SELECT 1 AS a', 1],
    ['SELECT 1 AS a LIMIT 0', 0],
    ["SELECT 'the same' AS text, 7 AS number, NULL::VARCHAR AS nothing FROM range(200000)", 200_000],
    [
      "SELECT range AS n, 'x' || range AS s, range / 3.0 AS d, range % 2 = 0 AS b, uuid() AS u FROM range(150000)",
      150_000,
    ],
    [
      "SELECT [range, range + 1] AS l, MAP {'a': range::VARCHAR} AS m, []::VARCHAR[] AS e, {'a': 1, 'b': [1, 2]} AS s FROM range(5000)",
      5_000,
    ],
    ["SELECT CASE WHEN range % 7 = 0 THEN NULL ELSE ['x'] END AS l FROM range(3000)", 3_000],
    ["SELECT repeat('abc', 300000) AS long FROM range(20)", 20],
  ])('as nodes write it is sound: %s', async (sql, rows) => {
    expect(rowsOf(await write(sql))).toBe(rows);
  });

  it('that is forged rightly is what DuckDB reads', async () => {
    expect(rowsOf(forge())).toBe(10);
    const reader = await connection.runAndReadAll(`SELECT count(*), sum(n) FROM read_parquet('${path}')`);
    expect(reader.getRowsJson()).toEqual([['10', '0']]);
  });

  it.each<[string, Forged, RegExp]>([
    ['says it has another number of rows', { rows: 1 }, /other rows than it says/],
    ['has more rows than values', { rows: 300_000_000, groupRows: 300_000_000 }, /a column has other rows/],
    ['has more values than its pages', { rows: 20, groupRows: 20, values: 20 }, /a column ends early/],
    ['has more values in a page than in its column', { pageValues: 300_000_000 }, /more values than its column/],
    ['unpacks to 400 MB', { codec: 1, unpacked: 400_000_000 }, /unpacks to more than it can/],
    ['unpacks to 400 MB, not being packed', { unpacked: 400_000_000 }, /unpacks to more than it can/],
    ['is packed otherwise', { codec: 6 }, /packed otherwise/],
    ['grows with its square', { encoding: 7 }, /an encoding that no node writes/],
    ['has a page beyond its column', { packed: 4_000 }, /longer than its column/],
    ['has columns longer than itself', { compressed: 4_000 }, /longer than the file/],
    ['unpacks the same bytes again and again', { groups: 1_000, rows: 10_000 }, /longer than the file/],
    ['has row groups without end', { groups: 10_001 }, /too many row groups/],
    ['has lists of millions', { repeated: true, values: 300_000_000 }, /too many elements/],
    ['is encrypted', { more: thrift.struct(8) }, /encrypted/],
    [
      'says its length twice, once so that only DuckDB sees it',
      { codec: 1, header2: [5, ...thrift.varint(65_538 * 2), ...thrift.varint(800_000_000)] },
      /unpacks to more/,
    ],
    [
      'says its length as another type',
      { codec: 1, unpacked: 400_000_000, header2: thrift.i64(2, 80) },
      /unpacks to more/,
    ],
  ])('that %s is not read', (_, over, says) => {
    expect(() => rowsOf(forge(over))).toThrow(says);
  });

  it.each(['', 'PAR1', 'rubbish', 'PAR1PAR1PAR1', `PAR1${'\0'.repeat(8)}PAR1`])('that is %j is none', (text) => {
    expect(() => rowsOf(Buffer.from(text))).toThrow(/no Parquet|does not say|ends early/);
  });

  it('of any bytes ends in rows or a reason, soon', async () => {
    const random = new Random(20_261_201);
    const file = await write("SELECT range AS n, 'x' || range AS s, [range] AS l FROM range(3000)");
    let refused = 0;
    for (let round = 0; round < 500; round++) {
      const copy = Buffer.from(file);
      const from = round % 2 === 0 ? 0 : copy.length - 1500;
      for (let flip = 0; flip < 1 + random.integer(4); flip++) {
        copy[from + random.integer(copy.length - from)] = random.integer(256);
      }
      try {
        expect(rowsOf(copy)).toBeLessThanOrEqual(Number.MAX_SAFE_INTEGER);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Error);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(50);
  });
});
