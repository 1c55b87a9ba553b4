import type { DuckDBConnection } from '@duckdb/node-api';
import { ArmorlakeError, quoteIdentifier, quoteQualified, quoteString } from '../core/index.js';
import type { Table } from './schema.js';
import { tableName, timeColumn } from './schema.js';
import { countedTables, eventTables, nodeMetrics, storedTables, tables } from './tables.js';

/** The catalog of the file `lake.duckdb`, and that of the state tables in memory. */
export const LAKE_CATALOG = 'lake';
export const STATE_CATALOG = 'state';
/** Schema of the engine's own tables; nobody's SQL reaches it. */
export const INTERNAL_SCHEMA = 'internal';

/** One step forward of the lake file. Statements must do no harm to a lake that version 1 has just created. */
export interface Migration {
  readonly version: number;
  readonly statements: readonly string[];
}

function createTable(catalog: string, table: Table): string {
  const columns = table.columns.map((column) => `${quoteIdentifier(column.name)} ${column.type}`).join(', ');
  return `CREATE TABLE IF NOT EXISTS ${quoteQualified(catalog, table.schema, table.name)} (${columns})`;
}

/** Adds what the lake holds of a table to the totals, unless they have an entry of it where the condition holds. */
function heldSoFar(table: Table, columns: string, values: string, condition: string): string {
  const name = quoteString(tableName(table));
  const totals = quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA, 'totals');
  return (
    `INSERT INTO ${totals} (table_name, ${columns}) SELECT ${name}, ${values} ` +
    `FROM ${quoteQualified(LAKE_CATALOG, table.schema, table.name)} ` +
    `HAVING NOT EXISTS (SELECT 1 FROM ${totals} WHERE table_name = ${name} AND ${condition})`
  );
}

function eventsSoFar(table: Table): string {
  const archived = `FROM ${quoteQualified(LAKE_CATALOG, 'armorlake', 'archive')} WHERE table_name = ${quoteString(tableName(table))}`;
  const rows = `count(*) + (SELECT coalesce(sum(rows), 0) ${archived})`;
  const earliest = `least(min(time), (SELECT min(min_time) ${archived}))`;
  return heldSoFar(table, 'appended, expired, lost, min_time', `${rows}, 0, 0, ${earliest}`, 'true');
}

function seqsSoFar(table: Table): string {
  const values = '0, 0, 0, coalesce(sum(seq), 0), coalesce(bit_xor(seq), 0)';
  return heldSoFar(table, 'appended, expired, lost, seq_sum, seq_xor', values, 'seq_sum IS NOT NULL');
}

function historySoFar(table: Table): string {
  const earliest = `min(${quoteIdentifier(timeColumn(table))})`;
  return heldSoFar(table, 'appended, expired, lost, min_time', `count(*), 0, 0, ${earliest}`, 'true');
}

function schemasOf(wanted: readonly Table[]): readonly string[] {
  return [...new Set(wanted.map((table) => table.schema))];
}

const stateTables = tables.filter((table) => table.kind === 'state');

/**
 * Version 1 creates what tables.ts says; a later change of a table comes with a migration (`ADD COLUMN IF NOT EXISTS`)
 * that finds nothing to do on a new lake.
 */
export const migrations: readonly Migration[] = [
  {
    version: 1,
    statements: [
      ...schemasOf(storedTables).map((schema) => `CREATE SCHEMA IF NOT EXISTS ${quoteQualified(LAKE_CATALOG, schema)}`),
      ...storedTables.map((table) => createTable(LAKE_CATALOG, table)),
      `CREATE TABLE IF NOT EXISTS ${quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA, 'batches')} ` +
        '(batch BIGINT, first_seq BIGINT, last_seq BIGINT, rows BIGINT, committed_at TIMESTAMP)',
      `CREATE TABLE IF NOT EXISTS ${quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA, 'expired')} ` +
        '(table_name VARCHAR, last_seq BIGINT, last_time TIMESTAMP)',
    ],
  },
  { version: 2, statements: [createTable(LAKE_CATALOG, nodeMetrics)] },
  {
    version: 3,
    statements: [
      `CREATE TABLE IF NOT EXISTS ${quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA, 'totals')} ` +
        '(table_name VARCHAR, appended BIGINT, expired BIGINT, lost BIGINT, min_time TIMESTAMP)',
      // The running totals begin with what the lake holds.
      ...eventTables.map(eventsSoFar),
    ],
  },
  {
    version: 4,
    statements: [
      `CREATE TABLE IF NOT EXISTS ${quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA, 'identity')} (lake_id VARCHAR)`,
    ],
  },
  {
    version: 5,
    statements: [
      `ALTER TABLE ${quoteQualified(LAKE_CATALOG, 'armorlake', 'archive')} ADD COLUMN IF NOT EXISTS sha256 VARCHAR`,
    ],
  },
  {
    version: 6,
    statements: [
      `ALTER TABLE ${quoteQualified(LAKE_CATALOG, 'armorlake', 'queries')} ADD COLUMN IF NOT EXISTS via VARCHAR`,
    ],
  },
  {
    version: 7,
    statements: [
      ...['seq_sum HUGEINT', 'seq_xor BIGINT'].map(
        (column) =>
          `ALTER TABLE ${quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA, 'totals')} ADD COLUMN IF NOT EXISTS ${column}`,
      ),
      ...eventTables.map(seqsSoFar),
      ...countedTables.filter(({ kind }) => kind === 'history').map(historySoFar),
    ],
  },
  {
    version: 8,
    statements: [
      `CREATE TABLE IF NOT EXISTS ${quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA, 'unlinks')} (file VARCHAR)`,
    ],
  },
  {
    version: 9,
    statements: ['logs', 'alerts'].map(
      (name) =>
        `ALTER TABLE ${quoteQualified(LAKE_CATALOG, 'kubearmor', name)} ADD COLUMN IF NOT EXISTS local_port INTEGER`,
    ),
  },
];

