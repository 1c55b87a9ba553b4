import { BlockList, isIPv4 } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tableName, tables } from '../backend/src/lake/index.js';
import { identifier, knownTables, recipes, compileQuery, defaultQuery, parseModel } from '../plugin/shared/index.js';
import { inCidrSql } from '../plugin/shared/cidr.js';
import { reservedWords } from '../plugin/shared/quoting.js';
import { ModelNode, range } from './support/plugin-model.js';
import { Random } from './support/random.js';

let node: ModelNode;

beforeAll(async () => {
  node = await ModelNode.open();
});

afterAll(async () => {
  await node[Symbol.asyncDispose]();
});

describe('what the data source knows of a node', () => {
  it('is what its catalog says: tables, columns, types', () => {
    const catalog = tables.map((table) => [
      tableName(table),
      Object.fromEntries(table.columns.map(({ name, type }) => [name, type])),
    ]);
    const known = knownTables.map(({ name, columns }) => [name, Object.fromEntries(columns)]);
    expect(Object.fromEntries(known)).toEqual(Object.fromEntries(catalog));
  });

  it('shows columns that exist', () => {
    for (const { columns, usual, time, timeEnd } of knownTables) {
      expect([...columns.keys()]).toEqual(expect.arrayContaining([...usual]));
      if (time !== null) expect(columns.get(time)).toBe('TIMESTAMP');
      if (timeEnd !== undefined) expect(columns.get(timeEnd)).toBe('TIMESTAMP');
    }
  });

  it('quotes every word that DuckDB reserves', async () => {
    const result = await node.api.lake.connection.runAndReadAll(
      "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category IN ('reserved', 'type_function')",
    );
    expect([...reservedWords].sort()).toEqual(
      result
        .getRows()
        .map(([word]) => String(word))
        .sort(),
    );
    for (const word of reservedWords) {
      const { rows } = await node.ask({ sql: `SELECT ${identifier(word)} FROM (SELECT 1 AS ${identifier(word)})` });
      expect(rows).toEqual([{ [word]: 1 }]);
    }
  });

  it('reads every table by the builder, with all columns chosen', async () => {
    for (const { name, columns } of knownTables) {
      for (const type of ['table', 'timeseries'] as const) {
        const model = defaultQuery(type, name);
        const all = { ...model, builder: { ...model.builder, columns: [...columns.keys()] } };
        if (type === 'timeseries' && ['armorlake.archive', 'armorlake.connectors', 'armorlake.nodes'].includes(name)) {
          expect(() => compileQuery(all, range)).toThrow('it has no time to draw over');
          continue;
        }
        expect(await node.ask(compileQuery(all, range)), name).toMatchObject({ status: 200 });
        expect(await node.ask(compileQuery(model, range)), name).toMatchObject({ status: 200 });
      }
    }
  });
});

describe('recipes', () => {
  it('are a dozen and more, each with a name of its own', () => {
    expect(recipes.length).toBeGreaterThanOrEqual(12);
    expect(new Set(recipes.map(({ id }) => id)).size).toBe(recipes.length);
    expect(new Set(recipes.map(({ title }) => title)).size).toBe(recipes.length);
  });

  it.each(recipes.filter(({ query }) => query.queryType !== 'graph'))('$id is asked of a node', async ({ query }) => {
    const model = parseModel({ ...defaultQuery(query.queryType), ...query });
    expect(await node.ask(compileQuery(model, range))).toMatchObject({ status: 200 });
  });
});

describe('addresses in blocks', () => {
  it('are those that Node itself finds in them', async () => {
    const random = new Random(4632);
    const byte = (): number => random.pick([0, 1, 10, 127, 128, 172, 192, 255, random.integer(256)]);
    const group = (): string => random.pick(['0', '1', 'ffff', 'db8', '2001', random.integer(65_536).toString(16)]);
    const v4 = (): string => [byte(), byte(), byte(), byte()].join('.');
    const v6 = (): string => {
      const groups = Array.from({ length: 8 }, group);
      if (random.chance(0.5)) return groups.join(':');
      const from = random.integer(6);
      const to = from + 2 + random.integer(7 - from);
      return `${groups.slice(0, from).join(':')}::${groups.slice(to).join(':')}`;
    };
    const addresses = Array.from({ length: 60 }, () => random.pick([v4, v6])());
    for (let round = 0; round < 120; round += 1) {
      const base = random.chance(0.5) ? random.pick(addresses) : random.pick([v4, v6])();
      const family = isIPv4(base) ? 'ipv4' : 'ipv6';
      const bits = random.integer(family === 'ipv4' ? 33 : 129);
      const list = new BlockList();
      list.addSubnet(base, bits, family);
      const want = addresses.filter((each) => isIPv4(each) === isIPv4(base) && list.check(each, family));
      const values = addresses.map((each) => `('${each}')`).join(', ');
      const { rows, error } = await node.ask({
        sql: `SELECT address FROM (VALUES ${values}) AS t(address) WHERE ${inCidrSql('address', `${base}/${bits}`)}`,
      });
      expect(error).toBeUndefined();
      expect(rows.map(({ address }) => address).sort(), `${base}/${bits}`).toEqual([...want].sort());
    }
  });

  it.each([
    '',
    '10',
    '10.0.0',
    '10.0.0.0.0',
    '256.0.0.0',
    '010.0.0.1',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/a',
    '10.0.0.0/8/8',
    '1::2::3',
    '::g',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '::/129',
    '12345::',
    ':::',
    "10.0.0.0/8'",
    '::1.2.3',
  ])('are refused with a sentence when the block is "%s"', (block) => {
    expect(() => inCidrSql('remote_ip', block)).toThrow('is no address block');
  });
});
