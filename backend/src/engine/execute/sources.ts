import type { DuckDBConnection } from '@duckdb/node-api';
import { foldName, quoteIdentifier, quoteQualified, quoteString } from '../../core/index.js';
import type { KnownTable, TreeRecord } from '../sql/index.js';
import { isColumnType, isRecord, replaceTables, tableOf, visit } from '../sql/index.js';
import { serialize } from './statements.js';

/** A table as queries see it; the lake's `Table` has all of it. */
export interface QueryTable extends KnownTable {
  readonly kind: 'event' | 'history' | 'state' | 'view';
  readonly description: string;
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
    readonly description: string;
    readonly source?: string;
  }[];
  /** Views only. */
  readonly sql?: string;
}

/** A stretch of event time, from <= time < to, in µs since 1970; null is open. */
export interface TimeSpan {
  readonly from: bigint | null;
  readonly to: bigint | null;
}

/** Which rows of the event tables are read: a span of time, and an interval of seq for a tail. */
export interface RowBounds extends TimeSpan {
  readonly afterSeq?: bigint;
  readonly upToSeq?: bigint;
}

/** An archive file of one table. */
export interface ArchiveFile {
  /** `schema.name`. */
  readonly table: string;
  readonly path: string;
}

/** An archive file that can't be read now: its folder is away. */
export interface LeftOut {
  /** `schema.name`. */
  readonly table: string;
  /** Its rows' first and last time, µs since 1970. */
  readonly from: bigint;
  readonly to: bigint;
  readonly rows: number;
}

/** `schema.name` in lower case, as `sources` are keyed. */
export function tableKey(table: KnownTable): string {
  return foldName(`${table.schema}.${table.name}`);
}

/** µs since 1970 as a TIMESTAMP expression; make_timestamp also takes years no literal has. */
function timestampSql(micros: bigint): string {
  return `make_timestamp(${micros}::BIGINT)`;
}