export function latestVersion(steps: readonly Migration[] = migrations): number {
  return steps.at(-1)?.version ?? 0;
}

/** The version a lake file says of itself; 0 when it is new. */
export async function versionOf(connection: DuckDBConnection, catalog: string = LAKE_CATALOG): Promise<number> {
  const known = await connection.runAndReadAll(
    "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND schema_name = ? AND table_name = 'versions'",
    [catalog, INTERNAL_SCHEMA],
  );
  if (known.currentRowCount === 0) return 0;
  const read = await connection.runAndReadAll(
    `SELECT coalesce(max(version), 0)::INTEGER FROM ${quoteQualified(catalog, INTERNAL_SCHEMA, 'versions')}`,
  );
  return Number(read.getRowsJS()[0]?.[0] ?? 0);
}

/** Refuses a lake that a newer Armorlake has written. */
export function refuseNewer(version: number, steps: readonly Migration[] = migrations): void {
  const latest = latestVersion(steps);
  if (version <= latest) return;
  throw new ArmorlakeError(
    'BAD_CONFIG',
    `This lake has schema version ${version}; this Armorlake knows versions up to ${latest}.`,
    { hint: 'Start the newer Armorlake that wrote it; going back is not possible. Nothing was changed.' },
  );
}

/** What a migration found. */
export interface Migrated {
  /** Tables and views that the lake's version has and the file had not; they were made anew. */
  readonly missing: readonly string[];
}

/** Brings the lake file to the latest version, with a CHECKPOINT right after any DDL. */
export async function migrate(
  connection: DuckDBConnection,
  steps: readonly Migration[] = migrations,
): Promise<Migrated> {
  const internal = quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA);
  const versions = quoteQualified(LAKE_CATALOG, INTERNAL_SCHEMA, 'versions');
  const from = await versionOf(connection);
  refuseNewer(from, steps);
  const present = await relationsOf(connection);
  const missing =
    present.size === 0 ? [] : relations(from === 0 ? latestVersion(steps) : from).filter((name) => !present.has(name));
  // Each statement finds nothing to do where its table is.
  const todo = missing.length > 0 ? steps : steps.filter((step) => step.version > from);
  for (const step of todo) {
    await connection.run('BEGIN');
    try {
      await connection.run(`CREATE SCHEMA IF NOT EXISTS ${internal}`);
      await connection.run(`CREATE TABLE IF NOT EXISTS ${versions} (version INTEGER, migrated_at TIMESTAMP)`);
      for (const statement of step.statements) await connection.run(statement);
      if (step.version > from) {
        await connection.run(`INSERT INTO ${versions} VALUES (${step.version}, now()::TIMESTAMP)`);
      }
      await connection.run('COMMIT');
    } catch (thrown) {
      await connection.run('ROLLBACK');
      throw thrown;
    }
    await connection.run(`CHECKPOINT ${quoteIdentifier(LAKE_CATALOG)}`);
  }
  if (todo.length > 0) await createViews(connection);
  return { missing };
}

/** Tables and views in the lake file, `schema.name`. */
async function relationsOf(connection: DuckDBConnection): Promise<ReadonlySet<string>> {
  const read = await connection.runAndReadAll(
    'SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? ' +
      'UNION ALL SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = ? AND NOT internal',
    [LAKE_CATALOG, LAKE_CATALOG],
  );
  return new Set(read.getRowsJS().map(([schema, name]) => `${String(schema)}.${String(name)}`));
}

/** What a lake of a version has, from the first one on that has all of them. */
function relations(version: number): readonly string[] {
  const internal = ['versions', 'batches', 'expired', 'totals', 'identity', 'unlinks'];
  const wanted = version < LISTED_FROM ? internal.slice(0, 1) : internal;
  const stored = version < LISTED_FROM ? [] : tables.filter(({ kind }) => kind !== 'state').map(tableName);
  return [...wanted.map((name) => `${INTERNAL_SCHEMA}.${name}`), ...stored];
}

/** Since this version no table was added. */
const LISTED_FROM = 8;

async function createViews(connection: DuckDBConnection): Promise<void> {
  for (const table of tables) {
    if (table.sql === undefined) continue;
    await connection.run(
      `CREATE OR REPLACE VIEW ${quoteQualified(LAKE_CATALOG, table.schema, table.name)} AS ${table.sql}`,
    );
  }
  await connection.run(`CHECKPOINT ${quoteIdentifier(LAKE_CATALOG)}`);
}

/** The state tables, empty, in the catalog in memory. */
export async function createStateTables(connection: DuckDBConnection): Promise<void> {
  for (const schema of schemasOf(stateTables)) {
    await connection.run(`CREATE SCHEMA IF NOT EXISTS ${quoteQualified(STATE_CATALOG, schema)}`);
  }
  for (const table of stateTables) await connection.run(createTable(STATE_CATALOG, table));
}

/** SQL that puts an empty table in the place of a state table. */
export function replaceStateTable(table: Table): string {
  return createTable(STATE_CATALOG, table).replace('CREATE TABLE IF NOT EXISTS', 'CREATE OR REPLACE TABLE');
}
