import type { DuckDBConnection } from '@duckdb/node-api';
import { quoteQualified } from '../core/index.js';
import { INTERNAL_SCHEMA, LAKE_CATALOG } from './migrations.js';
import { transaction } from './transaction.js';

const identityTable = quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA, 'identity');

/** The lakeId that the lake file remembers, for when lake.json is gone; null in a new lake. */
export async function rememberedLakeId(connection: DuckDBConnection): Promise<string | null> {
  const read = await connection.runAndReadAll(`SELECT lake_id FROM ${identityTable}`);
  const lakeId = read.getRowsJS()[0]?.[0];
  return typeof lakeId === 'string' && lakeId !== '' ? lakeId : null;
}

/** Has the lake file remember it; writes nothing when it does. */
export async function rememberLakeId(connection: DuckDBConnection, lakeId: string): Promise<void> {
  if ((await rememberedLakeId(connection)) === lakeId) return;
  await transaction(connection, async () => {
    await connection.run(`DELETE FROM ${identityTable}`);
    await connection.run(`INSERT INTO ${identityTable} VALUES (?)`, [lakeId]);
  });
}
