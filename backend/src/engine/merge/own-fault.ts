import type { DuckDBConnection } from '@duckdb/node-api';
import type { ArmorlakeError } from '../../core/index.js';
import { foldName, quoteIdentifier } from '../../core/index.js';
import type { WrittenSql } from '../execute/duckdb-errors.js';
import { queryError } from '../execute/duckdb-errors.js';
import { readRows, reading } from '../execute/prepare.js';
import { deserialize, serialize } from '../execute/statements.js';
import type { Expression, QueryNode, TreeRecord } from '../sql/index.js';
import {
  isColumnType,
  isRecord,
  recordOf,
  recordsOf,
  replaceTables,
  selectNode,
  tableOf,
  textOf,
  visit,
} from '../sql/index.js';
import type { EmptyTable } from './merge-database.js';

/**
 * The error that parts of a query meet on any rows at all: each SELECT over one table runs over a row of NULLs, and each
 * of its conditions by itself. Constants that are no values of a column's type show there, and nothing that is in a row.
 * @param parts SQL of fragments.
 * @param written the query as the user wrote it: the error is placed in it.
 * @returns null when there is none: what nodes met is in their rows.
 */
export async function ownFault(
  connection: DuckDBConnection,
  parts: readonly string[],
  written: WrittenSql,
  tables: readonly EmptyTable[],
): Promise<ArmorlakeError | null> {
  const known = new Map(tables.map((table) => [foldName(`${table.schema}.${table.name}`), table]));
  for (const part of parts) {
    for (const { select, table } of selectsIn(await serialize(connection, part), known)) {
      const row = (await serialize(connection, rowOfNulls(table)))['node'];
      if (!isRecord(row)) continue;
      const sources = new Map([[foldName(`${table.schema}.${table.name}`), row]]);
      for (const probe of probesOf(select)) {
        const statement = replaceTables({ node: probe, named_param_map: [] }, sources);
        const error = await errorOf(connection, await deserialize(connection, statement), written);
        if (error !== null) return error;
      }
    }
  }
  return null;
}

interface OneTableSelect {
  readonly select: QueryNode;
  readonly table: EmptyTable;
}

function selectsIn(statement: TreeRecord, known: ReadonlyMap<string, EmptyTable>): readonly OneTableSelect[] {
  const found: OneTableSelect[] = [];
  visit(statement, 'statement', {
    enter(record, kind) {
      const from = kind === 'query' && textOf(record, 'type') === 'SELECT_NODE' ? recordOf(record, 'from_table') : null;
      const table = from === null ? undefined : known.get(tableOf(from) ?? '');
      if (table !== undefined) found.push({ select: record, table });
    },
  });
  return found;
}

/** The SELECT without its conditions, which a row of NULLs would not pass, and these as a SELECT of their own. */
function probesOf(select: QueryNode): readonly QueryNode[] {
  const conditions = conditionsOf(recordOf(select, 'where_clause'));
  const whole = { ...select, where_clause: null, having: null, qualify: null };
  return conditions.length === 0
    ? [whole]
    : [selectNode({ select_list: conditions, from_table: select['from_table'] ?? null }), whole];
}

/** Each condition by itself: AND and OR leave out what doesn't matter any more. */
function conditionsOf(condition: Expression | null): readonly Expression[] {
  if (condition === null) return [];
  const parts = /^(CONJUNCTION_(AND|OR)|OPERATOR_NOT)$/.test(textOf(condition, 'type'))
    ? recordsOf(condition, 'children')
    : [];
  return parts.length === 0 ? [condition] : parts.flatMap(conditionsOf);
}

function rowOfNulls({ columns }: EmptyTable): string {
  const list = columns
    .filter(({ type }) => isColumnType(type))
    .map(({ name, type }) => `NULL::${type} AS ${quoteIdentifier(name)}`);
  return `SELECT ${list.join(', ')}`;
}

/** What running it ends with; null when it succeeds, or can't be bound without what stood around it. */
async function errorOf(connection: DuckDBConnection, sql: string, written: WrittenSql): Promise<ArmorlakeError | null> {
  try {
    await reading(connection, () => readRows(connection, sql));
    return null;
  } catch (thrown) {
    if (/^(Binder|Catalog) Error/.test(String(thrown).replace(/^Error: /, ''))) return null;
    const error = queryError(thrown, written);
    return error.code === 'BAD_QUERY' ? error : null;
  }
}