function whereSql(bounds: RowBounds): string {
  const conditions = [
    ...(bounds.from === null ? [] : [`time >= ${timestampSql(bounds.from)}`]),
    ...(bounds.to === null ? [] : [`time < ${timestampSql(bounds.to)}`]),
    ...(bounds.afterSeq === undefined ? [] : [`seq > ${bounds.afterSeq}`]),
    ...(bounds.upToSeq === undefined ? [] : [`seq <= ${bounds.upToSeq}`]),
  ];
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

/** Columns the network knows of tables (`schema.name`). */
export type Expected = readonly { readonly table: string; readonly columns: readonly ExpectedColumn[] }[];

export interface ExpectedColumn {
  readonly name: string;
  readonly type: string;
}

/** What the network knows of a table and this node's schema lacks. */
function missingOf(table: QueryTable, expected: Expected): readonly ExpectedColumn[] {
  const own = new Set(table.columns.map((column) => column.name));
  const known = expected.find((each) => foldName(each.table) === tableKey(table))?.columns ?? [];
  return known.filter(({ name, type }) => !own.has(name) && isColumnType(type));
}

/** `columns`, and NULL for what is missing. */
function withMissing(columns: string, missing: readonly ExpectedColumn[]): string {
  return [columns, ...missing.map(({ name, type }) => `NULL::${type} AS ${quoteIdentifier(name)}`)].join(', ');
}

/** The SELECT that gives an event table's rows, hot and archived, within bounds; null when the table itself will do. */
function eventSql(table: QueryTable, bounds: RowBounds, files: readonly ArchiveFile[]): string | null {
  const where = whereSql(bounds);
  const hot = `SELECT * FROM ${quoteQualified(table.schema, table.name)}${where}`;
  const paths = files.filter((file) => file.table === `${table.schema}.${table.name}`).map((file) => file.path);
  if (paths.length === 0) return where === '' ? null : hot;
  // Files of an older schema lack columns: by name, they read NULL.
  const archived = `SELECT * FROM read_parquet([${paths.map(quoteString).join(', ')}], union_by_name = true)${where}`;
  const columns = table.columns.map((column) => quoteIdentifier(column.name)).join(', ');
  return `SELECT ${columns} FROM (${hot} UNION ALL BY NAME ${archived})`;
}

/** The queries that stand for the tables a statement reads. */
export class TableSources {
  readonly #byKey: ReadonlyMap<string, QueryTable>;
  readonly #views = new Map<string, { readonly statement: TreeRecord; readonly reads: readonly QueryTable[] }>();

  constructor(tables: readonly QueryTable[]) {
    this.#byKey = new Map(tables.map((table) => [tableKey(table), table]));
  }

  /** The tables of these names (`schema.name`), and those the views among them read. */
  async reached(connection: DuckDBConnection, names: readonly string[]): Promise<readonly QueryTable[]> {
    const reached = new Set<QueryTable>();
    for (const name of names) {
      const table = this.#byKey.get(foldName(name));
      if (table === undefined) continue;
      reached.add(table);
      if (table.kind === 'view') for (const base of (await this.#view(connection, table)).reads) reached.add(base);
    }
    return [...reached];
  }

  /**
   * Views expanded, event tables bounded and joined with their archive files. Made after containment, so
   * `read_parquet` is ours alone.
   * @param tables what `reached` gave.
   * @returns by `schema.name` in lower case; tables that need nothing are left out.
   */
  async build(
    connection: DuckDBConnection,
    tables: readonly QueryTable[],
    bounds: RowBounds,
    files: readonly ArchiveFile[],
  ): Promise<ReadonlyMap<string, TreeRecord>> {
    const sources = new Map<string, TreeRecord>();
    for (const table of tables.filter((each) => each.kind === 'event')) {
      const sql = eventSql(table, bounds, files);
      const node = sql === null ? undefined : (await serialize(connection, sql))['node'];
      if (isRecord(node)) sources.set(tableKey(table), node);
    }
    for (const table of tables.filter((each) => each.kind === 'view')) {
      const { statement } = await this.#view(connection, table);
      const node = replaceTables(statement, sources)['node'];
      if (isRecord(node)) sources.set(tableKey(table), node);
    }
    return sources;
  }

  /**
   * Adds to the sources of tables the columns that only the network knows, as NULL.
   * @returns the sources, and the columns as `schema.name.column`.
   */
  async widen(
    connection: DuckDBConnection,
    tables: readonly QueryTable[],
    sources: ReadonlyMap<string, TreeRecord>,
    expected: Expected,
  ): Promise<{ readonly sources: ReadonlyMap<string, TreeRecord>; readonly missing: readonly string[] }> {
    const widened = new Map(sources);
    const missing: string[] = [];
    for (const table of tables) {
      const columns = missingOf(table, expected);
      if (columns.length === 0) continue;
      const name = quoteQualified(table.schema, table.name);
      const wide = await serialize(connection, `SELECT ${withMissing('*', columns)} FROM ${name}`);
      const node = replaceTables(wide, sources)['node'];
      if (isRecord(node)) widened.set(tableKey(table), node);
      missing.push(...columns.map((column) => `${table.schema}.${table.name}.${column.name}`));
    }
    return { sources: widened, missing };
  }

  async #view(
    connection: DuckDBConnection,
    table: QueryTable,
  ): Promise<{ readonly statement: TreeRecord; readonly reads: readonly QueryTable[] }> {
    const known = this.#views.get(tableKey(table));
    if (known !== undefined) return known;
    const statement = await serialize(connection, table.sql ?? '');
    const reads = new Set<QueryTable>();
    visit(statement, 'statement', {
      enter: (record, kind) => {
        const base = kind === 'table' ? this.#byKey.get(tableOf(record) ?? '') : undefined;
        if (base !== undefined) reads.add(base);
      },
    });
    const view = { statement, reads: [...reads] };
    this.#views.set(tableKey(table), view);
    return view;
  }
}
