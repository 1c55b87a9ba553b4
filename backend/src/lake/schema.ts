/** Column types of the lake, in DuckDB's own spelling. */
export type ColumnType =
  | 'VARCHAR'
  | 'BLOB'
  | 'BOOLEAN'
  | 'UTINYINT'
  | 'INTEGER'
  | 'BIGINT'
  | 'DOUBLE'
  | 'TIMESTAMP'
  | 'VARCHAR[]'
  | 'MAP(VARCHAR, VARCHAR)';

/** One column of a table; `source` is the sender's own field name where there is one. */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly description: string;
  readonly source?: string;
}

/** Which retention settings apply to a table's rows. */
export type RetentionGroup = 'logs' | 'alerts' | 'ledger';

/**
 * event: rows with a seq, append-only; history: kept in the file without a seq;
 * state: what is so now, in memory and replaced; view: computed from others.
 */
export type TableKind = 'event' | 'history' | 'state' | 'view';

export interface Table {
  readonly schema: string;
  readonly name: string;
  readonly kind: TableKind;
  readonly description: string;
  readonly columns: readonly Column[];
  /** Event and history tables only. */
  readonly retention?: RetentionGroup;
  /** Views only: the SELECT, over unqualified-catalog names as `kubearmor.logs`. */
  readonly sql?: string;
  /** Views only: the tables it reads, `schema.name`. */
  readonly reads?: readonly string[];
}

/** `schema.name`, as users write it. */
export function tableName(table: Table): string {
  return `${table.schema}.${table.name}`;
}

/** The column by which the rows of a table are old or new: the first TIMESTAMP. */
export function timeColumn(table: Table): string {
  const column = table.columns.find(({ type }) => type === 'TIMESTAMP');
  if (column === undefined) throw new TypeError(`${tableName(table)} has no time`);
  return column.name;
}
